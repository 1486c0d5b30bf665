// SPDX-License-Identifier: MIT
#include "inspector/analysis/snapshot.h"

#include <stdlib.h>
#include <string.h>

bool origin_is_same(const struct origin *a, const struct origin *b)
{
    return a->pid == b->pid && a->start_time == b->start_time && a->stack_start == b->stack_start &&
           strcmp(a->boot, b->boot) == 0;
}

static int text_order(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order ? order : (a_length > b_length) - (a_length < b_length);
}

int snapshot_row_order(const struct snapshot_row *a, const struct snapshot_row *b)
{
    int order = text_order(a->type, a->type_length, b->type, b->type_length);

    return order ? order
                 : text_order(a->short_name, a->short_length, b->short_name, b->short_length);
}

static int compare_rows(const void *left, const void *right)
{
    return snapshot_row_order(left, right);
}

/* A type of the census, and the row that its objects go to. */
struct placement {
    struct snapshot_row row; /* first: rows are compared */
    uint32_t type;
};

/* One a type that has objects, in the order of the rows. */
static struct placement *list_types(const struct census *census, size_t *ret_count)
{
    struct placement *items = calloc(census->types.count + 1, sizeof(*items));
    size_t count = 0;

    for (size_t i = 0; items && i < census->types.count; i++) {
        const struct type *type = census->types.items[i];
        struct census_sum sum = census_sum(census, (uint32_t)i);
        if (sum.count)
            items[count++] =
                (struct placement){.row = {.type = type->name,
                                           .type_length = type->name_length,
                                           .short_name = type->short_name,
                                           .short_length = type->short_length,
                                           .count = sum.count,
                                           .bytes = sum.bytes,
                                           .is_exact = type->sizeof_by == SIZEOF_KNOWN},
                                   .type = (uint32_t)i};
    }
    if (items)
        qsort(items, count, sizeof(*items), compare_rows);
    *ret_count = count;
    return items;
}

static bool copy_names(struct arena *arena, struct snapshot_row *row)
{
    row->type = arena_copy(arena, row->type, row->type_length);
    row->short_name = arena_copy(arena, row->short_name, row->short_length);
    return row->type && row->short_name;
}

/* Namesakes become one row; row_of[type] is the number of a type's row. */
static bool make_rows(struct snapshot *snapshot, const struct placement *items, size_t count,
                      uint32_t *row_of)
{
    snapshot->rows = calloc(count + 1, sizeof(*snapshot->rows));
    if (!snapshot->rows)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_row *row = &items[i].row;
        struct snapshot_row *last = &snapshot->rows[snapshot->row_count];
        if (snapshot->row_count && snapshot_row_order(--last, row) == 0) {
            last->count += row->count;
            last->bytes += row->bytes;
            last->is_exact &= row->is_exact;
        } else {
            snapshot->rows[snapshot->row_count] = *row;
            if (!copy_names(&snapshot->arena, &snapshot->rows[snapshot->row_count++]))
                return false;
        }
        row_of[items[i].type] = (uint32_t)(snapshot->row_count - 1);
        snapshot->objects += row->count;
        snapshot->bytes += row->bytes;
    }
    return true;
}

static int compare_addresses(const void *left, const void *right)
{
    const struct snapshot_object *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

/* Many lie in order as they are: what the lists hold was often allocated in a row. */
static void sort_objects(struct snapshot_object *objects, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (objects[i - 1].address > objects[i].address) {
            qsort(objects, count, sizeof(*objects), compare_addresses);
            return;
        }
    }
}

