// SPDX-License-Identifier: MIT
/*
 * child - a process of ours that becomes the resident program.
 */
#ifndef PYINSPECT_CHILD_H
#define PYINSPECT_CHILD_H

#include "inspector/sandbox/site.h"

#include <sys/types.h>
#include <time.h>

struct child {
    pid_t pid;
    int pidfd;
    clockid_t clock; /* its processor time */
};

/* What both sides see: two mappings of whole pages, shared and anonymous. */
struct shared {
    struct orders *orders;
    struct answers *answers;
};

MUST_CHECK bool shared_map(struct shared *ret, struct error *err);
void shared_unmap(struct shared *shared); /* harmless when it is all zero */

/*
 * Starts a child and returns when no system call is left to it. Fails with ERROR_SYSTEM where it
 * cannot be started, fenced or sealed: none is left then. It begins with what is in the orders;
 * the answers are zeroed before.
 */
MUST_CHECK bool child_start(struct child *ret, const struct site *site, const struct shared *shared,
                            struct error *err);

/* Waits until it has ended, at most so long. */
bool child_has_ended(const struct child *child, double milliseconds);

/* Milliseconds of processor time that it has used. */
double child_used(const struct child *child);

/* Ends it if it still runs, and waits for that. */
void child_end(struct child *child);

#endif
