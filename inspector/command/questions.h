// SPDX-License-Identifier: MIT
/*
 * questions - what commands ask a session.
 */
#ifndef PYINSPECT_QUESTIONS_H
#define PYINSPECT_QUESTIONS_H

#include "inspector/command/session.h"

/* How many objects of each type there are: into a struct census, initialised. */
session_question question_census;

#endif
