// SPDX-License-Identifier: MIT
/*
 * python_name - what the name of a file tells of the Python in it.
 *
 * "python", "python3", "python3.11", "python3.6dm", "python3.13t", "python3.11-dbg",
 * "libpython3.11.so.1.0", "libpython3.13t.so", "pypy3", "pypy3.10-c", "libpypy3.10-c.so"; and no
 * "python3.11.zip", "python-config", "pythonista".
 */
#ifndef PYINSPECT_PYTHON_NAME_H
#define PYINSPECT_PYTHON_NAME_H

#include "inspector/target/process_list.h"

enum python_name_kind { NAMED_OTHERWISE, NAMED_CPYTHON, NAMED_FREE_THREADED, NAMED_PYPY };

struct python_name {
    enum python_name_kind kind;
    int major, minor; /* -1: not told */
};

struct python_name python_name_parse(const char *name);

/* A name without a minor version may be a launcher's, or of a libpython3.so that forwards. */
name_judge python_name_judge;

#endif
