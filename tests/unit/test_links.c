// SPDX-License-Identifier: MIT
#include "inspector/analysis/links.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

enum { HEADER = 24, WORD = 8, TRAVERSE = 56, STR = 80 };

/* A heap with tuples, whose items are visited, and things, whose words are guessed at. */
struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t tuple_type, set_type, thing_type;
    uint64_t name, other; /* two str */
    struct links links;
    struct text text;
};

static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){.links.items = NULL};
    fake_heap_init(heap, &fake_newest);
    fake_slot(heap, sizeof_PyTupleObject, 0, HEADER + WORD);
    fake_slot(heap, PyTupleObject_ob_item, HEADER, WORD);
    fake_slot(heap, type_tp_traverse, TRAVERSE, WORD);
    world->tuple_type = fake_static_type(heap, "tuple", HEADER, WORD);
    world->thing_type = fake_static_type(heap, "mod.Thing", HEADER + 2 * WORD, 0);
    fake_put(heap, world->tuple_type + TRAVERSE, 1);
    fake_put(heap, heap->dict_type + TRAVERSE, 1);
    world->name = fake_ascii(heap, "k17");
    world->other = fake_ascii(heap, "not a name");
    fake_slot(heap, sizeof_PyUnicodeObject_caches, 0, STR);
    fake_put(heap, heap->str_type + 32, STR);
    types_init(&world->types, &heap->python);
    world->reader = (struct reader){&heap->python, &heap->image, &world->types};
}

