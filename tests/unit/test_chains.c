// SPDX-License-Identifier: MIT
#include "inspector/analysis/chains.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { HEADER = 24, WORD = 8, TRAVERSE = 56, MOST_HELD = 8, LONG = 5000 };

/* Tuples that refer to each other, and who holds them. */
struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t tuple_type;
    struct holder held[MOST_HELD];
    struct holders holders;
    struct graph *graph;
    struct chains_options options;
    struct chain_search search;
    struct chains chains;
};

static void world_init(struct world *world)
{
    *world = (struct world){.options.most = 1};
    fake_heap_init(&world->heap, &fake_newest);
    fake_slot(&world->heap, sizeof_PyTupleObject, 0, HEADER + WORD);
    fake_slot(&world->heap, PyTupleObject_ob_item, HEADER, WORD);
    world->tuple_type = fake_static_type(&world->heap, "tuple", HEADER, WORD);
    fake_slot(&world->heap, type_tp_traverse, TRAVERSE, WORD);
    fake_put(&world->heap, world->tuple_type + TRAVERSE, 1);
    fake_put(&world->heap, world->heap.dict_type + TRAVERSE, 1);
    types_init(&world->types, &world->heap.python);
    world->reader = (struct reader){&world->heap.python, &world->heap.image, &world->types};
    world->holders.items = world->held;
}

static void world_free(struct world *world)
{
    chains_free(&world->chains);
    chain_search_free(&world->search);
    graph_free(world->graph);
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

/* With room for `count` items, and `refcount` references. */
static uint64_t new_tuple(struct world *world, size_t count, uint64_t refcount)
{
    uint64_t tuple = fake_object(&world->heap, 0, world->tuple_type, count);

    fake_alloc(&world->heap, count * WORD);
    fake_put(&world->heap, tuple, refcount);
    return tuple;
}

static void put(struct world *world, uint64_t tuple, size_t place, uint64_t item)
{
    fake_put(&world->heap, tuple + HEADER + place * WORD, item);
}

static void hold(struct world *world, uint64_t address, enum root_kind kind)
{
    static const uint32_t costs[] = {[ROOT_MODULE] = 0, [ROOT_LOCAL] = 1, [ROOT_INTERPRETER] = 4};
    size_t number = world->holders.count++;

    cr_assert_lt(number, MOST_HELD);
    world->held[number] = (struct holder){
        .cost = costs[kind],
        .root = {.kind = kind, .reference = {.to = address, .label = LABEL_FIELD, .name = "held"}}};
}

static int compare(const void *left, const void *right)
{
    const struct holder *a = left, *b = right;

    return (a->node > b->node) - (a->node < b->node);
}

/* Finds chains to the tuple, in a graph that is made when this is first asked for. */
static void find(struct world *world, uint64_t tuple)
{
    struct graph_options options = {.no_exec = true};
    struct graph_report report;
    struct error err;

    if (!world->graph) {
        cr_assert(graph_make(&world->graph, &world->reader, &options, &report, &err), "%s",
                  err.text);
        for (size_t i = 0; i < world->holders.count; i++)
            world->held[i].node = graph_find(world->graph, world->held[i].root.reference.to);
        qsort(world->held, world->holders.count, sizeof(*world->held), compare);
    }
    chains_free(&world->chains);
    chain_search_free(&world->search);
    cr_assert(chains_find(&world->chains, world->graph, &world->reader, &world->holders,
                          graph_find(world->graph, tuple), &world->options, &world->search, &err),
              "%s", err.text);
}

/* Chain `number` goes through these, from its root to the end of the list, 0. */
static void expect(const struct world *world, size_t number, const uint64_t *addresses)
{
    cr_assert_lt(number, world->chains.count);
    const struct chain *chain = &world->chains.items[number];
    size_t count = 0;

    while (addresses[count])
        count++;
    cr_assert_eq(chain->count, count, "chain %zu: %zu of %zu", number, chain->count, count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(graph_address(world->graph, chain->nodes[i]), addresses[i], "%zu.%zu", number,
                     i);
}

#define EXPECT(world, number, ...) expect((world), (number), (const uint64_t[]){__VA_ARGS__, 0})

Test(chains, the_shortest_one, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 0, 2), near = new_tuple(&world, 3, 1);
    uint64_t far = new_tuple(&world, 1, 1), between = new_tuple(&world, 1, 1);
    put(&world, near, 2, target);
    put(&world, far, 0, between);
    put(&world, between, 0, target);
    hold(&world, near, ROOT_INTERPRETER);
    hold(&world, far, ROOT_MODULE);
    find(&world, target);
    cr_expect_eq(world.chains.count, 1);
    EXPECT(&world, 0, near, target);
    cr_expect_eq(world.chains.items[0].root.kind, ROOT_INTERPRETER);
    cr_expect_eq(world.chains.items[0].links[0].reference.label, LABEL_INDEX);
    cr_expect_eq(world.chains.items[0].links[0].reference.number, 2);
    cr_expect_eq(world.chains.edges, CHAIN_VISITED);
    world_free(&world);
}

Test(chains, of_equal_ones_those_of_modules, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 0, 3), table = new_tuple(&world, 1, 1);
    uint64_t local = new_tuple(&world, 1, 1), module = new_tuple(&world, 1, 1);
    put(&world, table, 0, target);
    put(&world, local, 0, target);
    put(&world, module, 0, target);
    hold(&world, table, ROOT_INTERPRETER);
    hold(&world, local, ROOT_LOCAL);
    hold(&world, module, ROOT_MODULE);
    world.options.most = 10;
    find(&world, target);
    cr_expect_eq(world.chains.count, 3);
    EXPECT(&world, 0, module, target);
    EXPECT(&world, 1, local, target);
    EXPECT(&world, 2, table, target);
    world_free(&world);
}

