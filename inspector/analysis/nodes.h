// SPDX-License-Identifier: MIT
/*
 * nodes - the objects of a graph: their numbers, from 0 on, their addresses, a byte of flags each.
 *
 * First come those that reach.h is certain of, then those that guesses alone lead to, each by
 * address; then those that were added, in that order. The numbers of the first two need no table:
 * they are ranks in the sets that reach_find has made (ranks.h). All in all a node takes 9 bytes,
 * and a 50th of the memory that they lie in; one that was added takes more.
 */
#ifndef PYINSPECT_NODES_H
#define PYINSPECT_NODES_H

#include "inspector/analysis/ranks.h"
#include "inspector/analysis/reach.h"
#include "symbols/base/address_map.h"

/* No node has this number, or a higher one: numbers have 31 bits. */
enum { NODES_NONE = UINT32_MAX >> 1 };

struct nodes {
    uint64_t *addresses;
    uint8_t *flags; /* what they mean is the user's, but see nodes_make */
    uint32_t count;
    uint32_t certain, found; /* so many are certain; so many are not added */

    struct reach_found sets; /* without the tracked ones */
    struct ranks ranks[2];   /* of the certain ones, of the guessed */
    struct address_map added;
    size_t address_capacity, flag_capacity;
};

/*
 * Numbers what reach_find has found, of which nothing is left to the caller; the flag of those that
 * are tracked is `tracked`, of others 0. ERROR_LIMIT where there are too many. To be freed after
 * failure too.
 */
MUST_CHECK bool nodes_make(struct nodes *ret, struct reach_found *found, uint8_t tracked,
                           struct error *err);
void nodes_free(struct nodes *nodes);

/* NODES_NONE: it is none. */
uint32_t nodes_find(const struct nodes *nodes, uint64_t address);

/* Adds one that is none yet, with flags 0. */
MUST_CHECK bool nodes_add(struct nodes *nodes, uint64_t address, uint32_t *ret, struct error *err);

#endif
