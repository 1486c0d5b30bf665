// SPDX-License-Identifier: MIT
/*
 * program - runs the pyinspect that is under test, as a user would, and keeps what it printed.
 */
#ifndef PYINSPECT_TESTS_PROGRAM_H
#define PYINSPECT_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct program {
    int status; /* its exit status, or 128 + the signal that ended it */
    char *out, *err;
    size_t out_length, err_length;
};

/* The words after "pyinspect", the last one NULL. Ends within a minute, or fails the test. */
void program_run(struct program *ret, const char *const *words);

/* The same within five minutes, with a file as its standard input (NULL: ours) and its output in
 * another: there is none in `ret`. */
void program_run_files(struct program *ret, const char *const *words, const char *input,
                       const char *output);

/* `pyinspect attach PID` and up to three more words (NULL: none). */
void program_attach(struct program *ret, pid_t pid, const char *first, const char *second,
                    const char *third);
/* The same of `pyinspect doctor`. */
void program_doctor(struct program *ret, pid_t pid, const char *first, const char *second,
                    const char *third);
void program_free(struct program *program);

/* As program_run, but whoever calls ptrace is killed (status 128 + SIGSYS), except to interrupt
 * what is not seized, which is refused anyway: nothing can be stopped. */
void program_run_untraced(struct program *ret, const char *const *words);

/* It ended with that status, said nothing but one line with `cause` in it, and printed nothing. */
void program_expect_refusal(const struct program *program, int status, const char *cause);

/* A command line that is wrong, and what is said of it. */
struct usage {
    const char *words[6];
    const char *cause;
};

/* Each is refused so, with the status of wrong usage. */
void program_refuses_usages(const struct usage *usages, size_t count);

/* Does Python say that this holds of the JSON that was printed? `claim` sees it as `answer`. */
bool program_holds(const struct program *program, const char *claim);

/* The same of JSON Lines: `claim` sees the list of them as `rows`. */
bool program_rows_hold(const struct program *program, const char *claim);

/* Starts it with its output thrown away; the caller waits for it. */
pid_t program_start(const char *const *words);

#endif
