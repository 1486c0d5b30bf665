// SPDX-License-Identifier: MIT
#include "inspector/store/trace_lines.h"

#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

enum { LEAST_ROOM = 65536 }; /* lines, 512 KiB */

static uint64_t key_of(const struct trace_frame *frame)
{
    return (uint64_t)frame->file << 32 | frame->line;
}

/* Sorts them too. Returns how many are left. */
static size_t drop_repeated(uint64_t *keys, size_t count)
{
    size_t kept = 0;

    if (count)
        qsort(keys, count, sizeof(*keys), order_numbers);
    for (size_t i = 0; i < count; i++)
        if (!kept || keys[kept - 1] != keys[i])
            keys[kept++] = keys[i];
    return kept;
}

/* Stacks share their lines: those that are there already are dropped whenever the room is full,
 * which then grows if most are left. */
bool trace_lines_make(struct trace_lines *ret, const struct traces *traces, struct error *err)
{
    struct trace_lines lines = {.keys = NULL};
    size_t capacity = 0;

    for (size_t i = 0; i < traces->frame_count; i++) {
        if (lines.count == capacity) {
            lines.count = drop_repeated(lines.keys, lines.count);
            size_t wanted = lines.count < LEAST_ROOM ? LEAST_ROOM : lines.count * 2;
            uint64_t *keys = vector_grow(lines.keys, &capacity, wanted, sizeof(*keys));
            if (!keys) {
                trace_lines_free(&lines);
                return error_memory(err);
            }
            lines.keys = keys;
        }
        lines.keys[lines.count++] = key_of(&traces->frames[i]);
    }
    lines.count = drop_repeated(lines.keys, lines.count);
    *ret = lines;
    return true;
}

void trace_lines_free(struct trace_lines *lines)
{
    free(lines->keys);
    *lines = (struct trace_lines){.keys = NULL};
}

struct trace_frame trace_lines_get(const struct trace_lines *lines, size_t number)
{
    uint64_t key = lines->keys[number];

    return (struct trace_frame){(uint32_t)(key >> 32), (uint32_t)key};
}

size_t trace_lines_find(const struct trace_lines *lines, const struct trace_frame *frame)
{
    uint64_t key = key_of(frame);
    size_t low = 0, high = lines->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lines->keys[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}
