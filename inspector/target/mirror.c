// SPDX-License-Identifier: MIT
#include "inspector/target/mirror.h"

#include "symbols/base/clock.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

/* No more than this is read from files in place of pages that the process does not have in memory.
 */
static const uint64_t most_filed_pages = 64 * 1024;

/* Marks of a region's chunk. */
enum {
    CHUNK_LISTED = 1, /* it is among the mirror's chunks */
    CHUNK_LOOKED = 2  /* region->seen is what the process has of it */
};

void mirror_init(struct mirror *mirror, const struct process *process, bool read_swapped,
                 uint64_t max_memory, struct rooms *rooms)
{
    *mirror = (struct mirror){
        .process = process, .read_swapped = read_swapped, .max_memory = max_memory, .rooms = rooms};
    image_init(&mirror->image);
}

void mirror_clear(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->count; i++)
        region_free(mirror->regions[i]);
    free(mirror->regions);
    copy_list_free(&mirror->chunks);
    mirror->regions = NULL;
    mirror->count = mirror->capacity = 0;
    mirror->in_pieces = mirror->short_of_memory = false;
    mirror->bytes = mirror->swapped_pages = 0;
    mirror->filed_budget = most_filed_pages;
    image_free(&mirror->image);
}

bool mirror_add(struct mirror *mirror, const struct mapping *mapping, struct error *err)
{
    struct region *region = region_new(mapping, mirror->rooms);
    struct region **grown =
        vector_grow(mirror->regions, &mirror->capacity, mirror->count + 1, sizeof(*grown));

    if (grown)
        mirror->regions = grown;
    if (!region || !grown) {
        region_free(region);
        return error_memory(err);
    }
    mirror->regions[mirror->count++] = region;
    struct image_range range = {.start = mapping->start,
                                .size = mapping->end - mapping->start,
                                .source = region,
                                .writable = mapping->writable,
                                .executable = mapping->executable};
    return image_add(&mirror->image, &range, err);
}

bool mirror_open_range(struct mirror *mirror, struct image_range *range)
{
    struct region *region = range->source;

    if (!region_reserve(region)) {
        mirror->short_of_memory = true;
        return false;
    }
    range->bytes = region->bytes;
    range->present = region->present;
    return true;
}

bool mirror_list(struct mirror *mirror, struct region *region, uint64_t chunk)
{
    struct copy_item item = {.region = region, .chunk = chunk};

    if (region->chunks[chunk] & CHUNK_LISTED)
        return true;
    if (!copy_list_add(&mirror->chunks, &item)) {
        mirror->short_of_memory = true;
        return false;
    }
    region->chunks[chunk] |= CHUNK_LISTED;
    return true;
}

static bool look_at_chunk(struct mirror *mirror, struct region *region, uint64_t chunk)
{
    if (!mirror_list(mirror, region, chunk))
        return false;
    region->chunks[chunk] |= CHUNK_LOOKED;
    struct residence residence =
        residence_of(mirror->process, region, chunk, region_chunk_mask(region, chunk));
    region->seen[chunk] = residence.resident;
    if (mirror->read_swapped)
        region->seen[chunk] |= residence.swapped;
    /* The process has it in memory by now, and may have written to it. */
    uint64_t outdated = region->filed[chunk] & region->seen[chunk];
    region->filed[chunk] &= ~outdated;
    region->read[chunk] &= ~outdated;
    region->present[chunk] &= ~outdated;
    return true;
}

/* Fetches what the running target has of these pages of a chunk and we have not. */
static void fetch_pages(struct mirror *mirror, struct region *region, uint64_t chunk, uint64_t mask)
{
    if (!(region->chunks[chunk] & CHUNK_LOOKED) && !look_at_chunk(mirror, region, chunk))
        return;
    struct copy_item item = {.region = region, .chunk = chunk};
    item.mask = mask & region->seen[chunk] & ~region->read[chunk];
    uint64_t before = region->read[chunk];
    /* More at a time is faster, where the process waits for us and there is room. */
    if (item.mask && mirror->stop && !mirror->in_pieces)
        item.mask = region->seen[chunk] & ~before;
    if (item.mask)
        copy_chunk(mirror->process, mirror->read_swapped, &item);

    uint64_t absent = region_is_anonymous(region)
                          ? 0
                          : mask & region_chunk_mask(region, chunk) & ~region->seen[chunk] &
                                ~region->filed[chunk];
    if (absent) {
        struct residence residence = residence_of(mirror->process, region, chunk, absent);
        region_read_file(region, mirror->process, chunk,
                         absent & ~residence.resident & ~residence.swapped, &mirror->filed_budget);
    }
    uint64_t more = region_bytes_of(region->read[chunk] & ~before);
    mirror->bytes += more;
    mirror->image.bytes += more;
    mirror->image.crowded = mirror->bytes > mirror->max_memory;
}

/* The pages of a chunk that [first, last] has of it. */
static uint64_t pages_within(uint64_t chunk, uint64_t first, uint64_t last)
{
    uint64_t mask = UINT64_MAX;

    if (first / CHUNK_PAGES == chunk)
        mask &= UINT64_MAX << first % CHUNK_PAGES;
    if (last / CHUNK_PAGES == chunk)
        mask &= UINT64_MAX >> (CHUNK_PAGES - 1 - last % CHUNK_PAGES);
    return mask;
}

/*
 * Whole groups of four pages at addresses of 16 KiB: where one was touched the next may be by the
 * time of the stop, since CPython fills pools of that size (POOL_SIZE, 3.10 and later; one page
 * before), and so do others. At a chunk's edge the other edge's pages may come along.
 */
