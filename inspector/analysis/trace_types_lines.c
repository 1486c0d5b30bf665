// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_types.h"

#include "symbols/base/saturate.h"

#include <stdlib.h>

/* Which row of the statistics counts the blocks of some frames. */
struct key_row {
    const struct trace_frame *frames;
    uint32_t count; /* of frames */
    uint32_t row;
};

/* Within one set of traces the numbers of files say enough. */
static int compare_keys(const void *left, const void *right)
{
    const struct key_row *a = left, *b = right;

    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        if (a->frames[i].file != b->frames[i].file)
            return a->frames[i].file < b->frames[i].file ? -1 : 1;
        if (a->frames[i].line != b->frames[i].line)
            return a->frames[i].line < b->frames[i].line ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}

/* What a comparison has of the old traces alone holds no objects any more. */
static size_t list_keys(const struct traces *traces, const struct trace_statistics *statistics,
                        struct key_row *keys)
{
    size_t count = 0;

    for (size_t i = 0; i < statistics->count; i++) {
        const struct trace_statistic *row = &statistics->rows[i];
        if (row->of == traces)
            keys[count++] = (struct key_row){row->frames, row->frame_count, (uint32_t)i};
    }
    if (count)
        qsort(keys, count, sizeof(*keys), compare_keys);
    return count;
}

static const struct key_row *find_row(const struct traces *traces, const struct trace_stack *stack,
                                      enum trace_key key, const struct key_row *keys, size_t count)
{
    struct trace_frame first = traces->frames[stack->first];
    struct key_row wanted = {.frames = &first, .count = 1};

    if (key == TRACE_BY_FILENAME)
        first.line = 0;
    if (key == TRACE_BY_TRACEBACK)
        wanted = (struct key_row){.frames = &traces->frames[stack->first], .count = stack->frames};
    return count ? bsearch(&wanted, keys, count, sizeof(*keys), compare_keys) : NULL;
}

static int compare_places(const void *left, const void *right)
{
    const struct type_line *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

static int compare_within_row(const void *left, const void *right)
{
    const struct type_line *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* Several stacks have the same line. */
static size_t sum_equals(struct type_line *lines, size_t count)
{
    size_t kept = 0;

    if (count)
        qsort(lines, count, sizeof(*lines), compare_places);
    for (size_t i = 0; i < count; i++) {
        struct type_line *last = kept ? &lines[kept - 1] : NULL;
        if (!last || compare_places(last, &lines[i]) != 0) {
            lines[kept++] = lines[i];
            continue;
        }
        add_saturating(&last->count, lines[i].count);
        add_saturating(&last->bytes, lines[i].bytes);
    }
    if (kept)
        qsort(lines, kept, sizeof(*lines), compare_within_row);
    return kept;
}

bool trace_types_by_row(const struct trace_types *types, const struct traces *traces,
                        const struct trace_statistics *statistics, enum trace_key key,
                        struct type_line **ret, size_t *ret_count, struct error *err)
{
    struct type_line *lines = calloc(types->tally_count + 1, sizeof(*lines));
    struct key_row *keys = calloc(statistics->count + 1, sizeof(*keys));
    size_t count = 0;

    if (!lines || !keys) {
        free(lines);
        free(keys);
        return error_memory(err);
    }
    size_t key_count = list_keys(traces, statistics, keys);
    const struct key_row *row = NULL;
    for (size_t i = 0; i < types->tally_count; i++) {
        const struct type_tally *tally = &types->tallies[i];
        if (!i || tally->stack != types->tallies[i - 1].stack)
            row = find_row(traces, &traces->stacks[tally->stack], key, keys, key_count);
        if (row)
            lines[count++] = (struct type_line){row->row, tally->type, tally->count, tally->bytes};
    }
    free(keys);
    *ret_count = sum_equals(lines, count);
    *ret = lines;
    return true;
}

/* With what a type's blocks take, for the order. */
static int compare_types(const void *left, const void *right, void *context)
{
    const struct type_line *a = left, *b = right;
    const struct traced_type *types = context;
    uint64_t first = types[a->type].bytes, second = types[b->type].bytes;

    if (a->type != b->type && first != second)
        return first > second ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

void trace_types_order(const struct trace_types *types, struct type_line *lines, size_t count)
{
    if (count)
        qsort_r(lines, count, sizeof(*lines), compare_types, types->types);
}
