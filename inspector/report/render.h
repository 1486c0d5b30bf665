// SPDX-License-Identifier: MIT
/*
 * render - prints a report in a format. Renderers know units, not topics.
 *
 * All of them fail with ERROR_OUTPUT where `out` takes no more (a full disk, a closed pipe) and
 * with ERROR_SYSTEM where the report is not whole for want of memory; `out` is flushed on success.
 * They stop at the first write that fails. A closed pipe is an error only where SIGPIPE is ignored.
 */
#ifndef PYINSPECT_RENDER_H
#define PYINSPECT_RENDER_H

#include "inspector/report/report.h"

#include <stdio.h>

struct render_style {
    bool colour;    /* titles and closing lines in bold or dim; only for a terminal */
    unsigned width; /* columns of the terminal, which long texts are cut for; 0: it is none */
    bool headless;  /* CSV without its header: the rows follow those of another report */
};

typedef bool render_function(const struct report *report, const struct render_style *style,
                             FILE *out, struct error *err);

/*
 * For a person: the heading, then the table with aligned columns (text to the left, numbers to the
 * right, thousands with commas), a title line, the rows, the closing lines. Facts are not printed.
 * Text from a target is escaped by text_add_escaped and cut at 256 columns, or where the terminal's
 * width asks for less; widths are terminal columns, for which LC_CTYPE must be a UTF-8 locale
 * (text_columns).
 */
render_function render_text;

/*
 * One JSON object on one line: the facts, nested by the dots of their keys, in order, then the rows
 * as an array of objects. Whatever is text_is_harmful is escaped as \uXXXX (lone surrogates among
 * them), bytes that are not UTF-8 come out as U+FFFD: any JSON parser takes it, and no terminal
 * minds.
 */
render_function render_json;

/*
 * RFC 4180 with a header of column keys, LF line ends; only the rows. A field that a spreadsheet
 * would run as a formula (it starts with = + - or @, and is a text) gets a leading apostrophe. Text
 * is escaped as in render_text, line ends too, so a row is a line; it is not cut.
 */
render_function render_csv;

/* "84.1 MiB", "512 B", never "1,000.0 KiB" but "1.0 MiB": as format_count. */
const char *format_bytes(char *buffer, uint64_t bytes);
/* "1,234,567": into `buffer` of at least 32 bytes; returns `buffer`. */
const char *format_count(char *buffer, uint64_t count);

#endif
