// SPDX-License-Identifier: MIT
/*
 * watch_tally - what came of all rounds of a watch, and the last line that says it.
 */
#ifndef PYINSPECT_WATCH_TALLY_H
#define PYINSPECT_WATCH_TALLY_H

#include "inspector/command/watch_crew.h"

struct watch_tally {
    uint64_t tried, failed, unsaved, saved, incomplete; /* samples, one a process and round */
    uint64_t untraced;            /* of those, with --traces: of a process that does not trace */
    uint64_t unpublished, lapses; /* rounds; and whatever else went wrong in one */
    double longest, stopped;      /* milliseconds that one stood still; all together */
    struct error why;             /* of the last of them that went wrong */
};

/* Counts what came of a process in a round. */
void watch_tally_add(struct watch_tally *tally, const struct watch_process *process);

/* Something else went wrong: adds it to `count`, one of the tally's. */
void watch_tally_fault(struct watch_tally *tally, uint64_t *count, const struct error *why);

bool watch_tally_has_failed(const struct watch_tally *tally);

/* No sample was of a process that traces. */
bool watch_tally_is_in_vain(const struct watch_tally *tally);

/* What is summed up. */
struct watch_summary {
    const struct watch_tally *tally;
    const struct watch_crew *crew;
    pid_t alone;         /* the process; 0: several */
    double milliseconds; /* since the start */
    const char *saved;   /* in which file; NULL: in none */
};

/* "120 samples of process 4711 in 3,600.0 s, 2 of them FAILED: it stood still for ..." */
void watch_tally_describe(const struct watch_summary *summary, struct text *text);

#endif
