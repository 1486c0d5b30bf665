// SPDX-License-Identifier: MIT
#include "inspector/sandbox/missing.h"

enum { WORD = 8, LOOKED_AT = 12 /* words of an object */ };

/* What is asked for at a time, and of code: that is not copied while the target stands still. */
static const uint64_t chunk = UINT64_C(256) * 1024, code_chunk = UINT64_C(1024) * 1024;

void missing_begin(struct missing *missing)
{
    missing->fetched = 0;
}

static bool is_present(const struct image_range *range, uint64_t address)
{
    return range->bytes && image_page_present(range, (address - range->start) / IMAGE_PAGE);
}

bool missing_is_writable(const struct image *image, uint64_t address)
{
    const struct image_range *range = image_range_of(image, address);

    return range && range->writable && !range->executable;
}

void missing_touch(struct image *image, uint64_t address, uint64_t size)
{
    const uint64_t missed = image->missed;

    (void)image_at(image, address, size);
    image->missed = missed;
}

/* The unit that the address is in, and the more of those on the side where it goes to, the more
 * often the object was tried. */
static void touch_around(struct missing *missing, struct image *image,
                         const struct image_range *range, uint64_t address, unsigned tried)
{
    uint64_t unit = range->executable ? code_chunk : chunk;
    uint64_t more = (unit << (tried < 16 ? tried : 16)) - unit;
    uint64_t start = (address - range->start) / unit * unit, end = start + unit;

    if (end > range->size)
        end = range->size;
    if (address < missing->last)
        start -= more < start ? more : start;
    else
        end += more < range->size - end ? more : range->size - end;
    missing->last = address;
    missing_touch(image, range->start + start, end - start);
}

bool missing_prefetch(struct image *image, uint64_t object)
{
    const uint64_t missed = image->missed;
    bool asked = false, got = false;

    for (unsigned i = 0; i < LOOKED_AT; i++) {
        uint64_t word;
        if (!image_word(image, object + i * sizeof(word), sizeof(word), &word))
            break;
        const struct image_range *range = word % WORD ? NULL : image_range_of(image, word);
        if (!range || is_present(range, word))
            continue;
        asked = true;
        got |= image_at(image, word, 1) != NULL;
    }
    image->missed = missed;
    return got || !asked;
}

bool missing_fetch(struct missing *missing, struct image *image, uint64_t address, unsigned tried)
{
    struct image_range *range = image_range_of(image, address);

    if (!range)
        return false;
    if (is_present(range, address))
        return missing->fetched != 0;
    if (!image->fill || (image->lacks && image->lacks(image->fill_context, range, address)))
        return false;
    touch_around(missing, image, range, address, tried);
    if (!is_present(range, address) && !image_at(image, address, 1))
        return false;
    missing->fetched++;
    return true;
}
