// SPDX-License-Identifier: MIT
#include "inspector/analysis/census.h"

#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEP = 4096 };

void census_init(struct census *census, const struct python *python,
                 const struct census_options *options)
{
    *census = (struct census){.options = *options};
    types_init(&census->types, python);
}

void census_free(struct census *census)
{
    types_free(&census->types);
    free(census->tallies);
    free(census->rows);
    exactness_free(&census->exactness);
}

/* Room for the tally of each type that is known. */
static bool grow_tallies(struct census *census)
{
    struct census_sum *grown = vector_grow(census->tallies, &census->tally_capacity,
                                           census->types.count, sizeof(*census->tallies));
    if (!grown)
        return false;
    census->tallies = grown;
    memset(grown + census->tally_count, 0,
           (census->types.count - census->tally_count) * sizeof(*grown));
    census->tally_count = census->types.count;
    return true;
}

static void count_object(void *context, const struct reached_object *found)
{
    struct census *census = context;
    const struct object *object = &found->object;

    if (census->seen++ % PROGRESS_STEP == 0)
        progress_set(census->options.progress, census->seen);
    if (found->reached == REACHED_TRACKED && !census->options.generations[object->generation])
        return;
    if (object->type >= census->tally_count && !grow_tallies(census)) {
        census->failed = true;
        return;
    }
    census->tallies[object->type].count++;
    census->tallies[object->type].bytes += object->size;
    census->reached[found->reached]++;
    census->objects++;
    if (census->options.roster)
        roster_add(census->options.roster,
                   (struct roster_entry){object->address, object->size, object->type});
}

struct census_sum census_sum(const struct census *census, uint32_t type)
{
    return type < census->tally_count ? census->tallies[type] : (struct census_sum){0};
}

static int compare_names(const void *left, const void *right)
{
    const struct census_row *a = left, *b = right;
    size_t shorter = a->type_length < b->type_length ? a->type_length : b->type_length;
    int order = memcmp(a->type, b->type, shorter);

    return order ? order : (a->type_length > b->type_length) - (a->type_length < b->type_length);
}

static int compare_counts(const void *left, const void *right)
{
    const struct census_row *a = left, *b = right;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return compare_names(left, right);
}

static int compare_bytes(const void *left, const void *right)
{
    const struct census_row *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return compare_names(left, right);
}

static size_t merge_namesakes(struct census_row *rows, size_t count)
{
    size_t kept = 0;

    qsort(rows, count, sizeof(*rows), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (kept && compare_names(&rows[kept - 1], &rows[i]) == 0) {
            rows[kept - 1].count += rows[i].count;
            rows[kept - 1].bytes += rows[i].bytes;
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static bool make_rows(struct census *census, struct error *err)
{
    struct census_row *rows = calloc(census->tally_count + 1, sizeof(*rows));
    size_t count = 0;

    if (!rows)
        return error_memory(err);
    text_clear(&census->exactness.types);
    census->exactness = (struct exactness){.types = census->exactness.types};
    for (size_t i = 0; i < census->tally_count; i++) {
        const struct type *type = census->types.items[i];
        const struct census_sum *tally = &census->tallies[i];
        bool brief = census->options.short_names;
        if (!tally->count)
            continue;
        rows[count++] =
            (struct census_row){.type = brief ? type->short_name : type->name,
                                .type_length = brief ? type->short_length : type->name_length,
                                .count = tally->count,
                                .bytes = tally->bytes};
        census->bytes += tally->bytes;
        exactness_add(&census->exactness, type, tally->count);
    }
    census->row_count = merge_namesakes(rows, count);
    qsort(rows, census->row_count, sizeof(*rows),
          census->options.order == CENSUS_BY_BYTES ? compare_bytes : compare_counts);
    free(census->rows);
    census->rows = rows;
    return true;
}

static void forget(struct census *census)
{
    const struct python *python = census->types.python;

    types_free(&census->types);
    types_init(&census->types, python);
    census->tally_count = 0;
    census->row_count = 0;
    census->objects = 0;
    census->bytes = 0;
    census->seen = 0;
    census->failed = false;
    if (census->options.roster)
        roster_clear(census->options.roster);
    memset(census->reached, 0, sizeof(census->reached));
}

bool census_take(struct census *census, struct image *image, struct error *err)
{
    forget(census);
    if (!(census->options.all_objects ? reach_walk : reach_walk_tracked)(
            census->types.python, image, &census->types, count_object, census, &census->verdict,
            err))
        return false;
    if (census->failed || (census->options.roster && census->options.roster->failed))
        return error_memory(err);
    return make_rows(census, err) && (!census->exactness.types.failed || error_memory(err));
}
