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
    uint64_t statics; /* that count if there are so many: variables of C code (static_words.h) */
    uint64_t guesses; /* that may count: from objects that nobody knows, from stacks */
};

void balance_of(struct balance *ret, const struct graph *graph, const struct reader *reader,
                const struct holders *holders, uint32_t node);

/* How many references are certainly none of those that were found; negative: more were found than
 * are counted. */
static inline int64_t balance_uncertain(const struct balance *balance)
{
    return balance->is_immortal
               ? 0
               : (int64_t)(balance->refcount - balance->visited - balance->owned - balance->roots);
}

/* How many references nobody has: of those that are uncertain as many as variables of C code
 * cannot have. */
static inline int64_t balance_surplus(const struct balance *balance)
{
    int64_t uncertain = balance_uncertain(balance);

    if (uncertain <= 0)
        return uncertain;
    return (uint64_t)uncertain > balance->statics ? uncertain - (int64_t)balance->statics : 0;
}

#endif
