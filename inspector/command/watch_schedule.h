// SPDX-License-Identifier: MIT
/*
 * watch_schedule - when a watch takes its samples: at k times the interval after its start, so that
 * it does not drift. What is missed is skipped and not made up. All times are of clock.h, in
 * milliseconds.
 */
#ifndef PYINSPECT_WATCH_SCHEDULE_H
#define PYINSPECT_WATCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct watch_schedule {
    double every;   /* above 0 */
    double length;  /* no sample is due later than this after the start; 0: no bound */
    uint64_t count; /* nor after so many; 0: no bound */

    double start;   /* when the first sample is due */
    uint64_t taken; /* samples */
    double slot;    /* the last one that was taken, as a multiple of the interval */
};

/* How many samples there will be at most; 0: no end. */
uint64_t watch_schedule_samples(const struct watch_schedule *schedule);

/*
 * When is the next sample due, from `now` on, and not before `not_before` (0: nothing holds it
 * back)? False: there is none.
 */
bool watch_schedule_next(const struct watch_schedule *schedule, double now, double not_before,
                         double *ret);

/* A sample was begun at that time. */
void watch_schedule_take(struct watch_schedule *schedule, double now);

#endif
