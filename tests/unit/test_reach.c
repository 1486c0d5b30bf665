// SPDX-License-Identifier: MIT
#include "inspector/analysis/reach.h"

#include "inspector/analysis/marks.h"
#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

enum { MOST_SEEN = 64, HEADER = 24, WORD = 8, TRAVERSE = 56 };

struct world {
    struct fake_heap heap;
    struct types types;
    uint64_t tuple_type, thing_type; /* nobody knows the second: its words are guessed at */

    struct reached_object seen[MOST_SEEN];
    size_t count;
    struct reach_verdict verdict;
};

static void world_init(struct world *world)
{
    *world = (struct world){.count = 0};
    fake_heap_init(&world->heap, &fake_newest);
    fake_slot(&world->heap, sizeof_PyTupleObject, 0, HEADER + WORD);
    fake_slot(&world->heap, PyTupleObject_ob_item, HEADER, WORD);
    world->tuple_type = fake_static_type(&world->heap, "tuple", HEADER, WORD);
    world->thing_type = fake_static_type(&world->heap, "mod.Thing", HEADER, 0);
    fake_slot(&world->heap, type_tp_traverse, TRAVERSE, WORD);
    fake_put(&world->heap, world->tuple_type + TRAVERSE, 1);
    fake_put(&world->heap, world->heap.dict_type + TRAVERSE, 1);
    types_init(&world->types, &world->heap.python);
}

static void world_free(struct world *world)
{
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static void see(void *context, const struct reached_object *object)
{
    struct world *world = context;

    if (world->count < MOST_SEEN)
        world->seen[world->count] = *object;
    world->count++;
}

static void walk(struct world *world)
{
    struct error err;

    world->count = 0;
    cr_assert(reach_walk(&world->heap.python, &world->heap.image, &world->types, see, world,
                         &world->verdict, &err),
              "%s", err.text);
}

static void fill_tuple(struct world *world, uint64_t tuple, const uint64_t *items, size_t count)
{
    fake_put(&world->heap, tuple, 1);
    fake_put(&world->heap, tuple + 8, world->tuple_type);
    fake_put(&world->heap, tuple + 16, count);
    for (size_t i = 0; i < count; i++)
        fake_put(&world->heap, tuple + HEADER + i * WORD, items[i]);
}

/* One that the collector does not track. */
static uint64_t new_tuple(struct world *world, const uint64_t *items, size_t count)
{
    uint64_t tuple = fake_alloc(&world->heap, HEADER + count * WORD);

    fill_tuple(world, tuple, items, count);
    return tuple;
}

/* A tracked one, with room for one item. */
static uint64_t new_tracked(struct world *world, uint64_t item)
{
    uint64_t tuple = fake_object(&world->heap, 0, world->tuple_type, 1);

    fill_tuple(world, tuple, &item, 1);
    return tuple;
}

static uint64_t new_thing(struct world *world, uint64_t word)
{
    uint64_t thing = fake_object(&world->heap, 0, world->thing_type, 0);

    fake_put(&world->heap, thing + 16, word);
    return thing;
}

/* How it was reached, or -1; fails the test where it was visited twice. */
static int way_of(const struct world *world, uint64_t address)
{
    int way = -1;

    for (size_t i = 0; i < world->count; i++) {
        if (world->seen[i].object.address != address)
            continue;
        cr_assert_eq(way, -1, "visited twice");
        way = (int)world->seen[i].reached;
    }
    return way;
}

Test(reach, visits_everything_once, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    uint64_t shared = new_tuple(&world, &name, 1);
    uint64_t items[] = {shared, name, shared};
    uint64_t outer = new_tuple(&world, items, 3);
    uint64_t first = new_tracked(&world, outer), second = new_tracked(&world, first);
    uint64_t alone = new_tuple(&world, &name, 1);
    fake_put(&world.heap, first + 16, 1);
    walk(&world);
    cr_expect_eq(world.count, 5);
    cr_expect_eq(world.seen[0].object.address, first);
    cr_expect_eq(world.seen[1].object.address, second);
    cr_expect_eq(way_of(&world, first), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, second), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, outer), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, shared), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, name), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, alone), -1);
    cr_expect_eq(world.verdict.objects[REACHED_TRACKED], 2);
    cr_expect_eq(world.verdict.objects[REACHED_REFERENT], 3);
    cr_expect_eq(world.verdict.objects[REACHED_OWNED], 0);
    cr_expect(heap_is_verified(&world.verdict.heap));
    world_free(&world);
}

