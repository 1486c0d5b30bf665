// SPDX-License-Identifier: MIT
/*
 * questions - what commands ask a session.
 */
#ifndef PYINSPECT_QUESTIONS_H
#define PYINSPECT_QUESTIONS_H

#include "inspector/analysis/graph.h"
#include "inspector/analysis/trace_types.h"
#include "inspector/command/row_spool.h"
#include "inspector/command/session.h"

/* How many objects of each type there are: into a struct census, initialised. */
session_question question_census;

/*
 * Who refers to whom: into a struct graph_question. What is to be known of the graph is worked out
 * by `answer`, each time that the question is put, since the memory that it reads (names, values)
 * is then copied too.
 */
struct graph_question {
    const struct session *session;
    struct graph_options options; /* in_pieces is the question's */
    /* NULL: nothing is. False: an error, which ends the session's attempts. */
    bool (*answer)(void *context, const struct graph *graph, const struct reader *reader,
                   struct error *err);
    void *context;

    /* Of the last time; what points into the graph, the image or the types is good until the next:
     */
    struct graph *graph;
    struct types types;
    struct reader reader;
    struct graph_report report;
};
session_question question_graph;
/* Zero-initialised is fine. */
void graph_question_free(struct graph_question *question);

/* Which objects there are: into a struct listing_question. */
struct listing;
struct listing_question {
    const struct session *session;
    struct listing *listing;
    struct row_spool *spool;      /* where rows go if the session's copy is made in pieces */
    bool is_spooled;              /* they did */
    struct graph_question *graph; /* for the rows' referents, without an `answer`; NULL: none */
};
session_question question_listing;

/* What single objects are: into a struct details_question. */
struct details;
struct details_question {
    const struct session *session;
    struct details *details; /* initialised */
};
session_question question_details;

/* What tracemalloc has traced: into a struct traces_question, zero-initialised otherwise. */
struct traces_question {
    const struct session *session;
    /* NULL: nothing more. Else asked last, of the same image, as a graph_question's is. */
    bool (*answer)(void *context, const struct traces *traces, const struct traces_verdict *verdict,
                   const struct reader *reader, struct error *err);
    void *context;
    bool with_types;           /* and which types live there: all of the heap is walked then */
    struct progress *progress; /* of that; NULL: nobody looks */

    /* Of the last time; without an origin. What the verdict has no is_tracing of is empty. */
    struct traces traces;
    struct traces_verdict verdict;
    struct trace_types types; /* if they are asked for, and it traces */
};
session_question question_traces;
/* Zero-initialised is fine. */
void traces_question_free(struct traces_question *question);

#endif
