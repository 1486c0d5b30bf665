// SPDX-License-Identifier: MIT
/*
 * watchdog - a small process of ours that wakes us up when we were stopped (SIGSTOP, which nobody
 * can block) while we hold a target: with us it would stand still for ever.
 *
 * It sleeps until a deadline that it was told has passed, and then sends us SIGCONT, which does
 * nothing to a process that runs. It ends with us, however we end.
 */
#ifndef PYINSPECT_WATCHDOG_H
#define PYINSPECT_WATCHDOG_H

struct watchdog;

/* NULL where there can be none. To be started while we are small, since it is a copy of us. */
struct watchdog *watchdog_start(void);
void watchdog_end(struct watchdog *watchdog); /* NULL is fine, here and below */

/* By clock_milliseconds() we shall have let go; 0: nothing is held. */
void watchdog_expect(struct watchdog *watchdog, double deadline);

#endif
