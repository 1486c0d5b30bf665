// SPDX-License-Identifier: MIT
#include "inspector/analysis/graph.h"

#include "inspector/analysis/graph_edges.h"

#include <stdio.h>
#include <stdlib.h>

struct graph {
    struct nodes nodes;
    struct edge_rows referents, referrers;
};

/* All objects that references lead to, in sets; nothing of it is left here. */
static bool find_nodes(struct graph *graph, const struct reader *reader,
                       const struct graph_options *options, struct graph_report *report,
                       struct error *err)
{
    struct reach_found found;
    bool done = reach_find(reader, options->progress, &found, &report->verdict, err) &&
                nodes_make(&graph->nodes, &found, GRAPH_TRACKED, err);

    reach_found_free(&found);
    return done;
}

static void count_flags(const struct graph *graph, struct graph_report *report)
{
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        for (unsigned flag = 0; flag < GRAPH_FLAGS; flag++)
            report->flags[flag] += graph->nodes.flags[i] >> flag & 1;
    }
    report->nodes = graph->nodes.count;
    report->edges = graph->referents.edge_count;
}

bool graph_make(struct graph **ret, const struct reader *reader,
                const struct graph_options *options, struct graph_report *report, struct error *err)
{
    struct graph *graph = calloc(1, sizeof(*graph));

    *report = (struct graph_report){.traversed = false};
    if (!graph)
        return error_memory(err);
    if (!find_nodes(graph, reader, options, report, err) ||
        !graph_edges_make(&graph->referents, &graph->nodes, reader, options, report, err) ||
        (!options->forwards_only && !edge_rows_invert(&graph->referrers, &graph->referents, err))) {
        graph_free(graph);
        return false;
    }
    count_flags(graph, report);
    *ret = graph;
    return true;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    nodes_free(&graph->nodes);
    edge_rows_free(&graph->referents);
    edge_rows_free(&graph->referrers);
    free(graph);
}

uint32_t graph_nodes(const struct graph *graph)
{
    return graph->nodes.count;
}

uint32_t graph_find(const struct graph *graph, uint64_t address)
{
    return nodes_find(&graph->nodes, address);
}

uint64_t graph_address(const struct graph *graph, uint32_t node)
{
    return graph->nodes.addresses[node];
}

unsigned graph_flags(const struct graph *graph, uint32_t node)
{
    return graph->nodes.flags[node];
}

static struct graph_row row_of(const struct edge_rows *rows, uint32_t node)
{
    if (node >= rows->count)
        return (struct graph_row){.count = 0};
    uint64_t start = edge_rows_start(rows, node);

    return (struct graph_row){.edges = rows->edges + start,
                              .count = (size_t)(edge_rows_start(rows, (size_t)node + 1) - start)};
}

struct graph_row graph_referents(const struct graph *graph, uint32_t node)
{
    return row_of(&graph->referents, node);
}

struct graph_row graph_referrers(const struct graph *graph, uint32_t node)
{
    return row_of(&graph->referrers, node);
}
