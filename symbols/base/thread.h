// SPDX-License-Identifier: MIT
/*
 * thread - starting threads that job control leaves alone.
 *
 * Ctrl-Z, or output from the background (SIGTSTP, SIGTTIN, SIGTTOU), stops a whole program as soon
 * as one of its threads takes the signal. A program that holds another process still must not take
 * it then; so only the main thread ever does, and it can put that off (job_control_block). It alone
 * takes SIGINT and the like, too: what it puts off no other thread ends us by.
 */
#ifndef PYINSPECT_THREAD_H
#define PYINSPECT_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* As pthread_create, with these signals blocked. */
bool thread_start(pthread_t *ret, void *(*run)(void *), void *argument);

/* Puts these signals off for the calling thread; *before is what job_control_restore takes. */
void job_control_block(sigset_t *before);
void job_control_restore(const sigset_t *before);

#endif
