// SPDX-License-Identifier: MIT
/*
 * diagram - an answer that is a picture of boxes and arrows, before it has a format.
 *
 * A command fills it; it knows nothing of objects. Texts are copied, and may hold anything but a
 * NUL, which whoever has one writes as \0 in two characters, as objgraph does. Building never fails
 * midway: a failed allocation is remembered, and rendering reports it. Errors are those of
 * render.h.
 */
#ifndef PYINSPECT_DIAGRAM_H
#define PYINSPECT_DIAGRAM_H

#include "inspector/report/render.h"

enum diagram_mark {
    DIAGRAM_ROOT = 1,        /* red letters */
    DIAGRAM_MODULE = 2,      /* green */
    DIAGRAM_HIGHLIGHTED = 4, /* blue; goes before green */
    DIAGRAM_DEL = 8,         /* a small red circle "__del__" beside it */
    DIAGRAM_APPROXIMATE = 16 /* a dashed frame */
};

struct diagram_box {
    uint64_t id;       /* "o139872" in DOT; an address in JSON */
    const char *title; /* the first line: the type */
    const char *value; /* the second; NULL: none */
    const char *extra; /* the third; NULL: none */
    unsigned marks;
    unsigned depth;    /* the deeper, the darker */
    uint64_t more;     /* how many arrows were left out; 0: none */
    bool has_refcount; /* shown as "[3]", or "[immortal]" */
    bool is_immortal;
    uint64_t refcount;
    const char *words;     /* the second line for the tree and JSON; NULL: value */
    const char *allocated; /* the fourth line, a place in a program; NULL: none */
};

struct diagram_arrow {
    size_t from, to;   /* numbers of boxes */
    const char *label; /* for Graphviz; "" or NULL: none */
    unsigned weight;   /* said where there is a label; 0: none is said */
    const char *name;  /* for the tree and JSON; "" or NULL: none */
    bool is_unnamed;   /* the name is words for a person: JSON has none */
    bool is_dotted;    /* an owned reference */
    bool is_dashed;    /* a guess */
};

struct diagram {
    struct report facts; /* about the answer; no rows */
    struct diagram_box *boxes;
    size_t box_count, box_capacity;
    struct diagram_arrow *arrows;
    size_t arrow_count, arrow_capacity;
    bool draws_names;   /* Graphviz gets names in place of labels */
    bool backwards;     /* the tree follows arrows from their heads; "N more backreferences" */
    unsigned max_depth; /* which is as dark as it gets */
    struct arena arena;
    bool failed;
};

void diagram_init(struct diagram *diagram);
void diagram_free(struct diagram *diagram);
/* Returns the box's number. */
size_t diagram_box(struct diagram *diagram, const struct diagram_box *box);
/* Both of its boxes must be there. */
void diagram_arrow(struct diagram *diagram, const struct diagram_arrow *arrow);

/*
 * The language of Graphviz: letter by letter what objgraph 3.5 writes for the same picture, unless
 * draws_names asks for other labels. It is
 * valid whatever the texts are: control bytes, lone surrogates and whatever else text_is_harmful
 * come out as \xNN and the like, and an & that would begin an entity as &amp;. What objgraph does
 * not know (dotted and dashed lines) is added behind its own attributes.
 */
MUST_CHECK bool diagram_dot(const struct diagram *diagram, FILE *out, struct error *err);
/* What each diagram_dot begins with, "digraph ObjectGraph {\n". */
extern const char diagram_dot_beginning[];

/*
 * For a terminal: the boxes of depth 0, and below each what its arrows lead to (backwards: where
 * they come from), indented, a line a box:
 *
 *     0x7f3a5c0d1e80  app.models.Order  <Order 17>
 *     |- .customer    0x7f3a5c0d2000  app.models.Customer  <Customer 3>
 *     |  `- .orders   0x7f3a5c0d3000  list                 12 items  (below)
 *     `- .orders      0x7f3a5c0d3000  list                 12 items
 *        `- ... 12 more references
 *
 * Lines are drawn with box-drawing characters where LC_CTYPE is UTF-8; that of an owned reference
 * is broken, that of a guess dotted. What is below a box is printed once, where the box is
 * nearest to the first ones. Each line fits the width of the terminal.
 */
MUST_CHECK bool diagram_tree(const struct diagram *diagram, const struct render_style *style,
                             FILE *out, struct error *err);

/* One object on one line: the facts, then "nodes" and "edges", in which a node goes by its address.
 */
MUST_CHECK bool diagram_json(const struct diagram *diagram, FILE *out, struct error *err);

#endif
