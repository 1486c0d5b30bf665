// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_statistics.h"

#include "inspector/analysis/trace_order.h"
#include "symbols/base/address_map.h"
#include "symbols/base/saturate.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

struct sum {
    uint64_t size, count;
};

/* Traces as groups, ordered by their frames as they are stored. */
struct grouping {
    const struct traces *traces;
    struct trace_statistic *groups;
    size_t count;
    struct trace_frame *storage; /* of frames that are no stack's */
};

static void sum_add(struct sum *sum, struct sum more)
{
    add_saturating(&sum->size, more.size);
    add_saturating(&sum->count, more.count);
}

/* What was allocated by each stack. */
static struct sum *sum_stacks(const struct traces *traces)
{
    struct sum *sums = calloc(traces->stack_count + 1, sizeof(*sums));

    for (size_t i = 0; sums && i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i];
        struct sum more = {multiply_saturating(row->size, row->count), row->count};
        sum_add(&sums[row->stack], more);
    }
    return sums;
}

static struct trace_statistic statistic_of(const struct traces *traces,
                                           const struct trace_frame *frames, uint32_t count,
                                           struct sum sum)
{
    return (struct trace_statistic){.of = traces,
                                    .frames = frames,
                                    .frame_count = count,
                                    .newest_first = traces->newest_first,
                                    .size = sum.size,
                                    .count = sum.count};
}

/* Stacks that differ in all_frames alone lie side by side. */
static bool group_by_traceback(struct grouping *grouping, const struct sum *sums)
{
    const struct traces *traces = grouping->traces;

    grouping->groups = malloc((traces->stack_count + 1) * sizeof(*grouping->groups));
    for (size_t i = 0; grouping->groups && i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        struct trace_statistic *last = &grouping->groups[grouping->count];
        if (i && trace_stack_order(traces, stack - 1, traces, stack) == 0) {
            last--;
            add_saturating(&last->size, sums[i].size);
            add_saturating(&last->count, sums[i].count);
            if (last->all_frames != stack->all_frames)
                last->all_frames = 0;
        } else {
            *last = statistic_of(traces, &traces->frames[stack->first], stack->frames, sums[i]);
            last->all_frames = stack->all_frames;
            grouping->count++;
        }
    }
    return grouping->groups;
}

static bool group_by_filename(struct grouping *grouping, const struct sum *sums, bool is_cumulative)
{
    const struct traces *traces = grouping->traces;
    struct sum *files = calloc(traces->file_count + 1, sizeof(*files));

    grouping->groups = malloc((traces->file_count + 1) * sizeof(*grouping->groups));
    grouping->storage = malloc((traces->file_count + 1) * sizeof(*grouping->storage));
    if (!files || !grouping->groups || !grouping->storage) {
        free(files);
        return false;
    }
    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        for (uint32_t j = 0; j < (is_cumulative ? stack->frames : 1); j++)
            sum_add(&files[traces->frames[stack->first + j].file], sums[i]);
    }
    for (size_t i = 0; i < traces->file_count; i++) {
        struct trace_frame *frame = &grouping->storage[grouping->count];
        if (!files[i].count)
            continue;
        *frame = (struct trace_frame){.file = (uint32_t)i};
        grouping->groups[grouping->count++] = statistic_of(traces, frame, 1, files[i]);
    }
    free(files);
    return true;
}

struct line_sum {
    uint64_t line; /* file and line */
    struct sum sum;
};

/* The lines that there are, in no order. */
struct lines {
    struct line_sum *items;
    size_t count, capacity;
    struct address_map numbers;
};

static inline uint64_t line_of(const struct trace_frame *frame)
{
    return (uint64_t)frame->file << 32 | frame->line;
}

static bool lines_add(struct lines *lines, const struct trace_frame *frame, struct sum sum,
                      struct error *err)
{
    uint64_t line = line_of(frame);
    uint32_t number = address_map_find(&lines->numbers, line + 1);

