// SPDX-License-Identifier: MIT
#include "inspector/analysis/graph_edges.h"

#include "inspector/python/object.h"
#include "inspector/python/traverse_setting.h"
#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Two are for a word of memory: the values of split dicts are words of one dict, their keys are
     * shared. */
    MOST_EDGES_A_WORD = 2,
    /* Objects that are traversed by one child: what they take is little beside the graph, and a
     * child, which takes milliseconds, is little beside so many. */
    BATCH = 1 << 22,
    /* Places that traversals name and that are no objects: behind so many nobody looks any more,
     * since each look takes a page along into the copy. */
    MOST_STRAYS = 4096,
};
static const uint64_t few_edges = 1 << 22;
static const char no_memory[] = "the memory for a whole copy is not there";

struct addresses {
    uint64_t *items;
    size_t count, capacity;
};

struct making {
    struct reader reader;
    struct edge_rows *rows;
    struct nodes *nodes;
    const struct graph_options *options;
    struct graph_report *report;
    struct error *err;
    bool failed; /* with `err` set */
    uint64_t most_edges;
    uint64_t strays; /* what traversals named, and is no object */
    struct traversal_setting setting;

    bool may_rest;          /* no traversal is under way */
    struct addresses batch; /* what is being traversed, of the nodes from `next` to `end` */
    uint32_t next, end;

    /* The object at hand: */
    uint32_t node;
    const struct type *type; /* NULL: there is no object */
    bool is_traversable;
    bool is_told;         /* its traversal has told ... */
    const uint64_t *told; /* ... this */
    size_t told_count;
    size_t seen;               /* references that the kind knows, which are so far */
    bool is_same, is_reversed; /* ... those that were told, from the first or the last one on */
    struct references references;
    struct addresses owned, guessed; /* which come behind the visited ones */
    struct addresses known, surplus; /* scratch for what is not so simple */
    bool gathering;                  /* put all visited references into `known` */
};

static bool fail(struct making *making)
{
    if (!making->failed)
        error_memory(making->err);
    making->failed = true;
    return false;
}

static bool make_room(struct making *making, struct addresses *addresses, size_t count)
{
    if (count <= addresses->capacity)
        return true;
    uint64_t *grown = vector_grow(addresses->items, &addresses->capacity, count, sizeof(*grown));
    if (!grown)
        return fail(making);
    addresses->items = grown;
    return true;
}

static bool remember(struct making *making, struct addresses *addresses, uint64_t address)
{
    if (!make_room(making, addresses, addresses->count + 1))
        return false;
    addresses->items[addresses->count++] = address;
    return true;
}

static void set_flag(struct making *making, enum graph_flag flag)
{
    making->nodes->flags[making->node] |= (uint8_t)flag;
}

/* Is an object there? What is mapped and not in the image is missed: it may have one. */
static bool is_object(struct making *making, uint64_t address)
{
    struct image *image = making->reader.image;
    uint64_t type;

    if (address % 8 != 0 || !image_range_of(image, address))
        return false;
    type = read_pointer(&making->reader, address, PyObject_ob_type);
    return type % 8 == 0 && image_range_of(image, type) && image_at(image, type, sizeof(type)) &&
           object_likely_type(&making->reader, address);
}

/*
 * The number of a node. Of what is none yet reach.h has looked at all that kinds tell of the nodes
 * that it has found: there it is known to be no object.
 */
static uint32_t number_of(struct making *making, uint64_t address, bool is_told)
{
    uint32_t node = nodes_find(making->nodes, address);

    if (node != NODES_NONE || (!is_told && making->node < making->nodes->found))
        return node;
    if (making->strays > MOST_STRAYS || !is_object(making, address)) {
        making->strays += is_told;
        making->report->verdict.heap.bad_references++;
        return NODES_NONE;
    }
    if (nodes_add(making->nodes, address, &node, making->err))
        return node;
    making->failed = true;
    return NODES_NONE;
}

static bool add_edge(struct making *making, uint64_t address, uint32_t owned, bool is_told)
{
    uint32_t node = number_of(making, address, is_told);

    if (node == NODES_NONE)
        return !making->failed;
    if (making->rows->edge_count >= making->most_edges) {
        making->report->verdict.heap.references_cut = true;
        return false;
    }
    making->report->owned_edges += owned != 0;
    if (!edge_rows_add(making->rows, node | owned, making->err))
        making->failed = true;
    return !making->failed;
}

static bool see_visited(struct making *making, uint64_t address)
{
    if (making->gathering)
        return remember(making, &making->known, address);
    if (!making->is_told)
        return add_edge(making, address, 0, false);
    size_t at = making->seen++;
    bool is_in = at < making->told_count;
    making->is_same &= is_in && making->told[at] == address;
    making->is_reversed &= is_in && making->told[making->told_count - 1 - at] == address;
    return true;
}

