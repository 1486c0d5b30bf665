// SPDX-License-Identifier: MIT
/*
 * order - for qsort and bsearch, and for what bsearch does not do.
 */
#ifndef PYINSPECT_ORDER_H
#define PYINSPECT_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of two uint64_t, the smaller one first. */
static inline int order_numbers(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* Of `count` items of `size` bytes, sorted by the uint32_t that each begins with: the first whose
 * number is not below `least`; `count` if there is none. */
static inline size_t order_first(const void *items, size_t count, size_t size, uint32_t least)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t number;
        memcpy(&number, (const char *)items + middle * size, sizeof(number));
        if (number < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