Test(reach, tells_size_and_type_of_what_is_not_tracked, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t none[3] = {0};
    uint64_t inner = new_tuple(&world, none, 3);
    new_tracked(&world, inner);
    walk(&world);
    cr_assert_eq(world.count, 2);
    cr_expect_eq(world.seen[1].object.address, inner);
    cr_expect_str_eq(world.types.items[world.seen[1].object.type]->name, "tuple");
    cr_expect_eq(world.seen[1].object.size, 16 + HEADER + 3 * WORD);
    world_free(&world);
}

Test(reach, goes_round_in_circles_once, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t none[2] = {0};
    uint64_t left = new_tuple(&world, none, 2), right = new_tuple(&world, none, 2);
    uint64_t first = new_tracked(&world, left);
    fill_tuple(&world, left, (uint64_t[]){right, left}, 2);
    fill_tuple(&world, right, (uint64_t[]){left, first}, 2);
    walk(&world);
    cr_expect_eq(world.count, 3);
    cr_expect_eq(way_of(&world, left), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, right), REACHED_REFERENT);
    world_free(&world);
}

/* Whatever is met first: a referent is no owned object, even if something owns it too. */
Test(reach, owned_is_what_is_no_referent, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0), other = new_tuple(&world, NULL, 0);
    uint64_t both = new_tuple(&world, &name, 1);
    uint64_t items[] = {both, other};
    uint64_t owned = new_tuple(&world, items, 2);
    uint64_t thing = new_thing(&world, owned), again = new_thing(&world, owned);
    new_thing(&world, both);
    uint64_t tracked = new_tracked(&world, both);
    walk(&world);
    cr_expect_eq(world.count, 8);
    cr_expect_eq(way_of(&world, thing), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, again), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, tracked), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, owned), REACHED_OWNED);
    cr_expect_eq(way_of(&world, both), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, name), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, other), REACHED_OWNED);
    cr_expect_eq(world.verdict.objects[REACHED_OWNED], 2);
    cr_expect(heap_is_verified(&world.verdict.heap));
    world_free(&world);
}

/* The str keys of a dict are owned by it, and visited by nobody. */
Test(reach, keys_are_owned, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t key = fake_ascii(&world.heap, "key"), both = fake_ascii(&world.heap, "both");
    uint64_t value = new_tuple(&world, NULL, 0);
    uint64_t dict =
        fake_dict(&world.heap, (uint64_t[]){key, both}, (uint64_t[]){value, value}, 2, false);
    new_tracked(&world, dict);
    new_tracked(&world, both);
    walk(&world);
    cr_expect_eq(way_of(&world, dict), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, value), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, both), REACHED_REFERENT);
    cr_expect_eq(way_of(&world, key), REACHED_OWNED);
    world_free(&world);
}

/* What no kind knows may hold any number: that is no damage. */
Test(reach, counts_references_to_what_is_no_object, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    uint64_t nothing = fake_alloc(&world.heap, 64);
    uint64_t items[] = {name + 4, nothing, 0x1000, UINT64_MAX, name, 0};
    new_tracked(&world, new_tuple(&world, items, 6));
    new_thing(&world, 0x1000);
    new_thing(&world, nothing);
    walk(&world);
    cr_expect_eq(world.count, 5);
    cr_expect_eq(world.heap.image.missed, 1);
    cr_expect_eq(world.verdict.heap.bad_references, 4);
    cr_expect_not(heap_is_verified(&world.verdict.heap));
    cr_expect(heap_is_whole(&world.verdict.heap));
    world_free(&world);
}

/* Neither is what hangs on a guess. */
Test(reach, a_guess_proves_no_damage, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t none = new_tuple(&world, NULL, 0);
    uint64_t items[] = {none + 4, 0x1000, none};
    uint64_t guessed = new_tuple(&world, items, 3);
    uint64_t huge = new_tuple(&world, NULL, 0);
    fake_put(&world.heap, huge + 16, 1 << 20); /* items, for which there is no room */
    new_thing(&world, guessed);
    new_thing(&world, huge);
    walk(&world);
    cr_expect_eq(world.count, 4);
    cr_expect_eq(way_of(&world, guessed), REACHED_OWNED);
    cr_expect_eq(way_of(&world, none), REACHED_OWNED);
    cr_expect_eq(way_of(&world, huge), -1);
    cr_expect_eq(world.heap.image.missed, 0);
    cr_expect(heap_is_verified(&world.verdict.heap));
    world_free(&world);
}

Test(reach, a_damaged_list_makes_no_object_two, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t first = new_tracked(&world, 0), second = new_tracked(&world, first);
    fake_put(&world.heap, second - 16, first - 16); /* and not the list's head */
    walk(&world);
    cr_expect_eq(way_of(&world, first), REACHED_TRACKED);
    cr_expect_eq(way_of(&world, second), REACHED_TRACKED);
    cr_expect_eq(world.count, 2);
    cr_expect_not(heap_is_verified(&world.verdict.heap));
    world_free(&world);
}

