// SPDX-License-Identifier: MIT
/*
 * chain_search - the shortest simple paths of a graph from sources to a node, in order of their
 * cost.
 *
 * First the distance of every node from the nearest source is found, forwards. It is then an exact
 * bound for a walk backwards from the target: paths of one cost after the other are enumerated,
 * without any that cannot keep it, so the first path takes hardly more than its own length. Memory
 * is 4 bytes a node and sort of edges. The work behind the distances is bounded; what it did not
 * get to is told.
 */
#ifndef PYINSPECT_CHAIN_SEARCH_H
#define PYINSPECT_CHAIN_SEARCH_H

#include "inspector/analysis/graph.h"

/* Which references a path may use. */
enum chain_edges {
    CHAIN_VISITED, /* those that a traversal told of, or a kind that knows of traversals */
    CHAIN_OWNED,   /* owned ones too */
    CHAIN_GUESSES  /* and guesses */
};

/* The graph's idea of one: `from` refers to something by an edge that is_owned or not. */
enum chain_edges chain_edge_of(const struct graph *graph, uint32_t from, bool is_owned);

struct chain_source {
    uint32_t node, cost;  /* the node first, for order_first */
    size_t number;        /* the caller's; ascending cost, then as the caller likes */
    enum chain_edges use; /* as if it were an edge */
    bool is_end;          /* no path goes through this node: it ends, or begins, there */
    /* No source, but a node that paths go through only where they begin before it, at one that
     * is_end: the dictionary of a module. */
    bool is_gate;
};

/* A path that was found: nodes from the target to that of the source. False: enough. */
typedef bool chain_path(void *context, const uint32_t *nodes, size_t count, size_t source);

/* Zero-initialised is empty. The distances stay as long as the graph, the sources and what is
 * ignored do. */
struct chain_search {
    const struct graph *graph;
    struct chain_source *sources; /* by node, then cost; allocated, and freed with the search */
    size_t source_count;
    uint32_t *ignored; /* nodes that no path goes through, but for the target; freed too */
    size_t ignored_count;
    uint64_t most_steps; /* in a path; 0: any number */

    /* Its own. */
    uint32_t *distances[CHAIN_GUESSES + 1]; /* by the sort of edges that may be used */
    uint64_t *on_path;                      /* a bit a node */
    struct chain_step *steps;
    size_t step_count, step_capacity;
    uint32_t *nodes;
    size_t node_capacity;
    uint64_t work;
    bool was_cut; /* there may be more */
};

/* The cost of one reference. Sources may have any cost; those of less come first. */
enum { CHAIN_STEP = 8 };

/*
 * Tells the paths to `target` that use edges up to `edges` and at least one (or a source) of just
 * that sort: so what was told of one sort is not told again of the next. Fails for want of memory.
 */
MUST_CHECK bool chain_search_run(struct chain_search *search, uint32_t target,
                                 enum chain_edges edges, chain_path *tell, void *context,
                                 struct error *err);
void chain_search_free(struct chain_search *search);
/* Forgets the sources, and what was worked out with them. */
void chain_search_forget(struct chain_search *search);

#endif
