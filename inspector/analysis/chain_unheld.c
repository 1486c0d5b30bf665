// SPDX-License-Identifier: MIT
#include "inspector/analysis/chain_unheld.h"

#include <stdlib.h>
#include <string.h>

/* A walk backwards, breadth first. */
struct walk {
    const struct graph *graph;
    uint32_t *via; /* what a node was found by: the next one on the way to the target */
    uint32_t *queue;
    size_t head, tail;
};

static bool begin(struct walk *walk, const struct graph *graph, uint32_t target, struct error *err)
{
    size_t nodes = graph_nodes(graph);

    *walk = (struct walk){.graph = graph,
                          .via = malloc((nodes + 1) * sizeof(*walk->via)),
                          .queue = malloc((nodes + 1) * sizeof(*walk->queue))};
    if (!walk->via || !walk->queue)
        return error_memory(err);
    memset(walk->via, 0xFF, (nodes + 1) * sizeof(*walk->via));
    walk->via[target] = target;
    walk->queue[walk->tail++] = target;
    return true;
}

static void end(struct walk *walk)
{
    free(walk->via);
    free(walk->queue);
}

static void go_on(struct walk *walk, uint32_t node)
{
    struct graph_row row = graph_referrers(walk->graph, node);

    for (size_t i = 0; i < row.count; i++) {
        uint32_t from = graph_end(row.edges[i]);
        if (walk->via[from] != UINT32_MAX)
            continue;
        walk->via[from] = node;
        walk->queue[walk->tail++] = from;
    }
}

bool unheld_each(const struct graph *graph, uint32_t target, const uint32_t *ignored,
                 size_t ignored_count, unheld_visit *visit, void *context, struct error *err)
{
    struct walk walk;
    unsigned depth = 0;
    bool done = begin(&walk, graph, target, err), goes_on = done;

    for (size_t i = 0; done && i < ignored_count; i++)
        walk.via[ignored[i]] = target;
    for (size_t level_end = 1; goes_on && walk.head < walk.tail; depth++) {
        for (; goes_on && walk.head < level_end; walk.head++) {
            goes_on = visit(context, walk.queue[walk.head], depth);
            if (goes_on)
                go_on(&walk, walk.queue[walk.head]);
        }
        level_end = walk.tail;
    }
    end(&walk);
    return done;
}

/* The way from the target to the node. */
static bool keep_way(struct unheld *unheld, const struct walk *walk, uint32_t target, uint32_t node,
                     struct error *err)
{
    size_t count = 1;

    for (uint32_t at = node; at != target; at = walk->via[at])
        count++;
    unheld->nodes = malloc(count * sizeof(*unheld->nodes));
    if (!unheld->nodes)
        return error_memory(err);
    unheld->count = count;
    for (uint32_t at = node; count-- > 0; at = walk->via[at])
        unheld->nodes[count] = at;
    return true;
}

/* `closes` is referred to by the target, which it leads to. */
static bool find_holder(struct walk *walk, const struct reader *reader,
                        const struct holders *holders, uint32_t *ret_holder, uint64_t *ret_surplus,
                        uint32_t *ret_closes)
{
    uint32_t target = walk->queue[0];

    *ret_closes = GRAPH_NONE;
    for (; walk->head < walk->tail; walk->head++) {
        uint32_t node = walk->queue[walk->head];
        struct graph_row row = graph_referrers(walk->graph, node);
        struct balance balance;
        balance_of(&balance, walk->graph, reader, holders, node);
        if (balance_surplus(&balance) > 0) {
            *ret_holder = node;
            *ret_surplus = (uint64_t)balance_surplus(&balance);
            return true;
        }
        for (size_t i = 0; *ret_closes == GRAPH_NONE && i < row.count; i++) {
            if (graph_end(row.edges[i]) == target)
                *ret_closes = node;
        }
        go_on(walk, node);
    }
    return false;
}

/* Goes from referrer to referrer until it meets one again: the target hangs on a cycle. */
static bool find_cycle(struct unheld *unheld, const struct graph *graph, uint32_t target,
                       struct error *err)
{
    size_t nodes = graph_nodes(graph), count = 0;
    uint32_t *places = malloc((nodes + 1) * sizeof(*places));
    uint32_t *path = malloc((nodes + 1) * sizeof(*path));
    uint32_t at = target;
    bool done = places && path;

    if (done)
        memset(places, 0xFF, (nodes + 1) * sizeof(*places));
    while (done && places[at] == UINT32_MAX) {
        struct graph_row row = graph_referrers(graph, at);
        places[at] = (uint32_t)count;
        path[count++] = at;
        if (!row.count)
            break;
        at = graph_end(row.edges[0]);
        unheld->is_cycle = places[at] != UINT32_MAX;
        unheld->cycle = places[at];
    }
    free(places);
    if (done && unheld->is_cycle) {
        unheld->nodes = path;
        unheld->count = count;
        return true;
    }
    free(path);
    return done || error_memory(err);
}

bool unheld_find(struct unheld *ret, const struct graph *graph, const struct reader *reader,
                 const struct holders *holders, uint32_t target, struct error *err)
{
    struct walk walk;
    uint32_t holder, closes;
    bool done = begin(&walk, graph, target, err);

    if (done && find_holder(&walk, reader, holders, &holder, &ret->surplus, &closes)) {
        done = keep_way(ret, &walk, target, holder, err);
    } else if (done && closes != GRAPH_NONE) {
        ret->is_cycle = true; /* nodes[0] is the target */
        done = keep_way(ret, &walk, target, closes, err);
    } else if (done) {
        done = find_cycle(ret, graph, target, err);
    }
    end(&walk);
    return done;
}

void unheld_free(struct unheld *unheld)
{
    free(unheld->nodes);
    *unheld = (struct unheld){0};
}
