// SPDX-License-Identifier: MIT
#include "inspector/target/image.h"

#include "symbols/base/vector.h"

#include <stdlib.h>

/* A target could ask for a lot of it, byte by byte. */
static const uint64_t most_stitched = UINT64_C(16) * 1024 * 1024;

void image_init(struct image *image)
{
    *image = (struct image){0};
    image->last = &image->none;
}

/* Neighbours of a megabyte share a place. */
static size_t recent_place(uint64_t address)
{
    return address >> 20 & (IMAGE_RECENT - 1);
}

static void note_hit(struct image *image, uint64_t address, struct image_range *range)
{
    image->last = range;
    image->recent[recent_place(address)] = range;
}

static void forget_hits(struct image *image)
{
    image->last = &image->none;
    memset(image->recent, 0, sizeof(image->recent));
}

void image_free(struct image *image)
{
    free(image->ranges);
    arena_free(&image->stitched);
    image_init(image);
}

void image_changed(struct image *image)
{
    arena_free(&image->stitched);
    image->stitched_bytes = 0;
    forget_hits(image);
}

/* The index of the first range that ends above `address`. */
static size_t range_index(const struct image *image, uint64_t address)
{
    size_t low = 0, high = image->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct image_range *range = &image->ranges[middle];
        if (range->start + (range->size - 1) < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool image_add(struct image *image, const struct image_range *range, struct error *err)
{
    struct image_range *grown =
        vector_grow(image->ranges, &image->capacity, image->count + 1, sizeof(*image->ranges));
    if (!grown)
        return error_memory(err);
    image->ranges = grown;
    forget_hits(image);

    size_t at = range_index(image, range->start);
    memmove(grown + at + 1, grown + at, (image->count - at) * sizeof(*grown));
    grown[at] = *range;
    image->count++;
    return true;
}

struct image_range *image_range_from(const struct image *image, uint64_t address)
{
    size_t at = range_index(image, address);

    return at == image->count ? NULL : &image->ranges[at];
}

struct image_range *image_range_of(const struct image *image, uint64_t address)
{
    struct image_range *recent = image->recent[recent_place(address)];

    if (recent && address - recent->start < recent->size)
        return recent;
    struct image_range *range = image_range_from(image, address);

    return range && address >= range->start ? range : NULL;
}

static bool all_present(const struct image_range *range, uint64_t offset, uint64_t size)
{
    if (!range->bytes)
        return false;
    for (uint64_t page = offset / IMAGE_PAGE; page <= (offset + size - 1) / IMAGE_PAGE; page++) {
        if (!image_page_present(range, page))
            return false;
    }
    return true;
}

/* `size` bytes at `offset` of the range, if they are there or can be filled in. */
static const void *range_at(struct image *image, struct image_range *range, uint64_t offset,
                            uint64_t size)
{
    if (!all_present(range, offset, size)) {
        if (!image->fill || !image->fill(image->fill_context, range, range->start + offset, size) ||
            !all_present(range, offset, size))
            return NULL;
        image->filled++;
    }
    return range->bytes + offset;
}

/* Puts together what lies in several ranges that follow each other without a gap. */
static const void *stitch(struct image *image, uint64_t address, uint64_t size)
{
    if (size > most_stitched - image->stitched_bytes)
        return NULL;
    image->stitched_bytes += size;
    uint8_t *whole = arena_alloc(&image->stitched, (size_t)size);
    for (uint64_t done = 0; whole && done < size;) {
        struct image_range *range = image_range_of(image, address + done);
        if (!range)
            return NULL;
        uint64_t offset = address + done - range->start;
        uint64_t part = range->size - offset < size - done ? range->size - offset : size - done;
        const void *bytes = range_at(image, range, offset, part);
        if (!bytes)
            return NULL;
        memcpy(whole + done, bytes, part);
        done += part;
    }
    return whole;
}

const void *image_seek(struct image *image, uint64_t address, uint64_t size)
{
    struct image_range *range = image_range_of(image, address);
    const void *found = NULL;

    if (range && size) {
        uint64_t offset = address - range->start;
        if (size > range->size - offset) {
            found = stitch(image, address, size);
        } else if ((found = range_at(image, range, offset, size))) {
            note_hit(image, address, range);
        }
    }
    image->missed += !found;
    return found;
}
