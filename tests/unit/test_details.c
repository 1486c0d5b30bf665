// SPDX-License-Identifier: MIT
#include "inspector/analysis/details.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ITEMS = 5, KEYS = 2 };

struct world {
    struct fake_heap heap;
    struct detail_options options;
    struct details details;
    uint64_t things[ITEMS], list, dict, keys[KEYS];
};

/* A list of five things, and a dict of two. */
static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){.options.repr_length = 80};
    fake_heap_init(heap, &fake_newest);
    fake_slot(heap, sizeof_PyUnicodeObject_caches, 0, 80);
    uint64_t thing = fake_static_type(heap, "mod.Thing", 32, 0);
    for (uint64_t i = 0; i < ITEMS; i++)
        world->things[i] = fake_object(heap, 0, thing, 0);
    world->list = fake_list_object(heap, 0, world->things, ITEMS);
    fake_put(heap, world->list, 7); /* references */
    world->keys[0] = fake_ascii(heap, "one");
    world->keys[1] = fake_ascii(heap, "two");
    world->dict = fake_dict(heap, world->keys, world->things, KEYS, false);
}

static void world_free(struct world *world)
{
    details_free(&world->details);
    fake_heap_free(&world->heap);
}

static void take(struct world *world, bool keep, const uint64_t *addresses, size_t count)
{
    struct error err = {0};

    cr_assert(details_init(&world->details, &world->heap.python, &world->options, addresses, count,
                           &err));
    cr_assert(details_take(&world->details, &world->heap.image, keep, &err), "%s", err.text);
    cr_assert(details_take(&world->details, &world->heap.image, keep, &err), "%s", err.text);
}

static struct detail look(struct world *world, size_t number)
{
    struct error err = {0};
    struct detail detail;

    cr_assert(finding_is_object(&world->details.findings[number]));
    cr_assert(details_look(&world->details, number, &detail, &err), "%s", err.text);
    return detail;
}

static void check_list(struct world *world, uint64_t shown)
{
    struct detail detail = look(world, 0);

    cr_expect_eq(detail.refcount, 7);
    cr_expect_eq(detail.items.total, ITEMS);
    cr_assert_eq(detail.items.count, shown);
    cr_expect_not(detail.has_keys);
    for (uint64_t i = 0; i < shown; i++) {
        const struct member *item = &detail.items.items[i];
        cr_expect_eq(item->number, i);
        cr_expect_eq(item->address, world->things[i]);
        cr_expect_str_eq(item->type, "mod.Thing");
        cr_expect_null(item->name);
        cr_expect(strncmp(item->value, "<mod.Thing object at 0x7f", 25) == 0, "%s", item->value);
    }
    cr_expect_eq(detail.attributes.total + detail.locals.total + detail.bases.total, 0);
    detail_free(&detail);
}

Test(details, items_of_a_list_up_to_a_number, .timeout = 60)
{
    static const uint64_t shown[][2] = {{0, ITEMS}, {2, 2}, {ITEMS, ITEMS}, {100, ITEMS}};

    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
        struct world world;
        world_init(&world);
        world.options.items = shown[i][0];
        take(&world, false, &world.list, 1);
        check_list(&world, shown[i][1]);
        world_free(&world);
    }
}

Test(details, keys_and_values_of_a_dict, .timeout = 60)
{
    struct world world;

    world_init(&world);
    take(&world, false, &world.dict, 1);
    struct detail detail = look(&world, 0);
    cr_expect(detail.has_keys);
    cr_assert_eq(detail.items.count, KEYS);
    cr_expect_str_eq(detail.items.items[1].name, "'two'");
    cr_expect_eq(detail.items.items[1].key, world.keys[1]);
    cr_expect_eq(detail.items.items[1].address, world.things[1]);
    detail_free(&detail);
    world_free(&world);
}

Test(details, nothing_of_the_targets_without_values, .timeout = 60)
{
    struct world world;

    world_init(&world);
    world.options.no_values = true;
    uint64_t asked[] = {world.dict, world.list};
    take(&world, false, asked, 2);
    for (size_t i = 0; i < 2; i++) {
        struct detail detail = look(&world, i);
        cr_expect_null(detail.repr);
        cr_expect_eq(detail.fact_count, 0);
        for (size_t j = 0; j < detail.items.count; j++) {
            cr_expect_null(detail.items.items[j].name);
            cr_expect_null(detail.items.items[j].value);
            cr_expect_str_eq(detail.items.items[j].type, "mod.Thing");
        }
        detail_free(&detail);
    }
    world_free(&world);
}

/* With an image that is gone by then, as when it was copied in pieces. */
Test(details, what_is_kept_needs_no_image, .timeout = 60)
{
    struct world world;

    world_init(&world);
    take(&world, true, &world.list, 1);
    memset(world.heap.bytes, 0, (size_t)FAKE_PAGES * IMAGE_PAGE);
    check_list(&world, ITEMS);
    world_free(&world);
}

Test(details, the_same_object_twice, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t asked[] = {world.things[0], 8, world.things[0]};
    take(&world, false, asked, 3);
    cr_expect_not(finding_is_object(&world.details.findings[1]));
    for (size_t i = 0; i < 3; i += 2) {
        struct detail detail = look(&world, i);
        cr_expect_eq(detail.refcount, 1);
        cr_expect_eq(detail.size, 16 + 32);
        detail_free(&detail);
    }
    world_free(&world);
}

/* What was counted is not there: no more is told than the memory has room for. */
Test(details, a_list_that_lies_about_its_length, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_put(&world.heap, world.list + 16, UINT64_C(1) << 40);
    fake_put(&world.heap, world.list + 32, UINT64_C(1) << 40);
    take(&world, false, &world.list, 1);
    struct detail detail = look(&world, 0);
    cr_expect_leq(detail.items.total, FAKE_PAGES * IMAGE_PAGE / 8);
    cr_expect_not(detail.is_exact);
    detail_free(&detail);
    world_free(&world);
}
