// SPDX-License-Identifier: MIT
#include "inspector/analysis/chain_search.h"

#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

#define UNREACHED UINT32_MAX
#define IGNORED (UINT32_MAX - 1)
static const uint32_t most_distance = UINT32_MAX - 4 * CHAIN_STEP;

enum { MOST_WORK = 1 << 27 /* edges that are looked at to enumerate paths: about a second */ };

/* A node of the path, and the edge into it that is next. */
struct chain_step {
    uint32_t node;
    uint32_t special; /* edges of the newest sort in the path so far */
    uint32_t last;    /* node that was gone to from here; the next of the same is no other path */
    size_t visited;   /* edges in the row before the owned ones */
    size_t next;
    struct graph_row row;
    bool begun;
    bool is_gate;
};

/* One enumeration of all paths of a cost. */
struct enumeration {
    struct chain_search *search;
    enum chain_edges edges;
    chain_path *tell;
    void *context;
    uint64_t cost, next_cost; /* that of this one, and the least that is above it */
    bool failed, ended;
};

enum chain_edges chain_edge_of(const struct graph *graph, uint32_t from, bool is_owned)
{
    unsigned flags = graph_flags(graph, from);

    if (flags & GRAPH_APPROXIMATE && (is_owned || flags & GRAPH_BY_KIND))
        return CHAIN_GUESSES;
    return is_owned ? CHAIN_OWNED : CHAIN_VISITED;
}

void chain_search_forget(struct chain_search *search)
{
    for (size_t i = 0; i <= CHAIN_GUESSES; i++) {
        free(search->distances[i]);
        search->distances[i] = NULL;
    }
    free(search->sources);
    search->sources = NULL;
    search->source_count = 0;
}

void chain_search_free(struct chain_search *search)
{
    chain_search_forget(search);
    free(search->ignored);
    free(search->on_path);
    free(search->steps);
    free(search->nodes);
    *search = (struct chain_search){.graph = NULL};
}

static int compare_costs(const void *left, const void *right)
{
    const struct chain_source *a = left, *b = right;

    return (a->cost > b->cost) - (a->cost < b->cost);
}

static void reach_from(struct chain_search *search, uint32_t node, enum chain_edges edges,
                       uint32_t *queue, size_t *tail)
{
    struct graph_row row = graph_referents(search->graph, node);
    uint32_t *distances = search->distances[edges];
    uint32_t distance = distances[node] + CHAIN_STEP;

    if (distance > most_distance)
        return;
    for (size_t i = 0; i < row.count; i++) {
        uint32_t to = graph_end(row.edges[i]);
        if (distances[to] <= distance || distances[to] == IGNORED ||
            chain_edge_of(search->graph, node, graph_is_owned(row.edges[i])) > edges)
            continue;
        distances[to] = distance;
        queue[(*tail)++] = to;
    }
}

/* A source may be nearer to another one than it costs itself. */
static void set_sources(struct chain_search *search, enum chain_edges edges)
{
    uint32_t *distances = search->distances[edges];

    for (size_t i = 0; i < search->source_count; i++) {
        const struct chain_source *source = &search->sources[i];
        if (!source->is_gate && source->use <= edges && distances[source->node] != IGNORED &&
            source->cost < distances[source->node])
            distances[source->node] = source->cost;
    }
}

/* Every edge costs the same, so the queue ascends, and sources come in as it gets to their cost. */
static void spread(struct chain_search *search, const struct chain_source *sources,
                   enum chain_edges edges, uint32_t *queue)
{
    const uint32_t *distances = search->distances[edges];
    size_t head = 0, tail = 0, source = 0;

    set_sources(search, edges);
    while (head < tail || source < search->source_count) {
        const struct chain_source *next = &sources[source];
        if (head < tail &&
            (source == search->source_count || distances[queue[head]] <= next->cost)) {
            reach_from(search, queue[head++], edges, queue, &tail);
        } else {
            source++;
            if (!next->is_gate && next->use <= edges && distances[next->node] == next->cost)
                reach_from(search, next->node, edges, queue, &tail);
        }
    }
}

