// SPDX-License-Identifier: MIT
/*
 * copy - moves many runs of a process's pages into our memory, by several threads at once.
 */
#ifndef PYINSPECT_COPY_H
#define PYINSPECT_COPY_H

#include "inspector/target/process.h"

/* A run of pages of one range. At most COPY_RUN_PAGES, so that the threads share the work evenly.
 */
struct copy_run {
    uint64_t address;  /* in the target */
    uint8_t *bytes;    /* here */
    uint64_t *present; /* the range's bits ... */
    uint64_t page;     /* ... and the number of the run's first page there */
    uint32_t pages;
};

enum { COPY_RUN_PAGES = 256 };

struct copy {
    struct copy_run *runs;
    size_t count, capacity;
};

/* Adds the run of pages [page, page + pages) of a range, in pieces. */
MUST_CHECK bool copy_add(struct copy *copy, const struct copy_run *run, struct error *err);

/*
 * Copies all runs. The bits of pages that are there afterwards are set, those of the others
 * cleared. Fails with ERROR_TARGET only where nothing can be read of the process any more;
 * *ret_bytes is what was copied.
 */
MUST_CHECK bool copy_all(const struct copy *copy, const struct process *process,
                         uint64_t *ret_bytes, struct error *err);

void copy_free(struct copy *copy);

#endif
