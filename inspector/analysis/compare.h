// SPDX-License-Identifier: MIT
/*
 * compare - what is new between two snapshots, and what of that is still there in a third.
 *
 * What objgraph.get_new_ids says: of each type how many objects there were, how many there are, how
 * many of these were not there before, and by how many there are more. An object is the same if its
 * type and address are. Where one was freed and another one of that type made at its place, that
 * cannot be seen: of the objects that count as old, each may be new (struct comparison_row, count -
 * fresh, is the bound).
 */
#ifndef PYINSPECT_COMPARE_H
#define PYINSPECT_COMPARE_H

#include "inspector/analysis/snapshot.h"

enum comparison_order {
    COMPARISON_BY_DELTA,
    COMPARISON_BY_NEW, /* where objects are not known: by delta */
    COMPARISON_BY_CURRENT,
    COMPARISON_BY_OLD
};

struct comparison_row {
    const char *type; /* of one of the snapshots, which must outlive the comparison */
    size_t type_length;
    uint64_t old_count, count;
    uint64_t old_bytes, bytes;
    uint64_t fresh_count, fresh_bytes;   /* of those that are new; 0 where objects are not known */
    const struct snapshot_object *fresh; /* by address */
    bool is_exact;                       /* the bytes, of both */
};

/* Why objects cannot be told apart, and counts alone are compared. */
enum comparison_lack {
    LACKS_NOTHING,
    LACKS_PROCESS,   /* they are of two processes, or of two programs of one */
    LACKS_ADDRESSES, /* one of them has no objects, only counts */
};

struct comparison {
    enum comparison_lack lack;
    struct comparison_row
        *rows; /* greatest first; equals by name, descending, as objgraph has it */
    size_t row_count;
    uint64_t old_objects, objects, fresh_objects; /* of all types */
    uint64_t old_bytes, bytes, fresh_bytes;

    struct snapshot_object *storage; /* of the rows' fresh ones */
};

/* With `short_names` types go by __name__, namesakes together. */
MUST_CHECK bool compare_two(struct comparison *ret, const struct snapshot *old,
                            const struct snapshot *current, bool short_names,
                            enum comparison_order order, struct error *err);

/*
 * The leak suspects: what was not there in `before`, was in `between` and still is in `after`. Rows
 * are those of types that have some, most first, equals by name; `old_count` is what `between` had
 * of the type, `count` what `after` has, sizes are those in `after`. Unless all three have objects
 * and are of one process there are no suspects to tell: then `lack` says why, and there are no
 * rows.
 */
MUST_CHECK bool compare_three(struct comparison *ret, const struct snapshot *before,
                              const struct snapshot *between, const struct snapshot *after,
                              bool short_names, struct error *err);

/* Could objects be told apart between the two? */
enum comparison_lack comparison_lack(const struct snapshot *a, const struct snapshot *b);

/* Zero-initialised is fine. */
void comparison_free(struct comparison *comparison);

#endif
