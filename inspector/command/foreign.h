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
};

/*
 * Runs it to its end. What it reads comes from a target, so it is not privileged: where we are
 * root, it is nobody. It is killed when we are. `said` gets what it writes to its standard error,
 * the first 4096 bytes, or else how it failed.
 */
MUST_CHECK bool foreign_run(const struct foreign_program *program, enum foreign_end *ret,
                            struct text *said, struct error *err);

/* Is there such a program in PATH? */
bool foreign_is_there(const char *name);

/* Starts one that goes on when we end, in a session of its own. What it says is thrown away.
 * `milliseconds` and `output` are not used. Fails where it fails within a second: one for a
 * desktop does so where that is not to be had. */
MUST_CHECK bool foreign_start(const struct foreign_program *program, struct error *err);

#endif