static bool find_distances(struct chain_search *search, enum chain_edges edges, struct error *err)
{
    size_t nodes = graph_nodes(search->graph);
    struct chain_source *sources = calloc(search->source_count + 1, sizeof(*sources));
    uint32_t *queue = malloc((nodes + 1) * sizeof(*queue));
    uint32_t *distances = malloc((nodes + 1) * sizeof(*distances));
    bool done = sources && queue && distances;

    search->distances[edges] = distances;
    if (done) {
        memset(distances, 0xFF, (nodes + 1) * sizeof(*distances));
        for (size_t i = 0; i < search->ignored_count; i++)
            distances[search->ignored[i]] = IGNORED;
        if (search->source_count) {
            memcpy(sources, search->sources, search->source_count * sizeof(*sources));
            qsort(sources, search->source_count, sizeof(*sources), compare_costs);
        }
        spread(search, sources, edges, queue);
    }
    free(sources);
    free(queue);
    return done || error_memory(err);
}

static uint64_t *path_word(struct chain_search *search, uint32_t node)
{
    return &search->on_path[node / 64];
}

static uint64_t path_bit(uint32_t node)
{
    return UINT64_C(1) << node % 64;
}

/* The first edge of the row that is owned. */
static size_t count_visited(const struct graph_row *row)
{
    size_t low = 0, high = row->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (graph_is_owned(row->edges[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Is the node among the first `count` edges, which ascend? */
static bool has_visited(const struct chain_step *step, uint32_t node)
{
    size_t low = 0, high = step->visited;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t end = graph_end(step->row.edges[middle]);
        if (end == node)
            return true;
        if (end < node)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static void push(struct enumeration *all, uint32_t node, uint32_t special)
{
    struct chain_search *search = all->search;
    struct chain_step *grown =
        vector_grow(search->steps, &search->step_capacity, search->step_count + 1, sizeof(*grown));

    if (!grown) {
        all->failed = true;
        return;
    }
    search->steps = grown;
    struct chain_step *step = &grown[search->step_count++];
    *step = (struct chain_step){.node = node,
                                .special = special,
                                .last = GRAPH_NONE,
                                .row = graph_referrers(search->graph, node)};
    step->visited = count_visited(&step->row);
    *path_word(search, node) |= path_bit(node);
}

static void pop(struct chain_search *search)
{
    uint32_t node = search->steps[--search->step_count].node;

    *path_word(search, node) &= ~path_bit(node);
}

static uint64_t cost_so_far(const struct chain_search *search)
{
    return (search->step_count - 1) * (uint64_t)CHAIN_STEP;
}

/* Is it a cost of this enumeration? What is above it is remembered. */
static bool keeps_cost(struct enumeration *all, uint64_t cost)
{
    if (cost > all->cost && cost < all->next_cost)
        all->next_cost = cost;
    return cost <= all->cost;
}

static void tell_path(struct enumeration *all, size_t source)
{
    struct chain_search *search = all->search;
    uint32_t *grown =
        vector_grow(search->nodes, &search->node_capacity, search->step_count, sizeof(*grown));

    if (!grown) {
        all->failed = true;
        return;
    }
    search->nodes = grown;
    for (size_t i = 0; i < search->step_count; i++)
        grown[i] = search->steps[i].node;
    all->ended |= !all->tell(all->context, grown, search->step_count, source);
}

static size_t first_source(const struct chain_search *search, uint32_t node)
{
    return order_first(search->sources, search->source_count, sizeof(*search->sources), node);
}

static bool has_source(const struct chain_search *search, uint32_t node, bool is_gate)
{
    for (size_t i = first_source(search, node);
         i < search->source_count && search->sources[i].node == node; i++) {
        if (is_gate ? search->sources[i].is_gate : search->sources[i].is_end)
            return true;
    }
    return false;
}

/* Tells the paths that begin at the last node of the path; true: none goes on from there. */
static bool begin_at(struct enumeration *all, const struct chain_step *step)
{
    struct chain_search *search = all->search;
    bool ends = false;

    for (size_t i = first_source(search, step->node);
         i < search->source_count && search->sources[i].node == step->node && !all->ended; i++) {
        const struct chain_source *source = &search->sources[i];
        ends |= source->is_end && search->step_count > 1;
        if (source->is_gate || step->is_gate || source->use > all->edges)
            continue;
        bool is_new = all->edges == CHAIN_VISITED || step->special || source->use == all->edges;
        if (keeps_cost(all, cost_so_far(search) + source->cost) && is_new &&
            cost_so_far(search) + source->cost == all->cost)
            tell_path(all, i);
    }
    return ends;
}

static bool is_worth_going(struct enumeration *all, const struct chain_step *step, uint32_t to,
                           bool is_owned)
{
    const struct chain_search *search = all->search;
    uint32_t distance = search->distances[all->edges][to];

    return to != step->last && distance < IGNORED &&
           (!step->is_gate || has_source(search, to, false)) &&
           !(search->on_path[to / 64] & path_bit(to)) &&
           keeps_cost(all, cost_so_far(search) + CHAIN_STEP + distance) &&
           !(is_owned && has_visited(step, to));
}

/* Goes on to the next node, or back. */
static void take_step(struct enumeration *all)
{
    struct chain_search *search = all->search;
    struct chain_step *step = &search->steps[search->step_count - 1];
    bool may_go = !search->most_steps || search->step_count <= search->most_steps;

    if (!step->begun) {
        step->begun = true;
        step->is_gate = search->step_count > 1 && has_source(search, step->node, true);
        may_go = !begin_at(all, step) && may_go;
        if (!may_go)
            step->next = step->row.count;
    }
    while (step->next < step->row.count && search->work < MOST_WORK) {
        uint32_t edge = step->row.edges[step->next++], to = graph_end(edge);
        search->work++;
        if (!is_worth_going(all, step, to, graph_is_owned(edge)))
            continue;
        enum chain_edges use = chain_edge_of(search->graph, to, graph_is_owned(edge));
        if (use > all->edges)
            continue;
        step->last = to;
        push(all, to, step->special + (use == all->edges && use != CHAIN_VISITED));
        return;
    }
    pop(search);
}

static void enumerate(struct enumeration *all, uint32_t target)
{
    struct chain_search *search = all->search;

    push(all, target, 0);
    while (search->step_count && !all->failed && !all->ended && search->work < MOST_WORK)
        take_step(all);
    while (search->step_count)
        pop(search);
}

bool chain_search_run(struct chain_search *search, uint32_t target, enum chain_edges edges,
                      chain_path *tell, void *context, struct error *err)
{
    struct enumeration all = {.search = search, .edges = edges, .tell = tell, .context = context};

    if (!search->on_path)
        search->on_path = calloc(graph_nodes(search->graph) / 64 + 1, sizeof(*search->on_path));
    if (!search->on_path)
        return error_memory(err);
    if (!search->distances[edges] && !find_distances(search, edges, err))
        return false;
    search->work = 0;
    search->was_cut = false;
    all.next_cost = search->distances[edges][target];
    if (all.next_cost == UNREACHED)
        return true;
    if (all.next_cost == IGNORED)
        all.next_cost = 0; /* it may be asked about all the same; how far it is, nobody knows */
    while (all.next_cost != UINT64_MAX && !all.ended && !all.failed && search->work < MOST_WORK) {
        all.cost = all.next_cost;
        all.next_cost = UINT64_MAX;
        enumerate(&all, target);
    }
    search->was_cut |= search->work >= MOST_WORK;
    return !all.failed || error_memory(err);
}
