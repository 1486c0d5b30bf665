// SPDX-License-Identifier: MIT
/*
 * output - what the renderers share: lines on their way out, and values for a machine. For
 * inspector/report/ alone.
 *
 * A stream buffers, so a full disk shows only with some later line; each line asks for it, which
 * keeps a long report from being made for nobody. SIGPIPE is the caller's to ignore.
 */
#ifndef PYINSPECT_OUTPUT_H
#define PYINSPECT_OUTPUT_H

#include "inspector/report/report.h"
#include "symbols/base/text.h"

#include <stdio.h>

/* Is the report whole? ERROR_SYSTEM if not. */
MUST_CHECK bool output_start(const struct report *report, struct error *err);

/* Writes `text` and clears it. ERROR_SYSTEM where it could not be built, else ERROR_OUTPUT. */
MUST_CHECK bool output_text(FILE *out, struct text *text, struct error *err);

/* Flushes, and fails with ERROR_OUTPUT where anything written to `out` was lost. */
MUST_CHECK bool output_finish(FILE *out, struct error *err);

/* Adds a value that is no text as JSON and CSV have it: 1234, 14.200, true, 0x7f3a5c0d1e80. */
void output_add_plain(struct text *text, const struct value *value);

/* Of UNIT_CHANGE and UNIT_CHANGE_BYTES: is it negative, and how great is it? */
bool output_is_less(const struct value *value);
uint64_t output_change(const struct value *value);

/* Adds the texts of UNIT_TEXTS, escaped, with blanks between. */
void output_add_texts(struct text *text, const struct value *value);

/* Adds those of UNIT_ADDRESSES, each within `quote`. */
void output_add_addresses(struct text *text, const struct value *value, const char *quote,
                          const char *between);

/* Adds a value as a person reads it, a text in at most `most` columns (0: all of it). */
void output_add_cell(struct text *text, const struct value *value, size_t most);

/* Writes the facts and the rows of a report as members of a JSON object, without its braces, after
 * what stands in `text`, which is empty then. Fails as output_text. */
MUST_CHECK bool output_json(const struct report *report, struct text *text, FILE *out,
                            struct error *err);

/* How many rows are complete. */
size_t output_rows(const struct report *report, size_t value_count);

#endif