    if (number == UINT32_MAX) {
        void *items =
            vector_grow(lines->items, &lines->capacity, lines->count + 1, sizeof(*lines->items));
        if (!items)
            return error_memory(err);
        lines->items = items;
        if (lines->count >= UINT32_MAX)
            return error_set(err, ERROR_LIMIT, "more than %u lines", (unsigned)UINT32_MAX);
        number = (uint32_t)lines->count;
        if (!address_map_add(&lines->numbers, line + 1, number, err))
            return false;
        lines->items[lines->count++] = (struct line_sum){.line = line};
    }
    sum_add(&lines->items[number].sum, sum);
    return true;
}

static bool lines_collect(struct lines *lines, const struct traces *traces, const struct sum *sums,
                          bool is_cumulative, struct error *err)
{
    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_frame *frames = &traces->frames[traces->stacks[i].first];
        uint32_t count = is_cumulative ? traces->stacks[i].frames : 1;
        /* With many lines each is a cache miss: they are waited for together. */
        for (uint32_t j = 0; j < count && lines->numbers.slots; j++)
            __builtin_prefetch(
                &lines->numbers.slots[address_hash(&lines->numbers, line_of(&frames[j]) + 1)]);
        for (uint32_t j = 0; j < count; j++) {
            if (!lines_add(lines, &frames[j], sums[i], err))
                return false;
        }
    }
    return true;
}

static int compare_lines(const void *left, const void *right)
{
    const struct line_sum *a = left, *b = right;

    return (a->line > b->line) - (a->line < b->line);
}

static bool group_by_lineno(struct grouping *grouping, const struct sum *sums, bool is_cumulative,
                            struct error *err)
{
    struct lines lines = {0};
    bool ok = lines_collect(&lines, grouping->traces, sums, is_cumulative, err);

    address_map_free(&lines.numbers);
    if (ok) {
        grouping->groups = malloc((lines.count + 1) * sizeof(*grouping->groups));
        grouping->storage = malloc((lines.count + 1) * sizeof(*grouping->storage));
        ok = (grouping->groups && grouping->storage) || error_memory(err);
    }
    if (ok && lines.count)
        qsort(lines.items, lines.count, sizeof(*lines.items), compare_lines);
    for (size_t i = 0; ok && i < lines.count; i++) {
        const struct line_sum *item = &lines.items[i];
        struct trace_frame *frame = &grouping->storage[i];
        *frame = (struct trace_frame){.file = (uint32_t)(item->line >> 32),
                                      .line = (uint32_t)item->line};
        grouping->groups[i] = statistic_of(grouping->traces, frame, 1, item->sum);
        grouping->count++;
    }
    free(lines.items);
    return ok;
}

static void grouping_free(struct grouping *grouping)
{
    free(grouping->groups);
    free(grouping->storage);
}

static bool grouping_make(struct grouping *ret, const struct traces *traces, enum trace_key key,
                          bool is_cumulative, struct error *err)
{
    struct grouping grouping = {.traces = traces};
    bool ok = false;

    if (key == TRACE_BY_TRACEBACK && is_cumulative)
        return error_set(err, ERROR_USAGE, "by traceback there is nothing cumulative");
    struct sum *sums = sum_stacks(traces);
    if (!sums)
        return error_memory(err);
    switch (key) {
    case TRACE_BY_TRACEBACK:
        ok = group_by_traceback(&grouping, sums) || error_memory(err);
        break;
    case TRACE_BY_FILENAME:
        ok = group_by_filename(&grouping, sums, is_cumulative) || error_memory(err);
        break;
    case TRACE_BY_LINENO:
        ok = group_by_lineno(&grouping, sums, is_cumulative, err);
        break;
    }
    free(sums);
    if (ok)
        *ret = grouping;
    else
        grouping_free(&grouping);
    return ok;
}

/* Two sides' files under common ranks; NULL: the numbers are the ranks. */
struct ranks {
    uint32_t *current, *old;
};

/* What one group is sorted by; a comparison goes by changes first. */
struct place {
    uint64_t keys[4];
    size_t number; /* the groups are in the order of their frames */
};

