// SPDX-License-Identifier: MIT
#include "inspector/python/pymalloc.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

enum { HEADER = 48, BLOCK = 64, LARGE = 16384, SMALL = 4096, COUNT = 0, FREE_LIST = 8, ARENA = 32 };
enum { SIZE_INDEX = 36, NEXT_OFFSET = 40, LAST_OFFSET = 44 };

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t pool;
};

static void put_half(struct world *world, uint64_t offset, uint32_t half)
{
    memcpy(world->heap.bytes + (world->pool + offset - FAKE_BASE), &half, sizeof(half));
}

/* A pool of which `given` blocks of BLOCK bytes were given out so far, and none was freed. */
static void world_init(struct world *world, uint64_t size, uint32_t given)
{
    static const struct {
        enum layout_slot_id id;
        uint32_t offset, size;
    } slots[] = {
        {sizeof_pool_header, 0, HEADER},
        {pool_header_count, COUNT, 4},
        {pool_header_freeblock, FREE_LIST, 8},
        {pool_header_arenaindex, ARENA, 4},
        {pool_header_szidx, SIZE_INDEX, 4},
        {pool_header_nextoffset, NEXT_OFFSET, 4},
        {pool_header_maxnextoffset, LAST_OFFSET, 4},
    };

    *world = (struct world){0};
    fake_heap_init(&world->heap, &fake_newest);
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
        world->heap.python.layout.slots[slots[i].id] =
            (struct layout_slot){.present = true, .offset = slots[i].offset, .size = slots[i].size};
    types_init(&world->types, &world->heap.python);
    world->reader = (struct reader){&world->heap.python, &world->heap.image, &world->types};
    /* In the middle of 16 KiB, so that a small one is not taken for a large one. */
    world->pool = fake_alloc(&world->heap, 4 * LARGE) + 2 * LARGE;
    world->pool = (world->pool & ~(uint64_t)(LARGE - 1)) + (size == SMALL ? SMALL : 0);
    put_half(world, COUNT, given);
    put_half(world, SIZE_INDEX, BLOCK / 16 - 1);
    put_half(world, NEXT_OFFSET, HEADER + given * BLOCK);
    put_half(world, LAST_OFFSET, (uint32_t)size - BLOCK);
}

static void world_free(struct world *world)
{
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static uint64_t block_of(const struct world *world, uint64_t number)
{
    return world->pool + HEADER + number * BLOCK;
}

static void expect(struct world *world, uint64_t address, enum block_state state, uint64_t start,
                   uint64_t size)
{
    struct block block = pymalloc_block_at(&world->reader, address);

    cr_expect_eq(block.state, state, "at %lu: %d", (unsigned long)(address - world->pool),
                 (int)block.state);
    if (state != BLOCK_NONE) {
        cr_expect_eq(block.start, start);
        cr_expect_eq(block.size, size);
    }
    cr_expect_eq(world->heap.image.missed, 0);
}

static void free_block(struct world *world, uint64_t number)
{
    fake_put(&world->heap, block_of(world, number),
             fake_get(&world->heap, world->pool + FREE_LIST));
    fake_put(&world->heap, world->pool + FREE_LIST, block_of(world, number));
    put_half(world, COUNT, (uint32_t)fake_get(&world->heap, world->pool) - 1);
}

static void check_blocks(uint64_t size)
{
    struct world world;
    uint64_t last = (size - HEADER) / BLOCK - 1;

    world_init(&world, size, 10);
    free_block(&world, 7);
    free_block(&world, 2);
    expect(&world, world.pool, BLOCK_HEADER, world.pool, size);
    expect(&world, world.pool + HEADER - 1, BLOCK_HEADER, world.pool, size);
    expect(&world, block_of(&world, 0), BLOCK_ALLOCATED, block_of(&world, 0), BLOCK);
    expect(&world, block_of(&world, 9) + BLOCK - 1, BLOCK_ALLOCATED, block_of(&world, 9), BLOCK);
    expect(&world, block_of(&world, 7) + 20, BLOCK_FREE, block_of(&world, 7), BLOCK);
    expect(&world, block_of(&world, 2), BLOCK_FREE, block_of(&world, 2), BLOCK);
    expect(&world, block_of(&world, 10), BLOCK_FREE, block_of(&world, 10), BLOCK);
    expect(&world, block_of(&world, last), BLOCK_FREE, block_of(&world, last), BLOCK);
    if (block_of(&world, last + 1) < world.pool + size)
        expect(&world, block_of(&world, last + 1), BLOCK_HEADER, world.pool, size);
    expect(&world, world.pool + size, BLOCK_NONE, 0, 0);
    world_free(&world);
}

Test(pymalloc, blocks_of_a_large_pool, .timeout = 60)
{
    check_blocks(LARGE);
}

Test(pymalloc, blocks_of_a_small_pool, .timeout = 60)
{
    check_blocks(SMALL);
}

Test(pymalloc, a_header_whose_parts_disagree_is_none, .timeout = 60)
{
    static const struct {
        uint64_t offset;
        uint32_t half;
    } spoilt[] = {
        {SIZE_INDEX, 4},
        {LAST_OFFSET, LARGE - 2 * BLOCK},
        {LAST_OFFSET, LARGE},
        {NEXT_OFFSET, HEADER + 10 * BLOCK + 8},
        {NEXT_OFFSET, HEADER - BLOCK},
        {NEXT_OFFSET, LARGE + BLOCK},
        {COUNT, 11},
        {ARENA, UINT32_MAX},
        {FREE_LIST, 16},
    };

    for (size_t i = 0; i < sizeof(spoilt) / sizeof(*spoilt); i++) {
        struct world world;
        world_init(&world, LARGE, 10);
        put_half(&world, spoilt[i].offset, spoilt[i].half);
        expect(&world, block_of(&world, 3), BLOCK_NONE, 0, 0);
        world_free(&world);
    }
}

Test(pymalloc, a_list_of_free_blocks_that_goes_wrong_ends, .timeout = 60)
{
    struct world world;

    world_init(&world, LARGE, 10);
    free_block(&world, 5);
    free_block(&world, 4);
    fake_put(&world.heap, block_of(&world, 5), block_of(&world, 4)); /* a circle */
    expect(&world, block_of(&world, 3), BLOCK_ALLOCATED, block_of(&world, 3), BLOCK);
    fake_put(&world.heap, block_of(&world, 5), UINT64_C(0xdeadbeef)); /* out of the pool */
    expect(&world, block_of(&world, 3), BLOCK_ALLOCATED, block_of(&world, 3), BLOCK);
    expect(&world, block_of(&world, 5), BLOCK_FREE, block_of(&world, 5), BLOCK);
    world_free(&world);
}

Test(pymalloc, is_not_looked_for_without_its_layout, .timeout = 60)
{
    struct world world;

    world_init(&world, LARGE, 10);
    world.heap.python.layout.slots[sizeof_pool_header].present = false;
    expect(&world, block_of(&world, 3), BLOCK_NONE, 0, 0);
    expect(&world, FAKE_BASE - 8, BLOCK_NONE, 0, 0);
    expect(&world, 0, BLOCK_NONE, 0, 0);
    world_free(&world);
}
