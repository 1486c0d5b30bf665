// SPDX-License-Identifier: MIT
#include "inspector/analysis/graph.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

enum { HEADER = 24, WORD = 8, TRAVERSE = 56, MOST_TOLD = 8 };

/* What the traversal of an object does, in place of telling a tuple's items. */
struct script {
    uint64_t object;
    enum traversed outcome;
    const uint64_t *referents;
    size_t count;
};

/* What the traversals of a test do; it runs in a process of its own. */
static struct {
    struct fake_heap *heap;
    struct script scripts[MOST_TOLD];
    size_t count;
    enum error_kind failure; /* with `fails` */
    bool fails;
    unsigned runs;
    uint64_t objects;
    bool refused; /* enough was told */
} traversals;

struct world {
    struct fake_heap heap;
    struct types types;
    uint64_t tuple_type, thing_type; /* nobody knows the second: its words are guessed at */
    struct graph_options options;
    struct graph *graph;
    struct graph_report report;
};

static void world_init(struct world *world)
{
    *world = (struct world){.options.no_exec = true};
    fake_heap_init(&world->heap, &fake_newest);
    fake_slot(&world->heap, sizeof_PyTupleObject, 0, HEADER + WORD);
    fake_slot(&world->heap, PyTupleObject_ob_item, HEADER, WORD);
    world->tuple_type = fake_static_type(&world->heap, "tuple", HEADER, WORD);
    world->thing_type = fake_static_type(&world->heap, "mod.Thing", HEADER, 0);
    fake_slot(&world->heap, type_tp_traverse, TRAVERSE, WORD);
    fake_put(&world->heap, world->tuple_type + TRAVERSE, 1);
    fake_put(&world->heap, world->heap.dict_type + TRAVERSE, 1);
    types_init(&world->types, &world->heap.python);
    traversals.heap = &world->heap;
}

