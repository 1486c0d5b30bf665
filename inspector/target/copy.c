// SPDX-License-Identifier: MIT
#include "inspector/target/copy.h"

#include "inspector/target/priority.h"
#include "symbols/base/thread.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BATCH_ITEMS = 4, /* 1 MiB: what a thread takes at a time */
    BATCH_RUNS = 64, /* pieces a system call */
    MOST_WORKERS = 4 /* memory bandwidth is used up by then */
};

/* A piece of memory without a gap, within one chunk. */
struct run {
    struct region *region;
    uint64_t page;
    uint32_t pages;
};

struct runs {
    struct run items[BATCH_RUNS];
    size_t count;
};

struct crew {
    const struct process *process;
    bool read_swapped;
    pthread_t helpers[MOST_WORKERS];
    unsigned helper_count;

    pthread_mutex_t lock; /* guards what follows up to `changed` */
    pthread_cond_t changed;
    unsigned job;     /* counts the jobs; a helper works when it sees a new one */
    unsigned working; /* helpers that are at it */
    bool ending;

    const struct copy_item *items;
    size_t item_count;
    const struct stop *stop;
    atomic_size_t next; /* the first item that nobody has taken */
    atomic_uint_fast64_t pages;
    atomic_int gone; /* errno, when the process cannot be read any more */
};

/* What one thread does of a job. */
struct share {
    const struct process *process;
    bool read_swapped;
    struct runs runs;
    uint64_t pages;
    int gone;
};

bool copy_list_add(struct copy_list *list, const struct copy_item *item)
{
    struct copy_item *grown =
        vector_grow(list->items, &list->capacity, list->count + 1, sizeof(*grown));

    if (!grown)
        return false;
    list->items = grown;
    list->items[list->count++] = *item;
    return true;
}

void copy_list_free(struct copy_list *list)
{
    free(list->items);
    *list = (struct copy_list){0};
}

static void fill_in(const struct run *run, struct iovec *local, struct iovec *remote)
{
    uint64_t at = run->page * IMAGE_PAGE;
    size_t size = (size_t)run->pages * IMAGE_PAGE;

    *local = (struct iovec){run->region->bytes + at, size};
    *remote = (struct iovec){(void *)(uintptr_t)(run->region->mapping.start + at), size};
}

static void mark(struct share *share, const struct run *run, uint32_t pages)
{
    if (!pages)
        return;
    uint64_t mask = UINT64_MAX >> (64 - pages) << run->page % 64;
    run->region->read[run->page / 64] |= mask;
    run->region->filed[run->page / 64] &= ~mask;
    share->pages += pages;
}

/* Copies one run piece by piece; a page that cannot be read is skipped. */
static void copy_run(struct share *share, struct run run)
{
    while (run.pages && !share->gone) {
        struct iovec local, remote;
        fill_in(&run, &local, &remote);
        ssize_t got = process_read(share->process, &local, &remote, 1);
        if (got < 0 && errno != EFAULT)
            share->gone = errno;
        uint32_t pages = got < 0 ? 0 : (uint32_t)(got / IMAGE_PAGE);
        mark(share, &run, pages);
        pages += pages < run.pages;
        run.page += pages;
        run.pages -= pages;
    }
}

static void copy_runs(struct share *share)
{
    struct iovec local[BATCH_RUNS], remote[BATCH_RUNS];
    struct runs *runs = &share->runs;

    for (size_t i = 0; i < runs->count; i++)
        fill_in(&runs->items[i], &local[i], &remote[i]);
    ssize_t got =
        runs->count && !share->gone ? process_read(share->process, local, remote, runs->count) : 0;
    if (got < 0 && errno != EFAULT)
        share->gone = errno;
    uint64_t pages = got < 0 ? 0 : (uint64_t)got / IMAGE_PAGE;
    for (size_t i = 0; i < runs->count; i++) {
        struct run run = runs->items[i];
        uint32_t done = pages < run.pages ? (uint32_t)pages : run.pages;
        mark(share, &run, done);
        pages -= done;
        run.page += done;
        run.pages -= done;
        copy_run(share, run);
    }
    runs->count = 0;
}

/* Adds the pieces of a chunk that `mask` stands for. */
static void add_runs(struct share *share, const struct copy_item *item, uint64_t mask)
{
    while (mask) {
        unsigned start = (unsigned)__builtin_ctzll(mask);
        uint64_t shifted = ~(mask >> start);
        unsigned pages = shifted ? (unsigned)__builtin_ctzll(shifted) : 64;
        if (share->runs.count == BATCH_RUNS)
            copy_runs(share);
        share->runs.items[share->runs.count++] = (struct run){
            .region = item->region, .page = item->chunk * CHUNK_PAGES + start, .pages = pages};
        mask = start + pages == 64 ? 0 : mask & (UINT64_MAX << (start + pages));
    }
}

