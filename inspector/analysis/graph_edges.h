// SPDX-License-Identifier: MIT
/*
 * graph_edges - what the nodes of a graph refer to: graph.h's own part.
 */
#ifndef PYINSPECT_GRAPH_EDGES_H
#define PYINSPECT_GRAPH_EDGES_H

#include "inspector/analysis/graph.h"

/*
 * Makes the row of each node. Nodes that a traversal has told of are added, with rows of their own.
 * Tells the report of edges, traversals and agreement, and adds damage to its verdict.
 */
MUST_CHECK bool graph_edges_make(struct edge_rows *ret, struct nodes *nodes,
                                 const struct reader *reader, const struct graph_options *options,
                                 struct graph_report *report, struct error *err);

#endif
