// SPDX-License-Identifier: MIT
/*
 * interpreter_file - which of the files that a process has mapped hold a Python.
 *
 * Found by what a file defines, not by its name: the program itself, a libpython, a program that
 * embeds one. Files whose name promises a Python are looked at first, and the others only if none
 * of those is one. The files are a stranger's: they are looked at in a sandbox.
 */
#ifndef PYINSPECT_INTERPRETER_FILE_H
#define PYINSPECT_INTERPRETER_FILE_H

#include "inspector/target/process.h"
#include "symbols/python_file.h"

enum { MOST_INTERPRETER_FILES = 4 }; /* in one process, of which one runs */

struct interpreter_file {
    uint32_t mapping; /* the index of the mapping by which it is opened (mapped_file_open) */
    uint64_t bias;    /* to be added to link-time addresses */
    struct python_file python;
};

/* Plain bytes, checked: what the sandbox handed back. */
struct interpreter_files {
    uint32_t count; /* 1 or more */
    struct interpreter_file items[MOST_INTERPRETER_FILES];
};

/*
 * `named` is a layout that the user gave, or NULL: it may know where the state of a build is that
 * does not tell. Fails with ERROR_PYTHON where there is no CPython or another Python, and with
 * ERROR_TARGET where a file that should be one cannot be opened.
 */
MUST_CHECK bool interpreter_files_find(struct interpreter_files *ret, const struct process *process,
                                       const struct maps *maps, const struct layout_table *named,
                                       bool all, struct error *err);

#endif
