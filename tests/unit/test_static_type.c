// SPDX-License-Identifier: MIT
#include "inspector/python/static_type.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

/* Where an interpreter's table begins, how many places it has and what a place is like. */
enum { TABLE = 4096, PLACES = 4, STATE = 48, STATE_TYPE = 0, STATE_DICT = 24, SUBCLASSES = 192 };

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t oldest, newest; /* interpreters */
    uint64_t type;
};

static void put_state(struct world *world, uint64_t interpreter, uint64_t place, uint64_t dict)
{
    uint64_t state = interpreter + TABLE + place * STATE;

    fake_put(&world->heap, state + STATE_TYPE, world->type);
    fake_put(&world->heap, state + STATE_DICT, dict);
}

/* A static type without a tp_dict, which both interpreters have in the last place. */
static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){0};
    fake_heap_init(heap, &fake_newest);
    fake_slot(heap, type_tp_subclasses, SUBCLASSES, 8);
    fake_slot(heap, interp_builtin_types, TABLE, PLACES * STATE);
    fake_slot(heap, sizeof_static_type_state, 0, STATE);
    fake_slot(heap, static_type_state_type, STATE_TYPE, 8);
    fake_slot(heap, static_type_state_tp_dict, STATE_DICT, 8);
    world->oldest = heap->interpreter;
    fake_alloc(heap, 2 * TABLE);
    world->newest = fake_interpreter(heap);
    fake_alloc(heap, 2 * TABLE);
    world->type = fake_static_type(heap, "int", 24, 0);
    fake_put(heap, world->type + SUBCLASSES, PLACES);
    put_state(world, world->oldest, PLACES - 1, 0x1000);
    put_state(world, world->newest, PLACES - 1, 0x2000);
    types_init(&world->types, &heap->python);
    world->reader = (struct reader){&heap->python, &heap->image, &world->types};
}

static void world_free(struct world *world)
{
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

Test(static_type, has_the_dictionary_of_the_oldest_interpreter, .timeout = 60)
{
    struct world world;

    world_init(&world);
    cr_expect_eq(static_type_dict(&world.reader, world.type), 0x1000);
    put_state(&world, world.oldest, PLACES - 1, 0);
    cr_expect_eq(static_type_dict(&world.reader, world.type), 0x2000);
    world_free(&world);
}

Test(static_type, may_have_a_place_among_those_of_extensions, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_slot(&world.heap, interp_extension_types, TABLE + STATE, 2 * STATE);
    put_state(&world, world.oldest, 2, 0x3000); /* the second of them */
    fake_put(&world.heap, world.type + SUBCLASSES, 2);
    cr_expect_eq(static_type_dict(&world.reader, world.type), 0x3000);
    world_free(&world);
}

Test(static_type, is_not_believed_to_be_where_it_is_not, .timeout = 60)
{
    static const uint64_t numbers[] = {0,         1, PLACES - 1, PLACES + 1, UINT64_MAX / STATE,
                                       UINT64_MAX};
    struct world world;

    world_init(&world);
    put_state(&world, world.oldest, PLACES, 0x4000); /* behind the table's end */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        fake_put(&world.heap, world.type + SUBCLASSES, numbers[i]);
        cr_expect_eq(static_type_dict(&world.reader, world.type), 0, "%zu", i);
    }
    fake_put(&world.heap, world.type + SUBCLASSES, PLACES);
    fake_put(&world.heap, world.type + 168, TPFLAGS_HEAPTYPE);
    cr_expect_eq(static_type_dict(&world.reader, world.type), 0);
    world_free(&world);
}
