// SPDX-License-Identifier: MIT
#include "inspector/target/capture.h"

#include "inspector/target/copy.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory is fetched in chunks of 64 pages: a word of the bits, 256 KiB, worth a system call. */
enum { CHUNK_PAGES = 64 };

static const uint64_t huge_page = 2 * 1024 * 1024;
/* No more than this is read from files in place of pages that the target does not have in memory.
 */
static const uint64_t most_filed_pages = 64 * 1024;
/* Of memory that is new since learning no more than this is copied without having been asked for.
 */
static const uint64_t most_growth = UINT64_C(64) * 1024 * 1024;

/* What we know of a range of the image: its mapping in the target. */
struct region {
    struct mapping mapping;
    uint64_t pages;
    uint8_t *bytes;    /* as in the image's range */
    uint64_t *present; /* likewise */
    uint64_t *fetched; /* a bit a page (whole chunks): was looked at while learning */
    uint64_t *planned; /* a bit a page: is to be copied in the stop */
    uint64_t *filed;   /* a bit a page: was read from the file, the target does not have it */
    void *reserved;    /* the memory behind `bytes` */
    uint64_t reserved_size;
    int file; /* the mapped file, -1 until it is needed */
};

struct capture {
    const struct process *process;
    bool read_swapped;
    struct image image;
    struct maps maps;        /* at the last capture_learn; owns the paths */
    struct region **regions; /* in no order; an image range's `source` is one */
    size_t count, capacity;
    uint64_t *guards;
    size_t guard_count, guard_capacity;
    uint64_t swapped_pages;
    uint64_t filed_pages; /* so far */
    bool short_of_memory; /* ours: there was no room for a copy */
};

static bool is_anonymous(const struct mapping *mapping)
{
    return mapping->inode == 0;
}

/* Private and read-only pages of a file do not change: they need no second copy. */
static bool is_fixed(const struct mapping *mapping)
{
    return mapping->inode != 0 && !mapping->writable && !mapping->shared;
}

static size_t chunk_count(const struct region *region)
{
    return (size_t)((region->pages + CHUNK_PAGES - 1) / CHUNK_PAGES);
}

/* How many pages the chunk has that starts with page `first`: the last one may be short. */
static size_t chunk_pages(const struct region *region, uint64_t first)
{
    uint64_t left = region->pages - first;

    return left < CHUNK_PAGES ? (size_t)left : CHUNK_PAGES;
}

/* The lowest `pages` (1 to 64) bits. */
static uint64_t page_bits(size_t pages)
{
    return UINT64_MAX >> (CHUNK_PAGES - pages);
}

/* Must what was read of it be read again in each stop? */
static bool is_copied(const struct region *region)
{
    return region->bytes && !is_fixed(&region->mapping);
}

/*
 * Neighbours that the kernel keeps apart (after an madvise of a part, say) are one piece of memory
 * to the program: an object may lie across their boundary.
 */
static bool continues(const struct mapping *mapping, const struct mapping *next)
{
    return next->start == mapping->end && is_anonymous(mapping) && is_anonymous(next) &&
           mapping_is_memory(mapping) && mapping_is_memory(next) &&
           mapping->writable == next->writable && mapping->shared == next->shared;
}

static void region_free(struct region *region)
{
    if (region->reserved)
        munmap(region->reserved, region->reserved_size);
    free(region->present);
    free(region->fetched);
    free(region->planned);
    free(region->filed);
    cleanup_close(&region->file);
    free(region);
}

/*
 * Makes room for a range's copy. The pages cost nothing until they are filled. The copy lies at the
 * same distance from a huge page's boundary as the original, so that huge pages fit both.
 */
static bool region_reserve(struct region *region)
{
    size_t words = chunk_count(region);
    uint64_t size = region->pages * IMAGE_PAGE;

    if (region->bytes)
        return true;
    region->present = calloc(words, sizeof(uint64_t));
    region->fetched = calloc(words, sizeof(uint64_t));
    region->planned = calloc(words, sizeof(uint64_t));
    region->filed = calloc(words, sizeof(uint64_t));
    void *reserved = mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!region->present || !region->fetched || !region->planned || !region->filed ||
        reserved == MAP_FAILED) {
        if (reserved != MAP_FAILED)
            munmap(reserved, size + huge_page);
        return false; /* the arrays wait for region_free */
    }
    region->reserved = reserved;
    region->reserved_size = size + huge_page;
    region->bytes = (uint8_t *)reserved +
                    ((region->mapping.start - (uint64_t)(uintptr_t)reserved) & (huge_page - 1));
    if (is_anonymous(&region->mapping) && size >= 2 * huge_page)
        madvise(reserved, region->reserved_size, MADV_HUGEPAGE);
    return true;
}

