// SPDX-License-Identifier: MIT
/*
 * holder - another process that stops one with stop.h, and lets it go when it is told to.
 *
 * The parent of a target must not hold it itself: the kernel would tell it as the tracer what a
 * parent is not told.
 */
#ifndef PYINSPECT_TESTS_HOLDER_H
#define PYINSPECT_TESTS_HOLDER_H

#include "inspector/target/stop.h"

struct holder {
    pid_t pid;
    int orders_fd;  /* closing it lets the target go */
    int answers_fd; /* its struct holder_answer */
};

struct holder_answer {
    bool done; /* what stop_begin, later stop_end returned */
    struct error error;
    struct stop_report report; /* when done, of stop_end */
};

/* Returns when the process is held. Fails the test where it cannot be, within five seconds. */
void holder_start(struct holder *ret, pid_t pid);

/* Has it let go, and returns what stop_end said. */
struct holder_answer holder_end(struct holder *holder);

#endif
