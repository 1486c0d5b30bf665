// SPDX-License-Identifier: MIT
/*
 * vector - growth of the arrays that we keep as (items, count, capacity).
 */
#ifndef PYINSPECT_VECTOR_H
#define PYINSPECT_VECTOR_H

#include <stddef.h>

/*
 * Returns `items` with room for at least `wanted` items of `item_size` bytes, moved if need be,
 * and updates *capacity (in items). Capacity at least doubles, so appending is cheap.
 * NULL when there is no memory or the size overflows: `items` is then still valid and unchanged.
 */
void *vector_grow(void *items, size_t *capacity, size_t wanted, size_t item_size);

#endif
