// SPDX-License-Identifier: MIT
#include "inspector/command/refs_diagram.h"

#include "inspector/command/graph_worth.h"
#include "inspector/command/show_page.h"
#include "inspector/command/worth.h"
#include "inspector/report/rows.h"

#include <inttypes.h>
#include <stdlib.h>

bool refs_answer_init(struct refs_answer *answer, size_t addresses, struct error *err)
{
    answer->asked_count = addresses;
    answer->roots = calloc(addresses + 1, sizeof(*answer->roots));
    answer->strays = calloc(addresses + 1, sizeof(*answer->strays));
    answer->is_drawn = calloc(addresses + 1, sizeof(*answer->is_drawn));
    return (answer->roots && answer->strays && answer->is_drawn) || error_memory(err);
}

void refs_answer_free(struct refs_answer *answer)
{
    drawing_free(&answer->drawing);
    free(answer->roots);
    free(answer->strays);
    free(answer->is_drawn);
    *answer = (struct refs_answer){.roots = NULL};
}

size_t refs_count_strays(const struct refs_answer *answer)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->stray_count; i++)
        count += !answer->is_drawn[i];
    return count;
}

void refs_explain(const struct refs_answer *answer, size_t number, struct session *session,
                  struct text *text)
{
    const struct finding *finding = &answer->strays[number];

    text_addf(text, "0x%" PRIx64, finding->asked);
    if (answer->is_drawn[number]) {
        text_addf(text, " lies within the %s at 0x%" PRIx64, finding->type->name, finding->object);
    } else if (finding_is_object(finding)) {
        text_addf(text,
                  " looks like a part of the %s at 0x%" PRIx64
                  ", to which nothing that is known refers: it may have been freed",
                  finding->type->name, finding->object);
    } else {
        text_add(text, " is no object: it lies ");
        show_explain(finding, session, text);
    }
}

/* The diagram */

static unsigned marks_of(const struct drawn_node *node)
{
    return (node->is_root ? (unsigned)DIAGRAM_ROOT : 0) |
           (node->is_module ? (unsigned)DIAGRAM_MODULE : 0) |
           (node->is_highlighted ? (unsigned)DIAGRAM_HIGHLIGHTED : 0) |
           (node->has_del ? (unsigned)DIAGRAM_DEL : 0) |
           (node->is_approximate ? (unsigned)DIAGRAM_APPROXIMATE : 0);
}

static void add_box(struct diagram *diagram, const struct drawn_node *node, bool has_refcount)
{
    struct diagram_box box = {.id = node->address,
                              .title = node->type,
                              .value = node->value,
                              .words = node->words,
                              .extra = node->extra,
                              .allocated = node->allocated,
                              .marks = marks_of(node),
                              .depth = node->depth,
                              .more = node->more,
                              .has_refcount = has_refcount,
                              .is_immortal = node->is_immortal,
                              .refcount = node->refcount};

    diagram_box(diagram, &box);
}

static void add_arrow(struct diagram *diagram, const struct drawn_edge *edge)
{
    struct diagram_arrow arrow = {.from = edge->from,
                                  .to = edge->to,
                                  .label = edge->label,
                                  .weight = edge->weight,
                                  .name = edge->name,
                                  .is_unnamed = edge->is_unnamed,
                                  .is_dotted = edge->is_owned,
                                  .is_dashed = edge->is_guess};

    diagram_arrow(diagram, &arrow);
}

static uint64_t count_guesses(const struct drawing *drawing)
{
    uint64_t guesses = 0;

    for (size_t i = 0; i < drawing->edge_count; i++)
        guesses += drawing->edges[i].is_guess;
    return guesses;
}

static uint64_t count_more(const struct drawing *drawing)
{
    uint64_t more = 0;

    for (size_t i = 0; i < drawing->node_count; i++)
        more += drawing->nodes[i].more;
    return more;
}

static void add_facts(const struct refs_answer *answer, struct report *facts)
{
    const struct drawing *drawing = &answer->drawing;

    report_fact_number(facts, "asked.addresses", UNIT_COUNT, answer->asked_count);
    report_fact_number(facts, "asked.no_object", UNIT_COUNT, refs_count_strays(answer));
    report_fact_number(facts, "drawn.objects", UNIT_COUNT, drawing->node_count);
    report_fact_number(facts, "drawn.references", UNIT_COUNT, drawing->edge_count);
    report_fact_number(facts, "drawn.approximate", UNIT_COUNT, count_guesses(drawing));
    report_fact_number(facts, "drawn.left_out", UNIT_COUNT, count_more(drawing));
    graph_worth_add_facts(answer->graph, facts);
}

void refs_fill_diagram(const struct refs_answer *answer, const struct drawing_options *options,
                       struct diagram *diagram)
{
    const struct drawing *drawing = &answer->drawing;

    diagram->backwards = options->backwards;
    diagram->max_depth = options->max_depth;
    add_facts(answer, &diagram->facts);
    for (size_t i = 0; i < drawing->node_count; i++)
        add_box(diagram, &drawing->nodes[i], options->refcounts);
    for (size_t i = 0; i < drawing->edge_count; i++)
        add_arrow(diagram, &drawing->edges[i]);
}

/* Words */

void refs_count(const struct refs_answer *answer, struct text *text)
{
    const struct drawing *drawing = &answer->drawing;
    uint64_t guesses = count_guesses(drawing), more = count_more(drawing);
    char number[32];

    add_things(text, drawing->node_count, "object");
    text_add(text, ", ");
    add_things(text, drawing->edge_count, "reference");
    if (guesses)
        text_addf(text, ", %s of them approximate", format_count(number, guesses));
    if (more)
        text_addf(text, ", %s more not drawn (--too-many)", format_count(number, more));
}
