// SPDX-License-Identifier: MIT
/*
 * proc - what /proc shows of a process, waiting until it shows something else, and odd ways to
 * start one.
 */
#ifndef PYINSPECT_TESTS_PROC_H
#define PYINSPECT_TESTS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The state of a process or thread ('R', 'S', 'T', 't', ..., '?': there is none). */
char process_state(pid_t pid);

/* Who traces it; 0: nobody, -1: there is no such process. */
pid_t process_tracer(pid_t pid);

/* Waits, ten seconds at most, until the process is in one of these states. */
bool process_reaches(pid_t pid, const char *states);

/* Are all of its threads in one of these states? */
bool process_threads_are(pid_t pid, const char *states);

/* What its parent, which is this process, is told of it now: nothing? What was told is forgotten.
 */
bool process_is_unremarkable(pid_t pid);

/* Reads /proc/PID/`name`, NUL-terminated and to be freed. Fails the test if it cannot be read. */
char *process_file(pid_t pid, const char *name);

/* fork(), but that the child has the process id `wanted`; and into new namespaces, CLONE_NEW*. With
 * 0 like fork(). -1 where that is not permitted. */
pid_t process_fork_as(pid_t wanted);
pid_t process_fork_into(int namespaces);

#endif
