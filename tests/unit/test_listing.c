// SPDX-License-Identifier: MIT
#include "inspector/analysis/listing.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ROWS = 32, OBJECTS = 6 };

struct world {
    struct fake_heap heap;
    struct listing listing;
    struct listing_options options;
    uint64_t objects[OBJECTS]; /* two of each type, in the order of the lists */

    struct listed rows[MOST_ROWS];
    char reprs[MOST_ROWS][64];
    size_t count, enough;
};

/* app.models.Order takes 40 bytes, mod.Thing 24, app.Class (a heap type) 32. */
static void world_init(struct world *world)
{
    *world = (struct world){.enough = MOST_ROWS};
    fake_heap_init(&world->heap, &fake_newest);
    uint64_t order = fake_static_type(&world->heap, "app.models.Order", 40, 0);
    uint64_t thing = fake_static_type(&world->heap, "mod.Thing", 24, 0);
    uint64_t class = fake_class(&world->heap, "Class");
    uint64_t types[] = {order, thing, class, thing, class, order};
    for (size_t i = 0; i < OBJECTS; i++) {
        world->objects[i] = fake_object(&world->heap, i < 3 ? 0 : 2, types[i], 0);
        fake_put(&world->heap, world->objects[i], 10 * i + 1); /* references */
    }
    for (int i = 0; i < GENERATIONS; i++)
        world->options.generations[i] = true;
    world->options.repr_length = 50;
}

static void world_free(struct world *world)
{
    fake_heap_free(&world->heap);
}

static bool note(void *context, const struct listed *row)
{
    struct world *world = context;

    cr_assert_lt(world->count, MOST_ROWS);
    world->rows[world->count] = *row;
    snprintf(world->reprs[world->count], sizeof(world->reprs[0]), "%s",
             row->repr ? row->repr->bytes : "");
    return ++world->count < world->enough;
}

/* The rows of what was taken; the listing is to be freed. */
static void list(struct world *world)
{
    struct error err = {0};

    world->count = 0;
    listing_init(&world->listing, &world->heap.python, &world->options);
    cr_assert(listing_take(&world->listing, &world->heap.image, NULL, NULL, &err), "%s", err.text);
    cr_expect_eq(world->count, 0);
    cr_assert(listing_tell(&world->listing, note, world, &err), "%s", err.text);
}

