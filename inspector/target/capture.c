// SPDX-License-Identifier: MIT
#include "inspector/target/capture.h"

#include "inspector/target/mirror.h"
#include "inspector/target/own_memory.h"
#include "inspector/target/priority.h"
#include "symbols/base/clock.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

/* Of memory that is new since learning no more than this is copied without having been asked for.
 */
static const uint64_t most_growth = UINT64_C(64) * 1024 * 1024;
/* As much is copied to see how fast that goes, several times, since others use the machine too. */
static const uint64_t rehearsal_bytes = UINT64_C(8) * 1024 * 1024;
enum { REHEARSALS = 3 };
/* To stop a process and each of its threads, and to let them go. */
static const double milliseconds_a_stop = 0.3, milliseconds_a_thread = 0.01;

struct capture {
    const struct process *process;
    struct crew *crew;
    struct maps maps; /* at the last capture_learn; owns the paths */
    struct mirror mirror;
    double most_milliseconds_in_pieces;
    double milliseconds_a_look; /* at the mappings */
    uint64_t *guards;
    size_t guard_count, guard_capacity;
};

static void forget(struct capture *capture)
{
    mirror_clear(&capture->mirror);
    maps_free(&capture->maps);
    capture->guard_count = 0;
}

bool capture_open(struct capture **ret, const struct process *process,
                  const struct capture_options *options, struct error *err)
{
    struct capture *capture = calloc(1, sizeof(*capture));

    if (!capture)
        return error_memory(err);
    capture->process = process;
    capture->most_milliseconds_in_pieces = options->most_milliseconds_in_pieces;
    mirror_init(&capture->mirror, process, options->read_swapped,
                options->max_memory ? options->max_memory : own_memory_available() / 4 * 3,
                options->rooms);
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
    free(capture->guards);
    free(capture);
}

struct image *capture_image(struct capture *capture)
{
    return &capture->mirror.image;
}

uint64_t capture_max_memory(const struct capture *capture)
{
    return capture->mirror.max_memory;
}

bool capture_is_in_pieces(const struct capture *capture)
{
    return capture->mirror.in_pieces;
}

uint64_t capture_swapped_pages(const struct capture *capture)
{
    return capture->mirror.swapped_pages;
}

void capture_learn(struct capture *capture)
{
    struct error ignored;
    struct maps maps;

    forget(capture);
    double begun = clock_milliseconds();
    if (!process_maps(capture->process, &maps, &ignored))
        return; /* the image stays empty; capture_take will say why */
    capture->milliseconds_a_look = clock_milliseconds() - begun;
    capture->maps = maps;
    for (size_t i = 0; i < maps.count;) {
        struct mapping mapping = maps.items[i++];
        while (i < maps.count && region_continues(&mapping, &maps.items[i]))
            mapping.end = maps.items[i++].end;
        if (mapping_is_memory(&mapping) && !mirror_add(&capture->mirror, &mapping, &ignored))
            break;
    }
    if (capture->most_milliseconds_in_pieces > 0)
        capture->mirror.give_up = clock_milliseconds() + capture->most_milliseconds_in_pieces;
    mirror_fetch(&capture->mirror);
}

/* What was read earlier is out of date; what was read from a file stays. */
static void forget_copy(struct capture *capture)
{
    for (size_t i = 0; i < capture->mirror.chunks.count; i++) {
        struct region *region = capture->mirror.chunks.items[i].region;
        uint64_t chunk = capture->mirror.chunks.items[i].chunk;
        if (!region_changes(region))
            continue;
        uint64_t gone = region_bytes_of(region->read[chunk] & ~region->filed[chunk]);
        /* A rehearsal may have read pages that nobody counted. */
        capture->mirror.bytes -= gone < capture->mirror.bytes ? gone : capture->mirror.bytes;
        region->read[chunk] = region->present[chunk] = region->filed[chunk];
    }
}

void capture_learn_again(struct capture *capture)
{
    mirror_note_needs(&capture->mirror);
    forget_copy(capture);
    capture->mirror.swapped_pages = 0;
    mirror_look_again(&capture->mirror);
    mirror_fetch(&capture->mirror);
}

