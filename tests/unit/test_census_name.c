// SPDX-License-Identifier: MIT
#include "inspector/store/census_name.h"
#include "tests/support/census_place.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Central European time: an hour ahead in November. */
static void use_zone(void)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
}

TestSuite(census_name, .init = use_zone, .timeout = 60);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CENSUSES = 4 };

/* Taken at 12:00, 12:01, 12:02 and 12:03 UTC, all of them 250 ms later. */
static void make_history(const char *path)
{
    struct census_file *file = census_open_to_add(path);

    for (unsigned i = 0; i < CENSUSES; i++) {
        struct snapshot snapshot = census_make(i + 1, 2, 4);
        snapshot.occasion.taken_ms += 250;
        census_add(file, &snapshot, 0);
        snapshot_free(&snapshot);
    }
    census_file_close(file);
}

/* The number of the census of that name: its seed is in its pause. */
static unsigned number_of(const char *name)
{
    struct snapshot snapshot;
    struct error err;

    cr_assert(census_name_load(name, &snapshot, &err), "%s", err.text);
    unsigned number = (unsigned)(snapshot.occasion.pause_milliseconds - 12.75);
    snapshot_free(&snapshot);
    return number;
}

static void expect_error(const char *name, enum error_kind kind, const char *words)
{
    struct snapshot snapshot;
    struct error err = {.kind = ERROR_NONE};

    cr_assert_not(census_name_load(name, &snapshot, &err), "%s", name);
    cr_expect_eq(err.kind, kind, "%s: %s", name, err.text);
    cr_expect(strstr(err.text, words), "%s: %s", name, err.text);
}

static const struct {
    const char *member;
    unsigned number;
} members[] = {
    {"", 4},
    {"@last", 4},
    {"@first", 1},
    {"@1", 1},
    {"@03", 3},
    {"@2026-11-21", 4},
    {"@2026-11-22Z", 4},
    {"@2026-11-21T13:01", 2},
    {"@2026-11-21 13:01", 2},
    {"@2026-11-21T12:01Z", 2},
    {"@2026-11-21T14:01+02:00", 2},
    {"@2026-11-21T07:01-0500", 2},
    {"@2026-11-21T13:01:00", 2},
    {"@2026-11-21T13:01:00.25", 2},
    {"@2026-11-21T13:01:00.249", 1},
    {"@2026-11-21T13:01:00.2499999", 1},
    {"@2026-11-21T12:02:59.9Z", 3},
    {"@9999-12-31", 4},
};

Test(census_name, names_one_of_a_history)
{
    struct census_place place;
    char name[PATH_MAX];

    census_place_begin(&place);
    make_history(place.path);
    for (size_t i = 0; i < COUNT(members); i++) {
        snprintf(name, sizeof(name), "%s%s", place.path, members[i].member);
        cr_expect_eq(number_of(name), members[i].number, "%s: %u", members[i].member,
                     number_of(name));
    }
    census_place_end(&place);
}

static const struct {
    const char *member, *words;
} wrong[] = {
    {"@0", "has no census @0: it has 4, taken between 2026-11-21T13:00:00+0100 and "
           "2026-11-21T13:03:00+0100"},
    {"@5", "it has 4"},
    {"@99999999999999999999999", "it has 4"},
    {"@2026-11-21T12:59", "it has 4"},
    {"@2026-11-20", "it has 4"},
    {"@", "a census is named by"},
    {"@second", "a census is named by"},
    {"@-1", "a census is named by"},
    {"@1x", "a census is named by"},
    {"@2026-02-29", "a census is named by"},
    {"@2026-13-01", "a census is named by"},
    {"@2026-11-21T", "a census is named by"},
    {"@2026-11-21T24:00", "a census is named by"},
    {"@2026-11-21T13:01:00.", "a census is named by"},
    {"@2026-11-21T13:01+1", "a census is named by"},
    {"@2026-11-21T13:01Zz", "a census is named by"},
};

Test(census_name, says_what_there_is)
{
    struct census_place place;
    char name[PATH_MAX];

    census_place_begin(&place);
    make_history(place.path);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(name, sizeof(name), "%s%s", place.path, wrong[i].member);
        expect_error(name, ERROR_USAGE, wrong[i].words);
    }
    snprintf(name, sizeof(name), "%s.not@1", place.path);
    expect_error(name, ERROR_INPUT, "No such file");
    snprintf(name, sizeof(name), "%s.not@there.census", place.path);
    expect_error(name, ERROR_INPUT, "there.census: No such file");
    expect_error("@1", ERROR_USAGE, "names no census file");
    expect_error("", ERROR_USAGE, "names no census file");
    census_place_end(&place);
}

Test(census_name, one_that_has_none_or_one)
{
    struct snapshot snapshot = census_make(1, 2, 4);
    struct census_place place;
    char name[PATH_MAX];

    census_place_begin(&place);
    census_file_close(census_open_to_add(place.path));
    expect_error(place.path, ERROR_USAGE, "has no census yet");
    census_save(place.path, &snapshot);
    snprintf(name, sizeof(name), "%s@2", place.path);
    expect_error(name, ERROR_USAGE, "it has one, taken at 2026-11-21T13:00:00+0100");
    snapshot_free(&snapshot);
    census_place_end(&place);
}

/* A file that is called like a member of another one comes first. */
Test(census_name, an_at_in_a_files_own_name)
{
    struct snapshot snapshot = census_make(7, 2, 4);
    struct census_place place;
    char name[PATH_MAX], path[PATH_MAX];
    struct error err;

    census_place_begin(&place);
    make_history(place.path);
    snprintf(name, sizeof(name), "%s@1", place.path);
    cr_assert(census_name_path(name, path, sizeof(path), &err));
    cr_expect_str_eq(path, place.path);
    cr_expect_eq(number_of(name), 1);
    census_save(name, &snapshot);
    cr_assert(census_name_path(name, path, sizeof(path), &err));
    cr_expect_str_eq(path, name);
    cr_expect_eq(number_of(name), 7);
    snprintf(name, sizeof(name), "%s@1@last", place.path);
    cr_expect_eq(number_of(name), 7);
    cr_assert(census_name_path("a@b/c", path, sizeof(path), &err));
    cr_expect_str_eq(path, "a@b/c");
    cr_expect_not(census_name_path("a/b", path, 3, &err));
    snapshot_free(&snapshot);
    census_place_end(&place);
}

Test(census_name, a_new_file_is_not_called_like_a_member)
{
    static const char *const bad[] = {"",       "-",       "a.census@3",         "a@first",
                                      "a@last", "dir/a@1", "a.census@2026-11-20"};
    static const char *const good[] = {"a.census", "me@example", "a@b.census", "dir@3/a", "a@"};
    struct error err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_expect_not(census_name_check_new(bad[i], &err), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_USAGE);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        cr_expect(census_name_check_new(good[i], &err), "%s", good[i]);
}