/* Each row's objects behind those of the row before. */
static bool place_objects(struct snapshot *snapshot, const struct roster *roster,
                          const uint32_t *row_of)
{
    struct snapshot_object **next =
        calloc(snapshot->row_count + 1, sizeof(struct snapshot_object *));

    snapshot->storage = malloc((roster->count + 1) * sizeof(*snapshot->storage));
    if (!next || !snapshot->storage) {
        free(next);
        return false;
    }
    struct snapshot_object *at = snapshot->storage;
    for (size_t i = 0; i < snapshot->row_count; i++) {
        snapshot->rows[i].objects = next[i] = at;
        at += snapshot->rows[i].count;
    }
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        *next[row_of[entry->type]]++ =
            (struct snapshot_object){.address = entry->address, .size = entry->size};
    }
    free(next);
    at = snapshot->storage;
    for (size_t i = 0; i < snapshot->row_count; at += snapshot->rows[i++].count)
        sort_objects(at, snapshot->rows[i].count);
    snapshot->has_objects = true;
    return true;
}

static bool copy_origin(struct snapshot *snapshot, const struct origin *origin)
{
    struct origin *own = &snapshot->origin;

    *own = *origin;
    own->executable = arena_copy(&snapshot->arena, origin->executable, strlen(origin->executable));
    own->version = arena_copy(&snapshot->arena, origin->version, strlen(origin->version));
    own->command_line =
        arena_copy(&snapshot->arena, origin->command_line, strlen(origin->command_line));
    return own->executable && own->version && own->command_line;
}

/* Of items in the order of the rows, whose types are below `types`; `roster` NULL: without objects.
 */
static bool make(struct snapshot *snapshot, const struct placement *items, size_t count,
                 size_t types, const struct roster *roster, const struct origin *origin)
{
    uint32_t *row_of = calloc(types + 1, sizeof(*row_of));

    bool done = row_of && items && copy_origin(snapshot, origin) &&
                make_rows(snapshot, items, count, row_of) &&
                (!roster || place_objects(snapshot, roster, row_of));
    free(row_of);
    return done;
}

/* Takes over `snapshot`. */
static bool hand_over(struct snapshot *snapshot, bool done, struct snapshot *ret, struct error *err)
{
    if (!done) {
        snapshot_free(snapshot);
        return error_memory(err);
    }
    *ret = *snapshot;
    return true;
}

bool snapshot_make(struct snapshot *ret, const struct census *census, const struct origin *origin,
                   const struct occasion *occasion, struct error *err)
{
    struct snapshot snapshot = {.occasion = *occasion};
    size_t count = 0;
    struct placement *items = list_types(census, &count);

    bool done = make(&snapshot, items, count, census->types.count, census->options.roster, origin);
    free(items);
    return hand_over(&snapshot, done, ret, err);
}

bool snapshot_make_of_rows(struct snapshot *ret, const struct snapshot_row *rows, size_t count,
                           const struct origin *origin, const struct occasion *occasion,
                           struct error *err)
{
    struct snapshot snapshot = {.occasion = *occasion};
    struct placement *items = calloc(count + 1, sizeof(*items));

    for (size_t i = 0; items && i < count; i++)
        items[i].row = rows[i];
    if (items)
        qsort(items, count, sizeof(*items), compare_rows);
    bool done = make(&snapshot, items, count, 0, NULL, origin);
    free(items);
    return hand_over(&snapshot, done, ret, err);
}

const struct snapshot_row *snapshot_find(const struct snapshot *snapshot, const char *type,
                                         size_t type_length, const char *short_name,
                                         size_t short_length)
{
    struct snapshot_row wanted = {.type = type,
                                  .type_length = type_length,
                                  .short_name = short_name,
                                  .short_length = short_length};

    if (!snapshot->row_count)
        return NULL;
    return bsearch(&wanted, snapshot->rows, snapshot->row_count, sizeof(wanted), compare_rows);
}

bool snapshot_row_has(const struct snapshot_row *row, uint64_t address)
{
    struct snapshot_object wanted = {.address = address};

    return row->count &&
           bsearch(&wanted, row->objects, (size_t)row->count, sizeof(wanted), compare_addresses);
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->rows);
    free(snapshot->storage);
    arena_free(&snapshot->arena);
    *snapshot = (struct snapshot){0};
}
