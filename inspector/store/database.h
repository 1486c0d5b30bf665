// SPDX-License-Identifier: MIT
/*
 * database - SQLite, as far as a stranger's file may be given to it.
 *
 * Nothing in a file can make us run anything: its schema is ours word by word (schema.h), views and
 * triggers are off, extensions are off, sizes are limited by the file's own, and what is asked of
 * it ends (the work is bounded by its size too). A rollback journal beside it, which a killed
 * writer left, is honoured where both files are ours; where they are somebody else's, the file is
 * refused: a journal can be made up, and would be played with our rights. No other journal is ever
 * opened.
 */
#ifndef PYINSPECT_DATABASE_H
#define PYINSPECT_DATABASE_H

#include "symbols/base/error.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>
#include <sys/types.h>

enum database_use {
    DATABASE_READ,  /* failures are ERROR_INPUT; nothing is written but a journal played */
    DATABASE_ADD,   /* failures to write are ERROR_OUTPUT */
    DATABASE_BUILD, /* a new file under a temporary name: no journal, nothing is synced */
};

struct schema; /* schema.h: which kind of file it is */

struct database {
    sqlite3 *handle;
    const struct schema *schema;
    enum database_use use;
    const char *name;    /* for messages; the caller's */
    char path[PATH_MAX]; /* without symbolic links */
    dev_t device;        /* which file it was when it was opened */
    ino_t inode;
    sqlite3_vfs vfs;
    char vfs_name[32];
    uint64_t work; /* that may yet be done, in steps of SQLite's machine */
};

/*
 * Opens the database of that kind at `path`, which messages call `name`; it must outlive the
 * database. Not yet looked at is what is in it, but for the first 100 bytes (except DATABASE_BUILD,
 * of an empty file).
 */
MUST_CHECK bool database_open(struct database *database, const struct schema *schema,
                              const char *path, const char *name, enum database_use use,
                              struct error *err);

/* Zero-initialised is fine. */
void database_close(struct database *database);

/* What is at its path now is another file, or none. */
bool database_is_moved(const struct database *database);

/* Fails with what SQLite said last. */
bool database_fail(struct database *database, struct error *err);

/* Fails because the file is damaged: `how` it shows. */
bool database_damaged(const struct database *database, const char *how, struct error *err);

/* How many bytes its file has now; 0: nobody knows. */
uint64_t database_size(const struct database *database);

/* Begins a transaction. The work in it is bounded by the size of the file, and `more` where it
 * writes: about 20 a row. */
MUST_CHECK bool database_begin(struct database *database, struct error *err);
MUST_CHECK bool database_begin_to_write(struct database *database, uint64_t more,
                                        struct error *err);
MUST_CHECK bool database_commit(struct database *database, struct error *err);
/* Harmless where there is no transaction. */
void database_rollback(struct database *database);

MUST_CHECK bool database_run(struct database *database, const char *sql, struct error *err);

MUST_CHECK bool database_prepare(struct database *database, sqlite3_stmt **ret, const char *sql,
                                 struct error *err);

/* *ret_row: there is a row; otherwise it is at its end. */
MUST_CHECK bool database_step(struct database *database, sqlite3_stmt *statement, bool *ret_row,
                              struct error *err);

/* Runs a statement to its end, and makes it ready for the next time. */
MUST_CHECK bool database_do(struct database *database, sqlite3_stmt *statement, struct error *err);

/* The number in the first column of the first row, which must be there. */
MUST_CHECK bool database_number(struct database *database, const char *sql, int64_t *ret,
                                struct error *err);

static inline void cleanup_statement(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

#define AUTO_STATEMENT __attribute__((cleanup(cleanup_statement)))

#endif
