// SPDX-License-Identifier: MIT
/*
 * interpreter_copy - an interpreter of its own for a test, which may spoil it.
 *
 *     struct interpreter_copy copy;
 *     interpreter_copy_make(&copy, &python, COPY_STRIPPED);
 *     target_start(&target, &copy.python, "bare");
 *     ...
 *     interpreter_copy_remove(&copy);
 *
 * The executable and, where there is one, the libpython are files of the copy, in which the link
 * `image` leads to the one that holds the interpreter, and `original` to where that came from; what
 * else Python needs is used where it is. tests/targets/copy_self.py does the copying. Whatever
 * fails fails the test.
 */
#ifndef PYINSPECT_TESTS_INTERPRETER_COPY_H
#define PYINSPECT_TESTS_INTERPRETER_COPY_H

#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

#include <stdbool.h>

/*
 * What is done to the copy's files. COPY_STRIPPED: `strip --strip-all`, and where this machine has
 * a debug file for the build-id, COPY_NO_BUILD_ID with it, so that no debug information can be
 * found.
 */
enum {
    COPY_AS_IS = 0,
    COPY_STRIPPED = 1 << 0,
    COPY_NO_SECTIONS = 1 << 1, /* no section headers either */
    COPY_NO_BUILD_ID = 1 << 2,
    COPY_WHOLE = 1 << 3, /* with all that it needs, and tests/targets: fit to be a root directory */
};

struct interpreter_copy {
    struct scratch scratch;    /* may be entered by everybody; "" where there is no copy */
    struct interpreter python; /* starts the copy; the version and the name are the original's */
    char image[256];           /* the file that holds the interpreter's code */
    bool is_library;           /* it is a libpython */
};

void interpreter_copy_make(struct interpreter_copy *ret, const struct interpreter *python, int how);

/* Harmless when called twice, and for a struct that is all zero. */
void interpreter_copy_remove(struct interpreter_copy *copy);

/* COPY_STRIPPED and the like, for any ELF file in a scratch directory. */
void interpreter_copy_strip(const struct scratch *scratch, const char *name, int how);

#endif
