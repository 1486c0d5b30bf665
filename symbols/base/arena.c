// SPDX-License-Identifier: MIT
#include "symbols/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t capacity;
    alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);

    if (size > SIZE_MAX - sizeof(struct arena_block) - unit)
        return NULL;
    size = (size + unit - 1) / unit * unit;

    if (!arena->newest || arena->newest->capacity - arena->used < size) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct arena_block *block = malloc(sizeof(*block) + capacity);
        if (!block)
            return NULL;
        block->older = arena->newest;
        block->capacity = capacity;
        arena->newest = block;
        arena->used = 0;
    }

    void *given = arena->newest->bytes + arena->used;
    arena->used += size;
    return given;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->newest) {
        struct arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->used = 0;
}
