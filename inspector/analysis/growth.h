// SPDX-License-Identifier: MIT
/*
 * growth - how the counts of types change from sample to sample.
 *
 * What it keeps does not grow with the number of samples: of each type the first count, the last
 * ones, and the sums of a least squares line. A type that was not seen before counts as having been
 * there with none. Where a program makes types with ever new names, those of which nothing is left
 * are forgotten beyond GROWTH_MOST_TYPES, those that have not grown or shrunk first; one that comes
 * back is then new.
 *
 * A growth of bytes (growth_new_of_bytes) follows the bytes in place of the counts.
 *
 * Of several processes the counts are those of who is there; what grew, and the line, are the sums
 * of what grew in each while it was there: a process that joins brings nothing that grew, and one
 * that ends takes nothing away. For that growth_joined and growth_left are told of them.
 */
#ifndef PYINSPECT_GROWTH_H
#define PYINSPECT_GROWTH_H

#include "inspector/analysis/snapshot.h"

enum { GROWTH_MOST_TYPES = 100000 };

struct growth_row {
    const char *type; /* owned by the growth */
    size_t type_length;
    uint64_t count, bytes; /* of the last sample */
    uint64_t measure;      /* the one of these two that grows */
    int64_t since_last;    /* growth since the sample before; 0 in the first */
    int64_t since_first;
    double slope_per_hour; /* of the least squares line through all samples; 0 in the first */
};

enum growth_order { GROWTH_BY_SINCE_FIRST, GROWTH_BY_SLOPE, GROWTH_BY_COUNT, GROWTH_BY_BYTES };

struct growth;

/* Types go by __name__ with `short_names`. NULL: no memory. */
struct growth *growth_new(bool short_names);
struct growth *growth_new_of_bytes(void); /* by `type` */
void growth_free(struct growth *growth);  /* NULL is fine */

/*
 * Takes the sum of snapshots that were taken about `at_ms` (of one process, or one each of several)
 * as one sample. On failure it is as if it had not been called.
 */
MUST_CHECK bool growth_add(struct growth *growth, int64_t at_ms,
                           const struct snapshot *const *snapshots, size_t count,
                           struct error *err);

/*
 * The next sample is the first with this process (snapshot: what it has then); or, where a process
 * is in no more samples, what it had last. Before the first sample nobody joins or leaves: all is
 * there from the start. growth_joined fails for want of memory, and is then as if not called.
 */
MUST_CHECK bool growth_joined(struct growth *growth, const struct snapshot *snapshot,
                              struct error *err);
void growth_left(struct growth *growth, const struct snapshot *snapshot);

/*
 * The rows of the last sample, greatest first, equals by what grows, then by name; good until the
 * next growth_add. A type of which there is none has a row if its number grew or shrank, since the
 * first sample or since the last.
 */
MUST_CHECK bool growth_rows(struct growth *growth, enum growth_order order,
                            const struct growth_row **ret, size_t *ret_count, struct error *err);

/* All rows together, with the name "". */
struct growth_row growth_total(const struct growth *growth);

uint64_t growth_samples(const struct growth *growth);

/* How many types are kept. */
size_t growth_types(const struct growth *growth);

#endif
