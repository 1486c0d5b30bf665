// SPDX-License-Identifier: MIT
/*
 * traverse_setting - what a tp_traverse of this Python needs besides the object, and which objects
 * have one to be run.
 *
 *     thread pointer     a thread state has pthread_self() in it, which on x86-64 is the fs
 *                        base; it is known by leading to its own address
 *     current thread     up to 3.11 _PyRuntime.gilstate.tstate_current, since then the
 *                        thread-local _Py_tss_tstate; the functions that return it tell
 *                        (exported.h). Some functions (of struct sequences, 3.10 and 3.12) look
 *                        names up in a dict and so ask for the current thread
 *
 * Both are those of the first thread of the first interpreter, and 0 where they cannot be told.
 */
#ifndef PYINSPECT_TRAVERSE_SETTING_H
#define PYINSPECT_TRAVERSE_SETTING_H

#include "inspector/python/reader.h"
#include "inspector/sandbox/traversal.h"

/* What could be found out; and touches in the image the code of the files that have the functions
 * of the types that were met, so call it when they were. */
struct traversal_setting traverse_setting_of(const struct reader *reader);

/*
 * Does gc.get_referents() call tp_traverse for an object of this type? Py_TPFLAGS_HAVE_GC, a
 * tp_traverse, and (of a type object, whose tp_is_gc says so) Py_TPFLAGS_HEAPTYPE of the object.
 */
bool is_traversed(const struct reader *reader, const struct type *type, uint64_t address);

#endif
