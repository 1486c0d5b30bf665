// SPDX-License-Identifier: MIT
#include "inspector/analysis/instances.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

enum { MRO = 192, ITEMS = 24 };

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t tuple_type;
};

static void world_init(struct world *world)
{
    *world = (struct world){0};
    fake_heap_init(&world->heap, &fake_newest);
    fake_slot(&world->heap, type_tp_mro, MRO, 8);
    fake_slot(&world->heap, sizeof_PyTupleObject, 0, 32);
    fake_slot(&world->heap, PyTupleObject_ob_item, ITEMS, 8);
    world->tuple_type = fake_static_type(&world->heap, "tuple", ITEMS, 8);
    fake_put(&world->heap, world->tuple_type + 168, TPFLAGS_TUPLE_SUBCLASS);
    types_init(&world->types, &world->heap.python);
    world->reader = (struct reader){&world->heap.python, &world->heap.image, &world->types};
}

/* A class with this method resolution order behind itself. */
static uint64_t add_class(struct world *world, const char *name, uint64_t first, uint64_t second)
{
    uint64_t class = fake_class(&world->heap, name), mro = fake_alloc(&world->heap, ITEMS + 3 * 8);

    fake_put(&world->heap, mro, 1);
    fake_put(&world->heap, mro + 8, world->tuple_type);
    fake_put(&world->heap, mro + 16, second ? 3 : first ? 2 : 1);
    fake_put(&world->heap, mro + ITEMS, class);
    fake_put(&world->heap, mro + ITEMS + 8, first);
    fake_put(&world->heap, mro + ITEMS + 16, second);
    fake_put(&world->heap, class + MRO, mro);
    return class;
}

static void add(struct world *world, struct instances *instances, uint64_t class, size_t objects)
{
    struct error err = {0};
    uint32_t number = 0;

    cr_assert(types_number(&world->types, &world->heap.image, class, &number, &err));
    for (size_t i = 0; i < objects; i++)
        instances_add(instances, number);
}

static void expect(const struct world *world, const struct instances *instances, uint64_t class,
                   uint64_t own, uint64_t inherited)
{
    struct instance_count count = instances_of(instances, &world->reader, class);

    cr_expect_eq(count.own, own);
    cr_expect_eq(count.inherited, inherited);
}

Test(instances, counts_those_of_subclasses_apart, .timeout = 60)
{
    struct world world;
    struct instances instances = {0};
    struct error err = {0};

    world_init(&world);
    uint64_t base = add_class(&world, "Base", 0, 0), other = add_class(&world, "Other", 0, 0);
    uint64_t both = add_class(&world, "Both", base, other);
    uint64_t child = add_class(&world, "Child", base, 0);
    add(&world, &instances, base, 2);
    add(&world, &instances, both, 30);
    add(&world, &instances, child, 400);
    cr_assert(instances_inherit(&instances, &world.reader, &err), "%s", err.text);
    expect(&world, &instances, base, 2, 430);
    expect(&world, &instances, other, 0, 30);
    expect(&world, &instances, both, 30, 0);
    expect(&world, &instances, child, 400, 0);
    instances_free(&instances);
    expect(&world, &instances, base, 0, 0);
    types_free(&world.types);
    fake_heap_free(&world.heap);
}
