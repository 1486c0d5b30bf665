// SPDX-License-Identifier: MIT
/*
 * watch_wait - waits between two samples, for time to pass, for a signal that asks us to end
 * (SIGINT, SIGTERM, SIGHUP), or for a process to end.
 *
 * From watch_wait_open on these signals are put off: one that comes during a sample is taken note
 * of at the next wait, so a sample is never cut short.
 */
#ifndef PYINSPECT_WATCH_WAIT_H
#define PYINSPECT_WATCH_WAIT_H

#include "symbols/base/error.h"

enum watch_wake { WAKE_DUE, WAKE_SIGNAL, WAKE_ENDED };

struct watch_wait {
    int signals; /* a signalfd; -1: not open */
};

MUST_CHECK bool watch_wait_open(struct watch_wait *ret, struct error *err);
void watch_wait_close(struct watch_wait *wait);

/* Waits until `due` (clock.h), a signal, or the end of a process of `pidfds`. A signal comes first.
 */
enum watch_wake watch_wait_until(const struct watch_wait *wait, double due, const int *pidfds,
                                 size_t count);

#endif