/* Thousands of tuples that lie over each other, each with most of the memory as its items. */
Test(reach, ends_where_objects_overlap, .timeout = 60)
{
    const uint64_t size = 512 * 1024;
    struct world world;

    world_init(&world);
    uint64_t area = fake_alloc(&world.heap, size);
    for (uint64_t at = 0; at + HEADER <= size; at += HEADER) {
        fake_put(&world.heap, area + at, area + (at * 7 + 5 * HEADER) % (size / 24 * 24 / 2));
        fake_put(&world.heap, area + at + 8, world.tuple_type);
        fake_put(&world.heap, area + at + 16, size / 2 / WORD);
    }
    new_tracked(&world, area);
    world.heap.image.bytes = FAKE_PAGES * IMAGE_PAGE;
    walk(&world);
    cr_expect(world.verdict.heap.references_cut);
    cr_expect_not(heap_is_whole(&world.verdict.heap));
    world_free(&world);
}

Test(reach, tells_the_tracked_alone, .timeout = 60)
{
    struct world world;
    struct error err;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    new_tracked(&world, name);
    cr_assert(reach_walk_tracked(&world.heap.python, &world.heap.image, &world.types, see, &world,
                                 &world.verdict, &err));
    cr_expect_eq(world.count, 1);
    cr_expect_eq(world.verdict.objects[REACHED_TRACKED], 1);
    world_free(&world);
}

static bool note(void *context, uint64_t address)
{
    struct world *world = context;

    world->seen[world->count++].object.address = address;
    return world->count < 3;
}

struct adding {
    struct marks *marks;
    uint64_t next, seen;
};

static bool add_behind(void *context, uint64_t address)
{
    struct adding *adding = context;

    cr_expect_eq(address, adding->next);
    adding->next += 8;
    cr_expect_eq(marks_add(adding->marks, adding->next), MARKS_NEW);
    return ++adding->seen < 100000;
}

Test(marks, are_a_set_of_places, .timeout = 60)
{
    const uint64_t last = FAKE_BASE + FAKE_PAGES * UINT64_C(1) * IMAGE_PAGE - 8;
    struct world world;
    struct marks marks;
    struct error err;

    world_init(&world);
    cr_assert(marks_init(&marks, &world.heap.image, &err));
    cr_expect_not(marks_has(&marks, FAKE_BASE));
    cr_expect_eq(marks_add(&marks, last), MARKS_NEW);
    cr_expect_eq(marks_add(&marks, FAKE_BASE), MARKS_NEW);
    cr_expect_eq(marks_add(&marks, FAKE_BASE + 512), MARKS_NEW);
    cr_expect_eq(marks_add(&marks, FAKE_BASE), MARKS_KNOWN);
    cr_expect_eq(marks_add(&marks, FAKE_BASE + 1), MARKS_NOWHERE);
    cr_expect_eq(marks_add(&marks, FAKE_BASE - 8), MARKS_NOWHERE);
    cr_expect_eq(marks_add(&marks, last + 8), MARKS_NOWHERE);
    cr_expect(marks_has(&marks, last));
    cr_expect_not(marks_has(&marks, last - 8));
    cr_expect_not(marks_has(&marks, last + 8));
    cr_expect_not(marks_each(&marks, note, &world));
    cr_expect_eq(world.count, 3);
    cr_expect_eq(world.seen[0].object.address, FAKE_BASE);
    cr_expect_eq(world.seen[1].object.address, FAKE_BASE + 512);
    cr_expect_eq(world.seen[2].object.address, last);
    marks_free(&marks);
    world_free(&world);
}

Test(marks, that_are_added_on_the_way_are_visited, .timeout = 60)
{
    struct world world;
    struct marks marks;
    struct error err;

    world_init(&world);
    cr_assert(marks_init(&marks, &world.heap.image, &err));
    struct adding adding = {.marks = &marks, .next = FAKE_BASE};
    cr_assert_eq(marks_add(&marks, FAKE_BASE), MARKS_NEW);
    cr_expect_not(marks_each(&marks, add_behind, &adding));
    cr_expect_eq(adding.seen, 100000);
    marks_free(&marks);
    world_free(&world);
}

Test(reach, an_object_that_would_begin_before_a_mapping_is_damage, .timeout = 60)
{
    struct world world;

    world_init(&world);
    new_tracked(&world, FAKE_BASE - WORD); /* its type would be the first word of the mapping */
    fake_put(&world.heap, FAKE_BASE, world.tuple_type);
    walk(&world);
    cr_expect_eq(world.count, 1);
    cr_expect_eq(world.verdict.heap.bad_references, 1);
    world_free(&world);
}
