// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_order.h"

#include <stdlib.h>
#include <string.h>

/* Stacks whose first `depth` frames are the same. */
struct segment {
    size_t first, count;
    uint32_t depth;
};

static const uint64_t END_OF_STACK = UINT64_C(1) << 32; /* keys below are of stacks that ended */

static uint64_t key_at(const struct ordered_stack *item, uint32_t depth, bool from_oldest)
{
    if (depth >= item->count)
        return item->tie;
    const struct trace_frame *frame = &item->frames[from_oldest ? item->count - 1 - depth : depth];
    uint64_t rank = item->ranks ? item->ranks[frame->file] : frame->file;

    return (rank + 1) << 32 | frame->line;
}

static int compare_keys(const void *left, const void *right)
{
    const struct ordered_stack *a = left, *b = right;

    return (a->key > b->key) - (a->key < b->key);
}

static void sort_few(struct ordered_stack *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct ordered_stack moved = items[i];
        size_t to = i;
        for (; to && items[to - 1].key > moved.key; to--)
            items[to] = items[to - 1];
        items[to] = moved;
    }
}

/* By the frame at `depth`. */
static void sort_segment(struct ordered_stack *items, size_t count, uint32_t depth,
                         bool from_oldest)
{
    bool is_sorted = true;

    for (size_t i = 0; i < count; i++) {
        items[i].key = key_at(&items[i], depth, from_oldest);
        is_sorted = is_sorted && (i == 0 || items[i - 1].key <= items[i].key);
    }
    if (is_sorted)
        return;
    if (count <= 16)
        sort_few(items, count);
    else
        qsort(items, count, sizeof(*items), compare_keys);
}

bool trace_stacks_sort(struct ordered_stack *items, size_t count, bool from_oldest,
                       struct error *err)
{
    /* Segments have two stacks at least, and none in common. */
    struct segment *todo = malloc((count / 2 + 1) * sizeof(*todo));
    size_t left = 0;

    if (!todo)
        return error_memory(err);
    if (count > 1)
        todo[left++] = (struct segment){.first = 0, .count = count};
    while (left) {
        struct segment at = todo[--left];
        size_t end = at.first + at.count;
        sort_segment(items + at.first, at.count, at.depth, from_oldest);
        for (size_t i = at.first, next; i < end; i = next) {
            for (next = i + 1; next < end && items[next].key == items[i].key; next++)
                ;
            if (next - i > 1 && items[i].key >= END_OF_STACK)
                todo[left++] =
                    (struct segment){.first = i, .count = next - i, .depth = at.depth + 1};
        }
    }
    free(todo);
    return true;
}

/* What rows go by, the least important first. */
enum row_part { ROW_SIZE, ROW_STACK, ROW_DOMAIN, ROW_PARTS };

static inline uint64_t part_of(const struct trace_row *row, enum row_part part)
{
    return part == ROW_SIZE ? row->size : part == ROW_STACK ? row->stack : row->domain;
}

/* By one byte, stably. */
static void deal(struct trace_row *to, const struct trace_row *from, size_t count,
                 enum row_part part, unsigned shift)
{
    size_t places[256] = {0}, sum = 0;

    for (size_t i = 0; i < count; i++)
        places[part_of(&from[i], part) >> shift & 255]++;
    for (size_t i = 0; i < 256; i++) {
        size_t here = places[i];
        places[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[part_of(&from[i], part) >> shift & 255]++] = from[i];
}

/* Which of its bits are not the same in all rows. */
static uint64_t varying_bits(const struct trace_row *rows, size_t count, enum row_part part)
{
    uint64_t varying = 0;

    for (size_t i = 1; i < count; i++)
        varying |= part_of(&rows[i], part) ^ part_of(&rows[0], part);
    return varying;
}

bool trace_rows_sort(struct trace_row *rows, size_t count, struct error *err)
{
    struct trace_row *other = malloc((count + 1) * sizeof(*other)), *from = rows, *to = other;

    if (!other)
        return error_memory(err);
    for (enum row_part part = ROW_SIZE; part < ROW_PARTS; part++) {
        uint64_t varying = varying_bits(from, count, part);
        for (unsigned shift = 0; shift < 64; shift += 8) {
            if (!(varying >> shift & 255))
                continue;
            deal(to, from, count, part, shift);
            struct trace_row *dealt = to;
            to = from;
            from = dealt;
        }
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof(*rows));
    free(other);
    return true;
}
