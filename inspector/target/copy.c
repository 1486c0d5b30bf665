// SPDX-License-Identifier: MIT
#include "inspector/target/copy.h"

#include "inspector/target/image.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BATCH_RUNS = 16,  /* runs a system call */
    MOST_WORKERS = 4, /* memory bandwidth is used up by then */
    PAGES_WORTH_A_WORKER = 4096,
};

struct crew {
    const struct copy *copy;
    const struct process *process;
    atomic_size_t next;         /* the first run that nobody has taken */
    atomic_uint_fast64_t pages; /* copied so far */
    atomic_int gone;            /* errno, when the process cannot be read any more */
};

bool copy_add(struct copy *copy, const struct copy_run *run, struct error *err)
{
    struct copy_run rest = *run;

    while (rest.pages) {
        struct copy_run piece = rest;
        struct copy_run *grown =
            vector_grow(copy->runs, &copy->capacity, copy->count + 1, sizeof(*copy->runs));
        if (!grown)
            return error_memory(err);
        copy->runs = grown;
        if (piece.pages > COPY_RUN_PAGES)
            piece.pages = COPY_RUN_PAGES;
        copy->runs[copy->count++] = piece;
        rest.pages -= piece.pages;
        rest.page += piece.pages;
        rest.address += (uint64_t)piece.pages * IMAGE_PAGE;
        rest.bytes += (uint64_t)piece.pages * IMAGE_PAGE;
    }
    return true;
}

/* Runs of one range may share a word of its bits, and be copied by different threads. */
static void mark(const struct copy_run *run, uint32_t page, bool present)
{
    uint64_t number = run->page + page;
    uint64_t bit = UINT64_C(1) << (number % 64);

    if (present)
        __atomic_fetch_or(&run->present[number / 64], bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&run->present[number / 64], ~bit, __ATOMIC_RELAXED);
}

/* Copies one run from page `first` on; a page that cannot be read is skipped. */
static void copy_rest(struct crew *crew, const struct copy_run *run, uint32_t first)
{
    for (uint32_t page = first; page < run->pages && !crew->gone;) {
        size_t size = (size_t)(run->pages - page) * IMAGE_PAGE;
        uint64_t at = (uint64_t)page * IMAGE_PAGE;
        struct iovec local = {run->bytes + at, size};
        struct iovec remote = {(void *)(uintptr_t)(run->address + at), size};
        ssize_t got = process_read(crew->process, &local, &remote, 1);
        uint32_t pages = got < 0 ? 0 : (uint32_t)(got / IMAGE_PAGE);

        if (got < 0 && errno != EFAULT)
            crew->gone = errno;
        for (uint32_t i = 0; i < pages; i++)
            mark(run, page + i, true);
        crew->pages += pages;
        page += pages;
        if (page < run->pages)
            mark(run, page++, false);
    }
}

static void copy_batch(struct crew *crew, const struct copy_run *runs, size_t count)
{
    struct iovec local[BATCH_RUNS], remote[BATCH_RUNS];

    for (size_t i = 0; i < count; i++) {
        size_t size = (size_t)runs[i].pages * IMAGE_PAGE;
        local[i] = (struct iovec){runs[i].bytes, size};
        remote[i] = (struct iovec){(void *)(uintptr_t)runs[i].address, size};
    }
    ssize_t got = process_read(crew->process, local, remote, count);
    if (got < 0 && errno != EFAULT)
        crew->gone = errno;

    size_t pages = got < 0 ? 0 : (size_t)got / IMAGE_PAGE;
    for (size_t i = 0; i < count; i++) {
        uint32_t done = pages < runs[i].pages ? (uint32_t)pages : runs[i].pages;
        for (uint32_t page = 0; page < done; page++)
            mark(&runs[i], page, true);
        crew->pages += done;
        pages -= done;
        if (done < runs[i].pages)
            copy_rest(crew, &runs[i], done);
    }
}

static void *work(void *argument)
{
    struct crew *crew = argument;
    const struct copy *copy = crew->copy;

    while (!crew->gone) {
        size_t first = atomic_fetch_add(&crew->next, BATCH_RUNS);
        if (first >= copy->count)
            break;
        size_t left = copy->count - first;
        copy_batch(crew, copy->runs + first, left < BATCH_RUNS ? left : BATCH_RUNS);
    }
    return NULL;
}

static size_t count_workers(const struct copy *copy)
{
    uint64_t pages = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    for (size_t i = 0; i < copy->count; i++)
        pages += copy->runs[i].pages;
    uint64_t workers = 1 + pages / PAGES_WORTH_A_WORKER;
    if (processors > 0 && workers > (uint64_t)processors)
        workers = (uint64_t)processors;
    return workers < MOST_WORKERS ? (size_t)workers : MOST_WORKERS;
}

bool copy_all(const struct copy *copy, const struct process *process, uint64_t *ret_bytes,
              struct error *err)
{
    struct crew crew = {.copy = copy, .process = process};
    pthread_t helpers[MOST_WORKERS];
    size_t started = 0, wanted = count_workers(copy);

    while (started + 1 < wanted && pthread_create(&helpers[started], NULL, work, &crew) == 0)
        started++;
    work(&crew);
    for (size_t i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
    if (crew.gone)
        return process_refused(process, "read the memory of", crew.gone, err);
    *ret_bytes = crew.pages * IMAGE_PAGE;
    return true;
}

void copy_free(struct copy *copy)
{
    free(copy->runs);
    *copy = (struct copy){0};
}
