// SPDX-License-Identifier: MIT
/*
 * Types whose tp_traverse does harm (tests/targets/hostile_traverse.c): what `objects --referents`
 * says of all other objects is as exact as without them (see test_everything.c), and neither the
 * target nor anything else comes to harm.
 */
#include "symbols/base/clock.h"
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the one test that runs in this process; removed even where the test fails. */
static struct scratch scratch;

static void remove_scratch(void)
{
    if (scratch.path[0])
        scratch_remove(&scratch);
}

TestSuite(traversed, .fini = remove_scratch, .timeout = 600);

static const char *const run_words[] = {"objects", "--all-objects", "--referents",
                                        "--json",  "--no-values",   NULL};

/* Of everything that was compared it was said that the type's own tp_traverse told it. */
static const char by_traverse[] = "list(row[\"by\"]) == [\"traverse\"]";

/* What the heartbeat of tests/targets/hostile_traverse.c counts. */
struct beats {
    uint64_t count;
    uint64_t longest_gap; /* nanoseconds */
    uint64_t harmed;      /* its memory was written into */
};

static struct beats read_beats(void)
{
    struct beats ret = {0};
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/beats", scratch.path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && pread(fd, &ret, sizeof(ret), 0) == sizeof(ret), "no heartbeat");
    close(fd);
    return ret;
}

static void expect_unharmed(const struct judge *judge)
{
    struct beats before = read_beats();
    char path[PATH_MAX];
    struct stat status;

    snprintf(path, sizeof(path), "%s/made", scratch.path);
    cr_expect(stat(path, &status) != 0, "%s: a file was made", judge->name);
    for (double deadline = clock_milliseconds() + 10000; read_beats().count == before.count;
         clock_sleep(1))
        cr_assert(clock_milliseconds() < deadline, "%s: the heart stands still", judge->name);
    cr_expect_not(before.harmed, "%s: it was written into", judge->name);
    cr_expect(before.longest_gap < UINT64_C(5000000000), "%s: it was held for %g s", judge->name,
              (double)before.longest_gap / 1e9);
}

/* Of the types with these names, NULL: of all that do not loop. */
static void start_hostile(struct judge *ret, const struct interpreter *python, const char *first,
                          const char *second)
{
    char here[PATH_MAX], library[PATH_MAX];

    scratch_make(&scratch);
    cr_assert(getcwd(here, sizeof(here)));
    scratch_run(&scratch,
                "${CC:-cc} -shared -fPIC -O1 -o hostile.so '%s/tests/targets/hostile_traverse.c' "
                "-lpthread",
                here);
    snprintf(library, sizeof(library), "%s/hostile.so", scratch.path);
    judge_start(ret, python, "judge.py",
                (const char *const[]){"hostile", library, scratch.path, first, second, NULL});
}

/* All other objects are told as exactly, `said` is said of these, and nobody comes to harm. */
static void hold_hostile(const struct interpreter *python, const char *first, const char *second,
                         int status, const char *said, const char *claim)
{
    struct program findings;
    struct judge judge;

    start_hostile(&judge, python, first, second);
    cr_expect_eq(judge_ask(&judge, "referents", NULL, run_words), status, "%s: %s", judge.name,
                 judge.said);
    cr_expect(strstr(judge.said, said), "%s: %s", judge.name, judge.said);
    expect_unharmed(&judge);
    judge_end(&judge, &findings);
    judge_expect(&judge, &findings, 0, claim);
    program_free(&findings);
}

ParameterizedTestParameters(traversed, hostile_types)
{
    return pythons_some();
}

/* References to what is no object are counted as damage: the answer is incomplete. */
ParameterizedTest(size_t *index, traversed, hostile_types)
{
    struct interpreter python = pythons_get(index);

    hold_hostile(&python, NULL, NULL, 1, "objects whose tp_traverse failed", by_traverse);
}

ParameterizedTestParameters(traversed, types_that_loop)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, traversed, types_that_loop)
{
    struct interpreter python = pythons_get(index);

    hold_hostile(&python, "loops_without_a_trace", "visits_for_ever", 0,
                 "4 objects whose tp_traverse failed", by_traverse);
}

ParameterizedTestParameters(traversed, types_that_harm_others)
{
    return pythons_some();
}

/* What it has written to in its copy may make others fail, but none of them says anything else. */
ParameterizedTest(size_t *index, traversed, types_that_harm_others)
{
    struct interpreter python = pythons_get(index);

    hold_hostile(&python, "scribbles_on_objects", NULL, 0, "", "row[\"checked\"] > 20000");
}

ParameterizedTestParameters(traversed, a_kind_that_is_wrong)
{
    return pythons_some();
}

/* A list whose tp_traverse tells of itself instead of its items: believed, counted and reported. */
ParameterizedTest(size_t *index, traversed, a_kind_that_is_wrong)
{
    struct interpreter python = pythons_get(index);
    struct program findings;
    struct judge judge;

    start_hostile(&judge, &python, "lies", NULL);
    cr_expect_eq(judge_ask(&judge, "referents", NULL, run_words), 0, "%s: %s", judge.name,
                 judge.said);
    cr_expect(strstr(judge.said, "2 objects of which pyinspect itself knew other references than "
                                 "tp_traverse told, which is believed (hostile.lies"),
              "%s: %s", judge.name, judge.said);
    judge_end(&judge, &findings);
    judge_expect(&judge, &findings, 0,
                 "row[\"hostile\"][\"lies\"] == [[\"traverse\", 1, False]] * 2");
    program_free(&findings);
}
