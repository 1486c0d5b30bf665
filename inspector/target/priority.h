// SPDX-License-Identifier: MIT
/*
 * priority - while a target stands still each millisecond counts: on a busy machine the threads of
 * ours that it waits for go first, if we may. All the rest of what we do can wait.
 */
#ifndef PYINSPECT_PRIORITY_H
#define PYINSPECT_PRIORITY_H

/*
 * For one who works in the background for long: the calling thread, and those that it starts, give
 * way to others from now on, but for the time between priority_raise and priority_restore. Whoever
 * may not raise a priority again keeps the usual one, and only does not preempt others
 * (SCHED_BATCH).
 */
void priority_lower(void);

/* Raises the calling thread's priority as far as permitted. Returns what priority_restore takes. */
int priority_raise(void);
void priority_restore(int before);

#endif
