// SPDX-License-Identifier: MIT
/*
 * render - prints a report in a format. Renderers know units, not topics.
 *
 * All of them fail with ERROR_OUTPUT where `out` takes no more (a full disk, a closed pipe) and with
 * ERROR_SYSTEM where the report is not whole for want of memory; `out` is flushed on success.
 */
#ifndef PYINSPECT_RENDER_H
#define PYINSPECT_RENDER_H

#include "inspector/report/report.h"

#include <stdio.h>

struct render_style {
    bool colour; /* titles and closing lines in bold or dim; only for a terminal */
};

typedef bool render_function(const struct report *report, const struct render_style *style,
                             FILE *out, struct error *err);

/*
 * For a person: the table with aligned columns (text to the left, numbers to the right, thousands
 * with commas), a title line, the rows, the closing lines. Facts are not printed. Text from a target
 * is escaped by text_add_escaped and cut at 256 columns; widths are terminal columns.
 */
render_function render_text;

/*
 * One JSON object on one line: the facts, nested by the dots of their keys, in order, then the rows
 * as an array of objects. Control characters, U+2028 and U+2029 are escaped, lone surrogates come out
 * as \udXXX, bytes that are not UTF-8 as U+FFFD: any JSON parser takes it.
 */
render_function render_json;

/*
 * RFC 4180 with a header of column keys, LF line ends; only the rows. A field that a spreadsheet
 * would run as a formula (it starts with = + - @ TAB or CR, and is a text) gets a leading apostrophe.
 * Control characters other than those CSV can quote come out as in text.
 */
render_function render_csv;

/* "84.1 MiB", "512 B", "1,023 B": into `buffer` of at least 32 bytes; returns `buffer`. */
const char *format_bytes(char *buffer, uint64_t bytes);
/* "1,234,567": into `buffer` of at least 32 bytes; returns `buffer`. */
const char *format_count(char *buffer, uint64_t count);

#endif
