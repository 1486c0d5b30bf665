// SPDX-License-Identifier: MIT
#include "tests/support/census_place.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(census_file, .timeout = 120);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(census_file, saves_and_loads_one)
{
    struct snapshot snapshot = census_make(1, 40, 5000);
    struct census_place place;
    struct stat status;

    census_place_begin(&place);
    umask(0);
    census_save(place.path, &snapshot);
    cr_assert_eq(stat(place.path, &status), 0);
    cr_expect_eq(status.st_mode, S_IFREG | 0600);
    cr_expect_eq(census_place_files(&place), 1);
    struct census_file *file = census_open(place.path);
    cr_expect_eq(census_file_count(file), 1);
    census_expect(file, 1, &snapshot, true);
    census_file_close(file);
    snapshot_free(&snapshot);
    census_place_end(&place);
}

/* Nothing in it, numbers of 64 bits, pauses that SQLite would change. */
Test(census_file, odd_ones_are_kept_too)
{
    struct snapshot_object object = {UINT64_MAX - 7, UINT64_MAX - 15};
    struct snapshot_row row = {
        .type = "", .short_name = "", .count = 1, .bytes = UINT64_MAX - 15, .objects = &object};
    struct snapshot empty = census_make(1, 0, 0);
    struct snapshot odd = {.origin = {.stack_start = UINT64_MAX,
                                      .start_time = UINT64_MAX,
                                      .executable = "",
                                      .version = "",
                                      .command_line = ""},
                           .occasion = {.taken_ms = -1, .stopped_milliseconds = -0.0},
                           .rows = &row,
                           .row_count = 1,
                           .objects = 1,
                           .bytes = UINT64_MAX - 15,
                           .has_objects = true};
    struct census_place place;

    census_place_begin(&place);
    struct census_file *file = census_open_to_add(place.path);
    census_add(file, &empty, 0);
    census_add(file, &odd, 0);
    odd.occasion.pause_milliseconds = NAN;
    census_add(file, &odd, 0);
    odd.occasion.pause_milliseconds = 0;
    census_expect(file, 1, &empty, true);
    census_expect(file, 2, &odd, true);
    census_expect(file, 3, &odd, true);
    census_file_close(file);
    snapshot_free(&empty);
    census_place_end(&place);
}

