// SPDX-License-Identifier: MIT
/*
 * page - an answer about one thing: facts, and tables about parts of it.
 *
 * A page is a list of reports. For a person it is a title, the facts of those reports that have no
 * table as aligned lines, then each table that has rows; for a machine one JSON object on one line
 * with all facts and all rows as its members. Escapes and errors are those of render.h.
 */
#ifndef PYINSPECT_PAGE_H
#define PYINSPECT_PAGE_H

#include "inspector/report/render.h"

enum { MOST_SECTIONS = 8 };

struct page {
    const char *title; /* owned by the first section */
    struct report sections[MOST_SECTIONS];
    size_t count;
};

/* Adds a section, initialised as report_init does. There are at most MOST_SECTIONS. */
struct report *page_add(struct page *page, const char *rows_key, const struct column *columns,
                        size_t column_count);
/* Ours, so it is printed as it is; it is copied. The first section must be there. */
void page_title(struct page *page, const char *title);
void page_free(struct page *page);

MUST_CHECK bool page_text(const struct page *page, const struct render_style *style, FILE *out,
                          struct error *err);
MUST_CHECK bool page_json(const struct page *page, FILE *out, struct error *err);

#endif