static void world_free(struct world *world)
{
    graph_free(world->graph);
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static void tell(traversal_visit *visit, void *context, size_t number, uint64_t object,
                 struct traversal_report *report)
{
    const struct fake_heap *heap = traversals.heap;
    struct script script = {.outcome = TRAVERSED,
                            .referents =
                                (const void *)(heap->bytes + (object - FAKE_BASE) + HEADER),
                            .count = fake_get(heap, object + 16)};

    for (size_t i = 0; i < traversals.count; i++) {
        if (traversals.scripts[i].object == object)
            script = traversals.scripts[i];
    }
    report->traversed += script.outcome == TRAVERSED;
    report->faulted += script.outcome == TRAVERSAL_FAULTED;
    traversals.objects++;
    if (!visit(context, number, script.outcome, script.referents,
               script.outcome == TRAVERSED ? script.count : 0))
        traversals.refused = true;
}

static bool traverse(struct image *image, const struct traversal_setting *setting,
                     const uint64_t *objects, size_t count, traversal_visit *visit, void *context,
                     struct traversal_report *ret, struct error *err)
{
    struct traversal_report report = {.children = 1};

    (void)image, (void)setting;
    traversals.runs++;
    if (traversals.fails)
        return error_set(err, traversals.failure, "no child today");
    for (size_t i = 0; i < count && !traversals.refused; i++)
        tell(visit, context, i, objects[i], &report);
    *ret = report;
    return true;
}

/* From now on there are traversals. */
static void do_exec(struct world *world)
{
    world->options.no_exec = false;
    world->options.traverse = traverse;
}

static void script(uint64_t object, enum traversed outcome, const uint64_t *referents, size_t count)
{
    traversals.scripts[traversals.count++] = (struct script){object, outcome, referents, count};
}

static void make(struct world *world)
{
    struct reader reader = {&world->heap.python, &world->heap.image, &world->types};
    struct error err;

    cr_assert(graph_make(&world->graph, &reader, &world->options, &world->report, &err), "%s",
              err.text);
    cr_assert_eq(graph_nodes(world->graph), world->report.nodes);
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

/* Things have a tp_traverse too. */
static void let_things_be_traversed(struct world *world)
{
    fake_put(&world->heap, world->thing_type + TRAVERSE, 1);
}

static uint32_t node_of(const struct world *world, uint64_t address)
{
    uint32_t node = graph_find(world->graph, address);

    cr_assert_lt(node, graph_nodes(world->graph));
    cr_assert_eq(graph_address(world->graph, node), address);
    return node;
}

static unsigned flags_of(const struct world *world, uint64_t address)
{
    return graph_flags(world->graph, node_of(world, address));
}

/* Is the row made of edges to these, of which the last `owned` are owned? */
static void expect_row(const struct world *world, struct graph_row row, const uint64_t *ends,
                       size_t count, size_t owned)
{
    cr_assert_eq(row.count, count, "%zu edges in place of %zu", row.count, count);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(graph_address(world->graph, graph_end(row.edges[i])), ends[i], "edge %zu", i);
        cr_expect_eq(graph_is_owned(row.edges[i]), i + owned >= count, "edge %zu", i);
    }
}

static void expect_referents(const struct world *world, uint64_t from, const uint64_t *ends,
                             size_t count, size_t owned)
{
    expect_row(world, graph_referents(world->graph, node_of(world, from)), ends, count, owned);
}

static void expect_referrers(const struct world *world, uint64_t to, const uint64_t *ends,
                             size_t count, size_t owned)
{
    expect_row(world, graph_referrers(world->graph, node_of(world, to)), ends, count, owned);
}

Test(graph, has_rows_in_both_directions, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    uint64_t shared = new_tuple(&world, &name, 1);
    uint64_t items[] = {shared, name, shared};
    uint64_t outer = new_tuple(&world, items, 3);
    uint64_t first = new_tracked(&world, outer), second = new_tracked(&world, first);
    make(&world);
    cr_expect_eq(world.report.nodes, 5);
    cr_expect_eq(world.report.edges, 6);
    cr_expect_eq(world.report.owned_edges, 0);
    expect_referents(&world, outer, items, 3, 0);
    expect_referents(&world, name, NULL, 0, 0);
    expect_referents(&world, second, &first, 1, 0);
    expect_referrers(&world, shared, (uint64_t[]){outer, outer}, 2, 0);
    expect_referrers(&world, name, (uint64_t[]){shared, outer}, 2, 0);
    expect_referrers(&world, second, NULL, 0, 0);
    cr_expect_eq(flags_of(&world, first), GRAPH_TRACKED | GRAPH_BY_KIND);
    cr_expect_eq(flags_of(&world, outer), GRAPH_BY_KIND);
    cr_expect_eq(world.report.flags[0], 2);
    cr_expect_eq(graph_find(world.graph, outer + 8), GRAPH_NONE);
    cr_expect_eq(graph_find(world.graph, world.thing_type), GRAPH_NONE);
    cr_expect_eq(graph_find(world.graph, 0), GRAPH_NONE);
    for (uint32_t i = 1; i < graph_nodes(world.graph); i++)
        cr_expect_lt(graph_address(world.graph, i - 1), graph_address(world.graph, i));
    world_free(&world);
}

Test(graph, owned_edges_come_last, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t key = fake_ascii(&world.heap, "key");
    uint64_t value = new_tuple(&world, NULL, 0);
    uint64_t dict = fake_dict(&world.heap, &key, &value, 1, false);
    uint64_t holder = new_tracked(&world, key);
    uint64_t other = new_tracked(&world, dict);
    make(&world);
    expect_referents(&world, dict, (uint64_t[]){value, key}, 2, 1);
    expect_referrers(&world, key, (uint64_t[]){holder, dict}, 2, 1);
    expect_referents(&world, other, &dict, 1, 0);
    world_free(&world);
}

Test(graph, may_have_one_direction_only, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t name = new_tuple(&world, NULL, 0), first = new_tracked(&world, name);
    world.options.forwards_only = true;
    make(&world);
    expect_referents(&world, first, &name, 1, 0);
    expect_referrers(&world, name, NULL, 0, 0);
    world_free(&world);
}

/* A guess is taken for what tp_traverse would tell, where there is one. */
Test(graph, guesses_where_nobody_knows, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t hidden = new_tuple(&world, NULL, 0);
    uint64_t thing = new_thing(&world, hidden), other = new_thing(&world, hidden + 4);
    make(&world);
    expect_referents(&world, thing, &hidden, 1, 1);
    expect_referents(&world, other, NULL, 0, 0);
    cr_expect_eq(flags_of(&world, thing), GRAPH_TRACKED | GRAPH_APPROXIMATE);
    cr_expect_eq(flags_of(&world, other), GRAPH_TRACKED);
    cr_expect_eq(node_of(&world, hidden), 2, "behind those that are certain");
    cr_expect(heap_is_verified(&world.report.verdict.heap));
    world_free(&world);

    world_init(&world);
    let_things_be_traversed(&world);
    hidden = new_tuple(&world, NULL, 0);
    thing = new_thing(&world, hidden);
    make(&world);
    expect_referents(&world, thing, &hidden, 1, 0);
    cr_expect_eq(flags_of(&world, thing), GRAPH_TRACKED | GRAPH_BY_KIND | GRAPH_APPROXIMATE);
    world_free(&world);
}

Test(graph, believes_traversals, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    uint64_t a = new_tuple(&world, NULL, 0), b = new_tuple(&world, NULL, 0);
    uint64_t items[] = {a, b, a}, reversed[] = {a, a, b};
    uint64_t outer = new_tuple(&world, items, 3), same = new_tuple(&world, items, 3);
    uint64_t pair[] = {outer, same};
    uint64_t first = new_tracked(&world, new_tuple(&world, pair, 2));
    script(outer, TRAVERSED, reversed, 3);
    make(&world);
    expect_referents(&world, outer, reversed, 3, 0);
    expect_referents(&world, same, items, 3, 0);
    cr_expect_eq(flags_of(&world, first), GRAPH_TRACKED);
    cr_expect_eq(world.report.flags[1], 0);
    cr_expect(world.report.traversed);
    cr_expect_str_empty(world.report.not_traversed);
    cr_expect_eq(world.report.traversal.traversed, 6);
    cr_expect_eq(world.report.agreement.compared, 6);
    cr_expect_eq(world.report.agreement.same, 6);
    cr_expect_eq(world.report.agreement.reordered, 2,
                 "outer, and the tuple of both: kinds tell "
                 "tuples from their ends");
    cr_expect_eq(world.report.agreement.example, 0);
    cr_expect_eq(traversals.runs, 1);
    world_free(&world);
}

static bool count_look(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    (void)range, (void)address, (void)size;
    ++*(unsigned *)context;
    return false;
}

/* Each look at one takes a page along, which has to be copied while the target stands still. */
Test(graph, looks_at_few_of_what_a_traversal_makes_up, .timeout = 60)
{
    enum { STRAYS = 20000, MOST_LOOKS = 4096 + 2 };
    static uint64_t strays[STRAYS];
    struct image_range range = {.start = UINT64_C(0x700000000000),
                                .size = (uint64_t)STRAYS * IMAGE_PAGE};
    struct world world;
    struct error err;
    unsigned looks = 0;

    world_init(&world);
    do_exec(&world);
    let_things_be_traversed(&world);
    uint64_t thing = new_thing(&world, 0);
    for (size_t i = 0; i < STRAYS; i++)
        strays[i] = range.start + i * IMAGE_PAGE + 64;
    script(thing, TRAVERSED, strays, STRAYS);
    cr_assert(image_add(&world.heap.image, &range, &err), "%s", err.text);
    world.heap.image.fill = count_look;
    world.heap.image.fill_context = &looks;
    make(&world);
    cr_expect_gt(looks, 1000);
    cr_expect_leq(looks, MOST_LOOKS, "%u", looks);
    cr_expect_eq(world.report.verdict.heap.bad_references, STRAYS);
    expect_referents(&world, thing, NULL, 0, 0);
    world_free(&world);
}

/* What only a traversal knows of is an object like others, traversed in its turn. */
Test(graph, has_what_only_traversals_know_of, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    let_things_be_traversed(&world);
    uint64_t last = new_tuple(&world, NULL, 0), inner = new_tuple(&world, &last, 1);
    uint64_t key = fake_ascii(&world.heap, "key");
    uint64_t dict = fake_dict(&world.heap, &key, &inner, 1, false);
    uint64_t thing = new_thing(&world, 0);
    script(thing, TRAVERSED, (uint64_t[]){dict, dict}, 2);
    script(dict, TRAVERSED, &inner, 1);
    make(&world);
    expect_referents(&world, thing, (uint64_t[]){dict, dict}, 2, 0);
    expect_referents(&world, dict, (uint64_t[]){inner, key}, 2, 1);
    expect_referents(&world, inner, &last, 1, 0);
    expect_referrers(&world, dict, (uint64_t[]){thing, thing}, 2, 0);
    expect_referrers(&world, last, &inner, 1, 0);
    cr_expect_eq(world.report.agreement.unknown, 1);
    cr_expect_eq(world.report.agreement.compared, 3);
    cr_expect_eq(world.report.agreement.same, 3);
    cr_expect_eq(traversals.objects, 4, "each once");
    world_free(&world);
}

/* A reference that the traversal tells of is not owned besides. */
Test(graph, counts_what_kinds_do_not_know, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    uint64_t key = fake_ascii(&world.heap, "key"), value = new_tuple(&world, NULL, 0);
    uint64_t dict = fake_dict(&world.heap, &key, &value, 1, false);
    uint64_t told[] = {key, value};
    new_tracked(&world, dict);
    script(dict, TRAVERSED, told, 2);
    make(&world);
    expect_referents(&world, dict, told, 2, 0);
    cr_expect_eq(world.report.agreement.compared - world.report.agreement.same, 1);
    cr_expect_eq(world.report.agreement.example, dict);
    cr_expect_str_eq(world.report.agreement.differing[0].type->name, "dict");
    cr_expect_eq(world.report.agreement.differing[0].objects, 1);
    cr_expect_null(world.report.agreement.differing[1].type);
    world_free(&world);
}

/* A guess at what was told is none any more. */
Test(graph, guesses_at_what_is_owned_besides, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    let_things_be_traversed(&world);
    uint64_t told = new_tuple(&world, NULL, 0), not_told = new_tuple(&world, NULL, 0);
    uint64_t first = new_thing(&world, told), second = new_thing(&world, not_told);
    script(first, TRAVERSED, &told, 1);
    script(second, TRAVERSED, NULL, 0);
    make(&world);
    expect_referents(&world, first, &told, 1, 0);
    expect_referents(&world, second, &not_told, 1, 1);
    cr_expect_eq(flags_of(&world, second), GRAPH_TRACKED | GRAPH_APPROXIMATE);
    world_free(&world);
}

Test(graph, goes_by_kinds_where_a_traversal_fails, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    uint64_t first = new_tracked(&world, name), second = new_tracked(&world, name);
    script(first, TRAVERSAL_FAULTED, NULL, 0);
    script(name, TRAVERSAL_SHUNNED, NULL, 0);
    make(&world);
    expect_referents(&world, first, &name, 1, 0);
    expect_referents(&world, second, &name, 1, 0);
    cr_expect_eq(flags_of(&world, first), GRAPH_TRACKED | GRAPH_BY_KIND | GRAPH_FLAGGED);
    cr_expect_eq(flags_of(&world, second), GRAPH_TRACKED);
    cr_expect_eq(flags_of(&world, name), GRAPH_BY_KIND | GRAPH_FLAGGED);
    cr_expect_eq(world.report.flags[3], 2);
    world_free(&world);
}

Test(graph, goes_by_kinds_where_there_is_no_child, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    uint64_t name = new_tuple(&world, NULL, 0), first = new_tracked(&world, name);
    traversals.fails = true;
    traversals.failure = ERROR_SYSTEM;
    make(&world);
    expect_referents(&world, first, &name, 1, 0);
    cr_expect_not(world.report.traversed);
    cr_expect_str_eq(world.report.not_traversed, "no child today");
    cr_expect_eq(flags_of(&world, first), GRAPH_TRACKED | GRAPH_BY_KIND);
    world_free(&world);
}

Test(graph, runs_nothing_of_a_copy_in_pieces, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    world.options.in_pieces = true;
    uint64_t name = new_tuple(&world, NULL, 0), first = new_tracked(&world, name);
    make(&world);
    expect_referents(&world, first, &name, 1, 0);
    cr_expect_eq(traversals.runs, 0);
    cr_expect_not(world.report.traversed);
    cr_expect_str_not_empty(world.report.not_traversed);
    world_free(&world);
}

Test(graph, fails_where_the_traversals_do, .timeout = 60)
{
    struct world world;
    struct error err;

    world_init(&world);
    do_exec(&world);
    new_tracked(&world, 0);
    traversals.fails = true;
    traversals.failure = ERROR_TARGET;
    struct reader reader = {&world.heap.python, &world.heap.image, &world.types};
    cr_expect_not(graph_make(&world.graph, &reader, &world.options, &world.report, &err));
    cr_expect_eq(err.kind, ERROR_TARGET);
    cr_expect_null(world.graph);
    world_free(&world);
}

/* What comes back is a stranger's. */
Test(graph, believes_no_nonsense, .timeout = 60)
{
    struct world world;

    world_init(&world);
    do_exec(&world);
    uint64_t name = new_tuple(&world, NULL, 0), first = new_tracked(&world, name);
    uint64_t nothing = fake_alloc(&world.heap, 64), wild = fake_alloc(&world.heap, 64);
    uint64_t bad_type = fake_alloc(&world.heap, 64);
    fake_put(&world.heap, wild + 8, 0x1000);
    fake_put(&world.heap, bad_type + 8, nothing);
    uint64_t told[] = {0,
                       name + 4,
                       nothing,
                       UINT64_MAX,
                       UINT64_MAX - 7,
                       wild,
                       bad_type,
                       8,
                       name,
                       1,
                       FAKE_BASE - 8,
                       name + 8,
                       FAKE_BASE + FAKE_PAGES * UINT64_C(1) * IMAGE_PAGE - 8};
    script(first, TRAVERSED, told, sizeof(told) / sizeof(*told));
    make(&world);
    expect_referents(&world, first, &name, 1, 0);
    cr_expect_eq(world.report.nodes, 2);
    cr_expect_eq(world.report.verdict.heap.bad_references, sizeof(told) / sizeof(*told) - 1);
    cr_expect_not(heap_is_verified(&world.report.verdict.heap));
    world_free(&world);
}

Test(graph, keeps_no_more_than_memory_has_room_for, .timeout = 60)
{
    enum { MANY = 6 << 20 };
    struct world world;
    uint64_t *told = malloc(MANY * sizeof(*told));

    cr_assert(told);
    world_init(&world);
    do_exec(&world);
    uint64_t name = new_tuple(&world, NULL, 0);
    uint64_t first = new_tracked(&world, name), second = new_tracked(&world, name);
    for (size_t i = 0; i < MANY; i++)
        told[i] = name;
    script(first, TRAVERSED, told, MANY);
    world.heap.image.bytes = FAKE_PAGES * IMAGE_PAGE;
    make(&world);
    cr_expect_lt(world.report.edges, MANY);
    cr_expect(world.report.verdict.heap.references_cut);
    expect_referents(&world, second, NULL, 0, 0);
    expect_referents(&world, name, NULL, 0, 0);
    world_free(&world);
    free(told);
}

/* Thousands of tuples that lie over each other, each with most of the memory as its items. */
Test(graph, ends_where_objects_overlap, .timeout = 60)
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
    make(&world);
    cr_expect(world.report.verdict.heap.references_cut);
    cr_expect_leq(world.report.edges, (1 << 22) + FAKE_PAGES * IMAGE_PAGE / 4);
    world_free(&world);
}