static bool add_region(struct capture *capture, const struct mapping *mapping, struct error *err)
{
    struct region *region = calloc(1, sizeof(*region));
    struct region **grown =
        vector_grow(capture->regions, &capture->capacity, capture->count + 1, sizeof(*grown));

    if (grown)
        capture->regions = grown;
    if (!region || !grown) {
        free(region);
        return error_memory(err);
    }
    region->mapping = *mapping;
    region->file = -1;
    region->pages = (mapping->end - mapping->start) / IMAGE_PAGE;
    capture->regions[capture->count++] = region;

    struct image_range range = {
        .start = mapping->start, .size = mapping->end - mapping->start, .source = region};
    return image_add(&capture->image, &range, err);
}

static void forget(struct capture *capture)
{
    for (size_t i = 0; i < capture->count; i++)
        region_free(capture->regions[i]);
    capture->count = 0;
    capture->guard_count = 0;
    capture->swapped_pages = 0;
    capture->short_of_memory = false;
    capture->filed_pages = 0;
    image_free(&capture->image);
    maps_free(&capture->maps);
}

bool capture_open(struct capture **ret, const struct process *process, bool read_swapped,
                  struct error *err)
{
    struct capture *capture = calloc(1, sizeof(*capture));

    if (!capture)
        return error_memory(err);
    capture->process = process;
    capture->read_swapped = read_swapped;
    image_init(&capture->image);
    *ret = capture;
    return true;
}

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    forget(capture);
    free(capture->regions);
    free(capture->guards);
    free(capture);
}

struct image *capture_image(struct capture *capture)
{
    return &capture->image;
}

/* Which of the chunk's pages the target has in memory, and which in swap. */
static void ask_pagemap(const struct capture *capture, const struct region *region, uint64_t first,
                        size_t pages, uint64_t *ret_present, uint64_t *ret_swapped)
{
    uint64_t entries[CHUNK_PAGES];

    *ret_present = page_bits(pages);
    *ret_swapped = 0;
    if (!process_pagemap(capture->process, region->mapping.start + first * IMAGE_PAGE, entries,
                         pages))
        return;
    *ret_present = 0;
    for (size_t i = 0; i < pages; i++) {
        *ret_present |= (entries[i] >> PAGEMAP_PRESENT & 1) << i;
        *ret_swapped |= (entries[i] >> PAGEMAP_SWAPPED & 1) << i;
    }
    if (capture->read_swapped)
        *ret_present |= *ret_swapped;
}

/* Adds the runs of set bits in `mask`, which stands for the pages from `first` on. */
static bool add_runs(struct copy *copy, const struct region *region, uint64_t first, uint64_t mask,
                     struct error *err)
{
    while (mask) {
        unsigned start = (unsigned)__builtin_ctzll(mask);
        uint64_t shifted = mask >> start;
        unsigned length = shifted == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~shifted);
        uint64_t page = first + start;
        struct copy_run run = {.address = region->mapping.start + page * IMAGE_PAGE,
                               .bytes = region->bytes + page * IMAGE_PAGE,
                               .present = region->present,
                               .page = page,
                               .pages = length};
        if (!copy_add(copy, &run, err))
            return false;
        mask = start + length == 64 ? 0 : mask & (UINT64_MAX << (start + length));
    }
    return true;
}

/* Pages of a file that the target does not have in memory are the file's own. */
static void read_from_file(struct capture *capture, struct region *region, uint64_t first,
                           uint64_t mask)
{
    struct error ignored;

    if (!mask || is_anonymous(&region->mapping) || region->mapping.shared)
        return;
    if (region->file < 0)
        region->file = process_open_file(capture->process, &region->mapping, &ignored);
    for (; mask && region->file >= 0 && capture->filed_pages < most_filed_pages; mask &= mask - 1) {
        uint64_t page = first + (unsigned)__builtin_ctzll(mask);
        uint64_t at = page * IMAGE_PAGE;
        ssize_t got = pread(region->file, region->bytes + at, IMAGE_PAGE,
                            (off_t)(region->mapping.offset + at));
        if (got > 0) {
            capture->filed_pages++;
            region->filed[page / 64] |= UINT64_C(1) << (page % 64);
            region->present[page / 64] |= UINT64_C(1) << (page % 64);
        }
    }
}

