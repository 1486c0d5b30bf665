// SPDX-License-Identifier: MIT
/*
 * lasting - two programs that go on while a test looks at them: a pyinspect whose answer comes line
 * by line, and a Python that does as it is told (tests/targets/watched.py).
 *
 * Each wait is bounded; what goes wrong fails the test. Whoever is left when a test ends is killed
 * by the kernel.
 */
#ifndef PYINSPECT_TESTS_LASTING_H
#define PYINSPECT_TESTS_LASTING_H

#include "tests/support/program.h"
#include "tests/support/pythons.h"

struct lasting {
    pid_t pid;
    int out_fd, err_fd;
    char *out;           /* all that was printed so far */
    size_t length, read; /* bytes of it, and how many of them lasting_line has returned */
};

/* The words after "pyinspect", the last one NULL. */
void lasting_start(struct lasting *ret, const char *const *words);

/* Waits for the next line that is printed, and returns it without its end; to be freed. */
char *lasting_line(struct lasting *lasting);

/* Waits until it has ended. `ret` has all that was printed. */
void lasting_end(struct lasting *lasting, struct program *ret);

struct obedient {
    pid_t pid;
    int orders_fd, answers_fd;
};

void obedient_start(struct obedient *ret, const struct interpreter *python);

/* Gives an order, and returns the answer when it has been carried out. */
long obedient_do(struct obedient *obedient, const char *order);

/* Ends it. Harmless when called twice. */
void obedient_end(struct obedient *obedient);

#endif
