// SPDX-License-Identifier: MIT
/*
 * layout_search - where the layout of an interpreter comes from.
 *
 * The sources, in this order:
 *   1. the cache, of what was found in debug information before (symbols/layout_cache.h);
 *   2. the DWARF of the file itself, else of its debug file (symbols/debug_file.h): in the
 *      directory or file that the user named, in the usual places, from a debuginfod server if the
 *      user asked for that;
 *   3. a layout file that the user named;
 *   4. the tables that pyinspect brings along (symbols/layout_bundled.h).
 * The first that there is decides. What an interpreter publishes of itself (_Py_DebugOffsets,
 * 3.13), a layout file that was named and a bundled table of the same build must agree with it
 * where both know a field: sources that disagree are refused, never mixed.
 *
 * Of the structures that only the kinds need (kind_fields.def) each one is then settled by itself:
 * what the source lacks as a whole, as an extension module's, is filled in from the nearest bundled
 * table, and what only a layout file says is not believed (symbols/layout_kinds.h).
 *
 * Debug information and layouts of the same build are certain. Others (a file that the user named,
 * a table of the same version or of a neighbour) are candidates: the live target has to prove which
 * of them is the right one (inspector/python/validate.h).
 */
#ifndef PYINSPECT_LAYOUT_SEARCH_H
#define PYINSPECT_LAYOUT_SEARCH_H

#include "symbols/base/progress.h"
#include "symbols/file_root.h"
#include "symbols/layout_table.h"
#include "symbols/python_file.h"

/* What the user wants to be used. All NULL and false: what there is. */
struct layout_sources {
    const char *layout_file; /* --layout */
    const char *debug_file;  /* --debug-file: a file, or a directory of them */
    bool debuginfod;         /* --debuginfod: ask the servers of DEBUGINFOD_URLS */
};

enum layout_source {
    LAYOUT_FROM_DWARF,      /* of the file itself */
    LAYOUT_FROM_DEBUG_FILE, /* DWARF of a separate file */
    LAYOUT_FROM_LAYOUT_FILE,
    LAYOUT_FROM_BUNDLED_TABLE,
};

/* Where a layout was found. Plain bytes. */
struct layout_origin {
    enum layout_source source;
    bool cached;        /* it was found there before, and kept */
    bool same_build;    /* the source proves that it is of this very build */
    unsigned confirmed; /* slots that _Py_DebugOffsets has too, and says the same of */
    unsigned dropped;   /* structures of kinds that were not believed */
    char file[512];     /* the path, or the bundled table's name: "3.11.7" */
};

struct layout_candidate {
    struct layout layout;              /* layout_check has passed it */
    struct python_addresses addresses; /* of this build, as linked; 0: not known there */
    struct layout_origin origin;
};

/* The most likely first. */
struct layout_candidates {
    struct layout_candidate *items;
    size_t count;
    char passed_over[512]; /* why there is no debug information; "" where there is */
};

/* The file whose layout is wanted. */
struct layout_subject {
    const struct python_file *python;
    int fd;           /* not taken over */
    const char *path; /* absolute, as its root sees it */
    bool is_image;    /* a copy of memory: it has no sections, and is not worth keeping in mind */
    const struct layout_table *named; /* what sources->layout_file holds (layout_file_read); NULL:
                                       * no such file is named */
    const struct file_root *roots;    /* where its debug files may be, our own first */
    size_t root_count;
};

/*
 * Fails with ERROR_PYTHON where no source has it, or where the one that has it is damaged or of a
 * Python that cannot be read; the text says what would help. With ERROR_INPUT where something that
 * the user named is no good. To be freed with layout_candidates_free.
 */
MUST_CHECK bool layout_search(struct layout_candidates *ret, const struct layout_subject *subject,
                              const struct layout_sources *sources, struct progress *progress,
                              struct error *err);

/* The same for what is certain only: debug information itself, not what the cache has of it, and
 * tables of the same build. Nothing is filled in from elsewhere. */
MUST_CHECK bool layout_search_certain(struct layout_candidates *ret,
                                      const struct layout_subject *subject,
                                      const struct layout_sources *sources,
                                      struct progress *progress, struct error *err);

/*
 * Adds the kinds' structures that `candidate` lacks as a whole from the debug information of an
 * extension module of the same Python, which is looked for as an interpreter's is (a --debug-file
 * that is a directory has modules' files, too). Fails with ERROR_INPUT, naming the module, where it
 * has none. *ret_added: how many structures.
 */
MUST_CHECK bool layout_add_module(struct layout_candidate *candidate,
                                  const struct layout_subject *module,
                                  const struct layout_sources *sources, struct progress *progress,
                                  size_t *ret_added, struct error *err);

/* Is it from anything else than debug information, so that the target had to prove it? */
bool layout_is_borrowed(const struct layout_origin *origin);

void layout_candidates_free(struct layout_candidates *candidates);

/* Adds "the debug file /usr/lib/debug/..."; and all that is known of it: "..., kept from an earlier
 * run; _Py_DebugOffsets says the same of 23 fields". */
void layout_origin_name(const struct layout_origin *origin, struct text *text);
void layout_origin_describe(const struct layout_origin *origin, struct text *text);

/* For machines: "dwarf", "debug-file", "layout-file", "bundled". */
const char *layout_source_name(enum layout_source source);

/* Reads a layout file that the user named. Fails with ERROR_INPUT. */
MUST_CHECK bool layout_file_read(struct layout_table *ret, const char *path, struct error *err);

/*
 * Do both say the same of every slot that both have? Else ERROR_PYTHON with the first one that
 * differs and both values; `a_name` and `b_name` say whose they are.
 */
MUST_CHECK bool layout_agree(const struct layout *a, const char *a_name, const struct layout *b,
                             const char *b_name, struct error *err);

#endif
