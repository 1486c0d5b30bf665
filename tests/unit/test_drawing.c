// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 24, WORD = 8, TRAVERSE = 56, STR = 80, MANY = 5000 };

/* A heap of tuples; a tracked one has room for four items. */
struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t tuple_type;
    struct graph *graph;
    struct drawing_options options;
    struct drawing drawing;
};

static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){.options = {.max_depth = 3, .too_many = 10}};
    fake_heap_init(heap, &fake_newest);
    fake_slot(heap, sizeof_PyTupleObject, 0, HEADER + WORD);
    fake_slot(heap, PyTupleObject_ob_item, HEADER, WORD);
    fake_slot(heap, type_tp_traverse, TRAVERSE, WORD);
    world->tuple_type = fake_static_type(heap, "tuple", HEADER, WORD);
    fake_put(heap, world->tuple_type + TRAVERSE, 1);
    fake_put(heap, world->tuple_type + 168,
             fake_get(heap, world->tuple_type + 168) | TPFLAGS_TUPLE_SUBCLASS);
    fake_slot(heap, sizeof_PyUnicodeObject_caches, 0, STR);
    fake_put(heap, heap->str_type + 32, STR);
    types_init(&world->types, &heap->python);
    world->reader = (struct reader){&heap->python, &heap->image, &world->types};
}