/* A module that refers to another one is no nearer to anything in that. */
Test(chains, a_module_that_refers_to_a_module, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 0, 1), module = new_tuple(&world, 1, 2);
    uint64_t other = new_tuple(&world, 1, 1);
    put(&world, module, 0, target);
    put(&world, other, 0, module);
    hold(&world, other, ROOT_MODULE);
    hold(&world, module, ROOT_MODULE);
    world.options.most = 10;
    find(&world, target);
    cr_expect_eq(world.chains.count, 1, "none goes through a module");
    EXPECT(&world, 0, module, target);
    find(&world, module);
    cr_expect_eq(world.chains.count, 2);
    EXPECT(&world, 0, module);
    EXPECT(&world, 1, other, module);
    world_free(&world);
}

/* Functions lead to their module's dictionary, which says nothing of what is in there. */
Test(chains, go_through_a_modules_dictionary_from_the_module_alone, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 0, 1), dict = new_tuple(&world, 1, 2);
    uint64_t module = new_tuple(&world, 1, 1), function = new_tuple(&world, 1, 1);
    put(&world, dict, 0, target);
    put(&world, module, 0, dict);
    put(&world, function, 0, dict);
    hold(&world, module, ROOT_MODULE);
    hold(&world, function, ROOT_LOCAL);
    world.options.most = 10;
    find(&world, target);
    cr_expect_eq(world.chains.count, 2);
    uint32_t node = graph_find(world.graph, dict);
    world.holders.dicts = &node;
    world.holders.dict_count = 1;
    find(&world, target);
    cr_expect_eq(world.chains.count, 1);
    EXPECT(&world, 0, module, dict, target);
    find(&world, dict);
    cr_expect_eq(world.chains.count, 2);
    world_free(&world);
}

