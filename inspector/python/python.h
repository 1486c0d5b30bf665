// SPDX-License-Identifier: MIT
/*
 * python - what is known of the Python in a target before its memory is looked at.
 */
#ifndef PYINSPECT_PYTHON_H
#define PYINSPECT_PYTHON_H

#include "inspector/python/shape.h"
#include "symbols/layout.h"
#include "symbols/python_version.h"

enum { MOST_UNSIZED_TYPES = 4 };

/* A Python in a target: facts that hold as long as the process does. A plain value. */
struct python {
    char executable[4096]; /* the file that holds the interpreter: a program or a libpython */
    struct python_version version;
    struct layout layout;
    struct shape shape;

    /* Addresses in the target; 0 where this Python has none. */
    uint64_t runtime;     /* _PyRuntime (3.7 and later) */
    uint64_t generation0; /* _PyGC_generation0 (3.6): a pointer to generations[0] */
    uint64_t collecting;  /* the static int `collecting` (3.6) */

    /* Types with a tp_itemsize whose instances have no ob_size to multiply it with. */
    uint64_t unsized_types[MOST_UNSIZED_TYPES];
    unsigned unsized_count;
};

#endif
