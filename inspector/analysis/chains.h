// SPDX-License-Identifier: MIT
/*
 * chains - why an object is alive: the shortest chains of references from a root to it.
 *
 * A root is what no object holds (roots.h): a module of sys.modules, a local of a running frame, an
 * interpreter's own table. A module that sys.modules has is where a chain begins, not sys.modules,
 * and no chain goes through one. Chains are found in order of their length, each with no object
 * twice; of equal ones those from modules first, then from threads and frames, then from the
 * interpreter's own state (holders.h). Visited references are used alone as long as they lead to a
 * root; else owned ones too; guesses last.
 *
 * Where no root leads to the object, somebody else holds it: an object whose count says so (see
 * balance.h), or itself, in a cycle that the collector has not met yet. Then one chain says that.
 */
#ifndef PYINSPECT_CHAINS_H
#define PYINSPECT_CHAINS_H

#include "inspector/analysis/balance.h"
#include "inspector/analysis/chain_search.h"
#include "inspector/analysis/links.h"
#include "inspector/analysis/predicate.h"

enum chain_start {
    CHAIN_FROM_ROOT,
    CHAIN_FROM_OBJECT,  /* that was asked for (chains_options.to) */
    CHAIN_FROM_OUTSIDE, /* from an object that has references that nobody found */
    CHAIN_FROM_CYCLE,   /* nodes[0] is another one of the nodes, too: they hold each other */
};

struct chain {
    enum chain_start start;
    /* CHAIN_FROM_ROOT: what holds nodes[0]; CHAIN_FROM_OBJECT: a module of sys.modules that it is,
     * or ROOT_NONE, as for the others. */
    struct root root;
    uint64_t surplus; /* CHAIN_FROM_OUTSIDE: the references to nodes[0] that nobody found */
    size_t cycle;     /* CHAIN_FROM_CYCLE: nodes[cycle] refers to nodes[0] by `back` */
    struct link back;
    uint32_t *nodes;    /* from the root's object to the one that was asked about */
    struct link *links; /* links[i]: how nodes[i] refers to nodes[i + 1] */
    size_t count;       /* of nodes; 1 or more */
};

struct chains_options {
    uint64_t most;              /* chains; 1 or more */
    const struct predicate *to; /* begin at objects for which it holds, in place of roots */
    const uint64_t *ignored;    /* addresses that no chain goes through */
    size_t ignored_count;
    unsigned max_length; /* references in a chain; 0: any */
};

struct chains {
    struct chain *items;
    size_t count, capacity;
    bool were_cut;          /* there may be more, work was bounded */
    enum chain_edges edges; /* which were needed */
    struct balance balance; /* of the object's references */
    struct arena arena;
};

/*
 * `target` is a node. `search` is zero-initialised, and is the same for all targets of one graph
 * with the same options: distances are worked out once. It is to be freed with chain_search_free,
 * and `chains` after failure too, which is for want of memory alone.
 */
MUST_CHECK bool chains_find(struct chains *chains, const struct graph *graph,
                            const struct reader *reader, const struct holders *holders,
                            uint32_t target, const struct chains_options *options,
                            struct chain_search *search, struct error *err);
void chains_free(struct chains *chains);

#endif
