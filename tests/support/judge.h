// SPDX-License-Identifier: MIT
/*
 * judge - a Python process that judges what pyinspect says of it.
 *
 *     struct judge judge;
 *     judge_start(&judge, python, "judge.py", (const char *const[]){"everything", NULL});
 *     judge_ask(&judge, "objects 120", NULL, (const char *const[]){"objects", "--json", NULL});
 *     judge_end(&judge, &findings);     what it has to say, a line of JSON each
 *
 * The scripts in tests/targets that can be started so take READY_FD WAKE_FD FINDINGS_FD and
 * arguments of their own, and tell of themselves what they judge. Every wait is bounded; what goes
 * wrong fails the test. A judge whose test ends early is killed by the kernel.
 */
#ifndef PYINSPECT_TESTS_JUDGE_H
#define PYINSPECT_TESTS_JUDGE_H

#include "tests/support/program.h"
#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

struct judge {
    pid_t pid;
    int ready_fd, wake_fd, findings_fd;
    unsigned asked;
    struct scratch scratch; /* its files, and those of pyinspect's answers */
    char name[sizeof(((struct interpreter *)0)->name) + 64]; /* for messages */
    char said[1024]; /* what pyinspect wrote to stderr last, for messages */
};

/* Returns when it stands still. An argument "@NAME" becomes the path of a file of that name in the
 * judge's directory. */
void judge_start(struct judge *ret, const struct interpreter *python, const char *script,
                 const char *const *arguments);

/*
 * Runs `pyinspect COMMAND PID WORD...`, whose words end with NULL, and writes down the orders that
 * the judge is to look at the output: "ORDER PATH" for each of `orders`, between which stand
 * commas, with nothing else. `input` is NULL or the name of a file in its directory that becomes
 * the standard input. Returns the exit status.
 */
int judge_ask(struct judge *judge, const char *orders, const char *input, const char *const *words);

/* Wakes it with a byte, and returns when it stands still again: for scripts that do so more than
 * once. */
void judge_step(struct judge *judge);

/* Wakes it, and returns when it has judged and exited with status 0: ret->out is what it found. */
void judge_end(struct judge *judge, struct program *ret);

/* Of what it found, the line with that number (from 0) says that nothing is wrong, and `claim`
 * holds of it, an expression of Python with `row`. */
void judge_expect(const struct judge *judge, const struct program *findings, unsigned line,
                  const char *claim);

#endif