static bool see_reference(void *context, const struct reference *reference)
{
    struct making *making = context;

    if (!reference->is_guess && !reference->is_owned && making->is_traversable)
        return see_visited(making, reference->to);
    if (making->gathering)
        return true;
    return remember(making, reference->is_guess ? &making->guessed : &making->owned, reference->to);
}

/* What the kind knows, in the order in which it tells it. */
static void tell_references(struct making *making, bool gathering)
{
    struct image *image = making->reader.image;
    uint64_t missed = image->missed;

    making->gathering = gathering;
    making->references.ended = false;
    making->references.most = reach_most_references(image);
    object_references(&making->reader, making->type, making->nodes->addresses[making->node],
                      &making->references);
    if (making->references.told > making->references.most)
        making->report->verdict.heap.references_cut = true;
    if (making->node < making->nodes->found)
        image->missed = missed; /* reach.h has read the same, and counted what has to be */
}

static bool is_surplus(const struct making *making, uint64_t address)
{
    const struct addresses *surplus = &making->surplus;

    return surplus->count &&
           bsearch(&address, surplus->items, surplus->count, sizeof(address), order_numbers);
}

/* What a traversal has told is not told again as owned. */
static void add_behind(struct making *making, const struct addresses *addresses, uint32_t owned)
{
    for (size_t i = 0; i < addresses->count && !making->failed; i++) {
        if (!is_surplus(making, addresses->items[i]))
            add_edge(making, addresses->items[i], owned, false);
    }
}

/* Does a kind know the structure, or is there none beside an object's header? */
static bool is_known(const struct making *making)
{
    const struct type *type = making->type;

    return !making->guessed.count &&
           (type->kind || type->native->basicsize ==
                              layout_size(&making->reader.python->layout, sizeof_PyObject));
}

/* Most often they are in the same order; those of lists and tuples are told from their ends. */
static enum agreed compare(struct making *making)
{
    struct addresses *known = &making->known, *surplus = &making->surplus;

    if (making->seen == making->told_count && is_known(making)) {
        if (making->is_same)
            return AGREED_SAME;
        if (making->is_reversed)
            return AGREED_REORDERED;
    }
    if (!make_room(making, surplus, making->told_count + 1))
        return AGREED_UNKNOWN;
    if (making->told_count)
        memcpy(surplus->items, making->told, making->told_count * sizeof(*making->told));
    tell_references(making, true);
    enum agreed agreed = agreement_of(known->items, known->count, surplus->items,
                                      making->told_count, &surplus->count);
    return is_known(making) ? agreed : AGREED_UNKNOWN;
}

static void begin_object(struct making *making)
{
    making->owned.count = making->guessed.count = making->known.count = making->surplus.count = 0;
    making->seen = 0;
    making->is_same = making->is_reversed = true;
}

static void add_by_kind(struct making *making)
{
    bool is_leaf = object_is_leaf(making->type);

    if (making->is_traversable)
        set_flag(making, GRAPH_BY_KIND);
    if (is_leaf)
        return;
    tell_references(making, false);
    if (making->guessed.count)
        set_flag(making, GRAPH_APPROXIMATE);
    add_behind(making, &making->guessed, making->is_traversable ? 0 : GRAPH_OWNED);
    add_behind(making, &making->owned, GRAPH_OWNED);
}

static void add_by_traversal(struct making *making)
{
    for (size_t i = 0; i < making->told_count; i++) {
        if (!add_edge(making, making->told[i], 0, true))
            return;
    }
    tell_references(making, false);
    agreement_add(&making->report->agreement, making->type, making->nodes->addresses[making->node],
                  compare(making));
    if (making->guessed.count)
        set_flag(making, GRAPH_APPROXIMATE);
    add_behind(making, &making->guessed, GRAPH_OWNED);
    add_behind(making, &making->owned, GRAPH_OWNED);
}

static void look_at(struct making *making, uint32_t node)
{
    uint64_t address = making->nodes->addresses[node];

    making->node = node;
    making->type = reader_type_of(&making->reader, address);
    making->is_traversable = making->type && is_traversed(&making->reader, making->type, address);
}

/* The row of `next`, whose traversal may have told something. */
static bool make_row(struct making *making)
{
    if (making->may_rest)
        image_rest(making->reader.image);
    if (!edge_rows_begin(making->rows, making->err)) {
        making->failed = true;
        return false;
    }
    look_at(making, making->next++);
    begin_object(making);
    if (making->type && making->is_told)
        add_by_traversal(making);
    else if (making->type)
        add_by_kind(making);
    return !making->failed;
}