void capture_learn_more(struct capture *capture)
{
    uint64_t bytes = 0;

    mirror_note_needs(&capture->mirror);
    for (size_t i = 0; i < capture->mirror.chunks.count; i++) {
        const struct copy_item *item = &capture->mirror.chunks.items[i];
        if (item->region->planned[item->chunk])
            bytes += region_bytes_of(item->region->seen[item->chunk]);
    }
    for (size_t i = 0; bytes < capture->mirror.max_memory && i < capture->mirror.chunks.count;
         i++) {
        struct region *region = capture->mirror.chunks.items[i].region;
        uint64_t *planned = &region->planned[capture->mirror.chunks.items[i].chunk];
        if (*planned)
            *planned = UINT64_MAX;
    }
    mirror_look_again(&capture->mirror);
    mirror_fetch(&capture->mirror);
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
 * looked, since pages that came meanwhile hold new objects, or are not the file's any more.
 */
static bool make_plan(struct capture *capture, struct copy_list *ret, struct error *err)
{
    mirror_note_needs(&capture->mirror);
    for (size_t i = 0; i < capture->mirror.chunks.count; i++) {
        struct copy_item item = capture->mirror.chunks.items[i];
        uint64_t planned = item.region->planned[item.chunk];
        bool filed = region_changes(item.region) && item.region->filed[item.chunk];
        item.mask =
            region_chunk_mask(item.region, item.chunk) & (planned | ~item.region->seen[item.chunk]);
        if ((planned || filed) && !copy_list_add(ret, &item))
            return error_memory(err);
    }
    if (ret->count)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_items);
    return true;
}

static void show(struct capture *capture, const struct copy_list *copied)
{
    for (size_t i = 0; i < copied->count; i++) {
        const struct copy_item *item = &copied->items[i];
        uint64_t *present = &item->region->present[item->chunk];
        capture->mirror.bytes += region_bytes_of(item->region->read[item->chunk] & ~*present);
        item->region->present[item->chunk] = item->region->read[item->chunk];
    }
}

/* Bytes a millisecond when some of the plan is copied; 0: nothing could be. */
static double rehearse(struct capture *capture, const struct copy_list *plan, uint64_t first,
                       uint64_t stride)
{
    struct copy_list sample = {0};
    struct error ignored;
    uint64_t copied = 0;

    for (uint64_t i = first; i < plan->count; i += stride) {
        if (!copy_list_add(&sample, &plan->items[i]))
            break;
    }
    int before = priority_raise();
    double begun = clock_milliseconds();
    crew_begin(capture->crew, &sample, NULL);
    bool done = crew_finish(capture->crew, &copied, &ignored);
    double taken = clock_milliseconds() - begun;
    priority_restore(before);
    copy_list_free(&sample);
    return done && taken > 0 ? (double)copied / taken : 0;
}

struct capture_estimate capture_estimate(struct capture *capture, double enough)
{
    struct capture_estimate estimate = {.memory = capture->mirror.bytes};
    struct copy_list plan = {0};
    struct error ignored;
    double best = 0;

    if (!make_plan(capture, &plan, &ignored))
        plan.count = 0;
    for (size_t i = 0; i < plan.count; i++) {
        /* The plan also has those that the target may get meanwhile. */
        const struct copy_item *item = &plan.items[i];
        uint64_t there = item->mask & item->region->seen[item->chunk];
        estimate.bytes += region_bytes_of(there);
    }
    if (capture->mirror.in_pieces)
        plan.count = 0; /* there is no room for a rehearsal */
    uint64_t stride = estimate.bytes / rehearsal_bytes + 1;
    for (uint64_t i = 0; i < REHEARSALS && !(best * enough > (double)estimate.bytes); i++) {
        double speed = rehearse(capture, &plan, i * stride / REHEARSALS, stride);
        best = speed > best ? speed : best;
    }
    copy_list_free(&plan);
    estimate.milliseconds =
        milliseconds_a_stop + process_threads(capture->process) * milliseconds_a_thread;
    double copying = best > 0 ? (double)estimate.bytes / best : 0;
    estimate.milliseconds += /* one thread looks at the mappings meanwhile */
        copying > capture->milliseconds_a_look ? copying : capture->milliseconds_a_look;
    return estimate;
}

/* All of it is wanted: nothing is known of it yet. */
static bool plan_growth(struct capture *capture, const struct mapping *mapping, uint64_t *budget,
                        struct copy_list *plan, struct error *err)
{
    struct mapping growth = *mapping;
    uint64_t size = mapping->end - mapping->start;