/* What could not be loaded is not written. */
Test(census_file, a_census_that_contradicts_itself_is_not_saved)
{
    struct snapshot snapshot = census_make(1, 4, 100);
    struct census_place place;
    struct error err;

    census_place_begin(&place);
    snapshot.objects++;
    cr_expect_not(census_file_save(place.path, &snapshot, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM);
    snapshot.objects--;
    snapshot.storage[0].address = UINT64_MAX;
    cr_expect_not(census_file_save(place.path, &snapshot, &err));
    snapshot.storage[0].address = 8;
    snapshot.storage[0].size++;
    cr_expect_not(census_file_save(place.path, &snapshot, &err));
    snapshot.storage[0].size--;
    cr_expect(census_file_save(place.path, &snapshot, &err), "%s", err.text);
    snapshot_free(&snapshot);
    census_place_end(&place);
}

Test(census_file, keeps_a_history)
{
    struct snapshot snapshots[5];
    struct census_place place;
    struct error err;

    census_place_begin(&place);
    struct census_file *file = census_open_to_add(place.path);
    cr_expect_eq(census_file_count(file), 0);
    for (unsigned i = 0; i < COUNT(snapshots); i++) {
        snapshots[i] = census_make(i + 1, 20 + i * 7 % 5, 1000);
        snapshots[i].has_objects = i != 3;
        cr_expect_eq(census_add(file, &snapshots[i], 0).dropped, 0);
    }
    census_file_close(file);
    file = census_open(place.path);
    cr_assert_eq(census_file_count(file), COUNT(snapshots));
    for (unsigned i = 0; i < COUNT(snapshots); i++) {
        struct census_entry entry;
        cr_assert(census_file_entry(file, i + 1, &entry, &err), "%s", err.text);
        cr_expect_eq(entry.number, i + 1);
        cr_expect_eq(entry.occasion.taken_ms, snapshots[i].occasion.taken_ms);
        cr_expect_eq(entry.objects, snapshots[i].objects);
        cr_expect_eq(entry.bytes, snapshots[i].bytes);
        cr_expect_eq(entry.has_objects, i != 3);
        cr_expect(origin_is_same(&entry.origin, &snapshots[i].origin));
        cr_expect_str_eq(entry.origin.command_line, snapshots[i].origin.command_line);
        census_expect(file, i + 1, &snapshots[i], i != 3);
        snapshot_free(&snapshots[i]);
    }
    census_file_close(file);
    census_place_end(&place);
}

/* Two programs that write, and one that reads, each with the file open all the while. */
Test(census_file, is_shared)
{
    struct snapshot snapshot = census_make(1, 10, 100), other = census_make(2, 30, 100);
    struct census_place place;

    census_place_begin(&place);
    struct census_file *one = census_open_to_add(place.path);
    struct census_file *two = census_open_to_add(place.path);
    struct census_file *reader = census_open(place.path);
    census_add(one, &snapshot, 0);
    census_add(two, &other, 0);
    census_add(one, &other, 0);
    cr_expect_eq(census_file_count(one), 3);
    cr_expect_eq(census_file_count(two), 2);
    cr_expect_eq(census_file_count(reader), 0);
    census_expect(two, 1, &snapshot, true);
    census_expect(reader, 2, &other, true);
    census_expect(two, 3, &other, true);
    census_file_close(reader);
    census_file_close(two);
    census_file_close(one);
    snapshot_free(&snapshot);
    snapshot_free(&other);
    census_place_end(&place);
}

struct seen {
    const struct snapshot *snapshots;
    size_t visited, most;
    char last_type[64];
    size_t last_census;
};

static bool see(void *context, const struct census_count *count)
{
    struct seen *seen = context;
    const struct snapshot *snapshot = &seen->snapshots[count->census - 1];
    bool found = false;

    for (size_t i = 0; i < snapshot->row_count; i++) {
        const struct snapshot_row *row = &snapshot->rows[i];
        found |= row->type_length == count->type_length &&
                 memcmp(row->type, count->type, row->type_length) == 0 &&
                 row->count == count->count && row->bytes == count->bytes;
    }
    cr_expect(found, "%s in %zu", count->type, count->census);
    return ++seen->visited < seen->most;
}

Test(census_file, tells_all_counts)
{
    struct snapshot snapshots[4];
    struct seen seen = {.snapshots = snapshots, .most = SIZE_MAX};
    struct census_place place;
    size_t rows = 0;
    struct error err;

    census_place_begin(&place);
    struct census_file *file = census_open_to_add(place.path);
    for (unsigned i = 0; i < COUNT(snapshots); i++) {
        snapshots[i] = census_make(i + 1, 10 + i, 100);
        rows += snapshots[i].row_count;
        census_add(file, &snapshots[i], 0);
    }
    census_file_close(file);
    file = census_open(place.path);
    cr_assert(census_file_counts(file, see, &seen, &err), "%s", err.text);
    cr_expect_eq(seen.visited, rows);
    seen.visited = 0;
    seen.most = 7;
    cr_assert(census_file_counts(file, see, &seen, &err), "%s", err.text);
    cr_expect_eq(seen.visited, 7);
    census_file_close(file);
    for (unsigned i = 0; i < COUNT(snapshots); i++)
        snapshot_free(&snapshots[i]);
    census_place_end(&place);
}

static size_t size_of(const char *path)
{
    struct stat status;

    cr_assert_eq(stat(path, &status), 0);
    return (size_t)status.st_size;
}

/* The first of each process keeps its addresses longest, but for the one that was just added. */
Test(census_file, keeps_its_bound)
{
    enum { CENSUSES = 30, MOST = 400 << 10 };
    struct snapshot snapshots[CENSUSES];
    struct census_place place;
    size_t dropped = 0;

    census_place_begin(&place);
    struct census_file *file = census_open_to_add(place.path);
    for (unsigned i = 0; i < CENSUSES; i++) {
        snapshots[i] = census_make(i + 1, 10, 20000);
        snapshots[i].origin.pid = i < 20 ? 4711 : 4712;
        struct census_bound bound = census_add(file, &snapshots[i], MOST);
        dropped += bound.dropped;
        cr_assert_not(bound.is_exceeded);
        cr_assert_leq(size_of(place.path), MOST, "%zu bytes", size_of(place.path));
    }
    cr_expect_gt(dropped, 10);
    for (unsigned i = 0; i < CENSUSES; i++) {
        bool is_kept = i == 0 || i == 20 || i > dropped + 1;
        census_expect(file, i + 1, &snapshots[i], is_kept);
    }
    /* A smaller bound shrinks the file; of one that nothing fits in, the counts are left. */
    struct snapshot small = census_make(31, 10, 10);
    cr_expect_not(census_add(file, &small, 100 << 10).is_exceeded);
    cr_expect_leq(size_of(place.path), 100 << 10);
    cr_expect(census_add(file, &small, 1).is_exceeded);
    for (unsigned i = 0; i < CENSUSES; i++)
        census_expect(file, i + 1, &snapshots[i], false);
    census_expect(file, CENSUSES + 2, &small, false);
    census_file_close(file);
    for (unsigned i = 0; i < CENSUSES; i++)
        snapshot_free(&snapshots[i]);
    snapshot_free(&small);
    census_place_end(&place);
}

Test(census_file, a_history_is_not_replaced_and_a_single_one_is)
{
    struct snapshot first = census_make(1, 5, 50), second = census_make(2, 5, 50);
    struct census_place place;

    census_place_begin(&place);
    census_save(place.path, &first);
    census_save(place.path, &second);
    struct census_file *file = census_open_to_add(place.path);
    census_expect(file, 1, &second, true);
    census_add(file, &first, 0);
    census_file_close(file);
    census_expect_unsaved(place.path, ERROR_USAGE, "a history of 2 censuses");
    file = census_open(place.path);
    census_expect(file, 2, &first, true);
    census_file_close(file);
    snapshot_free(&first);
    snapshot_free(&second);
    census_place_end(&place);
}

/* What is added to a file that is no longer there would be lost. */
Test(census_file, notices_that_it_was_replaced)
{
    struct snapshot first = census_make(1, 5, 50), second = census_make(2, 5, 50);
    struct census_place place;
    struct error err;

    census_place_begin(&place);
    struct census_file *file = census_open_to_add(place.path);
    census_save(place.path, &first);
    cr_assert_not(census_file_add(file, &second, 0, NULL, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, "replaced"), "%s", err.text);
    census_file_close(file);
    file = census_open_to_add(place.path);
    census_add(file, &second, 0);
    census_expect(file, 1, &first, true);
    cr_assert_eq(unlink(place.path), 0);
    cr_expect_not(census_file_add(file, &second, 0, NULL, &err));
    census_file_close(file);
    snapshot_free(&first);
    snapshot_free(&second);
    census_place_end(&place);
}

Test(census_file, follows_symbolic_links)
{
    struct snapshot snapshot = census_make(1, 5, 50);
    struct census_place place;
    struct stat status;
    char link[160];

    census_place_begin(&place);
    snprintf(link, sizeof(link), "%s/link", place.scratch.path);
    scratch_run(&place.scratch, "mkdir far && : >far/real && ln -s far/real link");
    census_save(link, &snapshot);
    cr_assert_eq(lstat(link, &status), 0);
    cr_expect(S_ISLNK(status.st_mode));
    struct census_file *file = census_open_to_add(link);
    census_add(file, &snapshot, 0);
    census_expect(file, 2, &snapshot, true);
    census_file_close(file);
    scratch_run(&place.scratch, "test \"$(ls far)\" = real && rm far/real");
    census_expect_unsaved(link, ERROR_OUTPUT, "symbolic link");
    census_expect_refused(link, ERROR_INPUT, "No such file");
    snapshot_free(&snapshot);
    census_place_end(&place);
}

/* A full disk: no file of ours can grow beyond the limit. */
Test(census_file, a_full_disk_costs_nothing_that_was_there)
{
    struct snapshot small = census_make(1, 5, 50), large = census_make(2, 50, 50000);
    struct rlimit limit = {.rlim_cur = 60000, .rlim_max = RLIM_INFINITY};
    struct census_place place;
    char other[160];
    struct error err;

    census_place_begin(&place);
    snprintf(other, sizeof(other), "%s/other", place.scratch.path);
    census_save(place.path, &small);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_not(census_file_save(place.path, &large, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
    cr_expect_not(census_file_save(other, &large, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
    struct census_file *file = census_open_to_add(place.path);
    cr_expect_not(census_file_add(file, &large, 0, NULL, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
    census_add(file, &small, 0);
    cr_expect_eq(census_file_count(file), 2);
    census_expect(file, 1, &small, true);
    census_expect(file, 2, &small, true);
    census_file_close(file);
    cr_expect_eq(census_place_files(&place), 1);
    snapshot_free(&small);
    snapshot_free(&large);
    census_place_end(&place);
}
