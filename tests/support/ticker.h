// SPDX-License-Identifier: MIT
/*
 * ticker - a Python process that counts, so that a test can see whether it runs.
 */
#ifndef PYINSPECT_TESTS_TICKER_H
#define PYINSPECT_TESTS_TICKER_H

#include "tests/support/pythons.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ticker {
    pid_t pid;
    volatile uint64_t *count; /* shared with it */
};

/*
 * `command`: what it is to exec on SIGUSR1, an absolute path; or "busy", for one that builds and
 * drops structures in three threads as fast as it can; or "leaderless", for one whose main thread
 * exits; or NULL.
 */
void ticker_start(struct ticker *ret, const struct interpreter *python, const char *command);
void ticker_end(struct ticker *ticker);

/* Does it count on, within ten seconds? */
bool ticker_runs(const struct ticker *ticker);

/* The state of a process as /proc shows it ('R', 'S', 'T', 't', ...), and who traces it. */
char process_state(pid_t pid);
pid_t process_tracer(pid_t pid);

/* Waits, ten seconds at most, until the process is in one of these states. */
bool process_reaches(pid_t pid, const char *states);

#endif