static void world_free(struct world *world)
{
    links_free(&world->links);
    text_free(&world->text);
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static uint64_t new_tuple(struct world *world, const uint64_t *items, size_t count)
{
    uint64_t tuple = fake_alloc(&world->heap, HEADER + (count + 1) * WORD);

    fake_put(&world->heap, tuple, 1);
    fake_put(&world->heap, tuple + 8, world->tuple_type);
    fake_put(&world->heap, tuple + 16, count);
    for (size_t i = 0; i < count; i++)
        fake_put(&world->heap, tuple + HEADER + i * WORD, items[i]);
    return tuple;
}

static void look(struct world *world, uint64_t address, const uint64_t *visited, size_t count)
{
    const struct type *type = reader_type_of(&world->reader, address);

    cr_assert(type);
    links_of(&world->reader, type, address, visited, count, &world->links);
    cr_assert_not(world->links.failed);
}

static const char *name_of(struct world *world, const struct link *link, uint64_t most)
{
    text_clear(&world->text);
    link_name(&world->reader, link, most, &world->text);
    return world->text.bytes;
}

static void expect_names(struct world *world, const char *const *names, size_t count)
{
    cr_assert_eq(world->links.count, count, "%zu links", world->links.count);
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(name_of(world, &world->links.items[i], 40), names[i]);
}

#define EXPECT_NAMES(world, ...)                                                                   \
    expect_names((world), (const char *const[]){__VA_ARGS__},                                      \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

Test(links, are_what_the_kind_knows)
{
    struct world world;

    world_init(&world);
    uint64_t items[] = {world.name, world.other, world.name};
    look(&world, new_tuple(&world, items, 3), NULL, 0);
    EXPECT_NAMES(&world, "[2]", "[1]", "[0]"); /* as tuples are traversed */
    cr_expect_eq(world.links.items[1].reference.to, world.other);
    world_free(&world);
}

Test(links, have_the_names_of_those_that_a_traversal_told)
{
    struct world world;

    world_init(&world);
    uint64_t items[] = {world.name, world.other, world.name};
    uint64_t tuple = new_tuple(&world, items, 3), unknown = new_tuple(&world, NULL, 0);
    uint64_t visited[] = {world.other, world.name, unknown, world.name, world.name};
    look(&world, tuple, visited, 5);
    EXPECT_NAMES(&world, "[1]", "[2]", "via tp_traverse", "[0]", "via tp_traverse");
    cr_expect(world.links.items[2].is_unnamed && world.links.items[2].reference.to == unknown);
    cr_expect_not(world.links.items[2].reference.is_owned);
    world_free(&world);
}

/* The str keys of a dict are owned; where a traversal tells of one it is visited after all, and is
 * not there twice. */
Test(links, that_are_owned_come_last)
{
    struct world world;

    world_init(&world);
    uint64_t value = new_tuple(&world, NULL, 0);
    uint64_t keys[] = {world.name, world.other}, values[] = {value, value};
    uint64_t dict = fake_dict(&world.heap, keys, values, 2, false);
    uint64_t visited[] = {value, value};
    look(&world, dict, visited, 2);
    EXPECT_NAMES(&world, "['k17']", "['not a name']", "key 'k17'", "key 'not a name'");
    cr_expect(world.links.items[2].reference.is_owned);
    uint64_t more[] = {world.other, value, value};
    look(&world, dict, more, 3);
    EXPECT_NAMES(&world, "key 'not a name'", "['k17']", "['not a name']", "key 'k17'");
    cr_expect_not(world.links.items[0].reference.is_owned);
    world_free(&world);
}

Test(links, that_are_guessed_are_told_from_those_that_are_not_named)
{
    struct world world;

    world_init(&world);
    uint64_t thing = fake_object(&world.heap, 0, world.thing_type, 0);
    uint64_t item = new_tuple(&world, NULL, 0);
    fake_alloc(&world.heap, 64);
    fake_put(&world.heap, thing + HEADER, item);
    look(&world, thing, NULL, 0);
    EXPECT_NAMES(&world, "?");
    cr_expect(world.links.items[0].reference.is_guess);
    look(&world, thing, &item, 1);
    EXPECT_NAMES(&world, "via tp_traverse", "?");
    struct link link = {.reference.to = item};
    cr_assert(
        links_name(&world.reader, reader_type_of(&world.reader, thing), thing, false, &link, 1));
    cr_expect_str_eq(name_of(&world, &link, 40), "?");
    world_free(&world);
}

Test(links, between_two_objects)
{
    struct world world;
    struct link link;

    world_init(&world);
    uint64_t value = new_tuple(&world, NULL, 0);
    uint64_t keys[] = {world.name, world.other}, values[] = {world.other, value};
    uint64_t dict = fake_dict(&world.heap, keys, values, 2, false);
    cr_assert(link_between(&world.reader, dict, world.other, &link));
    cr_expect_str_eq(name_of(&world, &link, 40), "['k17']", "it is a key too, but that is owned");
    cr_assert(link_between(&world.reader, dict, world.name, &link));
    cr_expect_str_eq(name_of(&world, &link, 40), "key 'k17'");
    cr_expect_not(link_between(&world.reader, value, dict, &link));
    cr_expect_not(link_between(&world.reader, 8, dict, &link));
    world_free(&world);
}

/* Each label, in full and without what the target has stored. */
Test(links, are_named_as_python_would)
{
    struct world world;

    world_init(&world);
    uint64_t c_string = fake_alloc(&world.heap, 16);
    fake_put(&world.heap, c_string, UINT64_C(0x7466656c)); /* "left" */
    uint64_t cell =
        fake_object(&world.heap, 0, fake_static_type(&world.heap, "cell", HEADER, 0), 0);
    uint64_t name = world.name, other = world.other;
    const struct {
        struct link link;
        const char *full, *bare;
    } rows[] = {
        {{{.to = name, .label = LABEL_FIELD, .name = "__func__"}, 0, 0}, ".__func__", ".__func__"},
        {{{.to = name, .label = LABEL_FIELD, .name = "stack", .number = 3}, 0, 0},
         "stack[3]",
         "stack[3]"},
        {{{.to = name, .label = LABEL_ATTRIBUTE, .key = name}, 0, 0}, ".k17", ".…"},
        {{{.to = name, .label = LABEL_ATTRIBUTE, .key = other}, 0, 0},
         ".__dict__['not a name']",
         ".…"},
        {{{.to = name, .label = LABEL_SLOT, .key = c_string}, 0, 0}, ".left", ".…"},
        {{{.to = name, .label = LABEL_INDEX, .number = 3}, 0, 0}, "[3]", "[3]"},
        {{{.to = name, .label = LABEL_KEY}, 0, 0}, "key 'k17'", "key <str>"},
        {{{.to = name, .label = LABEL_KEY}, 0, .is_element = true}, "{…}", "{…}"},
        {{{.to = name, .label = LABEL_VALUE, .key = other}, 0, 0}, "['not a name']", "[<str>]"},
        {{{.to = name, .label = LABEL_VALUE}, 0, 0}, "[?]", "[?]"},
        {{{.to = name, .label = LABEL_LOCAL, .key = name}, 0, 0}, "local k17", "local …"},
        {{{.to = name, .label = LABEL_LOCAL, .number = 2}, 0, 0}, "local 2", "local …"},
        {{{.to = cell, .label = LABEL_LOCAL, .key = name}, 0, 0}, "cell k17", "cell …"},
        {{{.to = name, .label = LABEL_FIELD, .name = "?", .is_guess = true}, 0, 0}, "?", "?"},
        {{{.to = name}, .is_unnamed = true, 0}, "via tp_traverse", "via tp_traverse"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_str_eq(name_of(&world, &rows[i].link, 40), rows[i].full);
        cr_expect_str_eq(name_of(&world, &rows[i].link, 0), rows[i].bare);
    }
    cr_expect_str_eq(name_of(&world, &rows[8].link, 8), "['not ...]", "a long key is cut");
    world_free(&world);
}

/* What cannot be read has a name all the same. */
Test(links, to_nowhere)
{
    struct world world;
    struct link link = {{.to = 8, .label = LABEL_VALUE, .key = 24}, 0, 0};

    world_init(&world);
    cr_expect_str_eq(name_of(&world, &link, 80), "[<unreadable object at 0x18>]");
    cr_expect_str_eq(name_of(&world, &link, 0), "[<?>]");
    link = (struct link){{.to = 8, .label = LABEL_ATTRIBUTE}, 0, 0};
    cr_expect_str_eq(name_of(&world, &link, 80), ".__dict__[<NULL>]");
    link = (struct link){{.to = 8, .label = LABEL_SLOT, .key = 24}, 0, 0};
    cr_expect_str_eq(name_of(&world, &link, 80), ".");
    world_free(&world);
}
