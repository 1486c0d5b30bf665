// SPDX-License-Identifier: MIT
/*
 * python_version - which CPython an ELF file holds. For display and for messages only: what the
 * interpreter is like is decided by the fields that it has (inspector/python/shape.h).
 */
#ifndef PYINSPECT_PYTHON_VERSION_H
#define PYINSPECT_PYTHON_VERSION_H

#include "symbols/elf_file.h"

struct python_version {
    char text[24]; /* "3.11.7", "3.15.0rc2", "3.9" where the file tells no more; "" if unknown */
    int major;     /* 0: unknown */
    int minor;
};

/*
 * From the file's bytes: the constant `Py_Version` (3.11 and later, a PY_VERSION_HEX), else the
 * NUL-terminated constant "X.Y.Z" that Py_GetVersion formats, looked for in .rodata, or in
 * all segments that cannot be written where there are no section headers (with the minor
 * version that the file's name tells, where it tells one), else the name alone
 * ("libpython3.6m.so.1.0", "python3.9").
 */
struct python_version python_version_of(struct elf_file *file);

/* From a PY_VERSION_HEX: 0x030b07f0. Unknown (major 0) where it is none of Python 3. */
struct python_version python_version_of_hex(uint64_t hex);

/*
 * Is `text` exactly a version of Python 3 as it stands above: 3.N.M, with a level (a1, b2, rc3) and
 * "+" or without, or 3.N? *ret_micro is the M, -1 where there is none.
 */
bool python_version_parse(struct python_version *ret, int *ret_micro, const char *text,
                          size_t length);

/* The 11 of "/usr/bin/python3.11" or "libpython3.11.so.1.0"; false where a name is not of that
 * kind. */
bool python_version_in_name(const char *path, int *ret_minor);

#endif
