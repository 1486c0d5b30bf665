// SPDX-License-Identifier: MIT
/*
 * clock - time for measuring and for deadlines, which runs on steadily whoever sets the date, and
 * the date.
 */
#ifndef PYINSPECT_CLOCK_H
#define PYINSPECT_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, in milliseconds. */
static inline double clock_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* CLOCK_REALTIME: the date, in milliseconds since 1970. */
static inline int64_t clock_date(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline struct timespec clock_timespec(double milliseconds)
{
    struct timespec time = {.tv_sec = (time_t)(milliseconds / 1e3)};

    time.tv_nsec = (long)((milliseconds - (double)time.tv_sec * 1e3) * 1e6);
    return time;
}

static inline void clock_sleep(double milliseconds)
{
    struct timespec time = clock_timespec(milliseconds);

    nanosleep(&time, NULL);
}

#endif
