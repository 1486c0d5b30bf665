// SPDX-License-Identifier: MIT
/*
 * region - one mapping of the target, the room for our copy of it, and what is known of each page.
 *
 * The room is reserved in one piece, so that an object of any size can be looked at; a page of it
 * costs nothing until it is filled. Pages are kept track of by bits, 64 to a word; the 64 pages of
 * one word are a chunk, the unit in which memory is looked at and fetched.
 */
#ifndef PYINSPECT_REGION_H
#define PYINSPECT_REGION_H

#include "inspector/target/image.h"
#include "inspector/target/process.h"
#include "inspector/target/rooms.h"

enum {
    CHUNK_PAGES = 64, /* 256 KiB: a word of the bits, worth a system call */
    CHUNK_BYTES = CHUNK_PAGES * IMAGE_PAGE
};

struct region {
    struct mapping mapping; /* in the target; the path is somebody else's */
    uint64_t pages;

    /* All of these are NULL until region_reserve. A bit a page, where nothing else is said: */
    uint8_t *bytes;
    uint64_t *present; /* the image may look at it */
    uint64_t *read;    /* its bytes are here */
    uint64_t *seen;    /* the target had it in memory when its chunk was looked at */
    uint64_t *planned; /* the question needs it: each stop copies it */
    uint64_t *filed;   /* it was read from the file, the target does not have it in memory */
    uint8_t *chunks;   /* a byte a chunk, free for the owner's marks */

    int file;            /* the mapped file, -1 until it is needed */
    struct rooms *rooms; /* which the copy's memory is lent from, if they have any; NULL: none */
    bool is_lent;
};

static inline size_t region_chunks(const struct region *region)
{
    return (size_t)((region->pages + CHUNK_PAGES - 1) / CHUNK_PAGES);
}

/* The bits of those pages of a chunk that there are: the last one may be short. */
static inline uint64_t region_chunk_mask(const struct region *region, uint64_t chunk)
{
    uint64_t left = region->pages - chunk * CHUNK_PAGES;

    return left < CHUNK_PAGES ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

/* How many bytes the pages have that these bits stand for. */
static inline uint64_t region_bytes_of(uint64_t mask)
{
    return IMAGE_PAGE * (uint64_t)__builtin_popcountll(mask);
}

/* NULL: no memory. `rooms` (or NULL) must last longer. */
struct region *region_new(const struct mapping *mapping, struct rooms *rooms);
void region_free(struct region *region); /* NULL is fine */

/* Makes room for the copy, with anything in it, and all bits 0; harmless when there is room. False:
 * no memory, ulimit -v. */
bool region_reserve(struct region *region);

/* Gives the memory of the copy back; the room and the bits stay. */
void region_empty(struct region *region);

/* Gives the room back, with all that is known of the pages. */
void region_release(struct region *region);

bool region_is_anonymous(const struct region *region);

/* May its bytes change, so that what was read of it must be read again in each stop? */
bool region_changes(const struct region *region);

/*
 * Are they one piece of memory to the program? The kernel keeps neighbours apart after an madvise
 * of a part, say; an object may lie across their boundary.
 */
bool region_continues(const struct mapping *mapping, const struct mapping *next);

/*
 * Reads pages of the chunk that the target does not have in memory from the private mapping's file,
 * at most `*budget`, which is counted down.
 */
void region_read_file(struct region *region, const struct process *process, uint64_t chunk,
                      uint64_t mask, uint64_t *budget);

#endif
