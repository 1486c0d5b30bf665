// SPDX-License-Identifier: MIT
/*
 * graph - the whole heap as nodes and edges: what every object refers to, and what refers to it.
 *
 * Nodes are all objects that can be reached (reach.h), and what only a traversal could tell of.
 * They are numbered from 0, by address; but those that guesses alone lead to come behind all
 * others, and those that only a traversal knows of behind these (nodes.h). Edges are kept as rows
 * of numbers one behind the other: forwards (referents, in the order of tp_traverse, each as often
 * as it is referred to) and backwards (referrers, by number, each as often as it refers). An edge
 * is visited (tp_traverse tells of it, and so does gc.get_referents) or owned (reference.h); in a
 * row the visited ones come first.
 *
 * Visited edges are those of the type's own tp_traverse, run on the image (traversal.h). Where that
 * is turned off, cannot be had or failed for an object, they are what kinds know, and the node is
 * GRAPH_BY_KIND; where no kind knows the type, they are words that look like objects. An object
 * that has no tp_traverse to be run has no visited edges, and that is certain. Owned edges are
 * always what kinds know. A node that has guesses among its edges, visited or owned, is
 * GRAPH_APPROXIMATE.
 *
 * A traversal is believed only where it leads to an object; what it tells besides is damage, which
 * the verdict counts. There are no more edges than the memory has room for, whatever is told.
 *
 * Beyond the image less than 24 bytes a node and 8 an edge are taken, temporary memory included.
 * Roots (roots.h) are no nodes.
 *
 * Traversals want a whole image. Where the copy is made in pieces none is run (`in_pieces`), and
 * kinds answer.
 */
#ifndef PYINSPECT_GRAPH_H
#define PYINSPECT_GRAPH_H

#include "inspector/analysis/agreement.h"
#include "inspector/analysis/edge_rows.h"
#include "inspector/analysis/nodes.h"
#include "inspector/python/reader.h"
#include "inspector/sandbox/traversal.h"
#include "symbols/base/progress.h"

enum { GRAPH_NONE = NODES_NONE }; /* no node has this number, or a higher one */

/* An edge in a row: the number of the node at its other end, and whether it is owned. */
#define GRAPH_OWNED EDGE_OWNED

enum graph_flag {
    GRAPH_TRACKED = 1,     /* on a list of the collector */
    GRAPH_BY_KIND = 2,     /* it has a tp_traverse, of which its visited edges are not */
    GRAPH_APPROXIMATE = 4, /* some of its edges are guesses */
    GRAPH_FLAGGED = 8,     /* its traversal was run and failed, or shunned */
};
enum { GRAPH_FLAGS = 4 };

typedef bool graph_traverse(struct image *image, const struct traversal_setting *setting,
                            const uint64_t *objects, size_t count, traversal_visit *visit,
                            void *context, struct traversal_report *ret, struct error *err);

struct graph_options {
    bool no_exec;              /* run nothing: kinds and guesses alone */
    bool in_pieces;            /* the same, because the image is never whole */
    bool forwards_only;        /* no referrers */
    struct progress *progress; /* NULL: nobody looks */
    graph_traverse *traverse;  /* NULL: traversal_run; tests have their own */
};

struct graph_report {
    struct reach_verdict verdict;
    struct traversal_report traversal;
    struct agreement agreement;
    uint64_t nodes, edges, owned_edges;
    uint64_t flags[GRAPH_FLAGS]; /* nodes that have each flag, in the order of enum graph_flag */
    bool traversed;              /* traversals were run */
    char not_traversed[1024];    /* why not, "" if they were or were not wanted */
};

struct graph;

/*
 * Makes the graph of what the image holds. `types` is filled as types are met and must outlive it.
 * Fails as reach_walk; with ERROR_LIMIT beyond 2^31 - 2 objects. The image is given a rest now and
 * then.
 */
MUST_CHECK bool graph_make(struct graph **ret, const struct reader *reader,
                           const struct graph_options *options, struct graph_report *report,
                           struct error *err);
void graph_free(struct graph *graph); /* NULL is fine */

uint32_t graph_nodes(const struct graph *graph);
/* The number of the object at `address`; GRAPH_NONE: it is no node. */
uint32_t graph_find(const struct graph *graph, uint64_t address);
uint64_t graph_address(const struct graph *graph, uint32_t node);
unsigned graph_flags(const struct graph *graph, uint32_t node);

/* A row. It is good as long as the graph is. */
struct graph_row {
    const uint32_t *edges; /* see GRAPH_OWNED */
    size_t count;
};

static inline uint32_t graph_end(uint32_t edge)
{
    return edge & ~GRAPH_OWNED;
}

static inline bool graph_is_owned(uint32_t edge)
{
    return edge & GRAPH_OWNED;
}

struct graph_row graph_referents(const struct graph *graph, uint32_t node);
struct graph_row graph_referrers(const struct graph *graph, uint32_t node);

#endif
