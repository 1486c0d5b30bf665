// SPDX-License-Identifier: MIT
/*
 * foreign - runs a program of the user's that is no part of ours: dot, xdot.
 *
 * It is found in PATH and run without a shell. Of ours it has the environment, one descriptor to
 * read from and one to write to, and no other; signals do what they do by default.
 */
#ifndef PYINSPECT_FOREIGN_H
#define PYINSPECT_FOREIGN_H

#include "symbols/base/text.h"

#include <signal.h>

struct foreign_program {
    const char *const *words; /* its name and its arguments; NULL ends them */
    int input, output;        /* its standard input and output */
    unsigned milliseconds;    /* then it is killed */
};

enum foreign_end {
    FOREIGN_DONE,    /* with the status 0 */
    FOREIGN_MISSING, /* there is no such program */
    FOREIGN_FAILED,  /* another status, or a signal */
    FOREIGN_OVERDUE,
    FOREIGN_INTERRUPTED, /* a signal that ends us waits (foreign_hold) */
};

/*
 * Runs it to its end. What it reads comes from a target, so it is not privileged: where we are
 * root, it is nobody. It is a process group of its own: whatever it has started and left is killed
 * when it has ended or is late, and when a signal ends us (Ctrl-C); it alone where that is SIGKILL.
 * `said` gets what it writes to its standard error, the first 4096 bytes, or else how it failed.
 */
MUST_CHECK bool foreign_run(const struct foreign_program *program, enum foreign_end *ret,
                            struct text *said, struct error *err);

/*
 * Puts off SIGINT, SIGTERM and the like, as far as they are not ignored, until foreign_release with
 * what `before` was set to: what is half made when foreign_run is interrupted can be taken away
 * first. foreign_run does so by itself; then nothing is left of us after it.
 */
void foreign_hold(sigset_t *before);
void foreign_release(const sigset_t *before);

/* Is there such a program in PATH? */
bool foreign_is_there(const char *name);

/* Starts one that goes on when we end, in a session of its own. What it says is thrown away.
 * `milliseconds` and `output` are not used. Fails where it fails within a second: one for a
 * desktop does so where that is not to be had. */
MUST_CHECK bool foreign_start(const struct foreign_program *program, struct error *err);

#endif
