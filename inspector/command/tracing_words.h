// SPDX-License-Identifier: MIT
/*
 * tracing_words - what is said of a process whose allocations are not traced.
 */
#ifndef PYINSPECT_TRACING_WORDS_H
#define PYINSPECT_TRACING_WORDS_H

#include "symbols/base/text.h"

#include <sys/types.h>

/* Adds "process 4711 does not trace its allocations: ...", with how to turn it on, and ". ". */
void say_not_tracing(pid_t pid, struct text *text);

#endif
