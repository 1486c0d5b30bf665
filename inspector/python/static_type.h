// SPDX-License-Identifier: MIT
/*
 * static_type - what interpreters keep of their own static types, which all of them share.
 *
 * Up to 3.11 there is nothing to it: the dictionary of a type is its tp_dict. Since 3.12 that is
 * NULL, and tp_subclasses a number, from 1 on: the type's place in a table that each interpreter
 * has. Since 3.13 static types of the extension modules have a table beside it.
 * Objects/typeobject.c, managed_static_type_state_get().
 */
#ifndef PYINSPECT_STATIC_TYPE_H
#define PYINSPECT_STATIC_TYPE_H

#include "inspector/python/reader.h"

/* The dictionary of the type at `address` in the main interpreter, or in the oldest that has it;
 * 0: no table has the type. */
uint64_t static_type_dict(const struct reader *reader, uint64_t address);

/* The same of its tp_subclasses, a dict of weak references; 0: there is none. */
uint64_t static_type_subclasses(const struct reader *reader, uint64_t address);

#endif
