// SPDX-License-Identifier: MIT
/*
 * report_series - the counts of all types over a history, gathered census by census and told type
 * by type.
 *
 * Most types have the same count most of the time, so only changes are kept, 24 bytes each: those
 * of one type in one process are a series.
 */
#ifndef PYINSPECT_REPORT_SERIES_H
#define PYINSPECT_REPORT_SERIES_H

#include "inspector/store/census_file.h"
#include "symbols/base/address_map.h"

struct series_step {
    uint64_t count, bytes;
    uint32_t from; /* the number of the census among those of the process, from 0 */
};

struct series {
    const char *name; /* as the set wants it */
    size_t length;
    size_t process;
    struct series_step *steps;
    size_t step_count, step_capacity;
    uint32_t end; /* behind the last census that has the type: there is none of it from there on */
};

/* Zero-initialised, with or without `short_names`, is empty and ready. */
struct series_set {
    bool short_names; /* types go by __name__ */
    struct series *items;
    size_t count, capacity;
    struct address_map numbers; /* from type and process to the number of the series */
    struct arena arena;         /* names */
};

/* To be called in the order of the censuses. `place` is that of the census in its process. */
MUST_CHECK bool series_add(struct series_set *set, const struct census_count *count, size_t process,
                           uint32_t place, struct error *err);

/* Sorts by name: those of one name, of several processes or namesakes, are neighbours then, and
 * nothing can be added any more. */
void series_sort(struct series_set *set);
bool series_same_name(const struct series *a, const struct series *b);

/* Adds a series to `counts` and `bytes`, where places[i] is where census i of its process is. */
void series_expand(const struct series *series, const size_t *places, uint64_t *counts,
                   uint64_t *bytes);

void series_free(struct series_set *set);

#endif
