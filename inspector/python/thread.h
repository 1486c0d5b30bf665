// SPDX-License-Identifier: MIT
/*
 * thread - the threads of all interpreters.
 */
#ifndef PYINSPECT_THREAD_STATE_H
#define PYINSPECT_THREAD_STATE_H

#include "inspector/python/reader.h"

/* The PyThreadState that a _thread._localdummy stands for: what a threading.local knows its threads
 * by. 0: none is found. */
uint64_t thread_of_local(const struct reader *reader, uint64_t dummy);

#endif
