// SPDX-License-Identifier: MIT
#include "inspector/target/priority.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>

enum { HIGHEST_NICE = -20, LOW_NICE = 10, BATCH = 100 };

static bool set_policy(int policy)
{
    struct sched_param parameters = {.sched_priority = 0};

    return sched_setscheduler(0, policy, &parameters) == 0;
}

/* setpriority() of 0 means the calling thread, on Linux. */
void priority_lower(void)
{
    errno = 0;
    int before = getpriority(PRIO_PROCESS, 0);

    if (errno || before >= LOW_NICE)
        return;
    if (setpriority(PRIO_PROCESS, 0, before - 1) == 0)
        setpriority(PRIO_PROCESS, 0, LOW_NICE);
    else
        set_policy(SCHED_BATCH);
}

int priority_raise(void)
{
    int batch = sched_getscheduler(0) == SCHED_BATCH && set_policy(SCHED_OTHER) ? BATCH : 0;

    errno = 0;
    int before = getpriority(PRIO_PROCESS, 0);
    if (errno || setpriority(PRIO_PROCESS, 0, HIGHEST_NICE) < 0)
        return HIGHEST_NICE + batch;
    return before + batch;
}

void priority_restore(int before)
{
    if (before >= BATCH + HIGHEST_NICE) {
        set_policy(SCHED_BATCH);
        before -= BATCH;
    }
    if (before != HIGHEST_NICE)
        setpriority(PRIO_PROCESS, 0, before);
}
