// SPDX-License-Identifier: MIT
/*
 * page - an answer about one thing: facts, and tables about parts of it.
 *
 * A page is a list of reports. For a person it is a title, the facts of those reports that have no
 * table as aligned lines, then each table that has rows; for a machine one JSON object on one line
 * with all facts and all rows as its members. Escapes and errors are those of render.h.
 *
 * A page may have parts besides, reports that are alike: for a machine an array of objects under
 * one key, for a person nothing. And it may have prose, which a person reads in place of all else,
 * or lines below the tables.
 */
#ifndef PYINSPECT_PAGE_H
#define PYINSPECT_PAGE_H

#include "inspector/report/render.h"
#include "symbols/base/text.h"

enum { MOST_SECTIONS = 8 };

struct page {
    const char *title; /* owned by the first section */
    struct report sections[MOST_SECTIONS];
    size_t count;
    const char *parts_key; /* a literal; NULL: there are no parts */
    struct report *parts;
    size_t part_count, part_capacity;
    struct text prose;                   /* lines that are harmless; empty: there is none */
    struct text below;                   /* such lines for a person, below all else but prose */
    bool is_for_machines[MOST_SECTIONS]; /* a section whose facts a person does not see */
    bool failed;                         /* no memory: the page is not whole */
};

/* Adds a section, initialised as report_init does. There are at most MOST_SECTIONS. */
struct report *page_add(struct page *page, const char *rows_key, const struct column *columns,
                        size_t column_count);
/* Adds one with facts alone, for a machine. */
struct report *page_add_for_machines(struct page *page);
/* Ours, so it is printed as it is; it is copied. The first section must be there. */
void page_title(struct page *page, const char *title);
/* Adds a part, initialised as report_init does; NULL for want of memory. Good until the next. */
struct report *page_add_part(struct page *page, const char *rows_key, const struct column *columns,
                             size_t column_count);
void page_free(struct page *page);

MUST_CHECK bool page_text(const struct page *page, const struct render_style *style, FILE *out,
                          struct error *err);
MUST_CHECK bool page_json(const struct page *page, FILE *out, struct error *err);

#endif
