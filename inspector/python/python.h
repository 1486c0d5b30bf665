// SPDX-License-Identifier: MIT
/*
 * python - what is known of the Python in a target before its memory is looked at.
 */
#ifndef PYINSPECT_PYTHON_H
#define PYINSPECT_PYTHON_H

#include "inspector/python/shape.h"
#include "symbols/layout_search.h"
#include "symbols/python_file.h"

/* A Python in a target: facts that hold as long as the process does. A plain value. */
struct python {
    char executable[4096]; /* the file that holds the interpreter: a program or a libpython */
    bool is_deleted;       /* that file was deleted or replaced since */
    bool is_image;         /* that file is nowhere to be had: what is known was read in memory */
    struct python_version version;
    bool debug_build; /* --with-pydebug */
    struct layout layout;
    struct layout_origin layout_origin;
    char layout_passed_over[512]; /* why it is not from debug information, "" if it is */
    struct shape shape;

    /* Addresses in the target; 0 where this Python has none. */
    uint64_t runtime;                  /* _PyRuntime (3.7 and later) */
    uint64_t generation0;              /* _PyGC_generation0 (3.6): a pointer to generations[0] */
    uint64_t collecting;               /* the static int `collecting` (3.6) */
    uint64_t traced[TRACED_VARIABLES]; /* tracemalloc's (3.6 to 3.11) */
    unsigned other_pythons; /* that run in the process too, each with a state of its own, and are
                             * not looked at */
    enum evidence evidence; /* by what the first or the second was found */
};

#endif
