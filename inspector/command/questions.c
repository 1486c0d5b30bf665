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

void traces_question_free(struct traces_question *question)
{
    traces_free(&question->traces);
    question->traces = (struct traces){.files = NULL};
    trace_types_free(&question->types);
}

/* Tables that change while they are followed lose a few blocks; who looks again loses others. */
static enum certainty certainty_of_traces(const struct traces_verdict *verdict)
{
    enum { FEW = 256 }; /* one of so many */

    if (traces_are_verified(verdict))
        return ANSWER_VERIFIED;
    return verdict->blocks.broken + verdict->unreadable <= verdict->blocks.blocks / FEW
               ? ANSWER_WHOLE
               : ANSWER_HAS_GAPS;
}

static bool take_traces(struct traces_question *question, const struct reader *reader,
                        struct error *err)
{
    struct trace_places places;

    if (!traces_take_placing(reader, &question->traces, &question->verdict, &places, err))
        return false;
    bool done = !question->with_types || !question->verdict.state.is_tracing ||
                trace_types_take(&question->types, reader, &question->verdict.state, &places,
                                 question->progress, err);
    trace_places_free(&places);
    return done;
}

bool question_traces(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct traces_question *question = context;
    const struct python *python = session_python(question->session);
    struct types types;

    traces_question_free(question);
    types_init(&types, python);
    const struct reader reader = {python, image, &types};
    bool done = take_traces(question, &reader, err) &&
                (!question->answer || question->answer(question->context, &question->traces,
                                                       &question->verdict, &reader, err));
    types_free(&types);
    if (done)
        *ret = certainty_of_traces(&question->verdict);
    if (done && question->with_types && question->verdict.state.is_tracing)
        *ret = both_of(*ret, certainty_of(&question->types.verdict.heap));
    return done;
}
