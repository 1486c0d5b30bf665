// SPDX-License-Identifier: MIT
/*
 * suspects - which types of a history of censuses grow steadily (trend.h), which others grew.
 *
 * Each process of a history is judged by itself; what is said of a type is put together from that.
 * Types come one after another, each with its counts in all censuses. What is kept does not grow
 * with the number of censuses, but for one type at a time.
 */
#ifndef PYINSPECT_SUSPECTS_H
#define PYINSPECT_SUSPECTS_H

#include "inspector/analysis/trend.h"
#include "symbols/base/arena.h"

struct suspects_census {
    double time;    /* seconds since the first */
    size_t process; /* of which it is: a number, from 0, in the order of their first censuses */
};

enum suspects_verdict {
    GROWS_STEADILY, /* in one process at least */
    GROWS_NOT_STEADILY,
    GROWS_TOO_FEW_SAMPLES, /* no process has TREND_LEAST_POINTS */
};

/* What a type had in a process, in few points: where there were many, the least and the greatest
 * of each piece are among them. */
struct suspects_line {
    size_t process;
    struct trend_point *points;
    size_t count;
};

enum { SUSPECTS_MOST_LINES = 16, SUSPECTS_MOST_POINTS = 1000 };

struct suspects_row {
    const char *type;
    size_t type_length;
    enum suspects_verdict verdict;
    size_t *processes; /* in which it grows steadily */
    size_t process_count;
    /* An hour, of those that were there at one time, where that is most; 0 unless steady. */
    double slope, bytes_slope;
    double probability;           /* that chance looks so: the least of the processes' */
    int64_t growth, bytes_growth; /* from first to last, of each process, summed up */
    uint64_t count, bytes;        /* in those that are there at the end */
    struct suspects_line *lines;  /* NULL: not one of the first rows */
    size_t line_count;
};

struct suspects {
    struct suspects_row *rows; /* what grew: steadily first, then by slope or growth, by name */
    size_t row_count, row_capacity;
    size_t steady; /* so many of the rows */
    size_t types;  /* that were told, those that did not grow too */
    size_t judged; /* processes with enough samples */

    /* Of suspects.c: */
    struct arena arena;
    const struct suspects_census *censuses;
    size_t census_count, process_count, curves;
    struct suspects_process *processes;
    size_t *order;              /* the censuses' numbers, process by process */
    struct trend_point *points; /* of the process at hand */
};

/* `censuses`, by time, must live as long. Lines are kept of the first `curves` rows. */
MUST_CHECK bool suspects_begin(struct suspects *ret, const struct suspects_census *censuses,
                               size_t count, size_t process_count, size_t curves,
                               struct error *err);

/* One type: `counts` and `bytes` have a number a census. No type may come twice. */
MUST_CHECK bool suspects_add(struct suspects *suspects, const char *type, size_t length,
                             const uint64_t *counts, const uint64_t *bytes, struct error *err);

/* To be called once, after the last type: puts the rows into their order. */
void suspects_end(struct suspects *suspects);

/* Zero-initialised is fine. */
void suspects_free(struct suspects *suspects);

/* Makes *count points at most `most`, in place: the first, the last, and of each of as many pieces
 * the least and the greatest. `most` is 4 or more. */
void suspects_thin(struct trend_point *points, size_t *count, size_t most);

#endif
