// SPDX-License-Identifier: MIT
/*
 * watching - a `pyinspect watch` of a process that does what it is told between two samples.
 */
#ifndef PYINSPECT_TESTS_WATCHING_H
#define PYINSPECT_TESTS_WATCHING_H

#include "tests/support/lasting.h"

/* A process to watch, of an interpreter that stands for all. */
void watching_target(struct obedient *ret);

/* `pyinspect watch PID` and more words, ended by NULL. */
void watching_start(struct lasting *ret, pid_t pid, const char *const *more);

#define WATCH(lasting, pid, ...)                                                                   \
    watching_start((lasting), (pid), (const char *const[]){__VA_ARGS__, NULL})

/* All that may be asked of samples that follow each other closely. */
#define QUICKLY "--every", "250ms", "--max-share", "100%", "--json", "--most-common", "0"

/* Waits for so many lines. */
void watching_skip(struct lasting *lasting, unsigned count);

#endif
