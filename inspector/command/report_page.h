// SPDX-License-Identifier: MIT
/*
 * report_page - the page that `pyinspect report -o FILE.html` writes.
 */
#ifndef PYINSPECT_REPORT_PAGE_H
#define PYINSPECT_REPORT_PAGE_H

#include "inspector/command/report_history.h"
#include "inspector/report/report.h"

/* So many types have a curve: the suspects, then those that grew most. */
enum { PAGE_MOST_CURVES = 12, PAGE_MOST_ROWS = 200 };

/* Fills a table of types (of processes), as report.c has it, for a person. */
typedef void page_fill(struct report *report, const struct history *history, size_t most);

/* May a page be written there? ERROR_USAGE where that would replace the history, or a file that is
 * no page of ours; ERROR_OUTPUT as replaced_file_is_ours. */
MUST_CHECK bool page_check(const char *path, const char *history, struct error *err);

/* Writes it; `name` is what the history is called. ERROR_OUTPUT where that cannot be. */
MUST_CHECK bool page_write(const char *path, const char *name, const struct history *history,
                           page_fill *fill_types, page_fill *fill_processes, struct error *err);

#endif
