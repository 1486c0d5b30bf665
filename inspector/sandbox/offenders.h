// SPDX-License-Identifier: MIT
/*
 * offenders - which functions misbehaved, how often, and which are therefore not run any more.
 */
#ifndef PYINSPECT_OFFENDERS_H
#define PYINSPECT_OFFENDERS_H

#include "inspector/sandbox/resident.h"

struct offender {
    uint64_t function;
    uint64_t ended, faulted; /* objects */
    uint64_t since;          /* objects that were told of at its first fault */
};

struct offenders {
    struct offender items[RESIDENT_SHUNNED];
    size_t count, shunned; /* those that are shunned come first */
    bool too_many;         /* nothing can be trusted to go on */
};

/* Notes that it ended a child, or faulted, when `told` objects had been told of. True: from now on
 * it is to be shunned, and is the last of those that are. */
bool offenders_note(struct offenders *offenders, uint64_t function, bool ended, uint64_t told);

#endif
