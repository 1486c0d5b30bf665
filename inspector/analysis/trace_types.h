// SPDX-License-Identifier: MIT
/*
 * trace_types - traces and the heap joined: objects of which types live in the blocks that
 * tracemalloc has traced.
 *
 * An object's block is the one that begins with it and its headers. Other blocks are what objects
 * have besides (a dict's table, a list's items), and what no object has. Types that have the same
 * name are one.
 */
#ifndef PYINSPECT_TRACE_TYPES_H
#define PYINSPECT_TRACE_TYPES_H

#include "inspector/analysis/reach.h"
#include "inspector/analysis/trace_statistics.h"
#include "inspector/analysis/traces_take.h"

struct traced_type {
    const char *name;
    size_t length;
    uint64_t count, bytes;             /* objects in traced blocks, and what those take */
    uint64_t untraced, untraced_bytes; /* objects that are not, and their sizes */
};

/* So many objects of a type whose blocks a stack has allocated. */
struct type_tally {
    uint32_t stack, type; /* their numbers */
    uint64_t count, bytes;
};

struct trace_types {
    struct traced_type *types; /* by name */
    size_t type_count;
    struct type_tally *tallies; /* by stack, then type; each once */
    size_t tally_count;
    uint64_t count, bytes, untraced, untraced_bytes; /* of all types */
    struct arena arena;                              /* of names */
    struct reach_verdict verdict;                    /* what walking the heap was worth */
};

/* Zero-initialised is fine. */
void trace_types_free(struct trace_types *types);

/* Visits all objects of the image whose traces were taken (traces_take_placing). `progress` is told
 * of them; NULL: nobody looks. Fails as reach_walk. */
MUST_CHECK bool trace_types_take(struct trace_types *ret, const struct reader *reader,
                                 const struct tracemalloc *state, const struct trace_places *places,
                                 struct progress *progress, struct error *err);

/* Keeps what is in `passed`, which traces_filter has made of `all`; the tallies then have its
 * numbers. What is not traced passes no filter and stays as it is. ERROR_SYSTEM. */
MUST_CHECK bool trace_types_filter(struct trace_types *types, const struct traces *all,
                                   const struct traces *passed, struct error *err);

/* So many objects of a type whose blocks a line (a file, a traceback) has allocated. */
struct type_line {
    uint32_t row, type; /* the number of a row of statistics, and the type's */
    uint64_t count, bytes;
};

/*
 * Sums up by the rows of statistics of the same traces, which are not cumulative: by row, and in
 * each most bytes first. A row without objects is in none. The array is the caller's to free.
 * ERROR_SYSTEM.
 */
MUST_CHECK bool trace_types_by_row(const struct trace_types *types, const struct traces *traces,
                                   const struct trace_statistics *statistics, enum trace_key key,
                                   struct type_line **ret, size_t *ret_count, struct error *err);

/* Puts those lines in the order of types: whose blocks take most first, of each the lines that take
 * most first. */
void trace_types_order(const struct trace_types *types, struct type_line *lines, size_t count);

#endif
