// SPDX-License-Identifier: MIT
/*
 * damaged_heap - the memory of a real Python process, damaged as no real one would be, to see that
 * whoever reads it comes to no harm.
 *
 *     struct damaged_heap heap;
 *     damaged_heap_copy(&heap, pid, &err);
 *     for (uint64_t seed = 0; seed < 100; seed++)
 *         damaged_heap_round(&heap, seed, 10, &outcome);
 *     damaged_heap_free(&heap);
 *
 * A round is a process of its own, which damages its copy of the copy and asks of it all that can
 * be asked. The same seed does the same damage to the same copy.
 */
#ifndef PYINSPECT_TESTS_DAMAGED_HEAP_H
#define PYINSPECT_TESTS_DAMAGED_HEAP_H

#include "inspector/command/session.h"
#include "inspector/target/image.h"

struct damaged_heap {
    struct session *session; /* to whom the Python and its layout belong */
    struct image image;
    struct heap_object *objects; /* as they are before the damage */
    size_t object_count, object_capacity;
};

struct damaged_outcome {
    int status; /* 0: all went well; 128 + the signal that ended it, SIGALRM where it took too long
                 */
    double seconds;
    uint64_t peak_bytes; /* memory that it took, with that of the process that started it */
};

/* Stops the process, copies what it has in memory, lets it go. */
MUST_CHECK bool damaged_heap_copy(struct damaged_heap *ret, pid_t pid, struct error *err);
void damaged_heap_free(struct damaged_heap *heap);

/* Seed 0 does no damage. */
MUST_CHECK bool damaged_heap_round(const struct damaged_heap *heap, uint64_t seed,
                                   unsigned max_seconds, struct damaged_outcome *ret,
                                   struct error *err);

#endif
