// SPDX-License-Identifier: MIT
#include "inspector/target/capture.h"

#include "inspector/target/copy.h"
#include "inspector/target/own_memory.h"
#include "symbols/base/clock.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

/* No more than this is read from files in place of pages that the target does not have in memory.
 */
static const uint64_t most_filed_pages = 64 * 1024;
/* Of memory that is new since learning no more than this is copied without having been asked for.
 */
static const uint64_t most_growth = UINT64_C(64) * 1024 * 1024;
/* As much is copied to see how fast that goes. */
static const uint64_t rehearsal_bytes = UINT64_C(16) * 1024 * 1024;
/* To stop a process and each of its threads, and to let them go. */
static const double milliseconds_a_stop = 0.3, milliseconds_a_thread = 0.02;

/* Marks of a region's chunk. */
enum {
    CHUNK_LISTED = 1, /* it is among the capture's chunks */
    CHUNK_LOOKED = 2  /* what the target has of it was fetched */
};

struct chunks {
    struct copy_item *items;
    size_t count, capacity;
};

struct capture {
    const struct process *process;
    struct capture_options options;
    bool huge_pages; /* there is memory enough for them */
    struct crew *crew;
    struct image image;
    struct maps maps;        /* at the last capture_learn; owns the paths */
    struct region **regions; /* in no order; an image range's `source` is one */
    size_t count, capacity;
    struct chunks chunks; /* all that were looked at, in that order; the masks say nothing */
    uint64_t *guards;
    size_t guard_count, guard_capacity;
    uint64_t swapped_pages;
    uint64_t filed_budget; /* pages */
    bool in_pieces;
    bool short_of_memory; /* ours: there was no room for a copy */
};

static bool add_item(struct chunks *chunks, struct copy_item item)
{
    struct copy_item *grown =
        vector_grow(chunks->items, &chunks->capacity, chunks->count + 1, sizeof(*grown));

    if (!grown)
        return false;
    chunks->items = grown;
    chunks->items[chunks->count++] = item;
    return true;
}

static bool add_region(struct capture *capture, const struct mapping *mapping, struct error *err)
{
    struct region *region = region_new(mapping);
    struct region **grown =
        vector_grow(capture->regions, &capture->capacity, capture->count + 1, sizeof(*grown));

    if (grown)
        capture->regions = grown;
    if (!region || !grown) {
        region_free(region);
        return error_memory(err);
    }
    capture->regions[capture->count++] = region;
    struct image_range range = {
        .start = mapping->start, .size = mapping->end - mapping->start, .source = region};
    return image_add(&capture->image, &range, err);
}

/* Makes room for the copy of a range, if there is none yet. */
static bool open_range(struct capture *capture, struct image_range *range)
{
    struct region *region = range->source;

    if (!region_reserve(region, capture->huge_pages)) {
        capture->short_of_memory = true;
        return false;
    }
    range->bytes = region->bytes;
    range->present = region->present;
    return true;
}

static void forget(struct capture *capture)
{
    for (size_t i = 0; i < capture->count; i++)
        region_free(capture->regions[i]);
    capture->count = 0;
    capture->chunks.count = 0;
    capture->guard_count = 0;
    capture->swapped_pages = 0;
    capture->in_pieces = false;
    capture->short_of_memory = false;
    capture->filed_budget = most_filed_pages;
    image_free(&capture->image);
    maps_free(&capture->maps);
}

bool capture_open(struct capture **ret, const struct process *process,
                  const struct capture_options *options, struct error *err)
{
    struct capture *capture = calloc(1, sizeof(*capture));

    if (!capture)
        return error_memory(err);
    capture->process = process;
    capture->options = *options;
    if (!options->max_memory)
        capture->options.max_memory = own_memory_available() / 4 * 3;
    capture->huge_pages = process_resident(process) < capture->options.max_memory / 4 * 3;
    image_init(&capture->image);
    if (!crew_start(&capture->crew, process, options->read_swapped, err)) {
        free(capture);
        return false;
    }
    *ret = capture;
    return true;
}

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    crew_end(capture->crew);
    forget(capture);
    free(capture->regions);
    free(capture->chunks.items);
    free(capture->guards);
    free(capture);
}

