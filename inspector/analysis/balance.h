// SPDX-License-Identifier: MIT
/*
 * balance - the references to an object: how many its count knows of, and how many were found.
 *
 * What the count has beyond those that were found is held by somebody who is no object: an
 * extension's C code, as a rule one that has forgotten to let go. It is certain as far as all
 * owned references are known. They are not in types that no kind knows, and nobody knows what a
 * call in progress holds, or which words on the stack of a frame that runs are in use.
 */
#ifndef PYINSPECT_BALANCE_H
#define PYINSPECT_BALANCE_H

#include "inspector/analysis/holders.h"

struct balance {
    uint64_t refcount;
    bool is_immortal; /* nobody counts its references; nor where the count cannot be read */
    uint64_t visited, owned, roots; /* that count */
    uint64_t guesses; /* that may count: from objects that nobody knows, from stacks */
};

void balance_of(struct balance *ret, const struct graph *graph, const struct reader *reader,
                const struct holders *holders, uint32_t node);

/* How many references nobody has; negative: so many were found that it does not count. */
static inline int64_t balance_surplus(const struct balance *balance)
{
    return balance->is_immortal
               ? 0
               : (int64_t)(balance->refcount - balance->visited - balance->owned - balance->roots);
}

#endif
