// SPDX-License-Identifier: MIT
/*
 * traces_take - takes the traces out of an image.
 */
#ifndef PYINSPECT_TRACES_TAKE_H
#define PYINSPECT_TRACES_TAKE_H

#include "inspector/analysis/traces.h"
#include "inspector/python/tracemalloc.h"
#include "symbols/base/address_map.h"

struct traces_verdict {
    struct tracemalloc state; /* is_tracing false: there is nothing to take, and nothing was */
    struct tracemalloc_verdict blocks;
    uint64_t unreadable; /* blocks whose traceback could not be read; they are told under
                          * "<unreadable>", line 0 */
};

/* Was every block seen, with certainty? */
bool traces_are_verified(const struct traces_verdict *verdict);

/* Origin and occasion are the caller's to fill in. Fails as tracemalloc_read, and with ERROR_SYSTEM
 * for want of memory; *ret is empty where it does not trace. */
MUST_CHECK bool traces_take(const struct reader *reader, struct traces *ret,
                            struct traces_verdict *ret_verdict, struct error *err);

/* What the tracebacks of an image have become. */
struct trace_places {
    struct address_map numbers; /* by a traceback's address */
    uint32_t *stacks;           /* by that number: the number in `traces` */
    uint32_t unreadable;        /* such a number, of those that could not be read */
};

/* The number of the stack in the traces; UINT32_MAX: no block has that traceback. */
uint32_t trace_places_find(const struct trace_places *places, uint64_t traceback);
void trace_places_free(struct trace_places *places); /* zero-initialised is fine */

/* As traces_take, and notes what became of the tracebacks. */
MUST_CHECK bool traces_take_placing(const struct reader *reader, struct traces *ret,
                                    struct traces_verdict *ret_verdict,
                                    struct trace_places *ret_places, struct error *err);

#endif
