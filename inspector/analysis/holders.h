// SPDX-License-Identifier: MIT
/*
 * holders - which nodes of a graph are held by roots (roots.h), and how well a chain of references
 * begins there.
 */
#ifndef PYINSPECT_HOLDERS_H
#define PYINSPECT_HOLDERS_H

#include "inspector/analysis/graph.h"
#include "inspector/python/roots.h"

/* What a reference costs in the length of a chain: more than any two roots differ by. */
enum { HOLDERS_STEP = 8 };

struct holder {
    uint32_t node; /* that is held; the first member, for order_first */
    /*
     * Modules come first, then local variables, threads, the rest of frames, interpreters, types;
     * guesses last. The dictionary of a module counts as one reference from that module, whoever
     * else holds it: a frame that runs the module's code, an interpreter's pointer to the one of
     * sys.
     */
    uint32_t cost;
    struct root root;
};

struct holders {
    struct holder *items; /* by node, those of one node by cost */
    size_t count, capacity;
    /* The tables of interned strings, which are not counted there. */
    uint32_t *interned;
    size_t interned_count, interned_capacity;
    /* The dictionaries of modules. */
    uint32_t *dicts;
    size_t dict_count, dict_capacity;
    bool failed; /* no memory */
};

/* Collects all of them. Fails for want of memory alone. To be freed after failure too. */
MUST_CHECK bool holders_collect(struct holders *holders, const struct graph *graph,
                                const struct reader *reader, struct error *err);
void holders_free(struct holders *holders);

/* The first holder of the node, and how many there are. */
const struct holder *holders_of(const struct holders *holders, uint32_t node, size_t *ret_count);

/* Is it a root itself, so that a chain need not go on to what refers to it: a module of
 * sys.modules, a frame object that runs. */
bool holder_ends_chains(const struct holder *holder);

#endif
