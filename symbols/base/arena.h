// SPDX-License-Identifier: MIT
/*
 * arena - memory that is freed all at once.
 *
 * For everything whose life is "this inspection": names, records. Allocation is a pointer bump;
 * what was given out never moves.
 */
#ifndef PYINSPECT_ARENA_H
#define PYINSPECT_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero-initialised is empty and ready. */
struct arena {
    struct arena_block *newest;
    size_t used; /* bytes of the newest block that are given out */
};

/* `size` bytes aligned for any type, not zeroed; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy of `length` bytes (`bytes` may be NULL where there are none); NULL when
 * there is no memory. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* Frees all that was given out; the arena is empty and usable again. */
void arena_free(struct arena *arena);

#endif
