// SPDX-License-Identifier: MIT
/*
 * why_shortcuts - references of a chain that are one in Python: what lies between them is nobody's
 * business but CPython's.
 *
 *     [ContextVar 'request']           from a context to the value of a variable: a trie (HAMT)
 *     [thread 4711].user               from a threading.local to an attribute: a dict for each
 * thread
 */
#ifndef PYINSPECT_WHY_SHORTCUTS_H
#define PYINSPECT_WHY_SHORTCUTS_H

#include "inspector/analysis/chains.h"

/* How many links from node `from` on lead from a context to the value of a variable, whose address
 * is *ret; 0: they do not. */
size_t shortcut_of_context(const struct reader *reader, const struct graph *graph,
                           const struct chain *chain, size_t from, uint64_t *ret_variable);

/* How many links from node `from` on lead from a threading.local to its namespace in a thread,
 * whose PyThreadState is *ret (0: not known); 0: they do not. An attribute follows. */
size_t shortcut_of_local(const struct reader *reader, const struct graph *graph,
                         const struct chain *chain, size_t from, uint64_t *ret_thread);

#endif
