// SPDX-License-Identifier: MIT
#include "inspector/analysis/growth.h"

#include <stdlib.h>
#include <string.h>

/* What one sample says of a type. */
struct part {
    const char *type;
    size_t length;
    uint64_t count, bytes;
};

/*
 * What grows is the level: the count (or the bytes) and an offset, which takes out of it what a
 * process brought when it joined, and keeps in it what one had when it left. All of these are
 * modulo 2^64.
 *
 * The line's sums are of levels less the first, over hours since the first sample: a type that
 * stays as it is has sums of exactly 0.
 */
struct entry {
    char *type; /* owned */
    size_t length;
    uint64_t count, bytes;         /* of the last sample */
    uint64_t first, before, level; /* of the first, the one before the last, and the last */
    uint64_t offset;               /* for the next sample */
    double sum, weighted; /* of the growth since the first sample; and of that times the hours */
};

/* What happens to the entries: a sample, or a process that joins. */
struct step {
    bool joins;
    double hours;
};

struct growth {
    bool short_names;
    bool of_bytes; /* what grows */
    uint64_t samples;
    int64_t first_ms;
    double hours, squared_hours; /* sums over all samples */
    struct entry *entries;       /* by name */
    size_t count;
    struct growth_row *rows; /* of the last growth_rows */
};

struct growth *growth_new(bool short_names)
{
    struct growth *growth = calloc(1, sizeof(*growth));

    if (growth)
        growth->short_names = short_names;
    return growth;
}

struct growth *growth_new_of_bytes(void)
{
    struct growth *growth = growth_new(false);

    if (growth)
        growth->of_bytes = true;
    return growth;
}

void growth_free(struct growth *growth)
{
    if (!growth)
        return;
    for (size_t i = 0; i < growth->count; i++)
        free(growth->entries[i].type);
    free(growth->entries);
    free(growth->rows);
    free(growth);
}

static int order_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_name(const void *a, const void *b)
{
    const struct part *left = a, *right = b;

    return order_names(left->type, left->length, right->type, right->length);
}

/* The snapshots' rows as parts, one a name, by name. To be freed. */
static bool collect(const struct growth *growth, const struct snapshot *const *snapshots,
                    size_t snapshot_count, struct part **ret, size_t *ret_count, struct error *err)
{
    size_t total = 0, count = 0, merged = 0;

    for (size_t i = 0; i < snapshot_count; i++)
        total += snapshots[i]->row_count;
    struct part *parts = calloc(total ? total : 1, sizeof(*parts));
    if (!parts)
        return error_memory(err);
    for (size_t i = 0; i < snapshot_count; i++) {
        for (size_t j = 0; j < snapshots[i]->row_count; j++) {
            const struct snapshot_row *row = &snapshots[i]->rows[j];
            parts[count++] = (struct part){
                .type = growth->short_names ? row->short_name : row->type,
                .length = growth->short_names ? row->short_length : row->type_length,
                .count = row->count,
                .bytes = row->bytes,
            };
        }
    }
    qsort(parts, count, sizeof(*parts), by_name);
    for (size_t i = 0; i < count; i++) {
        if (merged && by_name(&parts[merged - 1], &parts[i]) == 0) {
            parts[merged - 1].count += parts[i].count;
            parts[merged - 1].bytes += parts[i].bytes;
        } else {
            parts[merged++] = parts[i];
        }
    }
    *ret = parts;
    *ret_count = merged;
    return true;
}

static int64_t difference(uint64_t now, uint64_t then)
{
    return (int64_t)(now - then);
}

/* What of a type grows. */
static uint64_t measured(const struct growth *growth, uint64_t count, uint64_t bytes)
{
    return growth->of_bytes ? bytes : count;
}

static uint64_t part_measured(const struct growth *growth, const struct part *part)
{
    return part ? measured(growth, part->count, part->bytes) : 0;
}

static struct entry changed(const struct growth *growth, const struct step *step,
                            const struct entry *old, const struct part *part)
{
    struct entry entry = *old;

    if (step->joins) {
        entry.offset -= part_measured(growth, part);
        return entry;
    }
    entry.before = old->level;
    entry.count = part ? part->count : 0;
    entry.bytes = part ? part->bytes : 0;
    entry.level = part_measured(growth, part) + entry.offset;
    double grown = (double)difference(entry.level, entry.first);
    entry.sum += grown;
    entry.weighted += grown * step->hours;
    return entry;
}

