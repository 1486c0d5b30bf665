// SPDX-License-Identifier: MIT
/*
 * watch_crew - the processes that are watched together: those that the user named, and with
 * `children` the Pythons among their descendants, which are looked for anew each time.
 *
 * A process that was once of the crew stays so until it ends, whatever becomes of its parent.
 */
#ifndef PYINSPECT_WATCH_CREW_H
#define PYINSPECT_WATCH_CREW_H

#include "inspector/command/watch_process.h"

struct watch_crew {
    struct watch_process *items; /* those that were named first */
    size_t count, capacity;
    bool children;
    uint64_t joined, ended; /* processes, since it was opened */
    struct growth *sum;     /* of all, not owned; NULL: there is none */
};

/* `sum` (NULL: there is none) is told who joins and leaves it, until the crew is freed.
 * ERROR_TARGET where one of the processes is none. */
MUST_CHECK bool watch_crew_open(struct watch_crew *ret, const pid_t *pids, size_t count,
                                bool children, struct growth *sum, struct error *err);
void watch_crew_free(struct watch_crew *crew);

/* Lets go of who has ended; `events` gets a line each, ended by a NUL. */
void watch_crew_drop_ended(struct watch_crew *crew, struct text *events);

/* The same, and takes in who is new. Fails with ERROR_SYSTEM; the crew is then as it was. */
MUST_CHECK bool watch_crew_refresh(struct watch_crew *crew, struct text *events, struct error *err);

/* Adds a line to `events`. */
void watch_event(struct text *events, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
