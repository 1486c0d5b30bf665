// SPDX-License-Identifier: MIT
#include "inspector/command/questions.h"

#include "inspector/analysis/census.h"
#include "inspector/analysis/details.h"
#include "inspector/analysis/listing.h"

static enum certainty certainty_of(const struct heap_verdict *verdict)
{
    if (heap_is_verified(verdict))
        return ANSWER_VERIFIED;
    return heap_is_whole(verdict) ? ANSWER_WHOLE : ANSWER_HAS_GAPS;
}

bool question_census(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct census *census = context;

    if (!census_take(census, image, err))
        return false;
    *ret = certainty_of(&census->verdict.heap);
    return true;
}

/* Of two the less certain. */
static enum certainty both_of(enum certainty a, enum certainty b)
{
    return a < b ? a : b;
}

void graph_question_free(struct graph_question *question)
{
    graph_free(question->graph);
    question->graph = NULL;
    types_free(&question->types);
}

bool question_graph(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct graph_question *question = context;

    graph_question_free(question);
    types_init(&question->types, session_python(question->session));
    question->reader = (struct reader){session_python(question->session), image, &question->types};
    question->options.in_pieces = session_is_in_pieces(question->session);
    if (!graph_make(&question->graph, &question->reader, &question->options, &question->report,
                    err) ||
        (question->answer &&
         !question->answer(question->context, question->graph, &question->reader, err)))
        return false;
    *ret = certainty_of(&question->report.verdict.heap);
    return true;
}

bool question_listing(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct listing_question *question = context;
    enum certainty graph = ANSWER_VERIFIED;

    if (question->graph && !question_graph(question->graph, image, &graph, err))
        return false;
    question->listing->graph = question->graph ? question->graph->graph : NULL;
    question->is_spooled = session_is_in_pieces(question->session);
    if (question->is_spooled &&
        !row_spool_begin(question->spool, question->listing->options.attribute_count, err))
        return false;
    if (!listing_take(question->listing, image, question->is_spooled ? row_spool_add : NULL,
                      question->spool, err) ||
        (question->is_spooled && !row_spool_check(question->spool, err)))
        return false;
    *ret = both_of(graph, certainty_of(&question->listing->verdict.heap));
    return true;
}

bool question_details(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    const struct details_question *question = context;

    if (!details_take(question->details, image, session_is_in_pieces(question->session), err))
        return false;
    *ret = certainty_of(&question->details->verdict.heap);
    return true;
}