/* A new type: of a first sample what it starts from, later what was not there before. */
static bool made(const struct growth *growth, const struct step *step, const struct part *part,
                 struct entry *ret)
{
    struct entry none = {.type = malloc(part->length + 1), .length = part->length};

    if (!none.type)
        return false;
    memcpy(none.type, part->type, part->length);
    none.type[part->length] = '\0';
    if (!growth->samples)
        none.first = none.level = part_measured(growth, part);
    *ret = changed(growth, step, &none, part);
    return true;
}

/*
 * Merges the entries with what the step says, both by name, into `into`. Names that are new are
 * owned by it alone (their entries have no counterpart in growth->entries).
 */
static bool merge(const struct growth *growth, const struct part *parts, size_t part_count,
                  const struct step *step, struct entry *into, size_t *ret_count)
{
    size_t i = 0, j = 0, count = 0;

    while (i < growth->count || j < part_count) {
        const struct entry *entry = i < growth->count ? &growth->entries[i] : NULL;
        const struct part *part = j < part_count ? &parts[j] : NULL;
        int order = !entry  ? 1
                    : !part ? -1
                            : order_names(entry->type, entry->length, part->type, part->length);
        if (order <= 0) {
            into[count] = changed(growth, step, entry, order == 0 ? part : NULL);
            i++;
            j += order == 0;
        } else {
            if (!made(growth, step, part, &into[count])) {
                *ret_count = count;
                return false;
            }
            j++;
        }
        count++;
    }
    *ret_count = count;
    return true;
}

/* Frees the names in `merged` that are not those of growth->entries. */
static void undo(const struct growth *growth, struct entry *merged, size_t count)
{
    for (size_t i = 0, j = 0; i < count; i++) {
        if (j < growth->count && merged[i].type == growth->entries[j].type)
            j++;
        else
            free(merged[i].type);
    }
    free(merged);
}

/* Of which nothing is left, and nothing is to be told. */
static bool is_over(const struct entry *entry, bool even_if_grown)
{
    return !entry->count && entry->level == entry->before &&
           (even_if_grown || entry->level == entry->first);
}

static void forget(struct growth *growth, bool even_if_grown)
{
    size_t kept = 0, excess = growth->count - GROWTH_MOST_TYPES;

    for (size_t i = 0; i < growth->count; i++) {
        if (excess && is_over(&growth->entries[i], even_if_grown)) {
            free(growth->entries[i].type);
            excess--;
        } else {
            growth->entries[kept++] = growth->entries[i];
        }
    }
    growth->count = kept;
}

static bool take_step(struct growth *growth, const struct step *step,
                      const struct snapshot *const *snapshots, size_t count, struct error *err)
{
    struct part *parts = NULL;
    size_t part_count = 0, merged_count = 0;

    if (!collect(growth, snapshots, count, &parts, &part_count, err))
        return false;
    struct entry *merged = calloc(growth->count + part_count + 1, sizeof(*merged));
    if (!merged || !merge(growth, parts, part_count, step, merged, &merged_count)) {
        if (merged)
            undo(growth, merged, merged_count);
        free(parts);
        return error_memory(err);
    }
    free(parts);
    free(growth->entries);
    growth->entries = merged;
    growth->count = merged_count;
    return true;
}

bool growth_add(struct growth *growth, int64_t at_ms, const struct snapshot *const *snapshots,
                size_t count, struct error *err)
{
    double hours = growth->samples ? (double)(at_ms - growth->first_ms) / 3600e3 : 0;
    struct step sample = {.hours = hours};

    if (!take_step(growth, &sample, snapshots, count, err))
        return false;
    if (!growth->samples++)
        growth->first_ms = at_ms;
    growth->hours += hours;
    growth->squared_hours += hours * hours;
    if (growth->count > GROWTH_MOST_TYPES)
        forget(growth, false);
    if (growth->count > GROWTH_MOST_TYPES)
        forget(growth, true);
    return true;
}

bool growth_joined(struct growth *growth, const struct snapshot *snapshot, struct error *err)
{
    const struct step step = {.joins = true};

    return !growth->samples || take_step(growth, &step, &snapshot, 1, err);
}

