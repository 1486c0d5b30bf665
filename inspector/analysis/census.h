// SPDX-License-Identifier: MIT
/*
 * census - how many objects of each type there are, and how many bytes they take.
 *
 * Types are told apart by name: two classes of one name (a reloaded module's, a class made anew by
 * each call of a function) share a row, as they do in every tool that people compare with.
 */
#ifndef PYINSPECT_CENSUS_H
#define PYINSPECT_CENSUS_H

#include "inspector/analysis/exactness.h"
#include "inspector/analysis/reach.h"
#include "inspector/analysis/roster.h"
#include "symbols/base/progress.h"

struct census_row {
    const char *type; /* NUL-terminated; owned by the census's types */
    size_t type_length;
    uint64_t count;
    uint64_t bytes;
};

/* Objects, and the bytes that they take. */
struct census_sum {
    uint64_t count, bytes;
};

enum census_order { CENSUS_BY_COUNT, CENSUS_BY_BYTES };

struct census_options {
    bool short_names;              /* __name__ alone; namesakes share a row */
    bool generations[GENERATIONS]; /* which of them are counted */
    bool all_objects;              /* and what the collector does not track (reach.h) */
    enum census_order order;
    struct roster *roster; /* gets an entry for each object that is counted; NULL: none is kept */
    struct progress *progress; /* objects counted so far; NULL: nobody looks */
};

struct census {
    struct census_options options;
    struct types types;
    struct census_sum *tallies; /* by type number */
    size_t tally_count, tally_capacity;

    /* The answer, of census_take: */
    struct census_row *rows; /* greatest first; equals by name */
    size_t row_count;
    uint64_t objects, bytes;        /* of all rows */
    uint64_t seen;                  /* objects met, those of other generations too */
    uint64_t reached[REACHED_WAYS]; /* of the objects counted */
    struct exactness exactness;     /* of their sizes */
    struct reach_verdict verdict;
    bool failed; /* no memory */
};

void census_init(struct census *census, const struct python *python,
                 const struct census_options *options);
void census_free(struct census *census);

/* Of the type of that number. */
struct census_sum census_sum(const struct census *census, uint32_t type);

/* Counts what the image holds; what an earlier call counted is forgotten. */
MUST_CHECK bool census_take(struct census *census, struct image *image, struct error *err);

#endif
