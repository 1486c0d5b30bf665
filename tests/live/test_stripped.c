// SPDX-License-Identifier: MIT
/*
 * Interpreters from which all debug information is gone: what is seen of them equals what they say
 * of themselves all the same.
 */
#include "tests/support/interpreter_copy.h"
#include "tests/support/observe.h"
#include "tests/support/proc.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;

static void remove_copy(void)
{
    interpreter_copy_remove(&copy);
}

TestSuite(stripped, .fini = remove_copy, .timeout = 300);

static const char *const SCENES[] = {"bare", "stdlib"};
#define SCENE_COUNT (sizeof(SCENES) / sizeof(SCENES[0]))

struct row {
    size_t python, scene;
};

/* No debug information lies where we did not expect it: the answer has to come from elsewhere. */
static void expect_no_debug_information(const struct target *target)
{
    struct program program;
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)target->pid);
    program_run(&program, (const char *const[]){"doctor", number, NULL});
    cr_expect_eq(program.status, 0, "%s: %s", target->name, program.err);
    cr_expect_null(strstr(program.out, "debug information found"), "%s: %s", target->name,
                   program.out);
    program_free(&program);
}

static void expect_true_census(const struct interpreter *python, int how, const char *scene)
{
    struct observation seen;
    struct target target;
    struct truth truth;

    interpreter_copy_make(&copy, python, how);
    target_start(&target, &copy.python, scene);
    expect_no_debug_information(&target);
    observe(&seen, target.pid);
    target_tell(&target, &truth);

    cr_expect(seen.verified, "%s: could not be verified", target.name);
    cr_expect_eq(seen.permanent_count, truth.permanent_count, "%s", target.name);
    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    observation_expect(&seen, &truth, target.name);

    target_end(&target);
    observation_free(&seen);
    truth_free(&truth);
}

ParameterizedTestParameters(stripped, equals_what_the_target_says)
{
    static struct row rows[PYTHONS_MAX * SCENE_COUNT];
    struct interpreter pythons[PYTHONS_MAX];
    size_t python_count = pythons_find(pythons, PYTHON_SUPPORTED);
    size_t count = 0;

    for (size_t python = 0; python < python_count; python++) {
        for (size_t scene = 0; scene < SCENE_COUNT; scene++)
            rows[count++] = (struct row){python, scene};
    }
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, stripped, equals_what_the_target_says)
{
    struct interpreter python = pythons_get(&row->python);

    expect_true_census(&python, COPY_STRIPPED, SCENES[row->scene]);
}

ParameterizedTestParameters(stripped, without_section_headers)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stripped, without_section_headers)
{
    struct interpreter python = pythons_get(index);

    expect_true_census(&python, COPY_STRIPPED | COPY_NO_SECTIONS, "bare");
}

ParameterizedTestParameters(stripped, without_a_build_id)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stripped, without_a_build_id)
{
    struct interpreter python = pythons_get(index);

    expect_true_census(&python, COPY_STRIPPED | COPY_NO_BUILD_ID, "bare");
}

/* Else the tests above would look at the original. */
ParameterizedTestParameters(stripped, a_copy_is_what_runs)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stripped, a_copy_is_what_runs)
{
    struct interpreter python = pythons_get(index);
    struct target target;

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    target_start(&target, &copy.python, "bare");
    char *maps = process_file(target.pid, "maps");
    cr_expect(strstr(maps, copy.image), "%s: %s is not mapped", target.name, copy.image);
    free(maps);
    target_end(&target);
}
