// SPDX-License-Identifier: MIT
#include "symbols/base/vector.h"

#include <stdlib.h>

void *vector_grow(void *items, size_t *capacity, size_t wanted, size_t item_size)
{
    if (wanted <= *capacity)
        return items;

    size_t larger = *capacity < 8 ? 8 : *capacity;
    while (larger < wanted) {
        if (__builtin_mul_overflow(larger, 2, &larger))
            return NULL;
    }

    void *grown = reallocarray(items, larger, item_size);
    if (grown)
        *capacity = larger;
    return grown;
}
