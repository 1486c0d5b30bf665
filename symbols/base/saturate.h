// SPDX-License-Identifier: MIT
/*
 * saturate - sums and products that stay at the greatest number when they are larger.
 */
#ifndef PYINSPECT_SATURATE_H
#define PYINSPECT_SATURATE_H

#include <stdint.h>

static inline void add_saturating(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}

static inline uint64_t multiply_saturating(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline void add_change_saturating(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = more < 0 ? INT64_MIN : INT64_MAX;
}

#endif
