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
 * A layout that is not of this very build is held against the running target before it is believed
 * (validate.h). Fails with ERROR_PYTHON for a process without a CPython that can be read, each
 * refusal naming what it is: no Python at all, one that does not run, PyPy, a free-threaded build,
 * no layout (and what would help), a version before 3.6; with ERROR_INPUT where something that the
 * user named does not fit; and with ERROR_TARGET where its files cannot be opened.
 */
MUST_CHECK bool python_locate(struct python *ret, const struct process *process,
                              const struct layout_sources *sources, struct progress *progress,
                              struct error *err);

/*
 * Only which file it is: executable, version, debug_build and evidence are set. For a diagnosis,
 * when python_locate found no layout.
 */
MUST_CHECK bool python_identify(struct python *ret, const struct process *process,
                                struct error *err);

#endif
