// SPDX-License-Identifier: MIT
/*
 * copy - moves pages of a process into our memory, by several threads at once.
 *
 * The threads are started beforehand and wait, so that a stop does not. What is to be copied is
 * told chunk by chunk; which pages of it the process has in memory is looked at just before they
 * are copied, since reading any other would make the process grow, or block for ever (userfaultfd).
 */
#ifndef PYINSPECT_COPY_H
#define PYINSPECT_COPY_H

#include "inspector/target/region.h"
#include "inspector/target/stop.h"

/* Pages of one chunk of a region that has room (region_reserve). */
struct copy_item {
    struct region *region;
    uint64_t chunk;
    uint64_t mask;
};

struct copy_list {
    struct copy_item *items;
    size_t count, capacity;
};

/* False: no memory. */
MUST_CHECK bool copy_list_add(struct copy_list *list, const struct copy_item *item);
void copy_list_free(struct copy_list *list);

struct crew;

/* `read_swapped`: pages in swap are copied too, which brings them back. */
MUST_CHECK bool crew_start(struct crew **ret, const struct process *process, bool read_swapped,
                           struct error *err);
void crew_end(struct crew *crew); /* NULL is fine */

/*
 * Begins to copy what is listed; the list stays the caller's. In region->read a bit is set for each
 * page that was copied. With `stop` (or NULL) no more is copied once that is over.
 */
void crew_begin(struct crew *crew, const struct copy_list *list, const struct stop *stop);

/*
 * Helps, and returns when all is copied. Fails with ERROR_TARGET where nothing can be read of the
 * process any more. *ret_bytes is what was copied.
 */
MUST_CHECK bool crew_finish(struct crew *crew, uint64_t *ret_bytes, struct error *err);

/* Copies one item alone, in the calling thread. Pages that cannot be read are left out. */
void copy_chunk(const struct process *process, bool read_swapped, const struct copy_item *item);

/* Which of the pages of a chunk that `mask` stands for are in memory, and which lie in swap. */
struct residence {
    uint64_t resident, swapped; /* a bit a page */
};
struct residence residence_of(const struct process *process, const struct region *region,
                              uint64_t chunk, uint64_t mask);

#endif
