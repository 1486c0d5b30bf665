// SPDX-License-Identifier: MIT
#include "inspector/sandbox/site.h"

#include "inspector/target/maps.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel allows 65,530 mappings by default (vm.max_map_count). */
enum { MOST_PIECES = 60000, HAS_FSGSBASE = 2 /* HWCAP2 */ };

static const uint64_t user_end = UINT64_C(1) << 47, user_begin = UINT64_C(1) << 32;
static const uint64_t least_address = UINT64_C(1) << 16; /* below, nobody may map anything */
static const uint64_t big_page = UINT64_C(1) << 21;

struct span {
    uint64_t start, end;
};

/* The first page from `page` on that is there, or is not; the range's end if there is none. */
static uint64_t next_page(const struct image_range *range, uint64_t page, bool there)
{
    const uint64_t pages = range->size / IMAGE_PAGE;

    while (page < pages) {
        uint64_t word = range->present[page / 64];
        word = (there ? word : ~word) >> page % 64;
        if (word) {
            page += (unsigned)__builtin_ctzll(word);
            break;
        }
        page = (page / 64 + 1) * 64;
    }
    return page < pages ? page : pages;
}

/* Called with each run of pages of the image that are there. */
struct pieces {
    uint64_t ranges, gaps, pages, bytes;
    struct resident_plan *plan; /* NULL: they are only counted */
    uint64_t staged;
    bool writable;
};

static uint32_t protection_of(const struct image_range *range, bool writable)
{
    if (range->executable)
        return PROT_READ | PROT_EXEC;
    return writable && range->writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

static struct resident_gap *gaps_of(struct resident_plan *plan)
{
    return (struct resident_gap *)&plan->ranges[plan->range_count];
}

static void add_gap(struct pieces *pieces, const struct image_range *range, uint64_t from,
                    uint64_t to)
{
    if (pieces->plan)
        gaps_of(pieces->plan)[pieces->gaps] =
            (struct resident_gap){range->start + from * IMAGE_PAGE, (to - from) * IMAGE_PAGE};
    pieces->gaps++;
}

static void add_range(struct pieces *pieces, const struct image_range *range, uint64_t from,
                      uint64_t to)
{
    uint64_t address = range->start + from * IMAGE_PAGE, size = (to - from) * IMAGE_PAGE;

    /* Pages that lie alike in their two megabytes are moved by whole tables. */
    pieces->staged += (address - pieces->staged) % big_page;
    if (pieces->plan)
        pieces->plan->ranges[pieces->ranges] =
            (struct resident_range){.source = (uintptr_t)range->bytes + from * IMAGE_PAGE,
                                    .staged = pieces->staged,
                                    .address = address,
                                    .size = size,
                                    .protection = protection_of(range, pieces->writable)};
    pieces->ranges++;
    pieces->staged += size;
}

static void add_pieces(struct pieces *pieces, const struct image_range *range)
{
    const uint64_t pages = range->size / IMAGE_PAGE;
    uint64_t first = next_page(range, 0, true), end = first;

    for (uint64_t from = first; from < pages; from = next_page(range, end, true)) {
        if (from > end)
            add_gap(pieces, range, end, from);
        end = next_page(range, from, false);
        pieces->pages += end - from;
    }
    if (end > first)
        add_range(pieces, range, first, end);
}

static void add_image(struct pieces *pieces, const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        if (image->ranges[i].bytes && image->ranges[i].start >= least_address)
            add_pieces(pieces, &image->ranges[i]);
    }
}

static bool is_movable(const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (((uintptr_t)range->bytes | range->start | range->size) % IMAGE_PAGE ||
            range->start > user_end - IMAGE_PAGE ||
            range->size > user_end - IMAGE_PAGE - range->start)
            return false;
    }
    return true;
}

static bool own_maps(struct maps *ret, struct error *err)
{
    AUTO_CLOSE int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t length = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    ssize_t got = -1;

    while (text && fd >= 0 && (got = read(fd, text + length, capacity - length)) > 0) {
        length += (size_t)got;
        if (capacity - length < 1 << 13) {
            char *grown = realloc(text, capacity *= 2);
            if (!grown)
                free(text);
            text = grown;
        }
    }
    if (!text)
        return error_memory(err);
    bool done = got == 0 ? maps_parse(ret, text, length, err)
                         : error_errno(err, ERROR_SYSTEM, "cannot read /proc/self/maps");
    free(text);
    return done;
}

static int compare_spans(const void *left, const void *right)
{
    const struct span *a = left, *b = right;

    return (a->start > b->start) - (a->start < b->start);
}

