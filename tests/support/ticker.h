// SPDX-License-Identifier: MIT
/*
 * ticker - a Python process that counts, so that a test can see whether it runs.
 */
#ifndef PYINSPECT_TESTS_TICKER_H
#define PYINSPECT_TESTS_TICKER_H

#include "tests/support/proc.h"
#include "tests/support/pythons.h"

#include <stdint.h>

/* What lies in the words that it shares with its test; tests/targets/ticker.py tells more. */
enum ticker_word {
    TICKER_COUNT,
    TICKER_LONGEST_GAP, /* ns between two counts; the test may set it back */
    TICKER_DONE,        /* how many of its waits have ended */
    TICKER_WAITS,       /* and from here on how long each took, in ns; 0: it ended wrongly */
    TICKER_WORDS = 16
};

struct ticker {
    pid_t pid;
    volatile uint64_t *words;
    int memory_fd, wakeup_fd; /* memory files: the words, and a byte for each signal */
};

/*
 * `command`: what it is to exec on SIGUSR1, an absolute path; or one of
 *
 *     busy         builds and drops structures in three threads as fast as it can
 *     leaderless   its main thread exits, another one counts
 *     collecting   four threads build, drop and collect; TICKER_MARKERS instances of `Marker` stay
 *     beating      has a heap of 100 MB, and measures its longest gap
 *     signalled    takes SIGRTMIN, as often as ticker_wakeups says
 *     waiting      waits in TICKER_WAITS_COUNT ways for TICKER_WAIT_MS, each in a thread
 *
 * or NULL.
 */
void ticker_start(struct ticker *ret, const struct interpreter *python, const char *command);
void ticker_end(struct ticker *ticker);

enum { TICKER_MARKERS = 777, TICKER_WAITS_COUNT = 6, TICKER_WAIT_MS = 1000 };

/* The same with a process id of our choice. False where the kernel does not give it to us. */
bool ticker_start_as(struct ticker *ret, const struct interpreter *python, const char *command,
                     pid_t pid);

uint64_t ticker_count(const struct ticker *ticker);
uint64_t ticker_wakeups(const struct ticker *ticker);

/* Does it count on, within ten seconds? */
bool ticker_runs(const struct ticker *ticker);

#endif
