// SPDX-License-Identifier: MIT
/*
 * lookup - what lies at an address: an object, a part of one, memory that one has allocated, or
 * nothing that anybody knows.
 *
 * An address that an object's header vouches for is answered at once: a tracked object whose
 * neighbours link back to it, or one at the start of a block that pymalloc has given out. Then only
 * the tracked objects are walked, for the generations and the verdict. For all other addresses
 * every object that can be reached is visited once; a header that nobody refers to is believed last
 * (is_alive false). Where no object can be, in no mapping, in free blocks and in the book-keeping
 * of pymalloc, nothing is walked.
 */
#ifndef PYINSPECT_LOOKUP_H
#define PYINSPECT_LOOKUP_H

#include "inspector/analysis/instances.h"
#include "inspector/analysis/reach.h"
#include "inspector/python/reader.h"

enum found {
    FOUND_OBJECT,     /* an object begins at the address */
    FOUND_INSIDE,     /* it lies within an object, or in the headers before one */
    FOUND_BUFFER,     /* in memory that an object has allocated beside itself */
    FOUND_DEAD,       /* a freed object that is kept for the next of its type */
    FOUND_FREE_BLOCK, /* in a block of pymalloc that is free */
    FOUND_BLOCK,      /* in one that is in use, for something that is no known object's */
    FOUND_POOL,       /* in the book-keeping of pymalloc */
    FOUND_MEMORY,     /* in memory that the process has mapped */
    FOUND_UNREAD,     /* there too, but it could not be read: it lies in swap, or is no memory */
    FOUND_NOTHING,    /* not mapped */
};

struct finding {
    uint64_t asked; /* the address: set by the caller */
    enum found found;
    uint64_t object;         /* FOUND_OBJECT, FOUND_INSIDE, FOUND_BUFFER, FOUND_DEAD: the object */
    const struct type *type; /* its type, owned by the types */
    bool is_tracked;
    bool is_listed;             /* the walk of the collector's lists met it */
    enum generation generation; /* if is_listed */
    bool is_alive;              /* the allocator, the collector or a reference says so */
    const char *buffer;         /* FOUND_BUFFER: what it is called there, a literal */
    uint64_t start, size; /* of the object with its headers, the buffer, the block, the mapping */
};

/* Is it an object, or a part of one? */
static inline bool finding_is_object(const struct finding *finding)
{
    return finding->found == FOUND_OBJECT || finding->found == FOUND_INSIDE;
}

/*
 * Fills in `findings`, whose addresses may come in any order and more than once. *ret is the
 * verdict of the walk: over all objects, or, where the headers said enough, over the tracked ones;
 * all 0 where there was none.
 * `instances` is empty; if there is a class among those that were found, all objects are counted
 * in it. Fails as reach_walk.
 */
MUST_CHECK bool lookup(const struct reader *reader, struct finding *findings, size_t count,
                       struct instances *instances, struct reach_verdict *ret, struct error *err);

#endif
