// SPDX-License-Identifier: MIT
/*
 * made_snapshot - snapshots that no process was needed for, and whether two are the same.
 */
#ifndef PYINSPECT_TESTS_MADE_SNAPSHOT_H
#define PYINSPECT_TESTS_MADE_SNAPSHOT_H

#include "inspector/analysis/snapshot.h"

struct made_snapshot {
    unsigned seed; /* another one, other numbers */
    pid_t pid;
    int64_t taken_ms;
    size_t types;   /* "app.T0000" and up; every eighth with a namesake of another __name__ */
    size_t objects; /* of all types, the first of which have most; at least one each */
    bool without_objects;
};

/* To be freed by snapshot_free. */
void made_snapshot(struct snapshot *ret, const struct made_snapshot *options);

/* Are they the same in all that a file keeps? `with_objects`: of each object too. */
bool made_snapshot_equal(const struct snapshot *a, const struct snapshot *b, bool with_objects);

#endif
