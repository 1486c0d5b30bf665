// SPDX-License-Identifier: MIT
/*
 * exactness - of how many objects the size is what sys.getsizeof says, and of which types it may
 * not be: those with a __sizeof__ of their own, whose code is not ours to run.
 */
#ifndef PYINSPECT_EXACTNESS_H
#define PYINSPECT_EXACTNESS_H

#include "inspector/python/type.h"

struct exactness {
    uint64_t exact;         /* objects */
    uint64_t python_sizeof; /* of types with a __sizeof__ in Python */
    uint64_t c_sizeof;      /* of types with one in an extension module that no kind knows */
    struct text types;      /* the names of those types, each ended by a NUL */
    size_t type_count;
};

/* Zero-initialised is empty and ready. */
void exactness_add(struct exactness *exactness, const struct type *type, uint64_t objects);
void exactness_free(struct exactness *exactness);

/* Adds the names of the first `most` types to `text`: "a, b and 3 others". */
void exactness_name_types(const struct exactness *exactness, size_t most, struct text *text);

#endif