    growth.path = "";
    if (!mirror_add(&capture->mirror, &growth, err))
        return false;
    if (size > *budget)
        return true; /* then it is missed, and counted */
    *budget -= size;
    struct image_range *range = image_range_of(&capture->mirror.image, growth.start);
    if (!mirror_open_range(&capture->mirror, range))
        return true;
    struct region *region = range->source;
    for (uint64_t chunk = 0; chunk < region_chunks(region); chunk++) {
        struct copy_item item = {
            .region = region, .chunk = chunk, .mask = region_chunk_mask(region, chunk)};
        if (!copy_list_add(plan, &item) || !mirror_list(&capture->mirror, region, chunk))
            return error_memory(err);
        region->planned[chunk] = UINT64_MAX;
    }
    return true;
}

/* Anonymous memory that was mapped, or grew, since the mappings were learnt. */
static bool plan_new_memory(struct capture *capture, struct copy_list *plan, struct error *err)
{
    struct maps now;
    uint64_t budget = most_growth;
    bool done = true;

    if (!process_maps(capture->process, &now, err))
        return false;
    for (size_t i = 0; done && i < now.count && !stop_is_over(capture->mirror.stop); i++) {
        struct mapping mapping = now.items[i];
        if (!mapping_is_memory(&mapping) || !mapping.writable || mapping.inode)
            continue;
        /* The parts of it that the image has no range for, one after the other. */
        for (uint64_t at = mapping.start; done && at < mapping.end;) {
            const struct image_range *known = image_range_from(&capture->mirror.image, at);
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

static bool copy_plan(struct capture *capture, const struct copy_list *plan,
                      struct capture_report *report, struct error *err)
{
    struct copy_list growth = {0};
    uint64_t bytes = 0, more = 0;

    /* The helpers copy while we look at the mappings. */
    crew_begin(capture->crew, plan, capture->mirror.stop);
    bool planned = plan_new_memory(capture, &growth, err);
    bool done = crew_finish(capture->crew, &bytes, err) && planned;
    if (done && growth.count) {
        crew_begin(capture->crew, &growth, capture->mirror.stop);
        done = crew_finish(capture->crew, &more, err);
    }
    report->bytes = bytes + more;
    show(capture, plan);
    show(capture, &growth);
    copy_list_free(&growth);
    return done;
}

static enum capture_outcome work_stopped(struct capture *capture, const struct copy_list *plan,
                                         const struct capture_order *order,
                                         struct capture_report *report, struct error *err)
{
    if (!order->even_if_busy && !capture_is_quiet(capture))
        return CAPTURE_BUSY;
    if (!copy_plan(capture, plan, report, err))
        return CAPTURE_FAILED;
    if (order->work && !stop_is_over(capture->mirror.stop)) {
        mirror_look_again(&capture->mirror);
        mirror_fetch(&capture->mirror);
        if (!order->work(order->context, err))
            return CAPTURE_FAILED;
    }
    return CAPTURE_DONE;
}

bool capture_has_memory(const struct capture *capture, struct error *err)
{
    return !capture->mirror.short_of_memory ||
           error_set(err, ERROR_SYSTEM,
                     "there is not enough memory for the copy: it takes about as much as the "
                     "target's objects, and as much address space (ulimit -v) as the target has; "
                     "run it where there is more, or raise the limit");
}

enum capture_outcome capture_take(struct capture *capture, const struct capture_order *order,
                                  struct capture_report *ret, struct error *err)
{
    struct capture_report report = {0};
    struct copy_list plan = {0};
    enum capture_outcome outcome = CAPTURE_FAILED;
    struct stop *stop;

    if (capture->mirror.in_pieces)
        mirror_trim(&capture->mirror);
    if (!capture_has_memory(capture, err))
        return CAPTURE_FAILED;
    bool ready = capture->mirror.in_pieces || make_plan(capture, &plan, err);
    forget_copy(capture);
    capture->mirror.swapped_pages = 0;
    if (ready && stop_begin(&stop, capture->process, order->max_pause_milliseconds, err)) {
        capture->mirror.stop = stop;
        outcome = work_stopped(capture, &plan, order, &report, err);
        capture->mirror.stop = NULL;
        if (!stop_end(stop, &report.stop, err))
            outcome = CAPTURE_FAILED;
        else if (report.stop.overdue)
            outcome = CAPTURE_OVERDUE;
    }
    copy_list_free(&plan);
    mirror_keep(&capture->mirror);
    if (outcome != CAPTURE_FAILED)
        *ret = report;
    return outcome;
}
