// SPDX-License-Identifier: MIT
/*
 * watch_table - what one sample of a watch looks like: a report a process, and one of their sum.
 *
 * In JSON each is an object, {"time", "sample", "target": {"pid", ...}, "failed", "error", ...,
 * "types": [...]} (with --traces "statistics"), that of the sum with "targets": [PID, ...]. In CSV
 * each is rows with the columns time, sample and pid, which is empty in those of the sum. A report
 * of a sample that failed has a heading and no table.
 */
#ifndef PYINSPECT_WATCH_TABLE_H
#define PYINSPECT_WATCH_TABLE_H

#include "inspector/command/watch_crew.h"
#include "inspector/command/watch_options.h"

/* A moment at which all processes are sampled, one after the other. */
struct watch_round {
    uint64_t number;             /* 1 is the first */
    uint64_t planned;            /* how many there will be; 0: no end */
    int64_t time_ms;             /* since 1970, when it began */
    double put_off_milliseconds; /* for the sake of --max-share; 0: it was in time */
    struct text events;          /* who joined, who has ended: lines, each ended by a NUL */
    size_t who;                  /* so many bytes of them are about the crew and the file */
    struct text past;            /* those of the rounds before that are to be seen still */
    uint64_t past_until;         /* the last round in which they are */
    struct error why;            /* why there is nothing to sum up; ERROR_NONE: there is */
};

/* Of one process; `alone`: it is all that is watched, so the round's events are told with it. */
MUST_CHECK bool watch_table_process(struct report *ret, const struct watch_options *options,
                                    const struct watch_round *round,
                                    const struct watch_process *process, bool alone,
                                    struct error *err);

/* Of all, whose sum has been added to `sum`. */
MUST_CHECK bool watch_table_sum(struct report *ret, const struct watch_options *options,
                                const struct watch_round *round, const struct watch_crew *crew,
                                struct growth *sum, struct error *err);

#endif
