// SPDX-License-Identifier: MIT
#include "inspector/command/watch_schedule.h"

#include <criterion/criterion.h>

static double due(const struct watch_schedule *schedule, double now, double not_before)
{
    double ret = -1;

    return watch_schedule_next(schedule, now, not_before, &ret) ? ret : -1;
}

Test(watch_schedule, does_not_drift)
{
    struct watch_schedule schedule = {.every = 1000, .start = 500};

    cr_expect_eq(due(&schedule, 500, 0), 500);
    for (int i = 0; i < 100; i++) {
        watch_schedule_take(&schedule, 500 + i * 1000 + 3); /* always a little late */
        cr_expect_eq(due(&schedule, 500 + i * 1000 + 300, 0), 500 + (i + 1) * 1000);
    }
}

Test(watch_schedule, what_is_missed_is_skipped)
{
    struct watch_schedule schedule = {.every = 1000};

    watch_schedule_take(&schedule, 0);
    cr_expect_eq(due(&schedule, 2500, 0), 3000);
    cr_expect_eq(due(&schedule, 3000, 0), 3000);
    watch_schedule_take(&schedule, 3000);
    cr_expect_eq(due(&schedule, 3000, 0), 4000);
    /* A little early is in time. */
    watch_schedule_take(&schedule, 3999.9);
    cr_expect_eq(due(&schedule, 3999.95, 0), 5000);
}

Test(watch_schedule, is_put_off)
{
    struct watch_schedule schedule = {.every = 1000};

    watch_schedule_take(&schedule, 0);
    cr_expect_eq(due(&schedule, 10, 900), 1000);
    cr_expect_eq(due(&schedule, 10, 1234), 1234);
    watch_schedule_take(&schedule, 1234);
    cr_expect_eq(due(&schedule, 1240, 0), 2000);
}

Test(watch_schedule, ends)
{
    struct watch_schedule counted = {.every = 1000, .count = 2};
    struct watch_schedule timed = {.every = 1000, .length = 2000};

    cr_expect_eq(watch_schedule_samples(&counted), 2);
    watch_schedule_take(&counted, 0);
    cr_expect_eq(due(&counted, 10, 0), 1000);
    watch_schedule_take(&counted, 1000);
    cr_expect_eq(due(&counted, 1010, 0), -1);

    cr_expect_eq(watch_schedule_samples(&timed), 3);
    watch_schedule_take(&timed, 0);
    cr_expect_eq(due(&timed, 10, 2100), -1, "put off to when it is over");
    watch_schedule_take(&timed, 1000);
    cr_expect_eq(due(&timed, 1010, 0), 2000);
    watch_schedule_take(&timed, 2000);
    cr_expect_eq(due(&timed, 2010, 0), -1);
    cr_expect_eq(watch_schedule_samples(&(struct watch_schedule){.every = 1000}), 0);
}