/* Fetches what the running target has of the chunk that starts with page `first`. */
static void fetch_chunk(struct capture *capture, struct region *region, uint64_t first)
{
    size_t pages = chunk_pages(region, first);
    uint64_t resident, swapped, bytes;
    struct copy copy = {0};
    struct error ignored;

    region->fetched[first / CHUNK_PAGES] = UINT64_MAX;
    ask_pagemap(capture, region, first, pages, &resident, &swapped);
    if (add_runs(&copy, region, first, resident, &ignored) &&
        copy_all(&copy, capture->process, &bytes, &ignored))
        region->planned[first / CHUNK_PAGES] |= region->present[first / CHUNK_PAGES];
    copy_free(&copy);
    read_from_file(capture, region, first, page_bits(pages) & ~resident & ~swapped);
}

static bool fetch(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct capture *capture = context;
    struct region *region = range->source;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;
    bool any = false;

    if (!region_reserve(region)) {
        capture->short_of_memory = true;
        return false;
    }
    range->bytes = region->bytes;
    range->present = region->present;
    for (uint64_t chunk = first / CHUNK_PAGES; chunk <= last / CHUNK_PAGES; chunk++) {
        if (region->fetched[chunk])
            continue;
        fetch_chunk(capture, region, chunk * CHUNK_PAGES);
        any = true;
    }
    return any;
}

/* After the stop: what was not copied is not to be had. */
static bool note_swapped(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct capture *capture = context;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;

    for (uint64_t page = first; page <= last && !capture->read_swapped; page++) {
        uint64_t resident, swapped;
        ask_pagemap(capture, range->source, page, 1, &resident, &swapped);
        capture->swapped_pages += swapped;
    }
    return false;
}

static void answer_with(struct capture *capture, image_fill *fill)
{
    capture->image.fill = fill;
    capture->image.fill_context = capture;
    capture->image.missed = 0;
    image_changed(&capture->image);
}

void capture_learn(struct capture *capture)
{
    struct error ignored;
    struct maps maps;

    forget(capture);
    if (!process_maps(capture->process, &maps, &ignored))
        return; /* the image stays empty; capture_take will say why */
    capture->maps = maps;
    for (size_t i = 0; i < maps.count;) {
        struct mapping mapping = maps.items[i++];
        while (i < maps.count && continues(&mapping, &maps.items[i]))
            mapping.end = maps.items[i++].end;
        if (mapping_is_memory(&mapping) && !add_region(capture, &mapping, &ignored))
            break;
    }
    answer_with(capture, fetch);
}

/* What a chunk held when it was looked at is out of date, but for those that each stop copies. */
static void look_again(struct capture *capture)
{
    for (size_t i = 0; i < capture->count; i++) {
        struct region *region = capture->regions[i];
        for (size_t chunk = 0; is_copied(region) && chunk < chunk_count(region); chunk++)
            region->fetched[chunk] = region->planned[chunk] ? UINT64_MAX : 0;
    }
}

void capture_learn_more(struct capture *capture)
{
    look_again(capture);
    answer_with(capture, fetch);
}

bool capture_guard(struct capture *capture, uint64_t address, struct error *err)
{
    uint64_t *grown = vector_grow(capture->guards, &capture->guard_capacity,
                                  capture->guard_count + 1, sizeof(*capture->guards));
    if (!grown)
        return error_memory(err);
    capture->guards = grown;
    capture->guards[capture->guard_count++] = address;
    return true;
}

/* Reading a page that is not there makes the target grow, and may block for ever (userfaultfd). */
static bool is_resident(const struct capture *capture, uint64_t address)
{
    uint64_t entry;

    return !process_pagemap(capture->process, address, &entry, 1) || entry >> PAGEMAP_PRESENT & 1;
}

bool capture_is_quiet(const struct capture *capture)
{
    for (size_t i = 0; i < capture->guard_count; i++) {
        uint32_t word = 0;
        struct iovec local = {&word, sizeof(word)};
        struct iovec remote = {(void *)(uintptr_t)capture->guards[i], sizeof(word)};
        if (is_resident(capture, capture->guards[i]) &&
            process_read(capture->process, &local, &remote, 1) == sizeof(word) && word)
            return false;
    }
    return true;
}

uint64_t capture_swapped_pages(const struct capture *capture)
{
    return capture->swapped_pages;
}

/* What was copied earlier is out of date; what was read from a file stays. */
static void forget_copy(struct region *region)
{
    if (is_copied(region))
        memcpy(region->present, region->filed, chunk_count(region) * sizeof(*region->present));
}

/*
 * Of each chunk that is wanted all that the target has in memory now: pages that came since
 * learning hold new objects, and one that has gone must not be touched.
 */
