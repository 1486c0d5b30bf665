// SPDX-License-Identifier: MIT
/*
 * priority - while a target stands still each millisecond counts: on a busy machine the threads of
 * ours that it waits for go first, if we may.
 */
#ifndef PYINSPECT_PRIORITY_H
#define PYINSPECT_PRIORITY_H

/* Raises the calling thread's priority as far as permitted. Returns what priority_restore takes. */
int priority_raise(void);
void priority_restore(int before);

#endif