static uint64_t in_groups(const struct region *region, uint64_t mask)
{
    unsigned phase = region->mapping.start / IMAGE_PAGE % 4;
    uint64_t aligned = phase ? mask << phase | mask >> (64 - phase) : mask;
    uint64_t groups =
        (aligned | aligned >> 1 | aligned >> 2 | aligned >> 3) & UINT64_C(0x1111111111111111);

    groups *= 0xf;
    return phase ? groups >> phase | groups << (64 - phase) : groups;
}

static void count_swapped(struct mirror *mirror, const struct region *region, uint64_t first,
                          uint64_t last)
{
    if (mirror->read_swapped)
        return;
    for (uint64_t chunk = first / CHUNK_PAGES; chunk <= last / CHUNK_PAGES; chunk++) {
        struct residence residence =
            residence_of(mirror->process, region, chunk, pages_within(chunk, first, last));
        mirror->swapped_pages += (unsigned)__builtin_popcountll(residence.swapped);
    }
}

/* In pieces a question would take as long of the stopped process as it does of the running one. */
static bool has_given_up(const struct mirror *mirror)
{
    if (mirror->stop)
        return stop_is_over(mirror->stop);
    return mirror->in_pieces && mirror->give_up > 0 && clock_milliseconds() > mirror->give_up;
}

/* What the question asks for is shown to it page by page, so that we see which ones it needs. */
static bool fetch(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct mirror *mirror = context;
    struct region *region = range->source;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;
    bool any = false;

    if (has_given_up(mirror) || !mirror_open_range(mirror, range))
        return false;
    for (uint64_t chunk = first / CHUNK_PAGES; chunk <= last / CHUNK_PAGES; chunk++) {
        uint64_t mask = in_groups(region, pages_within(chunk, first, last));
        fetch_pages(mirror, region, chunk, mask);
        uint64_t shown = region->read[chunk] & ~region->present[chunk] & mask;
        region->present[chunk] |= shown;
        any |= shown != 0;
    }
    if (!any)
        count_swapped(mirror, region, first, last);
    return any;
}

static bool refetch(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct mirror *mirror = context;
    struct region *region = range->source;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;

    for (uint64_t chunk = first / CHUNK_PAGES;
         region->bytes && region_changes(region) && chunk <= last / CHUNK_PAGES; chunk++) {
        /* Of a chunk that is not listed no page would be copied at the stop. */
        if (!(region->chunks[chunk] & CHUNK_LOOKED) && !look_at_chunk(mirror, region, chunk))
            return false;
        uint64_t mask = pages_within(chunk, first, last) & ~region->filed[chunk];
        struct copy_item item = {.region = region, .chunk = chunk, .mask = mask};
        region->read[chunk] &= ~mask;
        region->present[chunk] &= ~mask;
        copy_chunk(mirror->process, mirror->read_swapped, &item);
        region->present[chunk] |= region->read[chunk] & mask;
    }
    return image_at(&mirror->image, address, size) != NULL;
}

/* After the stop: what was not copied is not to be had. */
static bool note_swapped(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    count_swapped(context, range->source, (address - range->start) / IMAGE_PAGE,
                  (address - range->start + size - 1) / IMAGE_PAGE);
    return false;
}

/* What was not there when it was looked at would have been copied if it had come since. */
static bool lacks(void *context, const struct image_range *range, uint64_t address)
{
    const struct mirror *mirror = context;
    const struct region *region = range->source;
    uint64_t page = (address - range->start) / IMAGE_PAGE, chunk = page / CHUNK_PAGES;

    if (!region->bytes || !(region->chunks[chunk] & CHUNK_LOOKED) || mirror->in_pieces)
        return false;
    struct residence residence =
        residence_of(mirror->process, region, chunk, UINT64_C(1) << page % CHUNK_PAGES);
    return !(region->seen[chunk] >> page % CHUNK_PAGES & 1) && !residence.swapped;
}

void mirror_note_needs(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->chunks.count; i++) {
        struct region *region = mirror->chunks.items[i].region;
        uint64_t chunk = mirror->chunks.items[i].chunk;
        if (region_changes(region))
            region->planned[chunk] |= region->present[chunk] & ~region->filed[chunk];
    }
}

void mirror_trim(struct mirror *mirror)
{
    mirror_note_needs(mirror);
    for (size_t i = 0; i < mirror->chunks.count; i++) {
        struct region *region = mirror->chunks.items[i].region;
        uint64_t chunk = mirror->chunks.items[i].chunk;
        region->present[chunk] = region->read[chunk] = region->filed[chunk] = 0;
        region->chunks[chunk] = CHUNK_LISTED;
    }
    for (size_t i = 0; i < mirror->count; i++)
        region_empty(mirror->regions[i]);
    mirror->bytes = 0;
    mirror->filed_budget = most_filed_pages;
    mirror->in_pieces = true;
    mirror->image.crowded = false;
    image_changed(&mirror->image);
}

static void trim(void *context)
{
    mirror_trim(context);
}

static void answer_with(struct mirror *mirror, image_fill *fill, image_fill *refresh)
{
    mirror->image.fill = fill;
    mirror->image.refresh = refresh;
    mirror->image.trim = trim;
    mirror->image.lacks = lacks;
    mirror->image.fill_context = mirror;
    mirror->image.missed = 0;
    image_changed(&mirror->image);
}

void mirror_fetch(struct mirror *mirror)
{
    answer_with(mirror, fetch, mirror->stop ? NULL : refetch);
}

void mirror_keep(struct mirror *mirror)
{
    answer_with(mirror, note_swapped, NULL);
    mirror->image.crowded = false; /* what is thrown away now could not be fetched again */
}

void mirror_look_again(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->chunks.count; i++) {
        struct region *region = mirror->chunks.items[i].region;
        if (region_changes(region))
            region->chunks[mirror->chunks.items[i].chunk] = CHUNK_LISTED;
    }
}