static void expect(struct world *world, const size_t *wanted, size_t count)
{
    list(world);
    cr_assert_eq(world->count, count, "%zu rows for %zu", world->count, count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(world->rows[i].object.address, world->objects[wanted[i]], "row %zu", i);
    cr_expect_eq(world->listing.tally.shown, count);
    listing_free(&world->listing);
}

#define EXPECT(world, ...)                                                                         \
    expect((world), (const size_t[]){__VA_ARGS__},                                                 \
           sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

Test(listing, tells_all_in_the_order_of_the_lists, .timeout = 60)
{
    struct world world;

    world_init(&world);
    list(&world);
    cr_assert_eq(world.count, OBJECTS);
    for (size_t i = 0; i < OBJECTS; i++) {
        cr_expect_eq(world.rows[i].object.address, world.objects[i]);
        cr_expect_eq(world.rows[i].refcount, 10 * i + 1);
        cr_expect_eq(world.rows[i].object.generation, i < 3 ? GENERATION_0 : GENERATION_2);
        cr_expect_eq(world.rows[i].reached, REACHED_TRACKED);
    }
    cr_expect_eq(world.rows[0].object.size, 16 + 40);
    cr_expect(strncmp(world.reprs[0], "<app.models.Order object at 0x7f", 32) == 0, "%s",
              world.reprs[0]);
    cr_expect_eq(world.listing.tally.objects, OBJECTS);
    cr_expect_eq(world.listing.tally.bytes, 2 * (16 + 40) + 2 * (16 + 24) + 2 * (16 + 32));
    listing_free(&world.listing);
    world_free(&world);
}

Test(listing, chooses_types_by_name_and_pattern, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.name_count = 1;
    world.options.names[0] = "mod.Thing";
    EXPECT(&world, 1, 3);
    world.options.names[0] = "app.*";
    EXPECT(&world, 0, 5);
    world.options.names[0] = "mod.Thin?,nothing";
    EXPECT(&world, 1, 3);
    world.options.names[0] = "[am]*.[OT]*";
    EXPECT(&world, 0, 1, 3, 5);
    world.options.names[0] = "Order";
    world.options.names[1] = "__main__.Class";
    world.options.name_count = 2;
    EXPECT(&world, 2, 4);
    world.options.short_names = true;
    EXPECT(&world, 0, 5);
    world_free(&world);
}

Test(listing, chooses_by_size_and_generation, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.min_size = 16 + 32;
    EXPECT(&world, 0, 2, 4, 5);
    world.options.min_size++;
    EXPECT(&world, 0, 5);
    world.options.min_size = 0;
    world.options.generations[GENERATION_0] = false;
    EXPECT(&world, 3, 4, 5);
    world_free(&world);
}

Test(listing, sorts, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.order = LISTING_BY_SIZE;
    EXPECT(&world, 0, 5, 2, 4, 1, 3);
    world.options.order = LISTING_BY_REFCOUNT;
    EXPECT(&world, 5, 4, 3, 2, 1, 0);
    world.options.order = LISTING_BY_ADDRESS;
    EXPECT(&world, 0, 1, 2, 3, 4, 5);
    world_free(&world);
}

Test(listing, limits_rows_but_counts_all, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.limit = 2;
    EXPECT(&world, 0, 1);
    world.options.order = LISTING_BY_SIZE;
    EXPECT(&world, 0, 5);
    world.options.order = LISTING_BY_REFCOUNT;
    EXPECT(&world, 5, 4);
    world.options.order = LISTING_BY_ADDRESS;
    world.options.limit = 100;
    EXPECT(&world, 0, 1, 2, 3, 4, 5);
    world.options.limit = 1;
    list(&world);
    cr_expect_eq(world.count, 1);
    cr_expect_eq(world.listing.tally.objects, OBJECTS);
    listing_free(&world.listing);
    world_free(&world);
}

/* A heap of a limit's size against many objects, in an order that a heap can get wrong. */
Test(listing, the_largest_of_many, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t thing = fake_static_type(&world.heap, "many", 24, 0);
    for (unsigned i = 0; i < 1000; i++)
        fake_put(&world.heap, fake_object(&world.heap, 1, thing, 0), 1 + i * 619 % 1000);
    world.options.name_count = 1;
    world.options.names[0] = "many";
    world.options.order = LISTING_BY_REFCOUNT;
    world.options.limit = MOST_ROWS - 1;
    list(&world);
    cr_assert_eq(world.count, MOST_ROWS - 1);
    for (unsigned i = 0; i < world.count; i++)
        cr_expect_eq(world.rows[i].refcount, 1000 - i);
    listing_free(&world.listing);
    world_free(&world);
}

Test(listing, without_values_nothing_is_printed, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.no_values = true;
    list(&world);
    cr_expect_eq(world.count, OBJECTS);
    cr_expect_null(world.rows[0].repr);
    cr_expect_null(world.rows[0].attributes);
    listing_free(&world.listing);
    world_free(&world);
}

Test(listing, ends_when_the_reader_has_enough, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.enough = 2;
    list(&world);
    cr_expect_eq(world.count, 2);
    listing_free(&world.listing);
    world.options.order = LISTING_BY_ADDRESS;
    list(&world);
    cr_expect_eq(world.count, 2);
    listing_free(&world.listing);
    world_free(&world);
}

/* What the question touched is all that the rows need. */
Test(listing, rows_need_nothing_that_was_not_touched, .timeout = 60)
{
    struct world world;
    struct error err = {0};

    world_init(&world);
    fake_hide(&world.heap, 0, FAKE_PAGES);
    listing_init(&world.listing, &world.heap.python, &world.options);
    cr_assert(listing_take(&world.listing, &world.heap.image, NULL, NULL, &err));
    uint64_t hidden = fake_count_hidden(&world.heap);
    world.heap.image.fill = NULL;
    cr_assert(listing_tell(&world.listing, note, &world, &err));
    cr_expect_eq(world.count, OBJECTS);
    cr_expect_gt(hidden, 0);
    cr_expect_eq(fake_count_hidden(&world.heap), hidden);
    cr_expect_eq(world.heap.image.missed, 0);
    listing_free(&world.listing);
    world_free(&world);
}

/* What was there when only the first four objects were. */
static void take_old(struct world *world, struct snapshot *ret)
{
    static const struct origin origin = {.executable = "", .version = "", .command_line = ""};
    struct roster roster = {0};
    struct census_options options = {.generations = {true, true, true, true}, .roster = &roster};
    struct census census;
    struct error err = {0};

    for (size_t i = 4; i < OBJECTS; i++)
        fake_untrack(&world->heap, world->objects[i]);
    census_init(&census, &world->heap.python, &options);
    cr_assert(census_take(&census, &world->heap.image, &err), "%s", err.text);
    cr_assert(snapshot_make(ret, &census, &origin, &(struct occasion){0}, &err), "%s", err.text);
    census_free(&census);
    roster_free(&roster);
}

Test(listing, leaves_out_what_was_there_before, .timeout = 60)
{
    struct world before, world;
    struct snapshot old;

    world_init(&before);
    take_old(&before, &old);
    world_init(&world); /* the same again, at the same addresses */
    world.options.new_since = &old;
    EXPECT(&world, 4, 5);
    world.options.order = LISTING_BY_ADDRESS;
    world.options.limit = 1;
    list(&world);
    cr_expect_eq(world.listing.tally.objects, 2);
    listing_free(&world.listing);
    snapshot_free(&old);
    world_free(&before);
    world_free(&world);
}

Test(listing, an_address_that_another_type_had_before_is_new, .timeout = 60)
{
    struct world before, world;
    struct snapshot old;

    world_init(&before);
    take_old(&before, &old);
    world_init(&world);
    fake_put(&world.heap, world.objects[0] + 8, fake_get(&world.heap, world.objects[1] + 8));
    world.options.new_since = &old;
    EXPECT(&world, 0, 4, 5);
    snapshot_free(&old);
    world_free(&before);
    world_free(&world);
}

Test(listing, keeps_to_the_addresses_that_are_given, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t addresses[] = {1, world.objects[1], world.objects[4], UINT64_MAX};
    world.options.addresses = addresses;
    world.options.address_count = 4;
    EXPECT(&world, 1, 4);
    world.options.address_count = 2;
    EXPECT(&world, 1);
    world.options.address_count = 0;
    list(&world);
    cr_expect_eq(world.count, 0);
    listing_free(&world.listing);
    world_free(&world);
}
