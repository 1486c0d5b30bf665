// SPDX-License-Identifier: MIT
#include "inspector/target/priority.h"

#include <errno.h>
#include <sys/resource.h>

enum { HIGHEST_NICE = -20 };

/* setpriority() of 0 means the calling thread, on Linux. */
int priority_raise(void)
{
    errno = 0;
    int before = getpriority(PRIO_PROCESS, 0);

    if (errno || setpriority(PRIO_PROCESS, 0, HIGHEST_NICE) < 0)
        return HIGHEST_NICE;
    return before;
}

void priority_restore(int before)
{
    if (before != HIGHEST_NICE)
        setpriority(PRIO_PROCESS, 0, before);
}
