// SPDX-License-Identifier: MIT
/*
 * traces_export - traces in formats that others' viewers read.
 *
 * Frames of tracemalloc have no function: `file:line` is what a frame is called, as in "app.py:12".
 * What could drive a terminal or is no UTF-8 becomes "?".
 */
#ifndef PYINSPECT_TRACES_EXPORT_H
#define PYINSPECT_TRACES_EXPORT_H

#include "inspector/analysis/traces.h"
#include "symbols/base/text.h"

#include <stdio.h>

/* Folded stacks: a line a stack, oldest frame first, frames joined by ";", a blank, the bytes.
 * ";" in names becomes ":". What was cut off at the limit is a frame "[N frames not stored]" in
 * front. ERROR_OUTPUT, ERROR_SYSTEM. */
MUST_CHECK bool traces_write_folded(FILE *out, const struct traces *traces, struct error *err);

/*
 * A gzipped profile.proto of pprof: inuse_objects/count and inuse_space/bytes, for each stack and
 * domain; blocks of other domains than 0 have the label "domain". Each line is a location and a
 * function, which is called `file:line`, so that pprof's reports are by line. What was cut off at
 * the limit is not told. Numbers from 2^63 on become 2^63 - 1. ERROR_OUTPUT, ERROR_SYSTEM.
 */
MUST_CHECK bool traces_write_pprof(FILE *out, const struct traces *traces, struct error *err);

/* A name as both write it; `semicolon` stands for ";". For these two alone. */
void traces_export_name(struct text *text, const struct trace_file *file, char semicolon);

#endif
