// SPDX-License-Identifier: MIT
/*
 * watch_rows - the table of one sample of a watch: a row a type, or with --traces a row a line or a
 * file.
 *
 * Lines are {"file", "line", "size", ...} for a machine, and "app.py:12" for a person.
 */
#ifndef PYINSPECT_WATCH_ROWS_H
#define PYINSPECT_WATCH_ROWS_H

#include "inspector/command/watch_options.h"
#include "inspector/report/report.h"

/* What begins each row of CSV, where there is but one table. */
struct watch_rows_mark {
    int64_t time_ms; /* since 1970 */
    uint64_t sample;
    pid_t pid; /* 0: of several */
};

/* "2026-11-21 12:30:00", local time, and "2026-11-21T11:30:00.000Z": into 32 bytes. */
const char *watch_time_for_person(char *buffer, int64_t time_ms);
const char *watch_time_for_machine(char *buffer, int64_t time_ms);

/* A slope as a whole number: one that is steeper than any count is of a moment without length. */
int64_t watch_slope(double slope);

/* A report with that table, or with none. */
void watch_rows_init(struct report *report, const struct watch_options *options, bool has_table);

/* Fails as growth_rows. */
MUST_CHECK bool watch_rows_add(struct report *report, const struct watch_options *options,
                               const struct watch_rows_mark *mark, struct growth *growth,
                               struct error *err);

#endif
