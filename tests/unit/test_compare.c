// SPDX-License-Identifier: MIT
/* What is new between snapshots, held against a model that counts one by one. */
#include "inspector/analysis/compare.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES = 7, PLACES = 120, ROUNDS = 400 };

/* In the order of rows. Namesakes, one with two short names, a name that is the beginning of
 * another, and bytes that are greater than others only if they have no sign. */
static const struct {
    const char *type, *short_name;
} types[TYPES] = {{"a.Node", "Node"},      {"a.Node", "Other"}, {"b.Node", "Node"},
                  {"b.Node2", "Node2"},    {"dict", "dict"},    {"zzz.Node", "Node"},
                  {"\xc3\xa9", "\xc3\xa9"}};

/* What lies at each place: a type's number, or -1; and how large it is. */
struct world {
    int type[PLACES];
    uint64_t size[PLACES];
};

static uint64_t address_of(size_t place)
{
    return UINT64_MAX - 8 * (PLACES - place);
}

static size_t place_of(uint64_t address)
{
    return PLACES - (UINT64_MAX - address) / 8;
}

static void clear(struct world *world)
{
    for (size_t i = 0; i < PLACES; i++)
        world->type[i] = -1;
}

static void change(struct world *world, unsigned percent)
{
    for (size_t i = 0; i < PLACES; i++) {
        if ((unsigned)rand() % 100 >= percent)
            continue;
        world->type[i] = rand() % 3 ? rand() % TYPES : -1;
        world->size[i] = 16 + 8 * (uint64_t)(rand() % 10);
    }
}

static void take(struct snapshot *ret, const struct world *world)
{
    struct snapshot_object *next = calloc(PLACES, sizeof(*next));

    *ret = (struct snapshot){.rows = calloc(TYPES, sizeof(*ret->rows)),
                             .storage = next,
                             .has_objects = true,
                             .origin = {.pid = 4711, .start_time = 5, .boot = "boot"}};
    cr_assert(ret->rows && next);
    for (int type = 0; type < TYPES; type++) {
        struct snapshot_row row = {.type = types[type].type,
                                   .type_length = strlen(types[type].type),
                                   .short_name = types[type].short_name,
                                   .short_length = strlen(types[type].short_name),
                                   .objects = next,
                                   .is_exact = true};
        for (size_t place = 0; place < PLACES; place++) {
            if (world->type[place] != type)
                continue;
            *next++ = (struct snapshot_object){address_of(place), world->size[place]};
            row.bytes += world->size[place];
            row.count++;
        }
        if (row.count)
            ret->rows[ret->row_count++] = row;
        ret->objects += row.count;
        ret->bytes += row.bytes;
    }
}

static const char *name_of(int type, bool short_names)
{
    return short_names ? types[type].short_name : types[type].type;
}

/* Is what lies there of a type of that name? */
static bool is_there(const struct world *world, size_t place, const char *name, bool short_names)
{
    int type = world->type[place];

    return type >= 0 && strcmp(name_of(type, short_names), name) == 0;
}

/* What a row of that name has to say. Of two worlds `before` is NULL. */
static struct comparison_row model(const struct world *before, const struct world *old,
                                   const struct world *now, const char *name, bool short_names)
{
    struct comparison_row row = {0};

    for (size_t i = 0; i < PLACES; i++) {
        bool was = is_there(old, i, name, short_names), is = is_there(now, i, name, short_names);
        bool fresh = before ? is && was && !is_there(before, i, name, short_names) : is && !was;
        row.old_count += was;
        row.old_bytes += was ? old->size[i] : 0;
        row.count += is;
        row.bytes += is ? now->size[i] : 0;
        row.fresh_count += fresh;
        row.fresh_bytes += fresh ? now->size[i] : 0;
    }
    return row;
}

static void expect_row(const struct comparison_row *row, const struct comparison_row *wanted,
                       const struct world *now)
{
    cr_expect_eq(row->old_count, wanted->old_count, "%s", row->type);
    cr_expect_eq(row->old_bytes, wanted->old_bytes, "%s", row->type);
    cr_expect_eq(row->count, wanted->count, "%s", row->type);
    cr_expect_eq(row->bytes, wanted->bytes, "%s", row->type);
    cr_expect_eq(row->fresh_bytes, wanted->fresh_bytes, "%s", row->type);
    cr_assert_eq(row->fresh_count, wanted->fresh_count, "%s", row->type);
    for (size_t i = 0; i < row->fresh_count; i++) {
        size_t place = place_of(row->fresh[i].address);
        cr_assert_lt(place, PLACES);
        cr_expect_eq(row->fresh[i].size, now->size[place]);
        cr_expect(!i || row->fresh[i - 1].address < row->fresh[i].address);
    }
}

static bool is_first_of_name(int type, bool short_names)
{
    for (int other = 0; other < type; other++) {
        if (strcmp(name_of(other, short_names), name_of(type, short_names)) == 0)
            return false;
    }
    return true;
}

/* Each name once that has what makes a row, and nothing else. */
static void expect_rows(const struct comparison *result, const struct world *before,
                        const struct world *old, const struct world *now, bool short_names)
{
    uint64_t objects = 0, fresh = 0;
    size_t rows = 0;

    for (int type = 0; type < TYPES; type++) {
        const char *name = name_of(type, short_names);
        struct comparison_row wanted = model(before, old, now, name, short_names);
        if (!is_first_of_name(type, short_names))
            continue;
        objects += wanted.count;
        fresh += wanted.fresh_count;
        if (before ? !wanted.fresh_count : !wanted.old_count && !wanted.count)
            continue;
        rows++;
        size_t at = 0;
        while (at < result->row_count && strcmp(result->rows[at].type, name) != 0)
            at++;
        cr_assert_lt(at, result->row_count, "no row of %s", name);
        expect_row(&result->rows[at], &wanted, now);
    }
    cr_expect_eq(result->row_count, rows);
    cr_expect_eq(result->objects, objects);
    cr_expect_eq(result->fresh_objects, fresh);
}

