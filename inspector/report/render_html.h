// SPDX-License-Identifier: MIT
/*
 * render_html - prints an answer as one page for a browser that stands by itself: texts, charts of
 * curves, tables. It knows units, not meanings.
 *
 * The page asks for nothing: styles, script and the chart library (dygraphs, see the Makefile) are
 * inside it, and its content security policy forbids everything else. Without JavaScript the
 * tables are there, the curves are not. It is light or dark as the reader's system is, and prints.
 *
 * Texts may come from a target and hold anything: they are escaped by text_add_escaped, then for
 * HTML; what the script reads is JSON in which no character means anything to HTML. Names are
 * never given to the chart library. Its script notes in the DOM how many curves were drawn
 * (data-curves of the root element), and an error (data-error) or a breach of the policy
 * (data-violation) if there is one.
 */
#ifndef PYINSPECT_RENDER_HTML_H
#define PYINSPECT_RENDER_HTML_H

#include "inspector/report/report.h"
#include "symbols/base/text.h"

struct html_point {
    double time; /* milliseconds since 1970, UTC */
    double value;
};

struct html_line {
    const char *label;
    const struct html_point *points; /* by time */
    size_t count;
};

struct html_chart {
    const char *title, *note;
    const struct html_line *lines;
    size_t line_count;
    bool is_wide;   /* takes the whole width */
    bool is_marked; /* stands out */
    bool from_zero; /* the axis begins at 0 */
};

struct html_table {
    const char *title;
    const struct report *report; /* its rows and notes */
    size_t marked;               /* so many of the first rows stand out */
};

struct html_fact {
    const char *key, *value;
};

struct html_page {
    const char *over, *title, *lede; /* what it is about, in a few words, in a sentence */
    const struct html_fact *facts;
    size_t fact_count;
    const char *charts_title;
    const struct html_chart *charts;
    size_t chart_count;
    const struct html_table *tables;
    size_t table_count;
    const char *footer;
};

/* What each page begins with, and only ours: it names what made it. */
extern const char html_page_beginning[];

/* Adds the page to `ret`. ERROR_SYSTEM where there is no memory or no random number. */
MUST_CHECK bool render_html(const struct html_page *page, struct text *ret, struct error *err);

/* What `make` has put into the program (build/): files as they are. */
struct html_part {
    const char *bytes;
    size_t length;
};
extern const struct html_part html_page_style, html_page_script;
extern const struct html_part html_library_style, html_library_script, html_library_licence;

#endif
