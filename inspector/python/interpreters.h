// SPDX-License-Identifier: MIT
/*
 * interpreters - the interpreters of a process, one after the other.
 *
 *     uint64_t interpreter = interpreters_first(reader);
 *     for (unsigned i = 0; interpreter && i < INTERPRETERS_MOST; i++) {
 *         ...
 *         interpreter = interpreters_next(reader, interpreter);
 *     }
 *
 * The newest comes first, the main one last. 3.6 does not tell where its list begins: a pointer to
 * an interpreter is searched for among the variables of the file, and known by its threads and
 * modules.
 */
#ifndef PYINSPECT_INTERPRETERS_H
#define PYINSPECT_INTERPRETERS_H

#include "inspector/python/reader.h"

enum { INTERPRETERS_MOST = 4096 }; /* the list may run in a circle */

/* A PyInterpreterState; 0: there is none, or it was not found. */
uint64_t interpreters_first(const struct reader *reader);
uint64_t interpreters_next(const struct reader *reader, uint64_t interpreter);

#endif
