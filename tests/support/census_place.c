// SPDX-License-Identifier: MIT
#include "tests/support/census_place.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static const int64_t noon_ms = INT64_C(1795262400000);

void census_place_begin(struct census_place *place)
{
    scratch_make(&place->scratch);
    snprintf(place->path, sizeof(place->path), "%s/test.census", place->scratch.path);
    snprintf(place->journal, sizeof(place->journal), "%s-journal", place->path);
}

void census_place_end(struct census_place *place)
{
    scratch_remove(&place->scratch);
}

size_t census_place_files(const struct census_place *place)
{
    DIR *directory = opendir(place->scratch.path);
    const struct dirent *entry;
    size_t count = 0;

    cr_assert(directory);
    while ((entry = readdir(directory)))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

struct snapshot census_make(unsigned number, size_t types, size_t objects)
{
    struct made_snapshot options = {.seed = number,
                                    .pid = 4711,
                                    .taken_ms = noon_ms + (number - 1) * INT64_C(60000),
                                    .types = types,
                                    .objects = objects};
    struct snapshot snapshot;

    made_snapshot(&snapshot, &options);
    return snapshot;
}

void census_save(const char *path, const struct snapshot *snapshot)
{
    struct error err;

    cr_assert(census_file_check_save(path, &err), "%s", err.text);
    cr_assert(census_file_save(path, snapshot, &err), "%s", err.text);
}

struct census_file *census_open(const char *path)
{
    struct census_file *file = NULL;
    struct error err;

    cr_assert(census_file_open(&file, path, &err), "%s", err.text);
    return file;
}

struct census_file *census_open_to_add(const char *path)
{
    struct census_file *file = NULL;
    struct error err;

    cr_assert(census_file_open_to_add(&file, path, &err), "%s", err.text);
    return file;
}

struct census_bound census_add(struct census_file *file, const struct snapshot *snapshot,
                               uint64_t most_bytes)
{
    struct census_bound bound;
    struct error err;

    cr_assert(census_file_add(file, snapshot, most_bytes, &bound, &err), "%s", err.text);
    return bound;
}

void census_expect(struct census_file *file, size_t number, const struct snapshot *wanted,
                   bool with_objects)
{
    struct snapshot loaded;
    struct error err;

    cr_assert(census_file_load(file, number, &loaded, &err), "%s", err.text);
    cr_expect(made_snapshot_equal(&loaded, wanted, with_objects), "census %zu", number);
    cr_expect_eq(loaded.has_objects, with_objects, "census %zu", number);
    snapshot_free(&loaded);
}

static void expect_error(const struct error *err, enum error_kind kind, const char *words)
{
    cr_expect_eq(err->kind, kind, "%s", err->text);
    cr_expect(strstr(err->text, words), "no \"%s\": %s", words, err->text);
}

void census_expect_refused(const char *path, enum error_kind kind, const char *words)
{
    struct census_file *file = NULL;
    struct error err = {.kind = ERROR_NONE};

    cr_assert_not(census_file_open(&file, path, &err), "opened: %s", words);
    expect_error(&err, kind, words);
}

void census_expect_unsaved(const char *path, enum error_kind kind, const char *words)
{
    struct snapshot snapshot = census_make(9, 3, 3);
    struct error err = {.kind = ERROR_NONE};

    cr_assert_not(census_file_check_save(path, &err), "might be saved: %s", words);
    expect_error(&err, kind, words);
    err = (struct error){.kind = ERROR_NONE};
    cr_assert_not(census_file_save(path, &snapshot, &err), "saved: %s", words);
    expect_error(&err, kind, words);
    snapshot_free(&snapshot);
}

void census_sql(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    char *message = NULL;

    cr_assert_eq(sqlite3_open(path, &database), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, &message), SQLITE_OK, "%s: %s", sql,
                 message);
    sqlite3_close(database);
}
