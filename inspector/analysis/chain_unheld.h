// SPDX-License-Identifier: MIT
/*
 * chain_unheld - who keeps an object alive that no root leads to.
 *
 * All that refers to it, directly or not, is looked at, the nearest first. One of these objects has
 * references that nobody found (balance.h): then somebody outside the heap holds that one. Else
 * they hold each other: a cycle that waits for the collector.
 */
#ifndef PYINSPECT_CHAIN_UNHELD_H
#define PYINSPECT_CHAIN_UNHELD_H

#include "inspector/analysis/balance.h"

/* False: enough. `depth`: references between the node and the one that was asked about. */
typedef bool unheld_visit(void *context, uint32_t node, unsigned depth);

/* Tells the node, and all that refers to it, directly or not, the nearest first, each once; but not
 * through those that are ignored. Fails for want of memory. */
MUST_CHECK bool unheld_each(const struct graph *graph, uint32_t target, const uint32_t *ignored,
                            size_t ignored_count, unheld_visit *visit, void *context,
                            struct error *err);

struct unheld {
    uint32_t *nodes; /* from the one that was asked about to the holder */
    size_t count;    /* 0: nothing refers to it, and its count says nothing else */
    uint64_t surplus;
    bool is_cycle; /* nodes[cycle] refers to the last of them */
    size_t cycle;
};

/* Zero-initialised; to be freed after failure too, which is for want of memory. */
MUST_CHECK bool unheld_find(struct unheld *ret, const struct graph *graph,
                            const struct reader *reader, const struct holders *holders,
                            uint32_t target, struct error *err);
void unheld_free(struct unheld *unheld);

#endif
