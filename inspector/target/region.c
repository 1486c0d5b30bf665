// SPDX-License-Identifier: MIT
#include "inspector/target/region.h"

#include "inspector/target/mapped_file.h"
#include "symbols/base/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct region *region_new(const struct mapping *mapping, struct rooms *rooms)
{
    struct region *region = calloc(1, sizeof(*region));

    if (!region)
        return NULL;
    region->mapping = *mapping;
    region->pages = (mapping->end - mapping->start) / IMAGE_PAGE;
    region->file = -1;
    region->rooms = rooms;
    return region;
}

void region_free(struct region *region)
{
    if (!region)
        return;
    region_release(region);
    cleanup_close(&region->file);
    free(region);
}

bool region_is_anonymous(const struct region *region)
{
    return region->mapping.inode == 0;
}

/* Private and read-only pages of a file do not. */
bool region_changes(const struct region *region)
{
    const struct mapping *mapping = &region->mapping;

    return mapping->inode == 0 || mapping->writable || mapping->shared;
}

bool region_continues(const struct mapping *mapping, const struct mapping *next)
{
    return next->start == mapping->end && !mapping->inode && !next->inode &&
           mapping_is_memory(mapping) && mapping_is_memory(next) &&
           mapping->writable == next->writable && mapping->shared == next->shared &&
           mapping->executable == next->executable;
}

static uint8_t *make_room(struct region *region)
{
    uint64_t size = region->pages * IMAGE_PAGE;
    uint8_t *room = region->rooms ? rooms_lend(region->rooms, size) : NULL;

    region->is_lent = room;
    if (room)
        return room;
    void *reserved = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return reserved == MAP_FAILED ? NULL : reserved;
}

bool region_reserve(struct region *region)
{
    size_t words = region_chunks(region);

    if (region->bytes)
        return true;
    region->bytes = make_room(region);
    region->present = calloc(words, sizeof(uint64_t));
    region->read = calloc(words, sizeof(uint64_t));
    region->seen = calloc(words, sizeof(uint64_t));
    region->planned = calloc(words, sizeof(uint64_t));
    region->filed = calloc(words, sizeof(uint64_t));
    region->chunks = calloc(words, 1);
    if (region->bytes && region->present && region->read && region->seen && region->planned &&
        region->filed && region->chunks)
        return true;
    region_release(region);
    return false;
}

void region_empty(struct region *region)
{
    if (region->bytes)
        madvise(region->bytes, region->pages * IMAGE_PAGE, MADV_DONTNEED);
}

void region_release(struct region *region)
{
    if (region->is_lent)
        rooms_take_back(region->rooms);
    else if (region->bytes)
        munmap(region->bytes, region->pages * IMAGE_PAGE);
    region->is_lent = false;
    free(region->present);
    free(region->read);
    free(region->seen);
    free(region->planned);
    free(region->filed);
    free(region->chunks);
    region->bytes = region->chunks = NULL;
    region->present = region->read = region->seen = region->planned = region->filed = NULL;
}

void region_read_file(struct region *region, const struct process *process, uint64_t chunk,
                      uint64_t mask, uint64_t *budget)
{
    if (!mask || !*budget || region_is_anonymous(region) || region->mapping.shared)
        return;
    if (region->file < 0)
        region->file = mapped_file_open_inode(process, &region->mapping);
    for (; mask && region->file >= 0 && *budget; mask &= mask - 1) {
        uint64_t bit = mask & -mask;
        uint64_t at = (chunk * CHUNK_PAGES + (unsigned)__builtin_ctzll(mask)) * IMAGE_PAGE;
        ssize_t got = pread(region->file, region->bytes + at, IMAGE_PAGE,
                            (off_t)(region->mapping.offset + at));
        if (got <= 0)
            continue;
        memset(region->bytes + at + got, 0, IMAGE_PAGE - (size_t)got);
        --*budget;
        region->filed[chunk] |= bit;
        region->read[chunk] |= bit;
    }
}