static struct entry *find(const struct growth *growth, const char *type, size_t length)
{
    size_t low = 0, high = growth->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct entry *entry = &growth->entries[middle];
        int order = order_names(type, length, entry->type, entry->length);
        if (!order)
            return entry;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void growth_left(struct growth *growth, const struct snapshot *snapshot)
{
    for (size_t i = 0; growth->samples && i < snapshot->row_count; i++) {
        const struct snapshot_row *row = &snapshot->rows[i];
        struct entry *entry = growth->short_names ? find(growth, row->short_name, row->short_length)
                                                  : find(growth, row->type, row->type_length);
        if (entry)
            entry->offset += measured(growth, row->count, row->bytes);
    }
}

static double slope(const struct growth *growth, double sum, double weighted)
{
    double samples = (double)growth->samples;
    double spread = samples * growth->squared_hours - growth->hours * growth->hours;

    return spread > 0 ? (samples * weighted - growth->hours * sum) / spread : 0;
}

static struct growth_row row_of(const struct growth *growth, const struct entry *entry)
{
    return (struct growth_row){
        .type = entry->type,
        .type_length = entry->length,
        .count = entry->count,
        .bytes = entry->bytes,
        .measure = measured(growth, entry->count, entry->bytes),
        .since_last = difference(entry->level, entry->before),
        .since_first = difference(entry->level, entry->first),
        .slope_per_hour = slope(growth, entry->sum, entry->weighted),
    };
}

/* Equals: the greater first. */
static int order_rows(const struct growth_row *a, const struct growth_row *b)
{
    if (a->measure != b->measure)
        return a->measure < b->measure ? 1 : -1;
    return order_names(a->type, a->type_length, b->type, b->type_length);
}

static int by_since_first(const void *a, const void *b)
{
    const struct growth_row *left = a, *right = b;
    int order = (left->since_first < right->since_first) - (left->since_first > right->since_first);

    return order ? order : order_rows(left, right);
}

static int by_slope(const void *a, const void *b)
{
    const struct growth_row *left = a, *right = b;
    int order = (left->slope_per_hour < right->slope_per_hour) -
                (left->slope_per_hour > right->slope_per_hour);

    return order ? order : order_rows(left, right);
}

static int by_count(const void *a, const void *b)
{
    const struct growth_row *left = a, *right = b;
    int order = (left->count < right->count) - (left->count > right->count);

    return order ? order : order_rows(left, right);
}

static int by_bytes(const void *a, const void *b)
{
    const struct growth_row *left = a, *right = b;
    int order = (left->bytes < right->bytes) - (left->bytes > right->bytes);

    return order ? order : order_rows(left, right);
}

bool growth_rows(struct growth *growth, enum growth_order order, const struct growth_row **ret,
                 size_t *ret_count, struct error *err)
{
    static int (*const orders[])(const void *, const void *) = {
        [GROWTH_BY_SINCE_FIRST] = by_since_first,
        [GROWTH_BY_SLOPE] = by_slope,
        [GROWTH_BY_COUNT] = by_count,
        [GROWTH_BY_BYTES] = by_bytes,
    };
    struct growth_row *rows = malloc((growth->count + 1) * sizeof(*rows));
    size_t count = 0;

    if (!rows)
        return error_memory(err);
    for (size_t i = 0; i < growth->count; i++) {
        if (!is_over(&growth->entries[i], false))
            rows[count++] = row_of(growth, &growth->entries[i]);
    }
    qsort(rows, count, sizeof(*rows), orders[order]);
    free(growth->rows);
    growth->rows = rows;
    *ret = rows;
    *ret_count = count;
    return true;
}

struct growth_row growth_total(const struct growth *growth)
{
    struct growth_row total = {.type = ""};
    double sum = 0, weighted = 0;

    for (size_t i = 0; i < growth->count; i++) {
        const struct entry *entry = &growth->entries[i];
        total.count += entry->count;
        total.bytes += entry->bytes;
        total.since_last += difference(entry->level, entry->before);
        total.since_first += difference(entry->level, entry->first);
        sum += entry->sum;
        weighted += entry->weighted;
    }
    total.measure = measured(growth, total.count, total.bytes);
    total.slope_per_hour = slope(growth, sum, weighted);
    return total;
}

uint64_t growth_samples(const struct growth *growth)
{
    return growth->samples;
}

size_t growth_types(const struct growth *growth)
{
    return growth->count;
}
