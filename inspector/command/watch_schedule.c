// SPDX-License-Identifier: MIT
#include "inspector/command/watch_schedule.h"

#include <stddef.h>

/* Half a millisecond of earliness is the same moment: sleeping ends a little early or late. */
static const double tolerance = 0.5;

/* The multiple of the interval that is the last one by `now`. */
static double slot_of(const struct watch_schedule *schedule, double now)
{
    double passed = (now - schedule->start) / schedule->every;

    return passed < 0 ? 0 : (double)(uint64_t)passed;
}

uint64_t watch_schedule_samples(const struct watch_schedule *schedule)
{
    if (schedule->length > 0)
        return (uint64_t)((schedule->length + tolerance) / schedule->every) + 1;
    return schedule->count;
}

bool watch_schedule_next(const struct watch_schedule *schedule, double now, double not_before,
                         double *ret)
{
    double due = schedule->start;

    if (schedule->count && schedule->taken >= schedule->count)
        return false;
    if (schedule->taken) {
        double slot = slot_of(schedule, now);
        if (schedule->start + slot * schedule->every < now)
            slot++;
        if (slot <= schedule->slot)
            slot = schedule->slot + 1;
        due = schedule->start + slot * schedule->every;
    }
    if (due < not_before)
        due = not_before;
    if (schedule->length > 0 && due > schedule->start + schedule->length + tolerance)
        return false;
    *ret = due;
    return true;
}

void watch_schedule_take(struct watch_schedule *schedule, double now)
{
    schedule->slot = slot_of(schedule, now + tolerance);
    schedule->taken++;
}