static int64_t key_of(const struct comparison_row *row, enum comparison_order order)
{
    switch (order) {
    case COMPARISON_BY_DELTA:
        return (int64_t)(row->count - row->old_count);
    case COMPARISON_BY_NEW:
        return (int64_t)row->fresh_count;
    case COMPARISON_BY_CURRENT:
        return (int64_t)row->count;
    case COMPARISON_BY_OLD:
        return (int64_t)row->old_count;
    }
    return 0;
}

static void expect_order(const struct comparison *result, enum comparison_order order,
                         int names_ascend)
{
    for (size_t i = 1; i < result->row_count; i++) {
        const struct comparison_row *first = &result->rows[i - 1], *second = &result->rows[i];
        int64_t a = key_of(first, order), b = key_of(second, order);
        cr_expect(a > b || (a == b && strcmp(first->type, second->type) * names_ascend < 0),
                  "%d: %s, %s", (int)order, first->type, second->type);
    }
}

Test(compare, two_as_a_model_has_it, .timeout = 60)
{
    struct world old, now;
    struct error err;

    clear(&old);
    for (unsigned round = 0; round < ROUNDS; round++) {
        static const enum comparison_order orders[] = {COMPARISON_BY_DELTA, COMPARISON_BY_NEW,
                                                       COMPARISON_BY_CURRENT, COMPARISON_BY_OLD};
        bool short_names = round / 4 % 2;
        struct snapshot before, after;
        struct comparison result;

        now = old;
        change(&now, round % 101);
        take(&before, &old);
        take(&after, &now);
        cr_assert(compare_two(&result, &before, &after, short_names, orders[round % 4], &err));
        cr_expect_eq(result.lack, LACKS_NOTHING);
        expect_rows(&result, NULL, &old, &now, short_names);
        expect_order(&result, orders[round % 4], -1);
        comparison_free(&result);
        snapshot_free(&before);
        snapshot_free(&after);
        old = now;
    }
}

Test(compare, three_as_a_model_has_it, .timeout = 60)
{
    struct world worlds[3];
    struct error err;

    clear(&worlds[2]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct snapshot snapshots[3];
        struct comparison result;
        bool short_names = round % 2;

        for (size_t i = 0; i < 3; i++) {
            worlds[i] = worlds[(i + 2) % 3];
            change(&worlds[i], round % 101);
            take(&snapshots[i], &worlds[i]);
        }
        cr_assert(
            compare_three(&result, &snapshots[0], &snapshots[1], &snapshots[2], short_names, &err));
        cr_expect_eq(result.lack, LACKS_NOTHING);
        expect_rows(&result, &worlds[0], &worlds[1], &worlds[2], short_names);
        expect_order(&result, COMPARISON_BY_NEW, 1);
        comparison_free(&result);
        for (size_t i = 0; i < 3; i++)
            snapshot_free(&snapshots[i]);
    }
}

static void restart(struct snapshot *snapshot)
{
    snapshot->origin.start_time++;
}

static void drop_objects(struct snapshot *snapshot)
{
    snapshot->has_objects = false;
    for (size_t i = 0; i < snapshot->row_count; i++)
        snapshot->rows[i].objects = NULL;
}

static const struct {
    void (*spoil)(struct snapshot *snapshot);
    enum comparison_lack lack;
} lacks[] = {{restart, LACKS_PROCESS}, {drop_objects, LACKS_ADDRESSES}};

Test(compare, counts_alone)
{
    for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++) {
        struct snapshot before, after;
        struct comparison result;
        struct world world;
        struct error err;

        clear(&world);
        change(&world, 100);
        take(&before, &world);
        change(&world, 50);
        take(&after, &world);
        lacks[i].spoil(&after);
        cr_assert(compare_two(&result, &before, &after, false, COMPARISON_BY_NEW, &err));
        cr_expect_eq(result.lack, lacks[i].lack);
        cr_expect_gt(result.row_count, 4);
        cr_expect_eq(result.fresh_objects, 0);
        for (size_t row = 0; row < result.row_count; row++)
            cr_expect(!result.rows[row].fresh_count && !result.rows[row].fresh);
        expect_order(&result, COMPARISON_BY_DELTA, -1);
        comparison_free(&result);
        snapshot_free(&before);
        snapshot_free(&after);
    }
}

Test(compare, three_need_objects)
{
    struct world world;
    struct error err;

    clear(&world);
    change(&world, 100);
    for (size_t i = 0; i < 3 * sizeof(lacks) / sizeof(*lacks); i++) {
        struct snapshot snapshots[3];
        struct comparison result;
        for (size_t j = 0; j < 3; j++)
            take(&snapshots[j], &world);
        lacks[i / 3].spoil(&snapshots[i % 3]);
        cr_assert(compare_three(&result, &snapshots[0], &snapshots[1], &snapshots[2], false, &err));
        cr_expect_eq(result.lack, lacks[i / 3].lack);
        cr_expect_eq(result.row_count, 0);
        comparison_free(&result);
        for (size_t j = 0; j < 3; j++)
            snapshot_free(&snapshots[j]);
    }
}

Test(compare, of_nothing)
{
    struct snapshot none = {.has_objects = true};
    struct comparison result;
    struct error err;

    cr_assert(compare_two(&result, &none, &none, true, COMPARISON_BY_DELTA, &err));
    cr_expect_eq(result.row_count, 0);
    comparison_free(&result);
}
