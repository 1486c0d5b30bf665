// SPDX-License-Identifier: MIT
/*
 * python_code - what the machine code of exported functions refers to.
 *
 * CPython 3.6 keeps the flag `collecting` as a static int of Modules/gcmodule.c, whose symbol is
 * lost when the file is stripped. PyGC_Collect, which is exported, sets it to 1 and back to 0.
 */
#ifndef PYINSPECT_PYTHON_CODE_H
#define PYINSPECT_PYTHON_CODE_H

#include "symbols/elf_file.h"

/*
 * The link-time address of `collecting`: the one aligned int in a writable segment to which the
 * first 4096 bytes of PyGC_Collect store both 1 and 0. Known are the instructions by which gcc and
 * clang do that on x86-64, at any level of optimization. False where there is no such int or more
 * than one, and for any other machine.
 */
MUST_CHECK bool python_code_collecting(struct elf_file *file, uint64_t *ret);

#endif
