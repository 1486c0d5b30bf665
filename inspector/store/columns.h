// SPDX-License-Identifier: MIT
/*
 * columns - the columns of a row, each checked for being of the kind that was stored.
 *
 * `ok` becomes false, and stays so, where one is not: it is asked once a row.
 */
#ifndef PYINSPECT_COLUMNS_H
#define PYINSPECT_COLUMNS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the row, good until the next step. */
struct column_bytes {
    const void *bytes; /* NULL where there are none */
    size_t length;
};

static inline int64_t column_number(sqlite3_stmt *row, int column, bool *ok)
{
    *ok &= sqlite3_column_type(row, column) == SQLITE_INTEGER;
    return sqlite3_column_int64(row, column);
}

/* What was stored bit by bit. */
static inline uint64_t column_unsigned(sqlite3_stmt *row, int column, bool *ok)
{
    return (uint64_t)column_number(row, column, ok);
}

/* Between `least` and `most`, or not ok and `least`. */
static inline uint64_t column_within(sqlite3_stmt *row, int column, uint64_t least, uint64_t most,
                                     bool *ok)
{
    uint64_t number = column_unsigned(row, column, ok);
    bool within = number >= least && number <= most;

    *ok &= within;
    return within ? number : least;
}

static inline bool column_flag(sqlite3_stmt *row, int column, bool *ok)
{
    return column_within(row, column, 0, 1, ok) == 1;
}

static inline double column_real(sqlite3_stmt *row, int column, bool *ok)
{
    *ok &= sqlite3_column_type(row, column) == SQLITE_FLOAT;
    return sqlite3_column_double(row, column);
}

/* `text` must stay until the statement ran. */
static inline bool column_bind_text(sqlite3_stmt *statement, int index, const char *text,
                                    size_t length)
{
    return sqlite3_bind_text64(statement, index, text, length, SQLITE_STATIC, SQLITE_UTF8) ==
           SQLITE_OK;
}

/* `kind`: SQLITE_TEXT or SQLITE_BLOB. */
static inline struct column_bytes column_bytes(sqlite3_stmt *row, int column, int kind, bool *ok)
{
    struct column_bytes ret = {.bytes = NULL};

    *ok &= sqlite3_column_type(row, column) == kind;
    ret.bytes = sqlite3_column_blob(row, column);
    ret.length = ret.bytes ? (size_t)sqlite3_column_bytes(row, column) : 0;
    return ret;
}

#endif
