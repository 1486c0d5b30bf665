// SPDX-License-Identifier: MIT
/*
 * nature - what an object is, in the words of isinstance() and hasattr(), as far as C code and
 * class statements say so: what a class answers by code of its own (__class__, __getattr__) nobody
 * can know from outside.
 */
#ifndef PYINSPECT_NATURE_H
#define PYINSPECT_NATURE_H

#include "inspector/python/reader.h"

/* Is the type this one, or below it? `name` as struct type has it: "module". */
bool is_below(const struct type *type, const char *name);

/* Has the type, or one of its bases, an attribute of that name (ASCII)? */
bool has_attribute(const struct reader *reader, const struct type *type, const char *name);

/* hasattr(obj.__class__, "__del__"), for instances of the type. */
bool has_finalizer(const struct reader *reader, const struct type *type);

/* The modules that sys.modules has under their own __name__: of each interpreter. */
struct proper_modules {
    uint64_t *items; /* they ascend */
    size_t count, capacity;
};

/* `modules` is empty. ERROR_SYSTEM for want of memory. */
MUST_CHECK bool proper_modules_find(struct proper_modules *modules, const struct reader *reader,
                                    struct error *err);
void proper_modules_free(struct proper_modules *modules);

bool is_proper_module(const struct proper_modules *modules, uint64_t address);

#endif
