// SPDX-License-Identifier: MIT
/*
 * layout_published - what an interpreter of CPython 3.13 or later says of its own layout: the
 * struct _Py_DebugOffsets with which _PyRuntime begins (Include/internal/pycore_runtime_structs.h,
 * pycore_debug_offsets.h). Its own shape changes with each minor version.
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
 * shape is not known (3.16), are cut short, or hold numbers that cannot be so: then nothing is
 * published.
 */
bool layout_published_read(struct published *ret, const void *bytes, size_t size);

/*
 * Holds `layout` against what is published: each slot that both have must be the same; a slot that
 * only the published one has is added. Fails with ERROR_PYTHON that names the first field that
 * differs and both values; `layout` is then as it was. *ret_confirmed is how many slots agreed.
 */
MUST_CHECK bool layout_published_check(struct layout *layout, const struct published *published,
                                       unsigned *ret_confirmed, struct error *err);

#endif
