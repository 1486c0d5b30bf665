// SPDX-License-Identifier: MIT
/*
 * image - a target's memory as plain local memory.
 *
 * All that comes after the capture reads through image_at: a pointer, or "not in the image". No
 * system call, no stopped target, no process that may die. A live process, a core file and a test's
 * hand-made bytes look the same from here.
 *
 * A range mirrors one mapping of the target: its copy is contiguous, so an object of any size in it
 * can be looked at in one piece. Which of its pages are really there is kept in a bit a page. What
 * lies across the boundary of two ranges is put together apart.
 *
 * Bytes of an image are the target's and hostile: read them with the loads below, believe nothing.
 */
#ifndef PYINSPECT_IMAGE_H
#define PYINSPECT_IMAGE_H

#include "symbols/base/arena.h"
#include "symbols/base/error.h"

#include <stdint.h>
#include <string.h>

enum { IMAGE_PAGE = 4096, IMAGE_RECENT = 64 };

struct image_range {
    uint64_t start;
    uint64_t size;     /* bytes; a multiple of IMAGE_PAGE */
    uint8_t *bytes;    /* the copy: bytes[0] is the byte at `start`; NULL: nothing read yet */
    uint64_t *present; /* a bit a page: its bytes are there. NULL exactly when `bytes` is */
    void *source;      /* the filler's own note on this range */
    bool writable, executable; /* in the target */
};

struct image;

/*
 * Called when [address, address + size), which lies inside `range`, is asked for and not all there.
 * Returns true when it has filled the pages in.
 */
typedef bool image_fill(void *context, struct image_range *range, uint64_t address, uint64_t size);

/* Is it certain that the target itself has nothing at that page, so that nobody has to look again?
 */
typedef bool image_lacks(void *context, const struct image_range *range, uint64_t address);

/* Makes room in the image: what it held is not there any more, and is filled in again. */
typedef void image_trim(void *context);

struct image {
    struct image_range *ranges; /* sorted by address, without overlaps */
    size_t count, capacity;
    struct image_range *last; /* where the last hit was: the next one is likely there too */
    struct image_range none;  /* an empty range, for `last` to point to */
    /* Where other hits were lately, by a part of the address; NULL: nowhere. */
    struct image_range *recent[IMAGE_RECENT];
    image_fill *fill;    /* NULL: what is not there is not to be had */
    image_fill *refresh; /* reads it again; NULL: there is nothing newer */
    image_trim *trim;    /* NULL: never needed */
    image_lacks *lacks;  /* of pages that are not there; NULL: that is not known */
    void *fill_context;
    bool crowded;          /* the filler wants it trimmed */
    struct arena stitched; /* what was put together; valid as long as the image is */
    uint64_t stitched_bytes;
    uint64_t missed; /* requests that were answered "not in the image" */
    uint64_t bytes;  /* that the filler has put in so far; 0: it does not say */
    uint64_t filled; /* requests for which something had to be filled in */
};

void image_init(struct image *image);

/* Frees the table of ranges, not what the ranges point to: that is the filler's. */
void image_free(struct image *image);

/* To be called when the content of the image has changed: what was put together is out of date. */
void image_changed(struct image *image);

/*
 * Adds an empty range. Ranges may be added in any order and must not overlap; pointers to ranges
 * are invalid afterwards.
 */
MUST_CHECK bool image_add(struct image *image, const struct image_range *range, struct error *err);

/* The range that holds `address`, or NULL. */
struct image_range *image_range_of(const struct image *image, uint64_t address);

/* The first range that ends above `address` (it may hold it), or NULL. */
struct image_range *image_range_from(const struct image *image, uint64_t address);

/* image_at's long way round: another range, several pages, pages to be filled in. */
const void *image_seek(struct image *image, uint64_t address, uint64_t size);

static inline bool image_page_present(const struct image_range *range, uint64_t page)
{
    return range->present[page / 64] >> (page % 64) & 1;
}

/* `size` (1 or more) bytes of the target at `address`, or NULL. Valid until the image changes, or
 * image_rest. */
static inline const void *image_at(struct image *image, uint64_t address, uint64_t size)
{
    const struct image_range *range = image->last;
    uint64_t offset = address - range->start;

    if (size <= IMAGE_PAGE && offset < range->size &&
        offset / IMAGE_PAGE == (offset + size - 1) / IMAGE_PAGE &&
        image_page_present(range, offset / IMAGE_PAGE))
        return range->bytes + offset;
    return image_seek(image, address, size);
}

/*
 * Long walks call it now and then, at a point where they hold no pointer of image_at: those that
 * they had are invalid afterwards.
 */
static inline void image_rest(struct image *image)
{
    if (__builtin_expect(image->crowded, 0))
        image->trim(image->fill_context);
}

/* Reads again what may have changed since; pointers see the new bytes. False: they are not there.
 */
static inline bool image_refresh(struct image *image, uint64_t address, uint64_t size)
{
    struct image_range *range = image_range_of(image, address);

    return image->refresh && range && size <= range->start + range->size - address &&
           image->refresh(image->fill_context, range, address, size);
}

static inline uint64_t load_u64(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* A word of `size` bytes (1, 2, 4 or 8), zero-extended, at any alignment. */
static inline uint64_t load_word(const void *at, size_t size)
{
    uint64_t word = 0;

    if (size >= sizeof(word))
        return load_u64(at);
    if (size == sizeof(uint32_t))
        memcpy(&word, at, sizeof(uint32_t));
    else
        memcpy(&word, at, size);
    return word;
}

/* Reads such a word of the target; false: not in the image. */
static inline bool image_word(struct image *image, uint64_t address, size_t size, uint64_t *ret)
{
    const void *at = image_at(image, address, size);

    if (!at)
        return false;
    *ret = load_word(at, size);
    return true;
}

#endif