struct image *capture_image(struct capture *capture)
{
    return &capture->image;
}

uint64_t capture_max_memory(const struct capture *capture)
{
    return capture->options.max_memory;
}

bool capture_is_in_pieces(const struct capture *capture)
{
    return capture->in_pieces;
}

uint64_t capture_swapped_pages(const struct capture *capture)
{
    return capture->swapped_pages;
}

/* Fetches what the running target has of the chunk and we have not. */
static void fetch_chunk(struct capture *capture, struct region *region, uint64_t chunk)
{
    struct copy_item item = {.region = region,
                             .chunk = chunk,
                             .mask = region_chunk_mask(region, chunk) & ~region->read[chunk]};

    if (!(region->chunks[chunk] & CHUNK_LISTED) && !add_item(&capture->chunks, item)) {
        capture->short_of_memory = true;
        return;
    }
    region->chunks[chunk] = CHUNK_LISTED | CHUNK_LOOKED;
    copy_chunk(capture->process, capture->options.read_swapped, &item);
    if (!region_is_anonymous(region)) {
        struct residence residence = residence_of(capture->process, region, chunk);
        region_read_file(region, capture->process, chunk,
                         item.mask & ~residence.resident & ~residence.swapped,
                         &capture->filed_budget);
    }
    if (capture->chunks.count * CHUNK_BYTES > capture->options.max_memory)
        capture->image.crowded = true;
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
 * Whole groups of four pages: where one was touched the next may be by the time of the stop, since
 * CPython fills pools of 16 KiB (POOL_SIZE, 3.10 and later; one page before), and so do others.
 */
static uint64_t in_groups(uint64_t mask)
{
    return ((mask | mask >> 1 | mask >> 2 | mask >> 3) & UINT64_C(0x1111111111111111)) * 0xf;
}

/* What the question asks for is shown to it page by page, so that we see which ones it needs. */
static bool fetch(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct capture *capture = context;
    struct region *region = range->source;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;
    bool any = false;

    if (!open_range(capture, range))
        return false;
    for (uint64_t chunk = first / CHUNK_PAGES; chunk <= last / CHUNK_PAGES; chunk++) {
        if (!(region->chunks[chunk] & CHUNK_LOOKED))
            fetch_chunk(capture, region, chunk);
        uint64_t shown = region->read[chunk] & ~region->present[chunk] &
                         in_groups(pages_within(chunk, first, last));
        region->present[chunk] |= shown;
        any |= shown != 0;
    }
    return any;
}

/* After the stop: what was not copied is not to be had. */
static bool note_swapped(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct capture *capture = context;
    uint64_t first = (address - range->start) / IMAGE_PAGE;
    uint64_t last = (address - range->start + size - 1) / IMAGE_PAGE;

    if (capture->options.read_swapped)
        return false;
    for (uint64_t chunk = first / CHUNK_PAGES; chunk <= last / CHUNK_PAGES; chunk++) {
        struct residence residence = residence_of(capture->process, range->source, chunk);
        uint64_t swapped = residence.swapped & pages_within(chunk, first, last);
        capture->swapped_pages += (unsigned)__builtin_popcountll(swapped);
    }
    return false;
}

/* Throws away all copies; what is asked for from now on is fetched again. */
static void trim(void *context)
{
    struct capture *capture = context;

    for (size_t i = 0; i < capture->image.count; i++) {
        capture->image.ranges[i].bytes = NULL;
        capture->image.ranges[i].present = NULL;
    }
    for (size_t i = 0; i < capture->count; i++)
        region_release(capture->regions[i]);
    capture->chunks.count = 0;
    capture->filed_budget = most_filed_pages;
    capture->in_pieces = true;
    capture->image.crowded = false;
    image_changed(&capture->image);
}

static void answer_with(struct capture *capture, image_fill *fill)
{
    capture->image.fill = fill;
    capture->image.trim = trim;
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
        while (i < maps.count && region_continues(&mapping, &maps.items[i]))
            mapping.end = maps.items[i++].end;
        if (mapping_is_memory(&mapping) && !add_region(capture, &mapping, &ignored))
            break;
    }
    answer_with(capture, fetch);
}

