// SPDX-License-Identifier: MIT
/*
 * questions - what commands ask a session.
 */
#ifndef PYINSPECT_QUESTIONS_H
#define PYINSPECT_QUESTIONS_H

#include "inspector/command/row_spool.h"
#include "inspector/command/session.h"

/* How many objects of each type there are: into a struct census, initialised. */
session_question question_census;

/* Which objects there are: into a struct listing_question. */
struct listing;
struct listing_question {
    const struct session *session;
    struct listing *listing;
    struct row_spool *spool; /* where rows go if the session's copy is made in pieces */
    bool is_spooled;         /* they did */
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
