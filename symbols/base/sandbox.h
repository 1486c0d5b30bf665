// SPDX-License-Identifier: MIT
/*
 * sandbox - runs a function that reads a stranger's bytes where it can do no harm.
 *
 * The function runs in a forked child that has no descriptors but those it is given, belongs to
 * nobody (where we may change the user), has no capabilities, may use a bounded time and memory,
 * and may make only those system calls that reading and thinking take (seccomp); all others fail
 * with EPERM. It ends with us. What it may yet do is ask for a file, which we open in its place or
 * refuse.
 *
 * What comes back is a block of plain bytes without pointers, of the size that was agreed. The
 * child may have been taken over by what it read: check the result like any input.
 */
#ifndef PYINSPECT_SANDBOX_H
#define PYINSPECT_SANDBOX_H

#include "symbols/base/error.h"

#include <stdint.h>

/* The child's end of it. */
struct sandbox;

/* Runs in the child. `result` is zeroed memory of the agreed size, shared with us. */
typedef bool sandbox_work(struct sandbox *sandbox, void *context, void *result, struct error *err);

/* Runs with us: opens what the child asks for. A descriptor, which is passed on and closed, or -1
 * with errno. The path is NUL-terminated, shorter than PATH_MAX, and hostile. */
typedef int sandbox_open(void *context, unsigned place, const char *path);

struct sandbox_job {
    sandbox_work *work;
    void *context;    /* for `work`; the child sees a copy of our memory as it was at the fork */
    const int *files; /* descriptors that the child keeps, under their numbers */
    size_t file_count;
    sandbox_open *open; /* NULL: it is given no other files */
    void *open_context;
    unsigned cpu_seconds;  /* of processor time; and ten times as long by the clock */
    uint64_t memory_bytes; /* of address space beyond what we have; no bound under sanitizers */
    size_t result_size;
};

/*
 * Runs the job. Fails with what `work` failed with (a text that may quote what it read), or with
 * ERROR_PYTHON where the child took too long or was ended by a signal, or with ERROR_SYSTEM where
 * it could not be started or fenced: nothing is ever parsed outside. Several threads of ours may
 * run; only the forking one goes on in the child.
 */
MUST_CHECK bool sandbox_run(const struct sandbox_job *job, void *result, struct error *err);

/* In the child: asks for a file. A descriptor of its own, or -1 with errno. */
int sandbox_ask(struct sandbox *sandbox, unsigned place, const char *path);

#endif
