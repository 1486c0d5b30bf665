// SPDX-License-Identifier: MIT
/*
 * predicate_nodes - what a predicate is made of. Part of predicate.h, for inspector/analysis/
 * alone.
 */
#ifndef PYINSPECT_PREDICATE_NODES_H
#define PYINSPECT_PREDICATE_NODES_H

#include "inspector/analysis/predicate.h"
#include "symbols/base/arena.h"

enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_NUMBER, NODE_TEXT, NODE_FLAG };

enum field {
    FIELD_TYPE,
    FIELD_SHORT_TYPE,
    FIELD_MODULE,
    FIELD_ADDRESS,
    FIELD_SIZE,
    FIELD_REFCOUNT,
    FIELD_LEN,
    FIELD_GENERATION,
    FIELD_DEPTH,
    FIELD_REPR,
    FIELD_ATTRIBUTE,
    FIELDS
};

enum flag {
    FLAG_TRACKED,
    FLAG_IMMORTAL,
    FLAG_CLASS,
    FLAG_MODULE,
    FLAG_PROPER_MODULE,
    FLAG_FUNCTION,
    FLAG_FRAME,
    FLAG_HAS_DEL,
    FLAGS
};

enum operation { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_FITS, OP_FITS_NOT, OPERATIONS };

/* What a field is compared with: sets of these bits. */
enum { IS_NUMBER = 1, IS_TEXT = 2 };

struct named_field {
    const char *name;
    unsigned is;
    unsigned cost; /* of asking for it, by which terms are put in order */
};

extern const struct named_field predicate_fields[FIELDS]; /* "attr." is that of attributes */
extern const struct named_field predicate_flags[FLAGS];
extern const char *const predicate_operations[OPERATIONS];

struct node {
    enum node_kind kind;
    unsigned cost; /* the greatest of those below it */
    /* NODE_OR, NODE_AND, NODE_NOT: those below it, the cheapest first. */
    struct node *first, *next;
    /* NODE_NUMBER, NODE_TEXT: */
    enum field field;
    enum operation operation;
    const char *attribute; /* FIELD_ATTRIBUTE: its name */
    uint64_t number;
    const char *text;
    size_t length;
    enum flag flag; /* NODE_FLAG */
};

/* Parentheses and `not` within each other. */
enum { PREDICATE_DEPTH = 100, PREDICATE_LENGTH = 1 << 14 };

struct predicate {
    struct arena arena; /* all nodes and texts */
    struct node *root;
};

#endif
