// SPDX-License-Identifier: MIT
/*
 * layout_table - the layout of one build of CPython together with what tells the build apart, and
 * its form as text: what `pyinspect layout` prints, `--layout` reads, symbols/layouts/ bundles and
 * the cache keeps.
 *
 *     pyinspect layout 1
 *     # comments and empty lines mean nothing
 *     version 3.11.7
 *     abi release
 *     build-id 49daf84ed369fe589b73ea876f2591cd4c3588bb
 *     address _PyRuntime 0x5d6ab0
 *
 *     PyObject 16
 *         ob_refcnt 0 8
 *         ob_type 8 8
 *         ob_tid absent
 *
 *     PyASCIIObject 40
 *         length 16 8
 *         kind 32 4 bits 2 3
 *
 * A structure's line tells its name and sizeof; its fields follow: offset and size in bytes, and of
 * a bit-field its lowest bit and its width, counted from bit 0 of the byte at the offset. Of every
 * structure and field of fields.def, whose names are CPython's, it is told where it is or that the
 * build lacks it: how an interpreter works is told by what it lacks, so a text that knows nothing
 * of a field must not pass for one that says so. Without `abi` it is a release.
 */
#ifndef PYINSPECT_LAYOUT_TABLE_H
#define PYINSPECT_LAYOUT_TABLE_H

#include "symbols/base/text.h"
#include "symbols/layout.h"
#include "symbols/python_version.h"

/* The static variables of Modules/_tracemalloc.c (3.6 to 3.11); since 3.12 _PyRuntime has them. */
enum traced_variable {
    TRACED_CONFIG, /* tracemalloc_config, which is exported as _Py_tracemalloc_config (3.8) */
    TRACED_TRACES,
    TRACED_DOMAINS, /* 3.9 and later */
    TRACED_TRACEBACKS,
    TRACED_FILENAMES,
    TRACED_MEMORY,
    TRACED_PEAK,
    TRACED_VARIABLES
};

/* Its symbol: "tracemalloc_traces". */
const char *traced_variable_name(enum traced_variable variable);

/* Link-time addresses of the interpreter's state; 0 where the build has none, or it is unknown. */
struct python_addresses {
    uint64_t runtime;     /* _PyRuntime (3.7 and later) */
    uint64_t generation0; /* _PyGC_generation0 (3.6): a pointer to generations[0] */
    uint64_t collecting;  /* the static int `collecting` (3.6) */
    uint64_t traced[TRACED_VARIABLES];
};

struct layout_table {
    struct python_version version; /* major 0: unknown */
    bool debug_build;              /* --with-pydebug: the ABI with a "d" */
    struct build_id build_id;
    struct python_addresses addresses; /* good for exactly the build with that build-id */
    struct layout layout;
};

/*
 * Reads the text form. `name` is the file's, for messages. Fails with ERROR_INPUT, naming the line
 * and what is wrong with it: not of this form, a structure or field that is unknown or comes twice,
 * a number out of range. The text has 1 MiB at most, its lines 512 bytes, and the last one ends as
 * the others do, and it tells of all, lest a file that was cut short is believed. layout_check is
 * the caller's to call.
 */
MUST_CHECK bool layout_table_parse(struct layout_table *ret, const char *text, size_t length,
                                   const char *name, struct error *err);

/*
 * The same for the text's head, up to the first empty line: which build it is of. ret->layout stays
 * empty. It is what can be asked of many tables at the price of one.
 */
MUST_CHECK bool layout_table_parse_head(struct layout_table *ret, const char *text, size_t length,
                                        const char *name, struct error *err);

/* Adds the text form of a table of Python 3 whose layout passed layout_check; what was printed is
 * parsed back to the same table. */
void layout_table_print(const struct layout_table *table, struct text *text);

#endif
