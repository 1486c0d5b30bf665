// SPDX-License-Identifier: MIT
/*
 * class - what a type object says of classes: whether a class statement made it or C code, which
 * slots it has, and whose __sizeof__ its instances answer with. Part of type.h: read once a type.
 *
 * type.__new__ leaves its mark: tp_members points into the type itself, at as many members as
 * ob_size says, and where those are not none the dictionary has '__slots__'. All such types that
 * the collector knows share one tp_traverse, subtype_traverse, which needs no symbol therefore.
 */
#ifndef PYINSPECT_CLASS_H
#define PYINSPECT_CLASS_H

#include "inspector/python/type.h"

/* Reads the type's dictionary and members, after its base was found. Fails only for want of memory.
 */
MUST_CHECK bool class_read(struct types *types, struct image *image, struct type *type,
                           struct error *err);

/* Sets type->sizeof_by, from the method resolution order, after its kind was found. */
void class_find_sizeof(struct types *types, struct image *image, struct type *type);

#endif
