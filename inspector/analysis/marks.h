// SPDX-License-Identifier: MIT
/*
 * marks - a set of addresses in an image: a bit for each place where an object can be, every eighth
 * byte.
 *
 * A set takes a 64th of the memory that its members lie in, whatever their number; 256 KiB without
 * a member take nothing. The set is good as long as no range is added to the image.
 */
#ifndef PYINSPECT_MARKS_H
#define PYINSPECT_MARKS_H

#include "inspector/target/image.h"

enum { MARKS_RECENT = 64, MARKS_BLOCK = 256 * 1024, MARKS_WORDS = MARKS_BLOCK / 8 / 64 };

struct marks_range {
    uint64_t start, size; /* of the image's range */
    uint64_t **blocks;    /* a block of bits for each MARKS_BLOCK bytes; NULL: no member there */
};

struct marks {
    struct marks_range *ranges; /* in the order of the image's */
    size_t count;
    const struct marks_range *last; /* where the last address was */
    /* Where others were lately, by a part of the address; NULL: nowhere. */
    const struct marks_range *recent[MARKS_RECENT];
    struct marks_range none; /* an empty one, for `last` to point to */
};

/* The set is empty; to be freed after failure too. */
MUST_CHECK bool marks_init(struct marks *marks, const struct image *image, struct error *err);
void marks_free(struct marks *marks);

/* A set is no plain value: it points into itself. Nothing is left in `from`. */
void marks_move(struct marks *to, struct marks *from);

/* marks_add's and marks_has' long way round. */
const struct marks_range *marks_seek(struct marks *marks, uint64_t address);
uint64_t *marks_block(const struct marks_range *range, uint64_t offset);

/* The range of `address`; NULL where it is in none, or is no place for an object. */
static inline const struct marks_range *marks_range_of(struct marks *marks, uint64_t address)
{
    if (address % 8 != 0)
        return NULL;
    if (address - marks->last->start < marks->last->size)
        return marks->last;
    return marks_seek(marks, address);
}

static inline bool marks_has(struct marks *marks, uint64_t address)
{
    const struct marks_range *range = marks_range_of(marks, address);

    if (!range)
        return false;
    uint64_t offset = address - range->start;
    const uint64_t *block = range->blocks[offset / MARKS_BLOCK];
    return block && block[offset % MARKS_BLOCK / 512] >> (offset / 8 % 64) & 1;
}

enum marks_outcome { MARKS_NEW, MARKS_KNOWN, MARKS_NOWHERE, MARKS_NO_MEMORY };

static inline enum marks_outcome marks_add(struct marks *marks, uint64_t address)
{
    const struct marks_range *range = marks_range_of(marks, address);

    if (!range)
        return MARKS_NOWHERE;
    uint64_t offset = address - range->start;
    uint64_t bit = UINT64_C(1) << (offset / 8 % 64);
    uint64_t *block = range->blocks[offset / MARKS_BLOCK];
    if (!block && !(block = marks_block(range, offset)))
        return MARKS_NO_MEMORY;
    uint64_t *word = &block[offset % MARKS_BLOCK / 512];
    if (*word & bit)
        return MARKS_KNOWN;
    *word |= bit;
    return MARKS_NEW;
}

/* Called with each member, by address. False: enough. */
typedef bool marks_visit(void *context, uint64_t address);

/*
 * Visits all members. The visitor may add some: those behind the one that it is at are visited
 * too. False: the visitor had enough.
 */
bool marks_each(const struct marks *marks, marks_visit *visit, void *context);

#endif
