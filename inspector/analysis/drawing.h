// SPDX-License-Identifier: MIT
/*
 * drawing - the part of the graph around some objects that a person wants to see: what they refer
 * to, what refers to them, or what lies on given chains; breadth first, with bounds.
 *
 * The rules are objgraph's (show_refs, show_backrefs, show_chain of objgraph 3.5), so that its
 * users get the pictures that they know:
 *
 *   - an object at max_depth is drawn, what it refers to is not
 *   - of each object's neighbours the first too_many are drawn, and how many more there are; one
 *     that is referred to several times counts and is drawn as often
 *   - neighbours that are ignored, or that the filter refuses, are neither drawn nor counted
 *   - referrers are those that the collector tracks, in the order of its lists (gc.get_referrers);
 *     a proper module's (sys.modules has it under its own name) are not followed
 *   - only visited references (gc.get_referents), unless all_references asks for owned ones too,
 *     and for referrers that are not tracked
 *
 * A label's first line is the type, the second short and human (the name of a class, a module or a
 * function, "5 items", else the repr, in a picture its first 40 characters), the third what
 * extra_info asks for, the fourth where it was allocated. Nothing of the target is run for it.
 */
#ifndef PYINSPECT_DRAWING_H
#define PYINSPECT_DRAWING_H

#include "inspector/analysis/allocation.h"
#include "inspector/analysis/graph.h"
#include "inspector/analysis/links.h"
#include "inspector/analysis/predicate.h"
#include "symbols/base/arena.h"

enum drawing_extra {
    EXTRA_SIZE = 1,
    EXTRA_REPR = 2,
    EXTRA_ADDRESS = 4,
    EXTRA_GENERATION = 8,
    EXTRA_ALLOCATION = 16
};

struct drawing_options {
    bool backwards;
    bool learning; /* only what is touched counts: the order only where it decides what is drawn */
    bool all_references;
    bool refcounts;
    bool short_names;
    unsigned max_depth;
    uint64_t too_many;
    unsigned extra; /* of enum drawing_extra */
    bool no_values; /* nothing that the target has stored: no reprs, keys as types */
    const struct predicate *filter, *highlight; /* NULL: none */
    const uint64_t *ignored;                    /* addresses that ascend */
    size_t ignored_count;
};

struct drawn_node {
    uint64_t address;
    unsigned depth;
    bool is_root; /* it was asked for */
    bool is_module, is_highlighted, has_del, is_approximate;
    uint64_t more;     /* neighbours beyond too_many */
    uint64_t refcount; /* and whether nobody counts: */
    bool is_immortal;
    const char *type;  /* as the options want it; texts are UTF-8 of the target's */
    const char *value; /* the second line, as objgraph has it */
    const char *words; /* the same for a person who reads no picture: reprs are longer */
    const char *extra; /* the third; NULL: none */
    /* The fourth: "app.py:12", the most recent frame; NULL: it is not traced, or nobody asks. */
    const char *allocated;
};

struct drawn_edge {
    uint32_t from, to; /* numbers of nodes: the one that refers, and what it refers to */
    bool is_owned, is_guess;
    /* As objgraph writes it, "" where it has none: an attribute's name, a key; "__dict__". */
    const char *label;
    unsigned weight;  /* as objgraph gives it to Graphviz; 0: none */
    const char *name; /* as link_name has it */
    bool is_unnamed;  /* no kind knows the reference */
};

struct drawing {
    struct drawn_node *nodes; /* breadth first, the roots first */
    size_t node_count, node_capacity;
    struct drawn_edge *edges; /* in the order in which they were found */
    size_t edge_count, edge_capacity;
    struct allocations allocations; /* if they are asked for */
    struct arena arena;
};

/* `roots` must be nodes of the graph. Fails for want of memory alone. To be freed after failure
 * too. */
MUST_CHECK bool drawing_make(struct drawing *drawing, const struct graph *graph,
                             const struct reader *reader, const struct drawing_options *options,
                             const uint64_t *roots, size_t root_count, struct error *err);
void drawing_free(struct drawing *drawing);

#endif
