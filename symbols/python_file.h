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
    EVIDENCE_SYMBOL,  /* in the file's .dynsym or .symtab */
    EVIDENCE_SECTION, /* the section .PyRuntime */
    EVIDENCE_LAYOUT,  /* a layout file of the same build has it */
    EVIDENCE_COOKIE,  /* "xdebugpy" in the target's memory (3.13 and later) */
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

/* A search of a file's data for the cookie, which is too slow for every file that is mapped. */
enum python_file_effort { PYTHON_FILE_BY_NAMES, PYTHON_FILE_BY_COOKIE };

/* Fills in all of *ret; a file without a Python has the kind PYTHON_FILE_NONE, and its build-id. */
void python_file_read(struct python_file *ret, struct elf_file *file,
                      enum python_file_effort effort);

/* The same for the file behind `fd`, which is not taken over, in a sandbox of its own. */
MUST_CHECK bool python_file_examine(struct python_file *ret, int fd, const char *path,
                                    struct error *err);

/* Finds the variables of tracemalloc that the file or a debug file of it has symbols of; 0 for the
 * others. */
void python_file_find_traced(struct elf_file *file, uint64_t addresses[TRACED_VARIABLES]);

/* Takes addresses from elsewhere, for the same build, for those that the file itself does not tell.
 */
void python_file_add_addresses(struct python_file *file, const struct python_addresses *addresses);

/*
 * Makes a plain value of what may be anything: strings end, flags are 0 or 1. False where it cannot
 * be a python_file.
 */
MUST_CHECK bool python_file_check(struct python_file *file);

/* "the symbol _PyRuntime" */
const char *evidence_name(enum evidence evidence);

#endif
