// SPDX-License-Identifier: MIT
/*
 * python_file - what one ELF file says of the Python in it. A plain value without pointers: it is
 * worked out where a stranger's file can do no harm (symbols/base/sandbox.h), and comes back as
 * bytes.
 */
#ifndef PYINSPECT_PYTHON_FILE_H
#define PYINSPECT_PYTHON_FILE_H

#include "symbols/elf_file.h"
#include "symbols/layout_published.h"
#include "symbols/layout_table.h"

enum python_file_kind { PYTHON_FILE_NONE, PYTHON_FILE_CPYTHON, PYTHON_FILE_PYPY };

/* By what an address was found, the surest first. */
enum evidence {
    EVIDENCE_NONE,
    EVIDENCE_SYMBOL,       /* in the file's .dynsym or .symtab */
    EVIDENCE_SECTION,      /* the section .PyRuntime */
    EVIDENCE_DEBUG_SYMBOL, /* in the .symtab of its debug file */
    EVIDENCE_CODE,         /* the machine code of an exported function refers to it */
    EVIDENCE_LAYOUT,       /* a layout file of the same build has it */
    EVIDENCE_COOKIE,       /* "xdebugpy" in the target's memory (3.13 and later) */
};

struct python_file {
    enum python_file_kind kind;
    struct python_version version;
    bool debug_build; /* --with-pydebug */
    bool has_debug_info;
    struct build_id build_id;
    struct python_addresses addresses; /* as linked */
    enum evidence evidence;            /* for addresses.runtime, or generation0 */
    uint64_t runtime_size;             /* of _PyRuntime, in bytes; 0: unknown */
    bool has_published;
    struct published published;
};

#endif
