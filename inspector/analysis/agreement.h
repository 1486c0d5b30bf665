// SPDX-License-Identifier: MIT
/*
 * agreement - whether what kinds know of references is what traversals said: counted, type by type.
 *
 * A difference is believed to be ours: the edges are then those of the traversal, and names are
 * given to those of them that the kind knows too.
 */
#ifndef PYINSPECT_AGREEMENT_H
#define PYINSPECT_AGREEMENT_H

#include "inspector/python/reader.h"

enum { AGREEMENT_TYPES = 8 }; /* of those that differ so many are named */

struct agreement {
    uint64_t compared;  /* objects of which both are known */
    uint64_t same;      /* ... with the same visited references, as a multiset */
    uint64_t reordered; /* ... of those: in another order */
    uint64_t unknown;   /* objects of types that no kind knows: nothing to compare */
    uint64_t example;   /* an object that differs; 0: none does */
    struct {
        const struct type *type;
        uint64_t objects;
    } differing[AGREEMENT_TYPES]; /* NULL ends it; those that were met first */
};

enum agreed {
    AGREED_SAME,
    AGREED_REORDERED,
    AGREED_NOT,
    AGREED_UNKNOWN /* no kind knows the type */
};

/* Counts an object. */
void agreement_add(struct agreement *agreement, const struct type *type, uint64_t address,
                   enum agreed agreed);

/*
 * Compares references as multisets. Both are put into an order of their own; those of `told` that
 * `known` lacks are then the first *ret_surplus of `told`, ascending.
 */
enum agreed agreement_of(uint64_t *known, size_t known_count, uint64_t *told, size_t told_count,
                         size_t *ret_surplus);

#endif
