// SPDX-License-Identifier: MIT
/*
 * sandbox - runs a function that reads a stranger's bytes where it can do no harm.
 *
 * The function runs in a forked child that
 *   - has no descriptors but those it is given, and what swallows all on 0, 1 and 2;
 *   - belongs to nobody (65534) where we may change the user and could still end it then; it has no
 *     capabilities in any case, and never gets more;
 *   - has a bounded time and memory, starts no processes and writes no files;
 *   - may make only those system calls that reading and thinking take (seccomp); all others fail
 *     with EPERM. What it yet learns of the system is whether a path exists, and its owner and
 *     size: fstat() cannot be told from stat();
 *   - ends with us, by SIGKILL, and has ended when sandbox_run returns.
 * What it may yet do is ask for a file, which we open in its place or refuse.
 *
 * All of this is certain for a privileged caller (root, or CAP_SYS_PTRACE): where the kernel or
 * what we run in has no seccomp for us, nothing is read. Others, whom a stranger's file could not
 * give what they have not, go on without that fence.
 *
 * What comes back is a block of plain bytes without pointers, of the size that was agreed. The
 * child may have been taken over by what it read: check the result like any input.
 */
#ifndef PYINSPECT_SANDBOX_H
#define PYINSPECT_SANDBOX_H

#include "symbols/base/error.h"

#include <stdint.h>

enum { SANDBOX_REQUESTS_MAX = 4096 }; /* a child that asks for more files is ended */

/* The child's end of it. */
struct sandbox;

/* Runs in the child, where every allocation may fail. `result` is zeroed memory of the agreed size,
 * aligned for anything, shared with us. It may print nothing; its handlers of signals are gone. */
typedef bool sandbox_work(struct sandbox *sandbox, void *context, void *result, struct error *err);

/* Runs with us: opens what the child asks for. A descriptor, which is passed on and closed, or -1
 * with errno. The path is NUL-terminated, shorter than PATH_MAX, and hostile; so is the place. */
typedef int sandbox_open(void *context, unsigned place, const char *path);

struct sandbox_job {
    const char *what; /* is read, for messages: "the debug information of /usr/bin/python3.11" */
    sandbox_work *work;
    void *context;    /* for `work`; the child sees a copy of our memory as it was at the fork */
    const int *files; /* descriptors that the child keeps, under their numbers */
    size_t file_count;
    sandbox_open *open; /* NULL: it is given no other files */
    void *open_context;
    unsigned cpu_seconds;       /* of processor time, at least 1; eight times it under sanitizers */
    unsigned wall_milliseconds; /* by the clock; 0: ten times the processor time */
    uint64_t memory_bytes; /* of address space beyond what we have; no bound under sanitizers */
    size_t result_size;
};

/*
 * Runs the job. Fails with what `work` failed with (a text that may quote what it read), or with
 * ERROR_PYTHON where the child took too long, asked for what it may not or was ended by a signal,
 * or with ERROR_SYSTEM where it could not be started or fenced: nothing is ever parsed outside.
 *
 * Several threads of ours may run; only the forking one goes on in the child. Whether the caller
 * ignores SIGCHLD makes no difference, except that the signal that ended the child is then unknown.
 * Under sanitizers a report from the child ends us too, with its exit status: damage is not
 * mistaken for an error that was expected.
 */
MUST_CHECK bool sandbox_run(const struct sandbox_job *job, void *result, struct error *err);

/* In the child: asks for a file. A descriptor of its own, or -1 with errno. */
int sandbox_ask(struct sandbox *sandbox, unsigned place, const char *path);

#endif
