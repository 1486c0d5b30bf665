// SPDX-License-Identifier: MIT
#include "inspector/command/graph_worth.h"

#include "inspector/command/worth.h"

#include <inttypes.h>

enum { NAMED_TYPES = 3 };

static uint64_t flagged(const struct graph_report *graph, enum graph_flag flag)
{
    return graph->flags[__builtin_ctz(flag)];
}

static void say_differences(const struct agreement *agreement, struct text *text)
{
    uint64_t differing = agreement->compared - agreement->same;

    if (!differing)
        return;
    text_add(text, ", ");
    add_things(text, differing, "object");
    text_add(text, " of which pyinspect itself knew other references than tp_traverse told, which "
                   "is believed (");
    for (size_t i = 0; i < AGREEMENT_TYPES && agreement->differing[i].type; i++) {
        const struct type *type = agreement->differing[i].type;
        if (i == NAMED_TYPES) {
            text_add(text, ", ...");
            break;
        }
        text_add(text, i ? ", " : "");
        text_add_escaped(text, type->name, type->name_length, 80);
    }
    text_addf(text, ", as 0x%" PRIx64 ")", agreement->example);
}

void graph_worth_say(const struct graph_report *graph, struct text *text)
{
    uint64_t failed = flagged(graph, GRAPH_FLAGGED);

    if (!graph->traversed || *graph->not_traversed)
        text_addf(text, ", %s%s%s",
                  graph->traversed ? "tp_traverse was not run for all objects"
                                   : "no tp_traverse was run",
                  *graph->not_traversed ? ": " : "", graph->not_traversed);
    if (failed) {
        text_add(text, ", ");
        add_things(text, failed, "object");
        text_addf(text, " whose tp_traverse failed (0x%" PRIx64 ")", graph->traversal.last_trouble);
    }
    say_differences(&graph->agreement, text);
}

void graph_worth_add_facts(const struct graph_report *graph, struct report *report)
{
    const struct traversal_report *traversal = &graph->traversal;
    const struct agreement *agreement = &graph->agreement;

    report_fact_number(report, "graph.nodes", UNIT_COUNT, graph->nodes);
    report_fact_number(report, "graph.edges", UNIT_COUNT, graph->edges);
    report_fact_number(report, "graph.owned_edges", UNIT_COUNT, graph->owned_edges);
    report_fact_number(report, "graph.traversed", UNIT_BOOL, graph->traversed);
    report_fact_text(report, "graph.not_traversed", graph->not_traversed);
    report_fact_number(report, "graph.by_kind", UNIT_COUNT, flagged(graph, GRAPH_BY_KIND));
    report_fact_number(report, "graph.approximate", UNIT_COUNT, flagged(graph, GRAPH_APPROXIMATE));
    report_fact_number(report, "graph.traversal.objects", UNIT_COUNT, traversal->traversed);
    report_fact_number(report, "graph.traversal.faulted", UNIT_COUNT, traversal->faulted);
    report_fact_number(report, "graph.traversal.ended", UNIT_COUNT, traversal->ended);
    report_fact_number(report, "graph.traversal.shunned", UNIT_COUNT, traversal->shunned);
    report_fact_number(report, "graph.traversal.children", UNIT_COUNT, traversal->children);
    report_fact_number(report, "graph.agreement.compared", UNIT_COUNT, agreement->compared);
    report_fact_number(report, "graph.agreement.same", UNIT_COUNT, agreement->same);
    report_fact_number(report, "graph.agreement.reordered", UNIT_COUNT, agreement->reordered);
    report_fact_number(report, "graph.agreement.unknown", UNIT_COUNT, agreement->unknown);
    if (agreement->example)
        report_fact(report, "graph.agreement.example",
                    (struct value){.unit = UNIT_ADDRESS, .number = agreement->example});
}