static bool plan_region(const struct capture *capture, struct copy *copy, struct region *region,
                        struct error *err)
{
    if (!is_copied(region))
        return true;
    for (uint64_t first = 0; first < region->pages; first += CHUNK_PAGES) {
        uint64_t *planned = &region->planned[first / CHUNK_PAGES];
        uint64_t swapped;

        if (!*planned)
            continue;
        ask_pagemap(capture, region, first, chunk_pages(region, first), planned, &swapped);
        if (!add_runs(copy, region, first, *planned, err))
            return false;
    }
    return true;
}

/* All of it is wanted: nothing is known of it yet. */
static bool plan_growth(struct capture *capture, const struct mapping *mapping, uint64_t *budget,
                        struct error *err)
{
    struct mapping growth = *mapping;
    uint64_t size = mapping->end - mapping->start;

    growth.path = "";
    if (!add_region(capture, &growth, err))
        return false;
    if (size > *budget)
        return true;
    *budget -= size;
    struct region *region = capture->regions[capture->count - 1];
    struct image_range *range = image_range_of(&capture->image, growth.start);
    if (!region_reserve(region) || !range)
        return true; /* then it is missed, and counted */
    range->bytes = region->bytes;
    range->present = region->present;
    memset(region->planned, 0xff, chunk_count(region) * sizeof(*region->planned));
    return true;
}

/* Anonymous memory that was mapped, or grew, since the mappings were learnt. */
static bool plan_new_memory(struct capture *capture, struct error *err)
{
    struct maps now;
    uint64_t budget = most_growth;
    bool done = true;

    if (!process_maps(capture->process, &now, err))
        return false;
    for (size_t i = 0; done && i < now.count; i++) {
        struct mapping mapping = now.items[i];
        if (!mapping_is_memory(&mapping) || !mapping.writable || !is_anonymous(&mapping))
            continue;
        /* The parts of it that the image has no range for, one after the other. */
        for (uint64_t at = mapping.start; done && at < mapping.end;) {
            const struct image_range *known = image_range_from(&capture->image, at);
            if (known && known->start <= at) {
                at = known->start + known->size;
                continue;
            }
            struct mapping gap = mapping;
            gap.start = at;
            if (known && known->start < gap.end)
                gap.end = known->start;
            at = gap.end;
            done = plan_growth(capture, &gap, &budget, err);
        }
    }
    maps_free(&now);
    return done;
}

/* What is to be done while the target stands still. */
struct stopped {
    struct copy copy;
    bool even_if_busy;
    capture_work *work;
    void *context;
};

static enum capture_outcome work_stopped(struct capture *capture, struct stopped *stopped,
                                         uint64_t *ret_bytes, struct error *err)
{
    if (!stopped->even_if_busy && !capture_is_quiet(capture))
        return CAPTURE_BUSY;
    if (!plan_new_memory(capture, err))
        return CAPTURE_FAILED;
    for (size_t i = 0; i < capture->count; i++) {
        if (!plan_region(capture, &stopped->copy, capture->regions[i], err))
            return CAPTURE_FAILED;
    }
    if (!copy_all(&stopped->copy, capture->process, ret_bytes, err))
        return CAPTURE_FAILED;
    if (stopped->work) {
        look_again(capture);
        answer_with(capture, fetch);
        if (!stopped->work(stopped->context, err))
            return CAPTURE_FAILED;
    }
    return CAPTURE_DONE;
}

enum capture_outcome capture_take(struct capture *capture, bool even_if_busy, capture_work *work,
                                  void *context, struct capture_report *ret, struct error *err)
{
    struct stopped stopped = {.even_if_busy = even_if_busy, .work = work, .context = context};
    struct capture_report report = {0};
    enum capture_outcome outcome = CAPTURE_FAILED;
    struct stop *stop;

    if (capture->short_of_memory) {
        error_set(err, ERROR_SYSTEM,
                  "pyinspect has not enough memory of its own: it takes about as much as the "
                  "objects of the target; run it where there is more, or raise ulimit -v");
        return CAPTURE_FAILED;
    }
    for (size_t i = 0; i < capture->count; i++)
        forget_copy(capture->regions[i]);
    capture->swapped_pages = 0;
    if (stop_begin(&stop, capture->process, err)) {
        outcome = work_stopped(capture, &stopped, &report.bytes, err);
        if (!stop_end(stop, &report.stop, err))
            outcome = CAPTURE_FAILED;
    }
    copy_free(&stopped.copy);
    uint64_t missed = capture->image.missed;
    answer_with(capture, note_swapped);
    if (work)
        capture->image.missed = missed;
    if (outcome != CAPTURE_FAILED)
        *ret = report;
    return outcome;
}
