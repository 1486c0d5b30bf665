// SPDX-License-Identifier: MIT
/*
 * rows - prints a long table row by row, as its rows come: nothing of it is kept.
 *
 * Escapes and errors are those of render.h. What differs is that columns have widths that were
 * chosen beforehand, that a value may be of another unit than its column ("permanent" among
 * numbers, nothing at all), and that JSON is an object a line (JSON Lines).
 */
#ifndef PYINSPECT_ROWS_H
#define PYINSPECT_ROWS_H

#include "inspector/report/render.h"
#include "symbols/base/text.h"

enum { MOST_ROW_COLUMNS = 64 };

struct row_column {
    const char *key;   /* for JSON and CSV */
    const char *title; /* for a person */
    /* For JSON, the object that it is a member of, or NULL: members of one group are neighbours.
     * CSV puts it before the key, with a dot. */
    const char *group;
    enum unit unit;
    /* Columns of text. What a longer value takes is taken from the blanks of those behind it. */
    unsigned width;
};

struct rows;

/* How a format prints; each adds to rows->line. */
struct rows_format {
    void (*begin)(struct rows *rows); /* NULL: there is nothing before the first row */
    void (*row)(struct rows *rows, const struct value *values);
};

/* The second is text without the line of titles. */
extern const struct rows_format rows_text, rows_text_untitled, rows_json, rows_csv;

/* On their way out. */
struct rows {
    const struct rows_format *format;
    const struct row_column *columns;
    size_t count; /* of columns */
    struct render_style style;
    FILE *out;
    struct text line, field; /* scratch */
    struct text keys;        /* scratch: what JSON has before each value, and where that ends */
    size_t key_ends[MOST_ROW_COLUMNS];
};

/*
 * `columns`, at most MOST_ROW_COLUMNS, must live as long as the rows. rows_end is to be called in
 * any case; it flushes `out` if `done`, and returns whether all went well.
 */
MUST_CHECK bool rows_begin(struct rows *rows, const struct rows_format *format,
                           const struct row_column *columns, size_t count,
                           const struct render_style *style, FILE *out, struct error *err);
/* A value a column. Fails as soon as `out` takes no more: then no other row is worth making. */
MUST_CHECK bool rows_add(struct rows *rows, const struct value *values, struct error *err);
MUST_CHECK bool rows_end(struct rows *rows, bool done, struct error *err);

/* Values for rows. Texts are not copied. */
static inline struct value value_text(const char *text, size_t length)
{
    return (struct value){.unit = UNIT_TEXT, .text = text, .length = length};
}

static inline struct value value_source(const char *text, size_t length)
{
    return (struct value){.unit = UNIT_SOURCE, .text = text, .length = length};
}

static inline struct value value_number(enum unit unit, uint64_t number)
{
    return (struct value){.unit = unit, .number = number};
}

static inline struct value value_addresses(const uint64_t *addresses, size_t count)
{
    return (struct value){.unit = UNIT_ADDRESSES, .addresses = addresses, .length = count};
}

static inline struct value value_nothing(void)
{
    return (struct value){.unit = UNIT_NOTHING};
}

#endif