static void world_free(struct world *world)
{
    drawing_free(&world->drawing);
    graph_free(world->graph);
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static void fill_tuple(struct world *world, uint64_t tuple, const uint64_t *items, size_t count)
{
    fake_put(&world->heap, tuple + 16, count);
    for (size_t i = 0; i < count; i++)
        fake_put(&world->heap, tuple + HEADER + i * WORD, items[i]);
}

/* A tracked one. */
static uint64_t new_tuple(struct world *world, unsigned list, const uint64_t *items, size_t count)
{
    uint64_t tuple = fake_object(&world->heap, list, world->tuple_type, count);

    fill_tuple(world, tuple, items, count);
    return tuple;
}

static uint64_t new_untracked(struct world *world, const uint64_t *items, size_t count)
{
    uint64_t tuple = fake_alloc(&world->heap, HEADER + (count + 1) * WORD);

    fake_put(&world->heap, tuple, 1);
    fake_put(&world->heap, tuple + 8, world->tuple_type);
    fill_tuple(world, tuple, items, count);
    return tuple;
}

static void draw(struct world *world, const uint64_t *roots, size_t count)
{
    struct graph_report report;
    struct error err;

    drawing_free(&world->drawing);
    graph_free(world->graph);
    world->graph = NULL;
    cr_assert(graph_make(&world->graph, &world->reader, &(struct graph_options){.no_exec = true},
                         &report, &err),
              "%s", err.text);
    cr_assert(drawing_make(&world->drawing, world->graph, &world->reader, &world->options, roots,
                           count, &err),
              "%s", err.text);
}

static const struct drawn_node *node_of(const struct world *world, uint64_t address)
{
    for (size_t i = 0; i < world->drawing.node_count; i++) {
        if (world->drawing.nodes[i].address == address)
            return &world->drawing.nodes[i];
    }
    return NULL;
}

static size_t count_edges(const struct world *world, uint64_t from, uint64_t to)
{
    const struct drawing *drawing = &world->drawing;
    size_t count = 0;

    for (size_t i = 0; i < drawing->edge_count; i++)
        count += drawing->nodes[drawing->edges[i].from].address == from &&
                 drawing->nodes[drawing->edges[i].to].address == to;
    return count;
}

Test(drawing, goes_as_deep_as_it_is_told)
{
    struct world world;
    uint64_t chain[6];

    world_init(&world);
    for (size_t i = 6; i-- > 0;)
        chain[i] = new_tuple(&world, 0, chain + i + 1, i < 5);
    for (unsigned depth = 0; depth < 8; depth++) {
        world.options.max_depth = depth;
        draw(&world, chain, 1);
        size_t nodes = depth < 6 ? depth + 1 : 6;
        cr_assert_eq(world.drawing.node_count, nodes);
        cr_assert_eq(world.drawing.edge_count, nodes - 1);
        for (size_t i = 0; i < nodes; i++) {
            cr_assert_eq(world.drawing.nodes[i].address, chain[i]);
            cr_assert_eq(world.drawing.nodes[i].depth, i);
            cr_assert_eq(world.drawing.nodes[i].is_root, i == 0);
        }
    }
    cr_expect_str_eq(world.drawing.nodes[0].value, "1 items");
    cr_expect_str_eq(world.drawing.nodes[0].type, "tuple");
    cr_expect_str_eq(world.drawing.edges[0].name, "[0]");
    cr_expect_str_eq(world.drawing.edges[0].label, "");
    world_free(&world);
}

Test(drawing, counts_what_is_too_much)
{
    struct world world;

    world_init(&world);
    uint64_t first = new_tuple(&world, 0, NULL, 0), second = new_tuple(&world, 0, NULL, 0);
    uint64_t items[] = {first, first, second, first};
    uint64_t root = new_untracked(&world, items, 4);
    new_tuple(&world, 0, &root, 1);
    world.options.too_many = 3;
    draw(&world, &root, 1);
    cr_expect_eq(count_edges(&world, root, first), 2, "as often as it is referred to");
    cr_expect_eq(count_edges(&world, root, second), 1);
    cr_expect_eq(node_of(&world, root)->more, 1);
    cr_expect_str_eq(world.drawing.edges[1].name, "[2]", "tuples are traversed from their ends");
    world.options.too_many = 0;
    draw(&world, &root, 1);
    cr_expect_eq(count_edges(&world, root, first), 3);
    cr_expect_eq(node_of(&world, root)->more, 0);
    world.options.ignored = &first;
    world.options.ignored_count = 1;
    world.options.too_many = 1;
    draw(&world, &root, 1);
    cr_expect_eq(world.drawing.edge_count, 1, "what is ignored is not counted");
    cr_expect_eq(node_of(&world, root)->more, 0);
    cr_expect_null(node_of(&world, first));
    world_free(&world);
}

Test(drawing, goes_in_circles_once)
{
    struct world world;

    world_init(&world);
    uint64_t one = new_tuple(&world, 0, NULL, 0), other = new_tuple(&world, 0, &one, 1);
    uint64_t items[] = {other, one};
    fake_alloc(&world.heap, 64);
    fill_tuple(&world, one, items, 1);
    uint64_t roots[] = {one, other, one};
    for (int backwards = 0; backwards < 2; backwards++) {
        world.options.backwards = backwards;
        draw(&world, roots, 3);
        cr_expect_eq(world.drawing.node_count, 2);
        cr_expect_eq(world.drawing.edge_count, 2);
        cr_expect(node_of(&world, one)->is_root && node_of(&world, other)->is_root);
        cr_expect_eq(count_edges(&world, one, other), 1);
        cr_expect_eq(count_edges(&world, other, one), 1);
    }
    world_free(&world);
}

/* As gc.get_referrers: the young ones first, each once, however often it refers; untracked ones
 * only where all are asked for. */
Test(drawing, of_referrers_is_in_the_order_of_the_lists)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 2, NULL, 0);
    uint64_t twice[] = {target, target};
    uint64_t old = new_tuple(&world, 2, &target, 1);
    uint64_t young = new_tuple(&world, 0, &target, 1), second = new_tuple(&world, 0, &target, 1);
    uint64_t untracked = new_untracked(&world, twice, 2);
    new_tuple(&world, 1, &untracked, 1);
    world.options.backwards = true;
    world.options.max_depth = 1;
    draw(&world, &target, 1);
    cr_assert_eq(world.drawing.node_count, 4);
    cr_expect_eq(world.drawing.nodes[1].address, young);
    cr_expect_eq(world.drawing.nodes[2].address, second);
    cr_expect_eq(world.drawing.nodes[3].address, old);
    world.options.too_many = 2;
    draw(&world, &target, 1);
    cr_expect_eq(world.drawing.nodes[0].more, 1);
    cr_expect_null(node_of(&world, old));
    world.options.too_many = 0;
    world.options.all_references = true;
    draw(&world, &target, 1);
    cr_assert_eq(world.drawing.node_count, 5);
    cr_expect_eq(world.drawing.nodes[4].address, untracked);
    cr_expect_eq(count_edges(&world, untracked, target), 1);
    world_free(&world);
}

