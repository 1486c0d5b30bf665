// SPDX-License-Identifier: MIT
/*
 * stop - makes all threads of a process stand still for a while, and lets them go.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT, never PTRACE_ATTACH: a seized process runs on when its tracer
 * dies at any moment, and one that was stopped before (SIGSTOP) stays stopped. PTRACE_O_EXITKILL is
 * never set. Nothing is ever written: no registers, no memory.
 *
 * A thread of ours, the tracer, does it all, since ptrace belongs to a thread: when it ends, for
 * whatever reason, the kernel releases what it held. While the target stands still the tracer takes
 * note of threads that die (killed), so that their parent can reap them at once. It and the thread
 * that calls stop_begin have the highest priority that they may have until stop_end.
 */
#ifndef PYINSPECT_STOP_H
#define PYINSPECT_STOP_H

#include "inspector/target/process.h"

struct stop;

struct stop_report {
    double milliseconds; /* from the first thread's interruption to the last one's release */
    unsigned threads;    /* that were held */
    bool was_stopped;    /* the process had been stopped before (job control) and still is */
    bool overdue;        /* it was let go at the bound: what was read is not to be used */
};

/* No target is held for longer, whatever we wait for. */
enum { STOP_LONGEST_MS = 10 * 1000 };

/* May we call ptrace at all? A container's seccomp filter may forbid it. Stops nothing. Fails with
 * ERROR_TARGET. */
MUST_CHECK bool stop_is_allowed(const struct process *process, struct error *err);

/*
 * Waits, for a second at most, until each thread that sleeps uninterruptibly in the kernel, as the
 * parent of a vfork does, has woken up once; else it could not be stopped. Fails with ERROR_TARGET.
 */
MUST_CHECK bool stop_wait_for_sleepers(const struct process *process, struct error *err);

/*
 * Stops all threads, those included that are born meanwhile, for `most_milliseconds` at most: then
 * the target is let go, whatever the caller is at (stop_is_over). Before that it waits for
 * sleepers, while all threads run. Fails with ERROR_TARGET, everything let go again, where it is
 * not permitted or a thread does not stop within that time, or two seconds.
 */
MUST_CHECK bool stop_begin(struct stop **ret, const struct process *process,
                           double most_milliseconds, struct error *err);

/* Has the target been let go at the bound? Any thread may ask. */
bool stop_is_over(const struct stop *stop);

/*
 * Lets go; `stop` is freed. Fails with ERROR_TARGET where the process died while it was held.
 */
MUST_CHECK bool stop_end(struct stop *stop, struct stop_report *ret, struct error *err);

#endif
