// SPDX-License-Identifier: MIT
/*
 * trace_lines - which lines of which files the frames of traces name, each once: what many frames
 * share is written once.
 */
#ifndef PYINSPECT_TRACE_LINES_H
#define PYINSPECT_TRACE_LINES_H

#include "inspector/analysis/traces.h"

struct trace_lines {
    uint64_t *keys; /* the file's number above, the line below; ascending, none twice */
    size_t count;
};

MUST_CHECK bool trace_lines_make(struct trace_lines *ret, const struct traces *traces,
                                 struct error *err);
void trace_lines_free(struct trace_lines *lines); /* zero-initialised is fine */

struct trace_frame trace_lines_get(const struct trace_lines *lines, size_t number);

/* The number of a frame's line, which is there. */
size_t trace_lines_find(const struct trace_lines *lines, const struct trace_frame *frame);

#endif
