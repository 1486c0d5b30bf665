// SPDX-License-Identifier: MIT
/*
 * roots - what keeps objects alive without being an object that the collector tracks: the
 * interpreters' own tables, and the frames of all threads.
 */
#ifndef PYINSPECT_ROOTS_H
#define PYINSPECT_ROOTS_H

#include "inspector/python/reader.h"
#include "inspector/python/reference.h"

/*
 * Tells, of every interpreter: sys.modules, the dictionaries of sys and builtins, the interned
 * strings, and what else its structure names (codecs, hooks, callbacks, caches); and of every
 * thread what its running frames hold (locals, cells, the evaluation stack as far as it is known,
 * code, function) and its exceptions, context and dict. Up to 3.10 a frame is an object, and told
 * as that. All of it is `is_owned`, and an object as far as can be seen: see object_is_there.
 *
 * Things that a build does not tell of are left out: up to 3.11 the interned strings, which are in
 * a static variable. So is the list of interpreters in 3.6: a pointer to one is searched for among
 * the interpreter's variables, and known by its threads and modules; nothing is told if there is
 * none.
 */
void roots_tell(const struct reader *reader, struct references *references);

#endif
