// SPDX-License-Identifier: MIT
/*
 * made_traces - traces that no process was needed for, written in a short form.
 */
#ifndef PYINSPECT_TESTS_MADE_TRACES_H
#define PYINSPECT_TESTS_MADE_TRACES_H

#include "inspector/analysis/traces.h"

/* Blocks of one row. */
struct made_row {
    uint32_t domain;
    const char *stack; /* "new.py:3 old.py:12", the most recent frame first */
    uint32_t all_frames;
    uint64_t size, count;
};

/* The number of a stack, which is added. */
uint32_t made_stack(struct traces_builder *builder, const char *stack, uint32_t all_frames);

/* To be freed by traces_free. */
void made_traces(struct traces *ret, const struct made_row *rows, size_t count);

/* "new.py:3 old.py:12"; to be freed. */
char *made_stack_text(const struct traces *traces, const struct trace_frame *frames,
                      uint32_t count);

/* Fails the test unless all is in the order that traces.h promises, once, and used. */
void made_traces_check(const struct traces *traces);

/* Are they the same, array by array? */
bool made_traces_equal(const struct traces *a, const struct traces *b);

#endif
