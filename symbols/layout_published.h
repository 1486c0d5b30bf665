// SPDX-License-Identifier: MIT
/*
 * layout_published - what an interpreter of CPython 3.13 or later says of its own layout: the
 * struct _Py_DebugOffsets with which _PyRuntime begins (Include/internal/pycore_runtime_structs.h,
 * pycore_debug_offsets.h). Its own shape changes with each minor version, and is fixed from the
 * first release candidate on.
 *
 * It tells sizes of structures and offsets of fields, but no sizes of fields. A field whose type is
 * a word in all versions has size 8 here. Of any other the slot has size 0, "not told", and only
 * its offset means something: interpreter.gc, gc_state.collecting, and the bit-fields of
 * PyASCIIObject, of which the place of the struct `state` that holds them is told.
 */
#ifndef PYINSPECT_LAYOUT_PUBLISHED_H
#define PYINSPECT_LAYOUT_PUBLISHED_H

#include "symbols/layout.h"

enum { PUBLISHED_MAX = 2048 }; /* bytes of _PyRuntime that are enough for all known shapes */

struct published {
    uint64_t version; /* PY_VERSION_HEX: 0x030d00f0 */
    bool free_threaded;
    struct layout layout; /* what it tells; other slots are absent */
};

/*
 * Reads it from the first `size` bytes of _PyRuntime, as the file has them or as the target's
 * memory does. False where they do not begin with the cookie ("xdebugpy"), are of a version whose
 * shape is not known (3.16, or 3.15.0b1), are cut short, or hold numbers that cannot be so (a
 * structure that is empty or larger than 1 MiB, a field outside its structure or not aligned): then
 * nothing is published, and *ret is as it was.
 */
bool layout_published_read(struct published *ret, const void *bytes, size_t size);

/*
 * Holds `layout` against what is published: each slot that both have must be the same, as far as it
 * is told. A field that only the published one has is added if its size is known and the layout has
 * its structure, and the field inside; structures are never added, for layout_check demands more of
 * what is there than is published. Fails with ERROR_PYTHON that names the first slot that differs
 * and both values; `layout` is then as it was. *ret_confirmed is how many slots agreed.
 */
MUST_CHECK bool layout_published_check(struct layout *layout, const struct published *published,
                                       unsigned *ret_confirmed, struct error *err);

#endif
