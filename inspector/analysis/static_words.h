// SPDX-License-Identifier: MIT
/*
 * static_words - the variables of C code that have the address of an object: the interpreter's own
 * caches, and what extensions have put aside; and objects that are such variables themselves.
 *
 * Nobody tells which of these words are references that count. So they are guesses, and what speaks
 * for one is that the object's count is higher than the references that were found (balance.h).
 * Left out is what is known better: objects in static memory, whose own words their kinds tell; the
 * interpreter's state and its handlers of signals (roots.h); and the values of the method cache of
 * 3.6 to 3.9, which it only borrows.
 */
#ifndef PYINSPECT_STATIC_WORDS_H
#define PYINSPECT_STATIC_WORDS_H

#include "inspector/analysis/graph.h"
#include "inspector/python/roots.h"

/* Tells each as a ROOT_STATIC: `place` is where the word is, or the object itself; `file` where the
 * file begins that has it. */
void static_words_each(const struct graph *graph, const struct reader *reader, root_visit *visit,
                       void *context);

#endif