static uint64_t size_of_change(int64_t change)
{
    return change < 0 ? -(uint64_t)change : (uint64_t)change;
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    for (size_t i = 0; i < sizeof(a->keys) / sizeof(a->keys[0]); i++) {
        if (a->keys[i] != b->keys[i])
            return a->keys[i] < b->keys[i] ? 1 : -1;
    }
    return (a->number < b->number) - (a->number > b->number);
}

/* Places with equal keys go by Traceback's order, which begins with the oldest frame. */
static bool order_equals(struct place *places, size_t count, const struct trace_statistic *groups,
                         const struct traces *current, const struct ranks *ranks, struct error *err)
{
    struct ordered_stack *stacks = malloc(count * sizeof(*stacks));
    if (!stacks)
        return error_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct trace_statistic *group = &groups[places[i].number];
        stacks[i] =
            (struct ordered_stack){.frames = group->frames,
                                   .ranks = group->of == current ? ranks->current : ranks->old,
                                   .count = group->frame_count,
                                   .number = (uint32_t)places[i].number};
    }
    bool ok = trace_stacks_sort(stacks, count, true, err);
    for (size_t i = 0; ok && i < count; i++)
        places[i].number = stacks[count - 1 - i].number;
    free(stacks);
    return ok;
}

static bool order_places(struct place *places, size_t count, const struct trace_statistic *groups,
                         const struct traces *current, const struct ranks *ranks, struct error *err)
{
    if (count > UINT32_MAX)
        return error_set(err, ERROR_LIMIT, "more than %u groups", (unsigned)UINT32_MAX);
    qsort(places, count, sizeof(*places), compare_places);
    for (size_t i = 0, next; i < count && !current->newest_first; i = next) {
        for (next = i + 1;
             next < count && memcmp(places[i].keys, places[next].keys, sizeof(places[i].keys)) == 0;
             next++)
            ;
        if (next - i > 1 && !order_equals(&places[i], next - i, groups, current, ranks, err))
            return false;
    }
    return true;
}

/* `groups`, greatest first. */
static bool sort_groups(struct trace_statistics *ret, const struct trace_statistic *groups,
                        size_t count, const struct traces *current, const struct ranks *ranks,
                        struct error *err)
{
    struct place *places = malloc((count + 1) * sizeof(*places));
    struct trace_statistic *rows = malloc((count + 1) * sizeof(*rows));
    bool ok = (places && rows) || error_memory(err);

    for (size_t i = 0; ok && i < count; i++) {
        const struct trace_statistic *group = &groups[i];
        places[i] = (struct place){.keys = {size_of_change(group->size_change), group->size,
                                            size_of_change(group->count_change), group->count},
                                   .number = i};
    }
    ok = ok && order_places(places, count, groups, current, ranks, err);
    for (size_t i = 0; ok && i < count; i++)
        rows[i] = groups[places[i].number];
    free(places);
    if (ok) {
        ret->rows = rows;
        ret->count = count;
    } else {
        free(rows);
    }
    return ok;
}

bool trace_statistics_make(struct trace_statistics *ret, const struct traces *traces,
                           enum trace_key key, bool is_cumulative, struct error *err)
{
    const struct ranks ranks = {0};
    struct grouping grouping;

    if (!grouping_make(&grouping, traces, key, is_cumulative, err))
        return false;
    struct trace_statistics made = {.size = traces->bytes, .blocks = traces->blocks};
    bool ok = sort_groups(&made, grouping.groups, grouping.count, traces, &ranks, err);
    if (ok) {
        made.storage[0] = grouping.storage;
        grouping.storage = NULL;
        *ret = made;
    }
    grouping_free(&grouping);
    return ok;
}

static bool ranks_make(struct ranks *ret, const struct traces *current, const struct traces *old,
                       struct error *err)
{
    struct ranks ranks = {.current = malloc((current->file_count + 1) * sizeof(uint32_t)),
                          .old = malloc((old->file_count + 1) * sizeof(uint32_t))};
    size_t i = 0, j = 0, rank = 0;