Test(drawing, labels_values_by_the_first_key_that_has_them)
{
    struct world world;
    struct drawing *drawing = &world.drawing;

    world_init(&world);
    fake_put(&world.heap, world.heap.dict_type + TRAVERSE, 1);
    uint64_t value = new_tuple(&world, 0, NULL, 0), other = new_tuple(&world, 0, NULL, 0);
    uint64_t keys[] = {fake_ascii(&world.heap, "first"), fake_ascii(&world.heap, "second"),
                       fake_ascii(&world.heap, "not a name")};
    uint64_t values[] = {value, value, other};
    uint64_t dict = fake_dict(&world.heap, keys, values, 3, false);
    new_tuple(&world, 0, &dict, 1);
    draw(&world, &dict, 1);
    cr_assert_eq(drawing->edge_count, 3);
    cr_expect_str_eq(drawing->edges[0].label, "first");
    cr_expect_str_eq(drawing->edges[1].label, "first", "as objgraph has it");
    cr_expect_str_eq(drawing->edges[1].name, "['second']");
    cr_expect_eq(drawing->edges[1].weight, 2);
    cr_expect_str_eq(drawing->edges[2].label, "str\n'not a name'");
    cr_expect_eq(drawing->edges[2].weight, 0);
    world.options.all_references = true;
    draw(&world, &dict, 1);
    cr_assert_eq(drawing->edge_count, 6);
    cr_expect(drawing->edges[3].is_owned);
    cr_expect_str_eq(drawing->edges[3].name, "key 'first'");
    world.options.no_values = true;
    draw(&world, &dict, 1);
    for (size_t i = 0; i < drawing->edge_count; i++) {
        cr_expect(i > 2 || strcmp(drawing->edges[i].label, "str") == 0);
        cr_expect_null(strstr(drawing->edges[i].name, "first"));
    }
    cr_expect_null(drawing->nodes[3].value, "the value of a str is content");
    world_free(&world);
}

/* As objgraph cuts them in a picture, and for a person who reads them. */
Test(drawing, cuts_long_values_with_a_mark)
{
    static const char long_one[] =
        "a text that is longer than what objgraph writes of it, and even "
        "longer than what anybody else does";
    struct world world;
    char cut[96];

    world_init(&world);
    uint64_t items[] = {fake_ascii(&world.heap, long_one), fake_ascii(&world.heap, "short")};
    uint64_t tuple = new_tuple(&world, 0, items, 2);
    world.options.all_references = true;
    draw(&world, &tuple, 1);
    const struct drawn_node *first = node_of(&world, items[0]), *other = node_of(&world, items[1]);
    cr_assert(first && other);
    snprintf(cut, sizeof(cut), "'%.39s", long_one);
    cr_expect_str_eq(first->value, cut);
    snprintf(cut, sizeof(cut), "'%.76s...", long_one);
    cr_expect_str_eq(first->words, cut);
    cr_expect_str_eq(other->value, "'short'");
    cr_expect_str_eq(other->words, "'short'");
    world_free(&world);
}

Test(drawing, says_more_where_it_is_asked_to)
{
    struct world world;
    char text[64];

    world_init(&world);
    uint64_t root = new_tuple(&world, 1, NULL, 0);
    world.options.extra = EXTRA_ADDRESS | EXTRA_GENERATION | EXTRA_REPR;
    draw(&world, &root, 1);
    snprintf(text, sizeof(text), "0x%" PRIx64 ", generation 1, ()", root);
    cr_expect_str_eq(world.drawing.nodes[0].extra, text);
    world_free(&world);
}

static struct predicate *predicate_of(const char *text)
{
    struct predicate *predicate = NULL;
    struct error err;

    cr_assert(predicate_parse(&predicate, text, &err), "%s", err.text);
    return predicate;
}

Test(drawing, leaves_out_what_the_filter_refuses)
{
    struct world world;
    struct predicate *filter = predicate_of("len == 1"), *highlight = predicate_of("depth == 1");

    world_init(&world);
    uint64_t leaf = new_tuple(&world, 0, NULL, 0);
    uint64_t items[] = {leaf, new_tuple(&world, 0, &leaf, 1), new_tuple(&world, 0, &leaf, 1)};
    uint64_t root = new_tuple(&world, 0, items, 3);
    fake_alloc(&world.heap, 64);
    world.options.filter = filter;
    world.options.highlight = highlight;
    draw(&world, &root, 1);
    cr_expect_eq(world.drawing.node_count, 3, "a root need not pass");
    cr_expect_null(node_of(&world, leaf));
    cr_expect(node_of(&world, items[1])->is_highlighted);
    cr_expect_not(node_of(&world, root)->is_highlighted);
    predicate_free(filter);
    predicate_free(highlight);
    world_free(&world);
}

/* A wide one: each of its neighbours is found by one look at all. */
Test(drawing, of_many, .timeout = 60)
{
    struct world world;
    uint64_t *items = malloc(MANY * sizeof(*items));

    world_init(&world);
    for (size_t i = 0; i < MANY; i++)
        items[i] = new_untracked(&world, NULL, 0);
    uint64_t root = new_untracked(&world, items, MANY);
    new_tuple(&world, 0, &root, 1);
    world.options.too_many = 0;
    draw(&world, &root, 1);
    cr_assert_eq(world.drawing.node_count, MANY + 1);
    cr_assert_eq(world.drawing.edge_count, MANY);
    cr_expect_str_eq(world.drawing.edges[0].name, "[4999]");
    free(items);
    world_free(&world);
}
