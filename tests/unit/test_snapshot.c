// SPDX-License-Identifier: MIT
#include "inspector/analysis/snapshot.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct fake_style newest = {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, false, false};
static const struct origin origin = {.pid = 4711,
                                     .start_time = 12,
                                     .boot = "b",
                                     .stack_start = 99,
                                     .executable = "/usr/bin/python3",
                                     .version = "3.13.0",
                                     .command_line = "python3 app.py"};

enum { OBJECTS = 12 };

/* Objects of two classes that have one name, and of another; not by address within a type. */
struct world {
    struct fake_heap heap;
    struct census census;
    struct roster roster;
    uint64_t objects[OBJECTS];
    struct snapshot snapshot;
};

static void world_init(struct world *world, bool with_objects)
{
    struct error err = {.kind = ERROR_NONE};
    uint64_t classes[3];

    memset(world, 0, sizeof(*world));
    fake_heap_init(&world->heap, &newest);
    classes[0] = fake_class(&world->heap, "Order");
    classes[1] = fake_class(&world->heap, "Customer");
    classes[2] = fake_class(&world->heap, "Order");
    for (size_t i = 0; i < OBJECTS; i++)
        world->objects[i] = fake_object(&world->heap, (unsigned)(2 - i % 3), classes[i % 3], 0);
    struct census_options options = {.generations = {true, true, true, true},
                                     .roster = with_objects ? &world->roster : NULL};
    struct occasion occasion = {.taken_ms = 5, .complete = true};
    census_init(&world->census, &world->heap.python, &options);
    /* As a session does: what an earlier answer left behind is gone. */
    for (int i = 0; i < 2; i++)
        cr_assert(census_take(&world->census, &world->heap.image, &err), "%s", err.text);
    cr_assert(snapshot_make(&world->snapshot, &world->census, &origin, &occasion, &err), "%s",
              err.text);
}

static void world_free(struct world *world)
{
    snapshot_free(&world->snapshot);
    roster_free(&world->roster);
    census_free(&world->census);
    fake_heap_free(&world->heap);
}

static const struct snapshot_row *find(const struct world *world, const char *type,
                                       const char *short_name)
{
    return snapshot_find(&world->snapshot, type, strlen(type), short_name, strlen(short_name));
}

Test(snapshot, has_a_row_a_name_and_each_object_once)
{
    struct world world;

    world_init(&world, true);
    const struct snapshot *snapshot = &world.snapshot;
    cr_assert_eq(snapshot->row_count, 2);
    cr_expect_str_eq(snapshot->rows[0].type, "__main__.Customer");
    cr_expect_str_eq(snapshot->rows[1].type, "__main__.Order");
    cr_expect_str_eq(snapshot->rows[1].short_name, "Order");
    cr_expect_eq(snapshot->rows[0].count, OBJECTS / 3);
    cr_expect_eq(snapshot->rows[1].count, OBJECTS / 3 * 2);
    cr_expect_eq(snapshot->objects, OBJECTS);
    cr_expect(snapshot->has_objects);
    for (size_t i = 0; i < snapshot->row_count; i++) {
        const struct snapshot_row *row = &snapshot->rows[i];
        uint64_t bytes = 0;
        for (size_t j = 0; j < row->count; j++) {
            bytes += row->objects[j].size;
            cr_expect(!j || row->objects[j - 1].address < row->objects[j].address);
        }
        cr_expect_eq(bytes, row->bytes);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        cr_expect_eq(snapshot_row_has(&snapshot->rows[0], world.objects[i]), i % 3 == 1);
        cr_expect_eq(snapshot_row_has(&snapshot->rows[1], world.objects[i]), i % 3 != 1);
        cr_expect_not(snapshot_row_has(&snapshot->rows[1], world.objects[i] + 8));
    }
    world_free(&world);
}

Test(snapshot, stands_by_itself)
{
    struct world world;

    world_init(&world, true);
    roster_free(&world.roster);
    census_free(&world.census);
    census_init(&world.census, &world.heap.python, &(struct census_options){0});
    memset(world.heap.bytes, 0xa5, (size_t)FAKE_PAGES * 4096);
    cr_expect_str_eq(world.snapshot.rows[0].type, "__main__.Customer");
    cr_expect_str_eq(world.snapshot.origin.command_line, "python3 app.py");
    cr_expect_neq(world.snapshot.origin.version, origin.version);
    cr_expect(origin_is_same(&world.snapshot.origin, &origin));
    world_free(&world);
}

Test(snapshot, may_be_of_counts_alone)
{
    struct world world;

    world_init(&world, false);
    cr_expect_not(world.snapshot.has_objects);
    cr_expect_null(world.snapshot.rows[0].objects);
    cr_expect_eq(world.snapshot.objects, OBJECTS);
    world_free(&world);
}

Test(snapshot, finds_a_row_by_both_names)
{
    struct world world;

    world_init(&world, true);
    cr_expect_eq(find(&world, "__main__.Order", "Order"), &world.snapshot.rows[1]);
    cr_expect_null(find(&world, "__main__.Order", "Orders"));
    cr_expect_null(find(&world, "Order", "Order"));
    cr_expect_null(find(&world, "", ""));
    world_free(&world);
}

Test(snapshot, an_origin_is_told_apart_by_all_that_makes_it)
{
    struct origin other = origin;

    cr_expect(origin_is_same(&origin, &other));
    other.executable = "";
    cr_expect(origin_is_same(&origin, &other));
    other.pid++;
    cr_expect_not(origin_is_same(&origin, &other));
    other = origin;
    other.start_time++;
    cr_expect_not(origin_is_same(&origin, &other));
    other = origin;
    other.stack_start++; /* an exec */
    cr_expect_not(origin_is_same(&origin, &other));
    other = origin;
    other.boot[0] = 'c';
    cr_expect_not(origin_is_same(&origin, &other));
}

Test(snapshot, of_rows_that_were_counted_otherwise)
{
    char late[] = "app.py:7", early[] = "app.py:12";
    const struct snapshot_row rows[] = {
        {.type = late, .type_length = 8, .short_name = "", .count = 2, .bytes = 20},
        {.type = early, .type_length = 9, .short_name = "", .count = 1, .bytes = 5},
        {.type = late, .type_length = 8, .short_name = "", .count = 3, .bytes = 30},
    };
    struct occasion occasion = {.taken_ms = 5, .complete = true};
    struct snapshot snapshot;
    struct error err;

    cr_assert(snapshot_make_of_rows(&snapshot, rows, 3, &origin, &occasion, &err));
    memset(late, 'x', sizeof(late) - 1);
    cr_assert_eq(snapshot.row_count, 2);
    cr_expect_str_eq(snapshot.rows[0].type, "app.py:12");
    cr_expect_str_eq(snapshot.rows[1].type, "app.py:7");
    cr_expect_eq(snapshot.rows[1].count, 5);
    cr_expect_eq(snapshot.rows[1].bytes, 50);
    cr_expect_eq(snapshot.objects, 6);
    cr_expect_eq(snapshot.bytes, 55);
    cr_expect(snapshot.occasion.complete && !snapshot.has_objects);
    cr_expect(origin_is_same(&snapshot.origin, &origin));
    cr_expect_str_eq(snapshot.origin.version, "3.13.0");
    snapshot_free(&snapshot);
    cr_assert(snapshot_make_of_rows(&snapshot, NULL, 0, &origin, &occasion, &err));
    cr_expect_eq(snapshot.row_count, 0);
    snapshot_free(&snapshot);
}
