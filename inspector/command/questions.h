// SPDX-License-Identifier: MIT
/*
 * questions - what commands ask a session.
 */
#ifndef PYINSPECT_QUESTIONS_H
#define PYINSPECT_QUESTIONS_H

#include "inspector/analysis/graph.h"
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

#endif