/* The largest hole between all of them. */
static struct span largest_hole(struct span *spans, size_t count)
{
    struct span best = {0};
    uint64_t end = user_begin;

    qsort(spans, count, sizeof(*spans), compare_spans);
    for (size_t i = 0; i <= count; i++) {
        uint64_t start = i < count ? spans[i].start : user_end;
        if (start > user_end)
            start = user_end;
        if (start > end && start - end > best.end - best.start)
            best = (struct span){end, start};
        if (i < count && spans[i].end > end)
            end = spans[i].end;
    }
    return best;
}

/* A place for `size` bytes where neither we nor the target have anything. 0 with an error. */
static uint64_t find_hole(const struct image *image, uint64_t size, struct error *err)
{
    struct maps maps;
    size_t count = 0;
    uint64_t room;

    if (!own_maps(&maps, err))
        return 0;
    struct span *spans = calloc(maps.count + image->count + 1, sizeof(*spans));
    for (size_t i = 0; spans && i < maps.count; i++)
        spans[count++] = (struct span){maps.items[i].start, maps.items[i].end};
    for (size_t i = 0; spans && i < image->count; i++)
        spans[count++] =
            (struct span){image->ranges[i].start, image->ranges[i].start + image->ranges[i].size};
    maps_free(&maps);
    if (!spans) {
        error_memory(err);
        return 0;
    }
    struct span hole = largest_hole(spans, count);
    free(spans);
    /* In the middle: neither a stack nor what is mapped next comes near. */
    if (!__builtin_add_overflow(size, 4 * big_page, &room) && hole.end - hole.start >= room)
        return (hole.start + (hole.end - hole.start - room) / 2 + big_page) & ~(big_page - 1);
    error_set(err, ERROR_SYSTEM, "there is no room for the target's memory in our address space");
    return 0;
}

static bool count_pieces(struct pieces *ret, const struct image *image, struct error *err)
{
    *ret = (struct pieces){0};
    if (!is_movable(image))
        return error_set(err, ERROR_SYSTEM, "the copy of the target's memory cannot be moved");
    add_image(ret, image);
    if (ret->ranges + ret->gaps > MOST_PIECES)
        return error_set(err, ERROR_SYSTEM,
                         "the copy of the target's memory has too many pieces for one process "
                         "(%llu, and %d at most)",
                         (unsigned long long)(ret->ranges + ret->gaps), MOST_PIECES);
    return true;
}

static uint64_t in_pages(uint64_t size)
{
    return (size + IMAGE_PAGE - 1) & ~(uint64_t)(IMAGE_PAGE - 1);
}

/* The image has the whole word, so that it can be written. */
static bool has_word(const struct image *image, uint64_t address)
{
    const struct image_range *range = image_range_of(image, address);

    return range && range->bytes && address % 8 == 0 &&
           image_page_present(range, (address - range->start) / IMAGE_PAGE);
}

bool site_plan(struct site *ret, const struct image *image, const struct site_wish *wish,
               struct error *err)
{
    struct pieces counted;
    struct site site = {0};

    if (!count_pieces(&counted, image, err))
        return false;
    site.pages = counted.pages;
    site.size =
        in_pages(sizeof(struct resident_plan) + counted.ranges * sizeof(struct resident_range) +
                 counted.gaps * sizeof(struct resident_gap));
    void *block = mmap(NULL, site.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return error_memory(err);
    site.plan = block;
    uint64_t size = RESIDENT_STAGING_AT + counted.staged + big_page;
    *site.plan = (struct resident_plan){
        .site = find_hole(image, size, err),
        .range_count = counted.ranges,
        .gap_count = counted.gaps,
        .thread_pointer = wish->thread_pointer,
        .word_at = has_word(image, wish->word_at) ? wish->word_at : 0,
        .word = wish->word,
        .type_offset = wish->type_offset,
        .traverse_offset = wish->traverse_offset,
        .sets_thread_pointer = getauxval(AT_HWCAP2) & HAS_FSGSBASE,
    };
    if (!site.plan->site) {
        site_free(&site);
        return false;
    }
    site.plan->end = site.plan->site + size;
    struct pieces filled = {.plan = site.plan,
                            .writable = wish->writable,
                            .staged = site.plan->site + RESIDENT_STAGING_AT};
    add_image(&filled, image);
    *ret = site;
    return true;
}

void site_free(struct site *site)
{
    if (site->plan)
        munmap(site->plan, site->size);
    *site = (struct site){0};
}
