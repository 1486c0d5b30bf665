// SPDX-License-Identifier: MIT
#include "inspector/analysis/lookup.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ITEMS = 3 };

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    struct reach_verdict verdict;
    struct instances instances;
    uint64_t thing_type, class;
    uint64_t young, old, list, buffer; /* objects, the list's items */
};

/* Three tracked objects; the list's items are types, so that its buffer looks like an object. */
static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){0};
    fake_heap_init(heap, &fake_newest);
    world->thing_type = fake_static_type(heap, "mod.Thing", 32, 0);
    world->class = fake_class(heap, "Class");
    world->young = fake_object(heap, 0, world->thing_type, 0);
    world->old = fake_object(heap, 2, world->class, 0);
    uint64_t items[ITEMS] = {world->thing_type, world->thing_type, world->thing_type};
    world->list = fake_list_object(heap, 1, items, ITEMS);
    world->buffer = fake_get(heap, world->list + 24);
    types_init(&world->types, &heap->python);
    world->reader = (struct reader){&heap->python, &heap->image, &world->types};
}

static void world_free(struct world *world)
{
    instances_free(&world->instances);
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static void look(struct world *world, struct finding *findings, size_t count)
{
    struct error err = {0};

    instances_free(&world->instances);
    cr_assert(lookup(&world->reader, findings, count, &world->instances, &world->verdict, &err),
              "%s", err.text);
}

static struct finding look_at(struct world *world, uint64_t address)
{
    struct finding finding = {.asked = address};

    look(world, &finding, 1);
    cr_expect_eq(finding.asked, address);
    return finding;
}

Test(lookup, finds_tracked_objects_and_their_generations, .timeout = 60)
{
    struct world world;

    world_init(&world);
    struct finding young = look_at(&world, world.young), old = look_at(&world, world.old);
    cr_expect_eq(young.found, FOUND_OBJECT);
    cr_expect_eq(young.object, world.young);
    cr_expect_str_eq(young.type->name, "mod.Thing");
    cr_expect(young.is_tracked && young.is_listed && young.is_alive);
    cr_expect_eq(young.generation, GENERATION_0);
    cr_expect_eq(old.generation, GENERATION_2);
    cr_expect_eq(world.verdict.heap.links_broken, 0);
    cr_expect_eq(world.verdict.objects[REACHED_OWNED], 0, "it walked more than it had to");
    world_free(&world);
}

Test(lookup, an_address_inside_an_object_or_its_headers_names_it, .timeout = 60)
{
    struct world world;

    world_init(&world);
    for (uint64_t at = world.young - 16; at < world.young + 32; at++) {
        struct finding finding = look_at(&world, at);
        cr_expect_eq(finding.found, at == world.young ? FOUND_OBJECT : FOUND_INSIDE);
        cr_expect_eq(finding.object, world.young);
        cr_expect_eq(finding.start, world.young - 16);
        cr_expect_eq(finding.size, 16 + 32);
        cr_expect_eq(finding.generation, GENERATION_0);
    }
    world_free(&world);
}

Test(lookup, a_buffer_is_its_objects_even_if_it_looks_like_an_object, .timeout = 60)
{
    struct world world;

    world_init(&world);
    for (uint64_t at = world.buffer; at < world.buffer + ITEMS * 8; at++) {
        struct finding finding = look_at(&world, at);
        cr_assert_eq(finding.found, FOUND_BUFFER);
        cr_expect_eq(finding.object, world.list);
        cr_expect_str_eq(finding.buffer, "ob_item");
        cr_expect_eq(finding.start, world.buffer);
        cr_expect_eq(finding.size, ITEMS * 8);
        cr_expect_not(finding_is_object(&finding));
    }
    world_free(&world);
}

/* Moves the list's items into a block of pymalloc, which is in use, as an object's would be. */
static void move_into_pool(struct world *world)
{
    enum { POOL = 4096, HEADER = 48, BLOCK = 128 };
    uint64_t pool = (fake_alloc(&world->heap, 8 * POOL) + 5 * POOL) & ~(uint64_t)(POOL - 1);

    fake_slot(&world->heap, PyObject_ob_refcnt, 0, 4); /* as in 3.14: half an address may be one */
    fake_slot(&world->heap, sizeof_pool_header, 0, HEADER);
    fake_slot(&world->heap, pool_header_count, 0, 4);
    fake_slot(&world->heap, pool_header_freeblock, 8, 8);
    fake_slot(&world->heap, pool_header_arenaindex, 32, 4);
    fake_slot(&world->heap, pool_header_szidx, 36, 4);
    fake_slot(&world->heap, pool_header_nextoffset, 40, 4);
    fake_slot(&world->heap, pool_header_maxnextoffset, 44, 4);
    fake_put(&world->heap, pool, 2);
    fake_put(&world->heap, pool + 32, (uint64_t)(BLOCK / 16 - 1) << 32);
    fake_put(&world->heap, pool + 40, (HEADER + 2 * BLOCK) | (uint64_t)(POOL - BLOCK) << 32);
    world->buffer = pool + HEADER + BLOCK;
    for (uint64_t i = 0; i < ITEMS; i++)
        fake_put(&world->heap, world->buffer + i * 8, world->heap.str_type);
    fake_put(&world->heap, world->list + 24, world->buffer);
}

Test(lookup, so_it_is_in_a_block_of_pymalloc, .timeout = 60)
{
    struct world world;

    world_init(&world);
    move_into_pool(&world);
    struct finding buffer = look_at(&world, world.buffer + 8);
    cr_expect_eq(buffer.found, FOUND_BUFFER, "%d", (int)buffer.found);
    cr_expect_eq(buffer.object, world.list);
    struct finding other = look_at(&world, world.buffer - 8);
    cr_expect_eq(other.found, FOUND_BLOCK, "%d", (int)other.found);
    cr_expect_eq(other.start, world.buffer - 128);
    cr_expect_eq(look_at(&world, world.buffer + 128).found, FOUND_FREE_BLOCK);
    world_free(&world);
}

Test(lookup, takes_addresses_in_any_order_and_twice, .timeout = 60)
{
    struct world world;

    world_init(&world);
    struct finding findings[] = {{.asked = world.list},  {.asked = 8},
                                 {.asked = world.young}, {.asked = world.buffer + 8},
                                 {.asked = world.list},  {.asked = world.old + 3},
                                 {.asked = world.young}};
    static const enum found wanted[] = {FOUND_OBJECT, FOUND_NOTHING, FOUND_OBJECT, FOUND_BUFFER,
                                        FOUND_OBJECT, FOUND_INSIDE,  FOUND_OBJECT};
    look(&world, findings, sizeof(findings) / sizeof(*findings));
    for (size_t i = 0; i < sizeof(findings) / sizeof(*findings); i++)
        cr_expect_eq(findings[i].found, wanted[i], "%zu: %d", i, (int)findings[i].found);
    cr_expect_eq(findings[0].generation, GENERATION_1);
    cr_expect_eq(findings[4].generation, GENERATION_1);
    cr_expect_eq(findings[5].generation, GENERATION_2);
    world_free(&world);
}

Test(lookup, an_object_that_nobody_refers_to_is_in_doubt, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_untrack(&world.heap, world.young);
    fake_put(&world.heap, world.young - 16, 0);
    fake_put(&world.heap, world.young - 8, 0);
    struct finding finding = look_at(&world, world.young);
    cr_expect_eq(finding.found, FOUND_OBJECT);
    cr_expect_not(finding.is_tracked || finding.is_listed || finding.is_alive);
    cr_expect_eq(look_at(&world, world.young + 8).found, FOUND_MEMORY);
    fake_put(&world.heap, world.young, 0); /* nor does it say so itself */
    cr_expect_eq(look_at(&world, world.young).found, FOUND_MEMORY);
    world_free(&world);
}

Test(lookup, memory_that_is_not_there_is_not_missed, .timeout = 60)
{
    struct world world;
    uint64_t last = FAKE_PAGES - 1;

    world_init(&world);
    cr_expect_eq(look_at(&world, FAKE_BASE + last * IMAGE_PAGE).found, FOUND_MEMORY);
    world.heap.present[last / 64] &= ~(UINT64_C(1) << last % 64);
    cr_expect_eq(look_at(&world, FAKE_BASE + last * IMAGE_PAGE).found, FOUND_UNREAD);
    cr_expect_eq(look_at(&world, FAKE_BASE + FAKE_PAGES * IMAGE_PAGE).found, FOUND_NOTHING);
    cr_expect_eq(look_at(&world, UINT64_MAX).found, FOUND_NOTHING);
    cr_expect_eq(look_at(&world, 0).found, FOUND_NOTHING);
    cr_expect_eq(world.heap.image.missed, 0);
    world_free(&world);
}

Test(lookup, walks_nothing_where_no_object_can_be, .timeout = 60)
{
    struct world world;

    world_init(&world);
    struct finding findings[] = {{.asked = 0}, {.asked = FAKE_BASE - 8}};
    look(&world, findings, sizeof(findings) / sizeof(*findings));
    cr_expect_eq(findings[0].found, FOUND_NOTHING);
    cr_expect_eq(findings[1].found, FOUND_NOTHING);
    cr_expect_eq(world.verdict.objects[REACHED_TRACKED], 0);
    cr_expect_eq(world.verdict.heap.links_verified, 0);
    world_free(&world);
}

/* A header in which every word is wild may make it look for neighbours anywhere. */
Test(lookup, survives_a_header_that_lies, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_untrack(&world.heap, world.young);
    fake_put(&world.heap, world.young - 16, UINT64_C(0x4141414141414140));
    fake_put(&world.heap, world.young - 8, UINT64_MAX - 7);
    fake_put(&world.heap, world.young + 16, UINT64_MAX / 2);
    struct finding finding = look_at(&world, world.young);
    cr_expect_eq(finding.found, FOUND_OBJECT);
    cr_expect_not(finding.is_tracked);
    cr_expect_eq(world.heap.image.missed, 0);
    world_free(&world);
}

/* A copy of a class that the collector tracks, so that its header alone vouches for it. */
static uint64_t tracked_copy(struct fake_heap *heap, uint64_t class)
{
    enum { HEAD = 16, SIZE = 240 };
    uint64_t head = fake_list(heap, 0), last = fake_get(heap, head + 8);
    uint64_t node = fake_alloc(heap, HEAD + SIZE);

    memcpy(heap->bytes + (node + HEAD - FAKE_BASE), heap->bytes + (class - FAKE_BASE), SIZE);
    fake_put(heap, node, head);
    fake_put(heap, node + 8, last);
    fake_put(heap, last, node);
    fake_put(heap, head + 8, node);
    return node + HEAD;
}

Test(lookup, counts_the_instances_of_a_class, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.class = tracked_copy(&world.heap, world.class);
    fake_object(&world.heap, 0, world.class, 0);
    fake_object(&world.heap, 0, world.class, 0);
    fake_object(&world.heap, 0, world.class, 0);
    struct finding finding = look_at(&world, world.class);
    cr_expect(finding_is_object(&finding));
    struct instance_count count = instances_of(&world.instances, &world.reader, world.class);
    cr_expect_eq(count.own, 3);
    cr_expect_eq(count.inherited, 0);
    cr_expect_eq(instances_of(&world.instances, &world.reader, 8).own, 0);
    look_at(&world, world.young);
    cr_expect_eq(instances_of(&world.instances, &world.reader, world.class).own, 0);
    world_free(&world);
}
