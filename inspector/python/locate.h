// SPDX-License-Identifier: MIT
/*
 * locate - finds the Python in a running process, and what is to be known of it before it is
 * stopped: which mapped file is the interpreter, the layout of its structures, where its state
 * begins.
 */
#ifndef PYINSPECT_LOCATE_H
#define PYINSPECT_LOCATE_H

#include "inspector/python/shape.h"
#include "inspector/target/process.h"
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

/*
 * Fails with ERROR_PYTHON for a process without a CPython that can be read, each refusal naming
 * what it is: no Python at all, PyPy, a free-threaded build, no debug information (and what would
 * help), a version before 3.6; and with ERROR_TARGET where its files cannot be opened.
 */
MUST_CHECK bool python_locate(struct python *ret, const struct process *process, struct error *err);

#endif
