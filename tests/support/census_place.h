// SPDX-License-Identifier: MIT
/*
 * census_place - a directory with a census file in it, and what tests do with that.
 *
 * Whatever fails here fails the running test.
 */
#ifndef PYINSPECT_TESTS_CENSUS_PLACE_H
#define PYINSPECT_TESTS_CENSUS_PLACE_H

#include "inspector/store/census_file.h"
#include "tests/support/made_snapshot.h"
#include "tests/support/scratch.h"

struct census_place {
    struct scratch scratch;
    char path[128];    /* of "test.census" in it, which is not there yet */
    char journal[160]; /* of what a writer that was killed leaves beside it */
};

void census_place_begin(struct census_place *place);
void census_place_end(struct census_place *place);

/* How many files are in its directory. */
size_t census_place_files(const struct census_place *place);

/* Number 1 was taken at noon UTC, at 2026-11-21T12:00:00Z, and each next a minute later. */
struct snapshot census_make(unsigned number, size_t types, size_t objects);

void census_save(const char *path, const struct snapshot *snapshot);
struct census_file *census_open(const char *path);
struct census_file *census_open_to_add(const char *path);
struct census_bound census_add(struct census_file *file, const struct snapshot *snapshot,
                               uint64_t most_bytes);

/* Is census `number` of the file this one? */
void census_expect(struct census_file *file, size_t number, const struct snapshot *wanted,
                   bool with_objects);

/* Opening, or saving, fails with that, and these are among the words. */
void census_expect_refused(const char *path, enum error_kind kind, const char *words);
void census_expect_unsaved(const char *path, enum error_kind kind, const char *words);

/* Runs SQL on a database with all of SQLite's freedom. */
void census_sql(const char *path, const char *sql);

#endif