/* The question needs what was shown to it. */
static void note_needs(struct capture *capture)
{
    for (size_t i = 0; i < capture->chunks.count; i++) {
        struct region *region = capture->chunks.items[i].region;
        uint64_t chunk = capture->chunks.items[i].chunk;
        if (region_changes(region))
            region->planned[chunk] |= region->present[chunk] & ~region->filed[chunk];
    }
}

/* What a chunk held when it was looked at is out of date, but for the pages that were copied. */
static void look_again(struct capture *capture)
{
    for (size_t i = 0; i < capture->chunks.count; i++) {
        struct region *region = capture->chunks.items[i].region;
        if (region_changes(region))
            region->chunks[capture->chunks.items[i].chunk] = CHUNK_LISTED;
    }
}

void capture_learn_more(struct capture *capture)
{
    for (size_t i = 0; i < capture->chunks.count; i++) {
        struct region *region = capture->chunks.items[i].region;
        uint64_t *planned = &region->planned[capture->chunks.items[i].chunk];
        if (*planned)
            *planned = UINT64_MAX;
    }
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

static int compare_items(const void *left, const void *right)
{
    const struct copy_item *a = left, *b = right;
    uint64_t first = a->region->mapping.start + a->chunk * CHUNK_BYTES;
    uint64_t second = b->region->mapping.start + b->chunk * CHUNK_BYTES;

    return (first > second) - (first < second);
}

/*
 * Of each chunk that is needed: the pages that are, and those that the target did not have when we
 * looked, since pages that came meanwhile hold new objects.
 */
static bool make_plan(struct capture *capture, struct chunks *ret, struct error *err)
{
    note_needs(capture);
    for (size_t i = 0; i < capture->chunks.count; i++) {
        struct copy_item item = capture->chunks.items[i];
        uint64_t planned = item.region->planned[item.chunk];
        item.mask =
            region_chunk_mask(item.region, item.chunk) & (planned | ~item.region->read[item.chunk]);
        if (planned && !add_item(ret, item))
            return error_memory(err);
    }
    if (ret->count)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_items);
    return true;
}

/* What was copied earlier is out of date; what was read from a file stays. */
static void forget_copy(struct capture *capture)
{
    for (size_t i = 0; i < capture->chunks.count; i++) {
        struct region *region = capture->chunks.items[i].region;
        uint64_t chunk = capture->chunks.items[i].chunk;
        if (region_changes(region))
            region->read[chunk] = region->present[chunk] = region->filed[chunk];
    }
}

static void show(const struct chunks *copied)
{
    for (size_t i = 0; i < copied->count; i++) {
        const struct copy_item *item = &copied->items[i];
        item->region->present[item->chunk] = item->region->read[item->chunk];
    }
}

struct capture_estimate capture_estimate(struct capture *capture)
{
    struct capture_estimate estimate = {.memory = capture->chunks.count * CHUNK_BYTES};
    struct chunks plan = {0};
    struct error ignored;
    uint64_t sampled = 0;

    if (!make_plan(capture, &plan, &ignored))
        plan.count = 0;
    for (size_t i = 0; i < plan.count; i++)
        estimate.bytes += (unsigned)__builtin_popcountll(plan.items[i].mask) * UINT64_C(4096);
    size_t stride = (size_t)(estimate.bytes / rehearsal_bytes) + 1, kept = 0;
    for (size_t i = 0; i < plan.count; i += stride)
        plan.items[kept++] = plan.items[i];
    double begun = clock_milliseconds();
    crew_begin(capture->crew, plan.items, kept, NULL);
    if (crew_finish(capture->crew, &sampled, &ignored) && sampled)
        estimate.milliseconds =
            (clock_milliseconds() - begun) * ((double)estimate.bytes / (double)sampled);
    free(plan.items);
    estimate.milliseconds +=
        milliseconds_a_stop + process_threads(capture->process) * milliseconds_a_thread;
    return estimate;
}

/* All of it is wanted: nothing is known of it yet. */
static bool plan_growth(struct capture *capture, const struct mapping *mapping, uint64_t *budget,
                        struct chunks *plan, struct error *err)
{
    struct mapping growth = *mapping;
    uint64_t size = mapping->end - mapping->start;