Test(chains, all_of_them_each_without_a_circle, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 2, 4), root = new_tuple(&world, 3, 1);
    uint64_t left = new_tuple(&world, 2, 2), right = new_tuple(&world, 2, 2);
    put(&world, root, 0, left);
    put(&world, root, 1, right);
    put(&world, root, 2, target);
    put(&world, left, 0, target);
    put(&world, left, 1, right);
    put(&world, right, 0, target);
    put(&world, right, 1, left);
    put(&world, target, 0, left);
    put(&world, target, 1, target);
    hold(&world, root, ROOT_MODULE);
    world.options.most = 100;
    find(&world, target);
    cr_assert_eq(world.chains.count, 5);
    EXPECT(&world, 0, root, target);
    cr_expect_eq(world.chains.items[1].count, 3);
    cr_expect_eq(world.chains.items[2].count, 3);
    cr_expect_eq(world.chains.items[3].count, 4);
    cr_expect_eq(world.chains.items[4].count, 4);
    cr_expect_not(world.chains.were_cut);
    world.options.most = 2;
    find(&world, target);
    cr_expect_eq(world.chains.count, 2);
    world.options.most = 100;
    world.options.max_length = 2;
    find(&world, target);
    cr_expect_eq(world.chains.count, 3);
    world.options.max_length = 0;
    world.options.ignored = (uint64_t[]){left};
    world.options.ignored_count = 1;
    find(&world, target);
    cr_assert_eq(world.chains.count, 2);
    EXPECT(&world, 0, root, target);
    EXPECT(&world, 1, root, right, target);
    world_free(&world);
}

/* The str key of a dict is visited by nobody. */
Test(chains, owned_references_where_no_others_lead, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t value = new_tuple(&world, 0, 1), key = fake_ascii(&world.heap, "key");
    uint64_t dict = fake_dict(&world.heap, &key, &value, 1, false);
    uint64_t root = new_tuple(&world, 1, 1);
    put(&world, root, 0, dict);
    hold(&world, root, ROOT_MODULE);
    find(&world, key);
    cr_assert_eq(world.chains.count, 1);
    EXPECT(&world, 0, root, dict, key);
    cr_expect_eq(world.chains.edges, CHAIN_OWNED);
    cr_expect(world.chains.items[0].links[1].reference.is_owned);
    find(&world, value);
    cr_expect_eq(world.chains.edges, CHAIN_VISITED);
    world_free(&world);
}

Test(chains, somebody_outside, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 0, 1), holder = new_tuple(&world, 1, 3);
    put(&world, holder, 0, target);
    find(&world, target);
    cr_assert_eq(world.chains.count, 1);
    EXPECT(&world, 0, holder, target);
    cr_expect_eq(world.chains.items[0].start, CHAIN_FROM_OUTSIDE);
    cr_expect_eq(world.chains.items[0].surplus, 3);
    cr_expect_eq(balance_surplus(&world.chains.balance), 0);
    find(&world, holder);
    EXPECT(&world, 0, holder);
    cr_expect_eq(balance_surplus(&world.chains.balance), 3);
    world_free(&world);
}

Test(chains, a_cycle, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t target = new_tuple(&world, 1, 1), other = new_tuple(&world, 2, 1);
    uint64_t leaf = new_tuple(&world, 0, 1);
    put(&world, target, 0, other);
    put(&world, other, 0, target);
    put(&world, other, 1, leaf);
    find(&world, target);
    cr_assert_eq(world.chains.count, 1);
    cr_expect_eq(world.chains.items[0].start, CHAIN_FROM_CYCLE);
    EXPECT(&world, 0, other, target);
    cr_expect_eq(world.chains.items[0].cycle, 1);
    find(&world, leaf);
    EXPECT(&world, 0, target, other, leaf);
    cr_expect_eq(world.chains.items[0].cycle, 1);
    cr_expect_eq(world.chains.items[0].back.reference.to, target);
    world_free(&world);
}

/* Nothing recurses, and nothing takes the square of it. */
Test(chains, a_long_one, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t root = new_tuple(&world, 1, 1), last = root;
    for (size_t i = 0; i < LONG; i++) {
        uint64_t next = new_tuple(&world, 1, 1);
        put(&world, last, 0, next);
        last = next;
    }
    hold(&world, root, ROOT_MODULE);
    find(&world, last);
    cr_assert_eq(world.chains.count, 1);
    cr_expect_eq(world.chains.items[0].count, LONG + 1);
    world_free(&world);
}
