// SPDX-License-Identifier: MIT
#include "inspector/python/printable.h"

#include <stddef.h>

struct printable_range {
    uint32_t first, last;
    uint32_t since; /* the first minor version; 0: all */
};

static const struct printable_range ranges[] = {
#include "inspector/python/printable.def"
};

bool code_is_printable(unsigned minor, uint32_t code)
{
    size_t low = 0, high = sizeof(ranges) / sizeof(*ranges);

    if (code < 0x80)
        return code >= 0x20 && code < 0x7f;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct printable_range *range = &ranges[middle];

        if (code < range->first)
            high = middle;
        else if (code > range->last)
            low = middle + 1;
        else
            return minor >= range->since;
    }
    return false;
}
