// SPDX-License-Identifier: MIT
/*
 * The claim that everything rests on: what pyinspect sees from outside is what the target knows of
 * itself at the same moment. Whole heaps, by equality: the set of addresses, and of each object the
 * type's name and the size. On every interpreter and in every scene.
 */
#include "tests/support/observe.h"
#include "tests/support/target.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

static const char *const SCENES[] = {
    "bare", "stdlib", "two_million", "frozen", "subinterpreters", "threads64", "names",
};
#define SCENE_COUNT (sizeof(SCENES) / sizeof(SCENES[0]))

struct row {
    size_t python, scene;
};

/* Of several builds of one version one sees all scenes; two million objects are as many in a debug
 * build, and take thrice as long. */
static bool is_set(const char *scene, const struct interpreter *pythons, size_t python)
{
    if (strcmp(scene, "frozen") == 0 && pythons[python].minor < 7)
        return false;
    if (strcmp(scene, "two_million") == 0 && pythons[python].debug_build)
        return false;
    return strcmp(scene, "bare") == 0 || strcmp(scene, "stdlib") == 0 ||
           pythons_is_first(pythons, python);
}

ParameterizedTestParameters(census, equals_what_the_target_says)
{
    static struct row rows[PYTHONS_MAX * SCENE_COUNT];
    struct interpreter pythons[PYTHONS_MAX];
    size_t python_count = pythons_find(pythons, PYTHON_SUPPORTED);
    size_t count = 0;

    for (size_t python = 0; python < python_count; python++) {
        for (size_t scene = 0; scene < SCENE_COUNT; scene++) {
            if (is_set(SCENES[scene], pythons, python))
                rows[count++] = (struct row){python, scene};
        }
    }
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, census, equals_what_the_target_says, .timeout = 300)
{
    struct interpreter pythons[PYTHONS_MAX];
    const char *scene = SCENES[row->scene];
    struct observation seen;
    struct target target;
    struct truth truth;

    pythons_find(pythons, PYTHON_SUPPORTED);
    target_start(&target, &pythons[row->python], scene);
    observe(&seen, target.pid);
    target_tell(&target, &truth);

    cr_expect(seen.verified, "%s: could not be verified", target.name);
    cr_expect_eq(seen.permanent_count, truth.permanent_count,
                 "%s: %zu permanent objects against %zu", target.name, (size_t)seen.permanent_count,
                 (size_t)truth.permanent_count);
    if (strcmp(scene, "subinterpreters") == 0)
        cr_expect_eq(seen.interpreters, pythons[row->python].minor >= 9 ? 3 : 1);
    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    observation_expect(&seen, &truth, target.name);

    target_end(&target);
    observation_free(&seen);
    truth_free(&truth);
}

ParameterizedTestParameters(census, verifies_a_target_that_never_rests)
{
    return pythons_each(false);
}

/* There is no truth to compare with, but the links must agree, whatever the threads are doing. */
ParameterizedTest(size_t *index, census, verifies_a_target_that_never_rests, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, "busy");
    for (int attempt = 0; attempt < 3; attempt++) {
        struct observation seen;
        observe(&seen, ticker.pid);
        cr_expect_gt(seen.object_count, 50000, "%s: not busy", python.name);
        cr_expect(seen.verified, "%s: not verified after %u stops", python.name, seen.stops);
        observation_free(&seen);
    }
    cr_expect(ticker_runs(&ticker), "%s", python.name);
    ticker_end(&ticker);
}