/* What the kernel says of `pages` pages; where it does not, all are taken for resident. */
static void look(const struct process *process, const struct region *region, uint64_t first,
                 size_t pages, struct residence *ret)
{
    uint64_t entries[BATCH_ITEMS * CHUNK_PAGES];
    uint64_t chunk = first / CHUNK_PAGES;
    bool known =
        process_pagemap(process, region->mapping.start + first * IMAGE_PAGE, entries, pages);

    for (size_t i = 0; i < pages; i++) {
        struct residence *residence = &ret[(first + i) / CHUNK_PAGES - chunk];
        uint64_t entry = known ? entries[i] : UINT64_C(1) << PAGEMAP_PRESENT;
        residence->resident |= (entry >> PAGEMAP_PRESENT & 1) << (first + i) % CHUNK_PAGES;
        residence->swapped |= (entry >> PAGEMAP_SWAPPED & 1) << (first + i) % CHUNK_PAGES;
    }
}

struct residence residence_of(const struct process *process, const struct region *region,
                              uint64_t chunk, uint64_t mask)
{
    struct residence residence = {0};

    if (!mask)
        return residence;
    unsigned low = (unsigned)__builtin_ctzll(mask), high = 63 - (unsigned)__builtin_clzll(mask);
    look(process, region, chunk * CHUNK_PAGES + low, high - low + 1, &residence);
    residence.resident &= mask;
    residence.swapped &= mask;
    return residence;
}

/* How many of the items from `items` on are chunks that follow each other. */
static size_t count_neighbours(const struct copy_item *items, size_t count)
{
    size_t same = 1;

    while (same < count && items[same].region == items[0].region &&
           items[same].chunk == items[0].chunk + same)
        same++;
    return same;
}

static void copy_resident(struct share *share, const struct copy_item *item,
                          const struct residence *residence)
{
    uint64_t there = residence->resident;

    if (share->read_swapped)
        there |= residence->swapped;
    add_runs(share, item, item->mask & there);
}

/* At most BATCH_ITEMS items. */
static void copy_items(struct share *share, const struct copy_item *items, size_t count)
{
    for (size_t i = 0; i < count;) {
        struct residence residence[BATCH_ITEMS] = {0};
        const struct region *region = items[i].region;
        size_t neighbours = count_neighbours(items + i, count - i);
        uint64_t first = items[i].chunk * CHUNK_PAGES;
        uint64_t pages = neighbours * CHUNK_PAGES;
        if (pages > region->pages - first)
            pages = region->pages - first;
        look(share->process, region, first, (size_t)pages, residence);
        for (size_t j = 0; j < neighbours; j++, i++)
            copy_resident(share, &items[i], &residence[j]);
    }
    copy_runs(share);
}

void copy_chunk(const struct process *process, bool read_swapped, const struct copy_item *item)
{
    struct share share = {.process = process, .read_swapped = read_swapped};
    struct residence residence = residence_of(process, item->region, item->chunk, item->mask);

    copy_resident(&share, item, &residence);
    copy_runs(&share);
}

static void work(struct crew *crew)
{
    struct share share = {.process = crew->process, .read_swapped = crew->read_swapped};

    while (!share.gone && !(crew->stop && stop_is_over(crew->stop))) {
        size_t first = atomic_fetch_add(&crew->next, BATCH_ITEMS);
        if (first >= crew->item_count)
            break;
        size_t left = crew->item_count - first;
        copy_items(&share, crew->items + first, left < BATCH_ITEMS ? left : BATCH_ITEMS);
    }
    crew->pages += share.pages;
    if (share.gone)
        crew->gone = share.gone;
}

static void *help(void *argument)
{
    struct crew *crew = argument;
    unsigned seen = 0;

    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (crew->job == seen && !crew->ending)
            pthread_cond_wait(&crew->changed, &crew->lock);
        if (crew->ending)
            break;
        seen = crew->job;
        crew->working++;
        pthread_mutex_unlock(&crew->lock);
        int before = priority_raise();
        work(crew);
        priority_restore(before);
        pthread_mutex_lock(&crew->lock);
        crew->working--;
        pthread_cond_broadcast(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

bool crew_start(struct crew **ret, const struct process *process, bool read_swapped,
                struct error *err)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (!crew)
        return error_memory(err);
    crew->process = process;
    crew->read_swapped = read_swapped;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    while (crew->helper_count + 1 < MOST_WORKERS && (long)crew->helper_count + 1 < processors &&
           thread_start(&crew->helpers[crew->helper_count], help, crew))
        crew->helper_count++;
    *ret = crew;
    return true;
}

void crew_end(struct crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->helper_count; i++)
        pthread_join(crew->helpers[i], NULL);
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

void crew_begin(struct crew *crew, const struct copy_list *list, const struct stop *stop)
{
    pthread_mutex_lock(&crew->lock);
    while (crew->working) /* one that woke up late for the job before */
        pthread_cond_wait(&crew->changed, &crew->lock);
    crew->items = list->items;
    crew->item_count = list->count;
    crew->stop = stop;
    crew->next = 0;
    crew->pages = 0;
    crew->gone = 0;
    crew->job++;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

/* A helper that has not even woken up by now finds nothing left to do. */
bool crew_finish(struct crew *crew, uint64_t *ret_bytes, struct error *err)
{
    work(crew);
    pthread_mutex_lock(&crew->lock);
    while (crew->working)
        pthread_cond_wait(&crew->changed, &crew->lock);
    crew->item_count = 0;
    crew->stop = NULL;
    pthread_mutex_unlock(&crew->lock);
    if (crew->gone)
        return process_refused(crew->process, "read the memory of", crew->gone, err);
    *ret_bytes = crew->pages * IMAGE_PAGE;
    return true;
}