    if (!ranks.current || !ranks.old) {
        free(ranks.current);
        free(ranks.old);
        return error_memory(err);
    }
    for (; i < current->file_count || j < old->file_count; rank++) {
        int order = i == current->file_count ? 1
                    : j == old->file_count   ? -1
                                             : trace_file_order(&current->files[i], &old->files[j]);
        if (order <= 0)
            ranks.current[i++] = (uint32_t)rank;
        if (order >= 0)
            ranks.old[j++] = (uint32_t)rank;
    }
    *ret = ranks;
    return true;
}

/* Of a group of the current traces and one of the old. */
static int group_order(const struct trace_statistic *current, const struct trace_statistic *old,
                       const struct ranks *ranks)
{
    for (uint32_t i = 0; i < current->frame_count && i < old->frame_count; i++) {
        const struct trace_frame *a = &current->frames[i], *b = &old->frames[i];
        uint32_t first = ranks->current[a->file], second = ranks->old[b->file];
        if (first != second)
            return first < second ? -1 : 1;
        if (a->line != b->line)
            return a->line < b->line ? -1 : 1;
    }
    return (current->frame_count > old->frame_count) - (current->frame_count < old->frame_count);
}

static int64_t change(uint64_t now, uint64_t before)
{
    uint64_t size = now > before ? now - before : before - now;
    int64_t kept = size > INT64_MAX ? INT64_MAX : (int64_t)size;

    return now > before ? kept : -kept;
}

/* All groups of both, each with its changes; *ret_count of them, to be freed. */
static struct trace_statistic *merge(const struct grouping *current, const struct grouping *old,
                                     const struct ranks *ranks, size_t *ret_count)
{
    struct trace_statistic *merged = malloc((current->count + old->count + 1) * sizeof(*merged));
    size_t count = 0, i = 0, j = 0;

    for (; merged && (i < current->count || j < old->count); count++) {
        struct trace_statistic *group = &merged[count];
        int order = i == current->count ? 1
                    : j == old->count   ? -1
                                        : group_order(&current->groups[i], &old->groups[j], ranks);
        struct sum before = {0};
        if (order >= 0) {
            *group = old->groups[j++];
            before = (struct sum){.size = group->size, .count = group->count};
            group->size = group->count = 0;
            group->newest_first = current->traces->newest_first;
        }
        if (order <= 0)
            *group = current->groups[i++];
        group->size_change = change(group->size, before.size);
        group->count_change = change(group->count, before.count);
    }
    *ret_count = count;
    return merged;
}

static bool compare_groupings(struct trace_statistics *ret, const struct grouping *current,
                              const struct grouping *old, struct error *err)
{
    struct ranks ranks = {0};
    size_t count;

    if (!ranks_make(&ranks, current->traces, old->traces, err))
        return false;
    struct trace_statistic *merged = merge(current, old, &ranks, &count);
    bool ok =
        merged ? sort_groups(ret, merged, count, current->traces, &ranks, err) : error_memory(err);
    free(merged);
    free(ranks.current);
    free(ranks.old);
    return ok;
}

bool trace_statistics_compare(struct trace_statistics *ret, const struct traces *current,
                              const struct traces *old, enum trace_key key, bool is_cumulative,
                              struct error *err)
{
    struct grouping now, before;
    struct trace_statistics made = {.size = current->bytes,
                                    .blocks = current->blocks,
                                    .size_change = change(current->bytes, old->bytes),
                                    .count_change = change(current->blocks, old->blocks)};

    if (!grouping_make(&now, current, key, is_cumulative, err))
        return false;
    bool ok = grouping_make(&before, old, key, is_cumulative, err);
    if (ok) {
        ok = compare_groupings(&made, &now, &before, err);
        if (ok) {
            made.storage[0] = now.storage;
            made.storage[1] = before.storage;
            now.storage = before.storage = NULL;
            *ret = made;
        }
        grouping_free(&before);
    }
    grouping_free(&now);
    return ok;
}

void trace_statistics_free(struct trace_statistics *statistics)
{
    free(statistics->rows);
    free(statistics->storage[0]);
    free(statistics->storage[1]);
    *statistics = (struct trace_statistics){0};
}
