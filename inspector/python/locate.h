// SPDX-License-Identifier: MIT
/*
 * locate - finds the Python in a running process, and what is to be known of it before it is
 * stopped: which mapped file is the interpreter, the layout of its structures, where its state
 * begins.
 */
#ifndef PYINSPECT_LOCATE_H
#define PYINSPECT_LOCATE_H

#include "inspector/python/python.h"
#include "inspector/target/process.h"

/*
 * Fails with ERROR_PYTHON for a process without a CPython that can be read, each refusal naming
 * what it is: no Python at all, PyPy, a free-threaded build, no debug information (and what would
 * help), a version before 3.6; and with ERROR_TARGET where its files cannot be opened.
 */
MUST_CHECK bool python_locate(struct python *ret, const struct process *process, struct error *err);

#endif
