// SPDX-License-Identifier: MIT
/*
 * graph_worth - what a graph is worth: the same facts and the same words for every command that
 * makes one. To stand between what worth_begin and worth_end say.
 */
#ifndef PYINSPECT_GRAPH_WORTH_H
#define PYINSPECT_GRAPH_WORTH_H

#include "inspector/analysis/graph.h"
#include "inspector/report/report.h"

/* Adds what is not as it should be: ", 3 objects whose tp_traverse failed (...)". */
void graph_worth_say(const struct graph_report *graph, struct text *text);

/* All facts graph.*. */
void graph_worth_add_facts(const struct graph_report *graph, struct report *report);

#endif
