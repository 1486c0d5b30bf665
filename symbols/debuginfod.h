// SPDX-License-Identifier: MIT
/*
 * debuginfod - fetches debug information by build-id from the servers that DEBUGINFOD_URLS names.
 *
 * Done by elfutils' libdebuginfod, which is loaded only when the user asks for it: without
 * --debuginfod nothing here ever touches a network.
 */
#ifndef PYINSPECT_DEBUGINFOD_H
#define PYINSPECT_DEBUGINFOD_H

#include "symbols/elf_file.h"

/*
 * Returns a descriptor of the file, which libdebuginfod keeps in a cache of its own, and its path
 * in `path`. Else -1 with ERROR_PYTHON: the library is missing (and the package with it), no server
 * is named, none has it or can be reached.
 */
int debuginfod_fetch(const struct build_id *build_id, char *path, size_t size, struct error *err);

#endif