/* Up to `end`, by what kinds know. */
static bool make_rows(struct making *making, uint32_t end)
{
    making->is_told = false;
    while (making->next < end) {
        if (!make_row(making))
            return false;
    }
    return true;
}

/* Those that are not traversed lie between those that are. */
static bool take_told(void *context, size_t number, enum traversed outcome,
                      const uint64_t *referents, size_t count)
{
    struct making *making = context;
    uint32_t node = making->next;

    if (number >= making->batch.count)
        return false;
    while (node < making->end && making->nodes->addresses[node] != making->batch.items[number])
        node++;
    if (node == making->end || !make_rows(making, node))
        return false;
    making->is_told = outcome == TRAVERSED;
    making->told = referents;
    making->told_count = count;
    if (outcome != TRAVERSED)
        making->nodes->flags[node] |= GRAPH_FLAGGED;
    return make_row(making);
}

/* From `next` on, as many as make a batch, up to `end`; they end at making->end. */
static bool gather_batch(struct making *making, uint32_t end)
{
    making->batch.count = 0;
    for (making->end = making->next; making->end < end && making->batch.count < BATCH;
         making->end++) {
        look_at(making, making->end);
        if (making->is_traversable &&
            !remember(making, &making->batch, making->nodes->addresses[making->end]))
            return false;
    }
    return true;
}

static void add_report(struct traversal_report *sum, const struct traversal_report *report)
{
    sum->traversed += report->traversed;
    sum->faulted += report->faulted;
    sum->ended += report->ended;
    sum->shunned += report->shunned;
    sum->referents += report->referents;
    sum->children += report->children;
    if (!sum->last_trouble)
        sum->last_trouble = report->last_trouble;
}

static void give_up(struct making *making, const char *reason)
{
    snprintf(making->report->not_traversed, sizeof(making->report->not_traversed), "%s", reason);
}

static bool may_traverse(const struct making *making)
{
    return !making->options->no_exec && !making->options->in_pieces &&
           !*making->report->not_traversed;
}

static bool run(struct making *making)
{
    struct traversal_report report;
    struct error err;

    if (!making->batch.count)
        return true;
    if (!(making->options->traverse ? making->options->traverse : traversal_run)(
            making->reader.image, &making->setting, making->batch.items, making->batch.count,
            take_told, making, &report, &err)) {
        if (err.kind != ERROR_SYSTEM) {
            *making->err = err;
            making->failed = true;
            return false;
        }
        give_up(making, err.text);
        return true;
    }
    making->report->traversed = true;
    add_report(&making->report->traversal, &report);
    return !making->failed;
}

/* An image that wants to be trimmed is not whole any more afterwards. */
static bool make_batch(struct making *making, uint32_t end)
{
    if (may_traverse(making) && making->reader.image->crowded)
        give_up(making, no_memory);
    making->may_rest = !may_traverse(making);
    if (making->may_rest)
        return make_rows(making, end);
    return gather_batch(making, end) && run(making) && make_rows(making, making->end);
}

/* Nodes that are added on the way are done last, as long as there are new ones. */
static bool make_all(struct making *making)
{
    const struct nodes *nodes = making->nodes;
    struct image *image = making->reader.image;

    if (!edge_rows_expect(making->rows, nodes->count, making->err))
        return false;
    while (making->next < nodes->count) {
        bool guessed = making->next >= nodes->certain && making->next < nodes->found;
        uint32_t end = making->next < nodes->certain ? nodes->certain
                       : guessed                     ? nodes->found
                                                     : nodes->count;
        uint64_t missed = image->missed;
        if (!make_batch(making, end))
            return false;
        if (guessed)
            image->missed = missed; /* perhaps there is no object at all */
    }
    return edge_rows_end(making->rows, making->err);
}

static uint64_t most_edges(const struct image *image)
{
    return image->bytes ? image->bytes / 8 * MOST_EDGES_A_WORD + few_edges : UINT64_MAX;
}

bool graph_edges_make(struct edge_rows *ret, struct nodes *nodes, const struct reader *reader,
                      const struct graph_options *options, struct graph_report *report,
                      struct error *err)
{
    struct making making = {.reader = *reader,
                            .rows = ret,
                            .nodes = nodes,
                            .options = options,
                            .report = report,
                            .err = err,
                            .most_edges = most_edges(reader->image),
                            .references.visit = see_reference};

    making.references.context = &making;
    if (options->in_pieces && !options->no_exec)
        give_up(&making, no_memory);
    if (may_traverse(&making))
        making.setting = traverse_setting_of(reader);
    bool done = make_all(&making);
    free(making.batch.items);
    free(making.owned.items);
    free(making.guessed.items);
    free(making.known.items);
    free(making.surplus.items);
    return done;
}
