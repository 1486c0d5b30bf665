// SPDX-License-Identifier: MIT
/*
 * report - an answer before it has a format: facts about it, and one table.
 *
 * A command fills a report; a renderer (render.h) prints it. A report knows units, not meanings.
 * Building never fails midway: a failed allocation is remembered and render_* reports it.
 *
 * Texts are copied. They may come from a target and hold anything (UTF-8, lone surrogates in
 * three-byte form, garbage, control bytes); each renderer escapes as its format wants it.
 */
#ifndef PYINSPECT_REPORT_H
#define PYINSPECT_REPORT_H

#include "symbols/base/arena.h"
#include "symbols/base/error.h"

#include <stdint.h>

enum unit {
    UNIT_TEXT,
    UNIT_COUNT,        /* a number of things */
    UNIT_BYTES,        /* text: "84.1 MiB"; JSON and CSV: plain bytes */
    UNIT_CHANGE,       /* by how many there are more: text "+1,204", "-3", "+0"; else 1204, -3, 0 */
    UNIT_CHANGE_BYTES, /* text: "+84.1 MiB", "-512 B" */
    UNIT_DECIMAL,      /* a double; text: "+3,600", below ten "-0.41"; JSON and CSV: 3600.000 */
    UNIT_MILLISECONDS, /* a double, not negative; text: "14.2 ms"; JSON and CSV: 14.200 */
    UNIT_BOOL,         /* text: "yes" or "no"; JSON and CSV: true or false */
    UNIT_PROSE,        /* of a column: text that is never cut, however narrow the terminal */
    UNIT_PATH,         /* of a column: text whose end matters: it is cut at its beginning */
    UNIT_TEXTS,        /* several texts, each ended by a NUL; JSON: an array, else blanks between */
    UNIT_COUNTS, /* of a fact: several numbers, as digits, each ended by a NUL; JSON: an array */
    /* For rows (rows.h): */
    UNIT_SOURCE,    /* a text that is Python source, with escapes of its own: "'it\\n'" */
    UNIT_ADDRESS,   /* "0x7f3a5c0d1e80"; JSON: the same, a string */
    UNIT_ADDRESSES, /* several of them; JSON: an array of strings, else blanks between */
    UNIT_NOTHING,   /* of a value: there is none; text: "-", JSON: null, CSV: empty */
};

struct value {
    enum unit unit;
    const char *text;          /* UNIT_TEXT: `length` bytes, NUL-terminated besides */
    const uint64_t *addresses; /* UNIT_ADDRESSES: `length` of them */
    size_t length;
    uint64_t number; /* UNIT_COUNT, UNIT_BYTES, UNIT_BOOL, UNIT_ADDRESS; as an int64_t: UNIT_CHANGE,
                      * UNIT_CHANGE_BYTES */
    double milliseconds; /* UNIT_MILLISECONDS, UNIT_DECIMAL */
};

/* A fact: "objects" = 152340, "target.pid" = 4711. A dot in the key nests it (JSON object). */
struct fact {
    const char *key;
    struct value value;
};

struct column {
    const char *key;   /* for JSON and CSV: "type" */
    const char *title; /* for a person: "Type" */
    enum unit unit;
};

struct report {
    struct arena arena;
    struct fact *facts; /* in the order in which they were added; equal prefixes are neighbours */
    size_t fact_count, fact_capacity;

    const char *rows_key; /* what JSON calls the rows: "types" */
    const struct column *columns;
    size_t column_count;
    struct value *values; /* row after row, column_count values each */
    size_t value_count, value_capacity;

    struct value heading; /* a line for a person before the table; without text: none */

    /* Closing lines for a person ("1,234 other types ..."), columns as above; JSON and CSV, which
     * carry the rows for a machine to sum, leave them out. */
    struct value *summary;
    size_t summary_count, summary_capacity;

    /* Lines for a person after all of them; JSON and CSV leave them out too. */
    struct value *notes;
    size_t note_count, note_capacity;

    bool failed; /* no memory: the report is not whole */
};

/* `columns` and `rows_key` must outlive the report (they are static tables). */
void report_init(struct report *report, const char *rows_key, const struct column *columns,
                 size_t column_count);
void report_free(struct report *report);

/* Keys are string literals; they are not copied. Texts are, those of a value too. */
void report_fact(struct report *report, const char *key, struct value value);
void report_fact_text(struct report *report, const char *key, const char *text);
void report_fact_texts(struct report *report, const char *key, const char *texts, size_t length);
void report_fact_number(struct report *report, const char *key, enum unit unit, uint64_t number);
void report_fact_milliseconds(struct report *report, const char *key, double milliseconds);
void report_fact_counts(struct report *report, const char *key, const uint64_t *counts,
                        size_t count);
void report_fact_decimal(struct report *report, const char *key, double number);

/*
 * Cells are added in column order; a row is complete when column_count of them were added, and only
 * complete rows are printed. A cell takes the unit of its column, which must be text for the one
 * and a number for the other (in a column of milliseconds: whole ones).
 */
void report_cell_text(struct report *report, const char *text, size_t length);
void report_cell_number(struct report *report, uint64_t number);
void report_cell_change(struct report *report, int64_t change);
void report_cell_decimal(struct report *report, double number);
/* `length` bytes of UNIT_TEXTS. */
void report_cell_texts(struct report *report, const char *texts, size_t length);
/* There is no value, whatever the column is of. */
void report_cell_nothing(struct report *report);

/* The same for the closing lines. */
void report_summary_text(struct report *report, const char *text);
void report_summary_number(struct report *report, uint64_t number);
void report_summary_change(struct report *report, int64_t change);
void report_summary_nothing(struct report *report);

/* A line before the table. */
void report_heading(struct report *report, const char *text, size_t length);

/* A line of its own after it, which takes no part in the columns. */
void report_note(struct report *report, const char *text, size_t length);

#endif
