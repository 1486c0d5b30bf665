// SPDX-License-Identifier: MIT
/*
 * trace_order - puts many stacks in order.
 *
 * Stacks share long beginnings, above all when they are looked at from the oldest frame on. So they
 * are sorted frame by frame, each frame once, and not stack against stack.
 */
#ifndef PYINSPECT_TRACE_ORDER_H
#define PYINSPECT_TRACE_ORDER_H

#include "inspector/analysis/traces.h"

struct ordered_stack {
    const struct trace_frame *frames;
    const uint32_t *ranks; /* of files, by their numbers; NULL: the numbers are ranks */
    uint32_t count;        /* of frames */
    uint32_t tie;          /* stacks with the same frames go by it */
    uint32_t number;       /* the caller's */
    uint64_t key;          /* ours */
};

/* Sorts by rank and line of each frame, as Python does tuples: what is a beginning of another comes
 * before it. `from_oldest`: the frames are looked at from the last to the first. ERROR_SYSTEM. */
MUST_CHECK bool trace_stacks_sort(struct ordered_stack *items, size_t count, bool from_oldest,
                                  struct error *err);

/* Sorts by domain, stack and size. ERROR_SYSTEM. */
MUST_CHECK bool trace_rows_sort(struct trace_row *rows, size_t count, struct error *err);

#endif
