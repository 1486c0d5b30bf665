// SPDX-License-Identifier: MIT
#include "inspector/command/report_series.h"

#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

/* NULL: no memory. */
static struct series *make(struct series_set *set, const struct census_count *count, size_t process)
{
    struct series *grown =
        vector_grow(set->items, &set->capacity, set->count + 1, sizeof(*set->items));
    size_t length = set->short_names ? count->short_length : count->type_length;
    const char *name =
        arena_copy(&set->arena, set->short_names ? count->short_name : count->type, length);

    if (grown)
        set->items = grown;
    if (!grown || !name)
        return NULL;
    grown[set->count] = (struct series){.name = name, .length = length, .process = process};
    return &grown[set->count++];
}

static struct series *find(struct series_set *set, const struct census_count *count, size_t process,
                           struct error *err)
{
    uint64_t key = (uint64_t)count->type_number << 32 | (uint32_t)process;
    uint32_t number = address_map_find(&set->numbers, key);

    if (number != UINT32_MAX)
        return &set->items[number];
    if (set->count >= UINT32_MAX || !address_map_add(&set->numbers, key, (uint32_t)set->count, err))
        return NULL;
    struct series *series = make(set, count, process);
    if (!series)
        error_memory(err);
    return series;
}

static bool add_step(struct series *series, struct series_step step, struct error *err)
{
    const struct series_step *last =
        series->step_count ? &series->steps[series->step_count - 1] : NULL;

    if (last && last->count == step.count && last->bytes == step.bytes)
        return true;
    struct series_step *grown =
        vector_grow(series->steps, &series->step_capacity, series->step_count + 1, sizeof(*grown));
    if (!grown)
        return error_memory(err);
    series->steps = grown;
    grown[series->step_count++] = step;
    return true;
}

bool series_add(struct series_set *set, const struct census_count *count, size_t process,
                uint32_t place, struct error *err)
{
    struct series *series = find(set, count, process, err);

    if (!series)
        return false;
    if (series->step_count && place > series->end &&
        !add_step(series, (struct series_step){.from = series->end}, err))
        return false;
    series->end = place + 1;
    return add_step(
        series, (struct series_step){.count = count->count, .bytes = count->bytes, .from = place},
        err);
}

static int compare(const void *left, const void *right)
{
    const struct series *a = left, *b = right;
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool series_same_name(const struct series *a, const struct series *b)
{
    return compare(a, b) == 0;
}

void series_sort(struct series_set *set)
{
    if (set->count)
        qsort(set->items, set->count, sizeof(*set->items), compare);
}

void series_expand(const struct series *series, const size_t *places, uint64_t *counts,
                   uint64_t *bytes)
{
    for (size_t i = 0; i < series->step_count; i++) {
        const struct series_step *step = &series->steps[i];
        uint32_t end = i + 1 < series->step_count ? step[1].from : series->end;
        for (uint32_t at = step->from; at < end; at++) {
            counts[places[at]] += step->count;
            bytes[places[at]] += step->bytes;
        }
    }
}

void series_free(struct series_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->items[i].steps);
    free(set->items);
    address_map_free(&set->numbers);
    arena_free(&set->arena);
}
