// SPDX-License-Identifier: MIT
#include "inspector/analysis/compare.h"

#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_VIEWS = 3 };

/* The objects that are left in a row. */
struct run {
    const struct snapshot_object *at, *end;
};

/* A snapshot's rows in the order of the names by which they are compared. */
struct view {
    const struct snapshot *snapshot;
    bool short_names;
    const struct snapshot_row **rows;
    size_t next; /* the first of `rows` that no group had yet */

    /* The objects of the group at hand: a heap, the run with the lowest address first. */
    struct run *runs;
    size_t run_count;
};

/* A view's rows of one name. */
struct group {
    const struct snapshot_row *const *rows;
    size_t row_count;
    uint64_t count, bytes;
    bool is_exact;
};

struct name {
    const char *bytes;
    size_t length;
};

/* Two views, old and current, or three. */
struct join {
    struct view views[MOST_VIEWS];
    size_t count;
    struct comparison result;
    size_t row_capacity, storage_count, storage_capacity;
};

static struct name name_of(const struct snapshot_row *row, bool short_names)
{
    return short_names ? (struct name){row->short_name, row->short_length}
                       : (struct name){row->type, row->type_length};
}

/* Bytewise, which is by code point: UTF-8 keeps their order. */
static int name_order(struct name a, struct name b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;

    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int short_name_order(const void *a, const void *b)
{
    const struct snapshot_row *const *left = a, *const *right = b;

    return name_order(name_of(*left, true), name_of(*right, true));
}

static bool view_begin(struct view *view, const struct snapshot *snapshot, bool short_names,
                       struct error *err)
{
    const size_t count = snapshot->row_count;

    *view = (struct view){.snapshot = snapshot,
                          .short_names = short_names,
                          .rows = calloc(count + 1, sizeof(*view->rows)),
                          .runs = calloc(count + 1, sizeof(*view->runs))};
    if (!view->rows || !view->runs)
        return error_memory(err);
    for (size_t i = 0; i < count; i++)
        view->rows[i] = &snapshot->rows[i];
    if (short_names)
        qsort(view->rows, count, sizeof(*view->rows), short_name_order);
    return true;
}

static void view_end(struct view *view)
{
    free(view->rows);
    free(view->runs);
}

static bool view_has(const struct view *view, struct name name)
{
    return view->next < view->snapshot->row_count &&
           name_order(name_of(view->rows[view->next], view->short_names), name) == 0;
}

/* Takes the rows of that name, which are the next ones if there are any. */
static struct group view_take(struct view *view, struct name name)
{
    struct group group = {.rows = view->rows + view->next, .is_exact = true};

    for (; view_has(view, name); view->next++, group.row_count++) {
        const struct snapshot_row *row = view->rows[view->next];
        group.count += row->count;
        group.bytes += row->bytes;
        group.is_exact &= row->is_exact;
    }
    return group;
}

static void sink(struct view *view, size_t at)
{
    struct run *runs = view->runs;

    for (size_t child; (child = 2 * at + 1) < view->run_count; at = child) {
        if (child + 1 < view->run_count && runs[child + 1].at->address < runs[child].at->address)
            child++;
        if (runs[at].at->address <= runs[child].at->address)
            return;
        struct run run = runs[at];
        runs[at] = runs[child];
        runs[child] = run;
    }
}

/* From here on view_object and view_skip tell of the objects of this group. */
static void view_walk(struct view *view, const struct group *group)
{
    view->run_count = 0;
    for (size_t i = 0; i < group->row_count; i++) {
        const struct snapshot_row *row = group->rows[i];
        if (row->count)
            view->runs[view->run_count++] = (struct run){row->objects, row->objects + row->count};
    }
    for (size_t i = view->run_count / 2; i-- > 0;)
        sink(view, i);
}

/* The one with the lowest address that is left; NULL: none is. */
static const struct snapshot_object *view_object(const struct view *view)
{
    return view->run_count ? view->runs[0].at : NULL;
}

static void view_skip(struct view *view)
{
    struct run *first = &view->runs[0];

    if (++first->at == first->end)
        *first = view->runs[--view->run_count];
    sink(view, 0);
}

/* Is there an object at `address`? Addresses are asked for in ascending order. */
static bool view_holds(struct view *view, uint64_t address)
{
    const struct snapshot_object *object;

    while ((object = view_object(view)) && object->address < address)
        view_skip(view);
    return object && object->address == address;
}

/* Of two: was not there in the first. Of three: nor there, but in the second. */
static bool is_fresh(struct join *join, uint64_t address)
{
    return !view_holds(&join->views[0], address) &&
           (join->count == 2 || view_holds(&join->views[1], address));
}

static bool add_fresh(struct join *join, const struct snapshot_object *object)
{
    struct comparison *result = &join->result;
    struct snapshot_object *grown = vector_grow(result->storage, &join->storage_capacity,
                                                join->storage_count + 1, sizeof(*grown));

    if (!grown)
        return false;
    result->storage = grown;
    result->storage[join->storage_count++] = *object;
    return true;
}

static bool find_fresh(struct join *join, const struct group *groups, struct comparison_row *row)
{
    struct view *current = &join->views[join->count - 1];
    const struct snapshot_object *object;

    for (size_t i = 0; i < join->count; i++)
        view_walk(&join->views[i], &groups[i]);
    for (; (object = view_object(current)); view_skip(current)) {
        if (!is_fresh(join, object->address))
            continue;
        if (!add_fresh(join, object))
            return false;
        row->fresh_count++;
        row->fresh_bytes += object->size;
    }
    return true;
}

/* The least that any of the views has next. */
static bool next_name(const struct join *join, struct name *ret)
{
    bool found = false;

    for (size_t i = 0; i < join->count; i++) {
        const struct view *view = &join->views[i];
        if (view->next == view->snapshot->row_count)
            continue;
        struct name name = name_of(view->rows[view->next], view->short_names);
        if (!found || name_order(name, *ret) < 0)
            *ret = name;
        found = true;
    }
    return found;
}

static void add_totals(struct comparison *result, const struct comparison_row *row)
{
    result->old_objects += row->old_count;
    result->objects += row->count;
    result->fresh_objects += row->fresh_count;
    result->old_bytes += row->old_bytes;
    result->bytes += row->bytes;
    result->fresh_bytes += row->fresh_bytes;
}

static bool add_row(struct join *join, const struct comparison_row *row)
{
    struct comparison *result = &join->result;

    add_totals(result, row);
    if (join->count == 2 ? !row->old_count && !row->count : !row->fresh_count)
        return true;
    struct comparison_row *grown =
        vector_grow(result->rows, &join->row_capacity, result->row_count + 1, sizeof(*grown));
    if (!grown)
        return false;
    result->rows = grown;
    result->rows[result->row_count++] = *row;
    return true;
}

static bool add_name(struct join *join, struct name name)
{
    struct group groups[MOST_VIEWS];

    for (size_t i = 0; i < join->count; i++)
        groups[i] = view_take(&join->views[i], name);
    const struct group *old = &groups[join->count - 2], *current = &groups[join->count - 1];
    struct comparison_row row = {.type = name.bytes,
                                 .type_length = name.length,
                                 .old_count = old->count,
                                 .count = current->count,
                                 .old_bytes = old->bytes,
                                 .bytes = current->bytes,
                                 .is_exact = old->is_exact && current->is_exact};
    return (join->result.lack != LACKS_NOTHING || find_fresh(join, groups, &row)) &&
           add_row(join, &row);
}

/* Storage has moved while it grew; the rows still have the order in which it was filled. */
static void point_to_fresh(struct comparison *result)
{
    const struct snapshot_object *at = result->storage;

    for (size_t i = 0; i < result->row_count && at; i++) {
        result->rows[i].fresh = at;
        at += result->rows[i].fresh_count;
    }
}

static bool join_begin(struct join *join, const struct snapshot *const *snapshots, size_t count,
                       bool short_names, struct error *err)
{
    *join = (struct join){.count = count};
    for (size_t i = 0; i < count; i++) {
        if (!view_begin(&join->views[i], snapshots[i], short_names, err))
            return false;
        for (size_t j = 0; j < i && join->result.lack == LACKS_NOTHING; j++)
            join->result.lack = comparison_lack(snapshots[j], snapshots[i]);
    }
    return true;
}

static bool join_names(struct join *join, struct error *err)
{
    struct name name;

    while (next_name(join, &name)) {
        if (!add_name(join, name))
            return error_memory(err);
    }
    point_to_fresh(&join->result);
    return true;
}

static bool compare(struct comparison *ret, const struct snapshot *const *snapshots, size_t count,
                    bool short_names, struct error *err)
{
    struct join join;
    bool done = join_begin(&join, snapshots, count, short_names, err) && join_names(&join, err);

    for (size_t i = 0; i < count; i++)
        view_end(&join.views[i]);
    if (done)
        *ret = join.result;
    else
        comparison_free(&join.result);
    return done;
}

static int greater_first(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int by_name(const struct comparison_row *a, const struct comparison_row *b)
{
    return name_order((struct name){a->type, a->type_length},
                      (struct name){b->type, b->type_length});
}

static int by_delta(const void *a, const void *b)
{
    const struct comparison_row *left = a, *right = b;
    int64_t first = (int64_t)(left->count - left->old_count);
    int64_t second = (int64_t)(right->count - right->old_count);
    int order = (first < second) - (first > second);

    return order ? order : -by_name(left, right);
}

static int by_new(const void *a, const void *b)
{
    const struct comparison_row *left = a, *right = b;
    int order = greater_first(left->fresh_count, right->fresh_count);

    return order ? order : -by_name(left, right);
}

static int by_current(const void *a, const void *b)
{
    const struct comparison_row *left = a, *right = b;
    int order = greater_first(left->count, right->count);

    return order ? order : -by_name(left, right);
}

static int by_old(const void *a, const void *b)
{
    const struct comparison_row *left = a, *right = b;
    int order = greater_first(left->old_count, right->old_count);

    return order ? order : -by_name(left, right);
}

static int by_suspects(const void *a, const void *b)
{
    const struct comparison_row *left = a, *right = b;
    int order = greater_first(left->fresh_count, right->fresh_count);

    return order ? order : by_name(left, right);
}

static void sort(struct comparison *comparison, int (*order)(const void *, const void *))
{
    if (comparison->row_count)
        qsort(comparison->rows, comparison->row_count, sizeof(*comparison->rows), order);
}

bool compare_two(struct comparison *ret, const struct snapshot *old, const struct snapshot *current,
                 bool short_names, enum comparison_order order, struct error *err)
{
    static int (*const orders[])(const void *, const void *) = {
        [COMPARISON_BY_DELTA] = by_delta,
        [COMPARISON_BY_NEW] = by_new,
        [COMPARISON_BY_CURRENT] = by_current,
        [COMPARISON_BY_OLD] = by_old,
    };
    const struct snapshot *const both[] = {old, current};

    if (!compare(ret, both, 2, short_names, err))
        return false;
    if (order == COMPARISON_BY_NEW && ret->lack != LACKS_NOTHING)
        order = COMPARISON_BY_DELTA;
    sort(ret, orders[order]);
    return true;
}

bool compare_three(struct comparison *ret, const struct snapshot *before,
                   const struct snapshot *between, const struct snapshot *after, bool short_names,
                   struct error *err)
{
    const struct snapshot *const all[] = {before, between, after};

    if (!compare(ret, all, 3, short_names, err))
        return false;
    sort(ret, by_suspects);
    return true;
}

enum comparison_lack comparison_lack(const struct snapshot *a, const struct snapshot *b)
{
    if (!origin_is_same(&a->origin, &b->origin))
        return LACKS_PROCESS;
    return a->has_objects && b->has_objects ? LACKS_NOTHING : LACKS_ADDRESSES;
}

void comparison_free(struct comparison *comparison)
{
    free(comparison->rows);
    free(comparison->storage);
    *comparison = (struct comparison){0};
}
