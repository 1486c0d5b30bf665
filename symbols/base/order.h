// SPDX-License-Identifier: MIT
/*
 * order - for qsort and bsearch.
 */
#ifndef PYINSPECT_ORDER_H
#define PYINSPECT_ORDER_H

#include <stdint.h>

/* Of two uint64_t, the smaller one first. */
static inline int order_numbers(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

#endif
