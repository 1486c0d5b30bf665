// SPDX-License-Identifier: MIT
#include "inspector/target/image.h"

#include "symbols/base/vector.h"

#include <stdlib.h>

void image_init(struct image *image)
{
    *image = (struct image){0};
    image->last = &image->none;
}

void image_free(struct image *image)
{
    free(image->ranges);
    image_init(image);
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
    image->last = &image->none;

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

const void *image_seek(struct image *image, uint64_t address, uint64_t size)
{
    struct image_range *range = image_range_of(image, address);

    if (range) {
        uint64_t offset = address - range->start;
        if (size && size <= range->size - offset &&
            (all_present(range, offset, size) ||
             (image->fill && image->fill(image->fill_context, range, address, size) &&
              all_present(range, offset, size)))) {
            image->last = range;
            return range->bytes + offset;
        }
    }
    image->missed++;
    return NULL;
}
