// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"
#include "inspector/report/output.h"

#include <string.h>

static const struct column node_columns[] = {
    {"address", "", UNIT_ADDRESS},  {"type", "", UNIT_TEXT},        {"value", "", UNIT_TEXT},
    {"extra", "", UNIT_TEXT},       {"depth", "", UNIT_COUNT},      {"refcount", "", UNIT_COUNT},
    {"immortal", "", UNIT_BOOL},    {"more", "", UNIT_COUNT},       {"root", "", UNIT_BOOL},
    {"module", "", UNIT_BOOL},      {"highlighted", "", UNIT_BOOL}, {"has_del", "", UNIT_BOOL},
    {"approximate", "", UNIT_BOOL}, {"allocated", "", UNIT_TEXT},
};

static const struct column edge_columns[] = {
    {"from", "", UNIT_ADDRESS}, {"to", "", UNIT_ADDRESS}, {"name", "", UNIT_TEXT},
    {"label", "", UNIT_TEXT},   {"owned", "", UNIT_BOOL}, {"guess", "", UNIT_BOOL},
};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void add_text(struct report *report, const char *text)
{
    if (text)
        report_cell_text(report, text, strlen(text));
    else
        report_cell_nothing(report);
}

static void add_flag(struct report *report, unsigned marks, enum diagram_mark mark)
{
    report_cell_number(report, (marks & (unsigned)mark) != 0);
}

/* Of an immortal object the count means nothing. */
static void add_node(struct report *report, const struct diagram_box *box)
{
    report_cell_number(report, box->id);
    add_text(report, box->title);
    add_text(report, box->words);
    add_text(report, box->extra);
    report_cell_number(report, box->depth);
    if (box->has_refcount && !box->is_immortal)
        report_cell_number(report, box->refcount);
    else
        report_cell_nothing(report);
    report_cell_number(report, box->is_immortal);
    report_cell_number(report, box->more);
    add_flag(report, box->marks, DIAGRAM_ROOT);
    add_flag(report, box->marks, DIAGRAM_MODULE);
    add_flag(report, box->marks, DIAGRAM_HIGHLIGHTED);
    add_flag(report, box->marks, DIAGRAM_DEL);
    add_flag(report, box->marks, DIAGRAM_APPROXIMATE);
    add_text(report, box->allocated);
}

static void add_edge(struct report *report, const struct diagram *diagram,
                     const struct diagram_arrow *arrow)
{
    report_cell_number(report, diagram->boxes[arrow->from].id);
    report_cell_number(report, diagram->boxes[arrow->to].id);
    add_text(report, arrow->name[0] && !arrow->is_unnamed ? arrow->name : NULL);
    add_text(report, arrow->label[0] ? arrow->label : NULL);
    report_cell_number(report, arrow->is_dotted);
    report_cell_number(report, arrow->is_dashed);
}

static bool print_nodes(const struct diagram *diagram, struct text *text, FILE *out,
                        struct error *err)
{
    struct report nodes;

    report_init(&nodes, "nodes", node_columns, LENGTH(node_columns));
    for (size_t i = 0; i < diagram->box_count; i++)
        add_node(&nodes, &diagram->boxes[i]);
    bool done = output_start(&nodes, err) && output_json(&nodes, text, out, err);
    report_free(&nodes);
    return done;
}

static bool print_edges(const struct diagram *diagram, struct text *text, FILE *out,
                        struct error *err)
{
    struct report edges;

    report_init(&edges, "edges", edge_columns, LENGTH(edge_columns));
    for (size_t i = 0; i < diagram->arrow_count; i++)
        add_edge(&edges, diagram, &diagram->arrows[i]);
    bool done = output_start(&edges, err) && output_json(&edges, text, out, err);
    report_free(&edges);
    return done;
}

static bool print(const struct diagram *diagram, struct text *text, FILE *out, struct error *err)
{
    text_add_char(text, '{');
    if (!output_json(&diagram->facts, text, out, err))
        return false;
    text_add(text, diagram->facts.fact_count ? ", " : "");
    if (!print_nodes(diagram, text, out, err))
        return false;
    text_add(text, ", ");
    if (!print_edges(diagram, text, out, err))
        return false;
    text_add(text, "}\n");
    return output_text(out, text, err) && output_finish(out, err);
}

bool diagram_json(const struct diagram *diagram, FILE *out, struct error *err)
{
    struct text text = {0};

    if (diagram->failed) {
        error_memory(err);
        return error_context(err, "cannot make the diagram");
    }
    bool done = output_start(&diagram->facts, err) && print(diagram, &text, out, err);
    text_free(&text);
    return done;
}
