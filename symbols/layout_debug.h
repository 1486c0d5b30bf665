// SPDX-License-Identifier: MIT
/*
 * layout_debug - reads the layout of an interpreter out of its debug information, in a sandbox
 * (symbols/base/sandbox.h): ELF and DWARF are a stranger's.
 */
#ifndef PYINSPECT_LAYOUT_DEBUG_H
#define PYINSPECT_LAYOUT_DEBUG_H

#include "symbols/layout_search.h"

struct debug_request {
    const struct layout_subject *subject;
    int given; /* a debug file that was named, else -1; not taken over */
    const char *given_path;
    const struct file_root *store; /* a directory that was named, to be searched first; or NULL */
    bool patient; /* a minute of processor time instead of a second: the user named the file */
};

/*
 * The layout as DWARF has it (layout_check is the caller's to call), addresses of symbols that only
 * the debug file has, and where it was found. Fails with ERROR_PYTHON where there is no debug
 * information, or where it cannot be read, and with ERROR_SYSTEM where there is no sandbox.
 */
MUST_CHECK bool layout_debug_read(struct layout_candidate *ret, const struct debug_request *request,
                                  struct error *err);

#endif