    growth.path = "";
    if (!add_region(capture, &growth, err))
        return false;
    if (size > *budget)
        return true; /* then it is missed, and counted */
    *budget -= size;
    struct image_range *range = image_range_of(&capture->image, growth.start);
    if (!open_range(capture, range))
        return true;
    struct region *region = range->source;
    for (uint64_t chunk = 0; chunk < region_chunks(region); chunk++) {
        struct copy_item item = {
            .region = region, .chunk = chunk, .mask = region_chunk_mask(region, chunk)};
        if (!add_item(plan, item) || !add_item(&capture->chunks, item))
            return error_memory(err);
        region->planned[chunk] = UINT64_MAX;
        region->chunks[chunk] = CHUNK_LISTED;
    }
    return true;
}

/* Anonymous memory that was mapped, or grew, since the mappings were learnt. */
static bool plan_new_memory(struct capture *capture, struct chunks *plan, struct error *err)
{
    struct maps now;
    uint64_t budget = most_growth;
    bool done = true;

    if (!process_maps(capture->process, &now, err))
        return false;
    for (size_t i = 0; done && i < now.count; i++) {
        struct mapping mapping = now.items[i];
        if (!mapping_is_memory(&mapping) || !mapping.writable || mapping.inode)
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
            done = plan_growth(capture, &gap, &budget, plan, err);
        }
    }
    maps_free(&now);
    return done;
}

static bool copy_plan(struct capture *capture, const struct chunks *plan, const struct stop *stop,
                      struct capture_report *report, struct error *err)
{
    struct chunks growth = {0};
    uint64_t bytes = 0, more = 0;

    /* The helpers copy while we look at the mappings. */
    crew_begin(capture->crew, plan->items, plan->count, stop);
    bool planned = plan_new_memory(capture, &growth, err);
    bool done = crew_finish(capture->crew, &bytes, err) && planned;
    if (done && growth.count) {
        crew_begin(capture->crew, growth.items, growth.count, stop);
        done = crew_finish(capture->crew, &more, err);
    }
    report->bytes = bytes + more;
    show(plan);
    show(&growth);
    free(growth.items);
    return done;
}

static enum capture_outcome work_stopped(struct capture *capture, const struct chunks *plan,
                                         const struct capture_order *order, const struct stop *stop,
                                         struct capture_report *report, struct error *err)
{
    if (!order->even_if_busy && !capture_is_quiet(capture))
        return CAPTURE_BUSY;
    if (!copy_plan(capture, plan, stop, report, err))
        return CAPTURE_FAILED;
    if (order->work && !stop_is_over(stop)) {
        look_again(capture);
        answer_with(capture, fetch);
        if (!order->work(order->context, err))
            return CAPTURE_FAILED;
    }
    return CAPTURE_DONE;
}

static bool has_no_memory(struct error *err)
{
    return error_set(err, ERROR_SYSTEM,
                     "pyinspect has not enough memory of its own: it takes about as much as the "
                     "objects of the target; run it where there is more, or raise ulimit -v");
}

enum capture_outcome capture_take(struct capture *capture, const struct capture_order *order,
                                  struct capture_report *ret, struct error *err)
{
    struct capture_report report = {0};
    struct chunks plan = {0};
    enum capture_outcome outcome = CAPTURE_FAILED;
    struct stop *stop;

    if (capture->in_pieces)
        trim(capture);
    if (capture->short_of_memory) {
        has_no_memory(err);
        return CAPTURE_FAILED;
    }
    bool ready = make_plan(capture, &plan, err);
    forget_copy(capture);
    capture->swapped_pages = 0;
    if (ready && stop_begin(&stop, capture->process, order->max_pause_milliseconds, err)) {
        outcome = work_stopped(capture, &plan, order, stop, &report, err);
        if (!stop_end(stop, &report.stop, err))
            outcome = CAPTURE_FAILED;
        else if (report.stop.overdue)
            outcome = CAPTURE_OVERDUE;
    }
    free(plan.items);
    uint64_t missed = capture->image.missed;
    answer_with(capture, note_swapped);
    if (order->work)
        capture->image.missed = missed;
    if (outcome != CAPTURE_FAILED)
        *ret = report;
    return outcome;
}
