// SPDX-License-Identifier: MIT
/* The scaffolding itself: targets come up, stand still, and tell a truth that can be true. */
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

static const char *const SCENES[] = {
    "bare", "stdlib", "two_million", "frozen", "subinterpreters", "threads64", "names",
};
#define SCENE_COUNT (sizeof(SCENES) / sizeof(SCENES[0]))

struct row {
    size_t python, scene;
};

ParameterizedTestParameters(oracle, tells_the_truth)
{
    static struct row rows[PYTHONS_MAX * SCENE_COUNT];
    struct python pythons[PYTHONS_MAX];
    size_t python_count = pythons_find(pythons, PYTHON_SUPPORTED);
    size_t count = 0;

    for (size_t python = 0; python < python_count; python++)
        for (size_t scene = 0; scene < SCENE_COUNT; scene++)
            if (strcmp(SCENES[scene], "frozen") != 0 || pythons[python].minor >= 7)
                rows[count++] = (struct row){python, scene};
    return cr_make_param_array(struct row, rows, count);
}

static bool has_type(const struct truth *truth, const char *qualname)
{
    for (size_t i = 0; i < truth->type_count; i++) {
        const char *name = truth->types[i].qualname;
        if (name && strcmp(name, qualname) == 0)
            return true;
    }
    return false;
}

static size_t count_nameless_modules(const struct truth *truth)
{
    size_t ret = 0;
    for (size_t i = 0; i < truth->type_count; i++)
        ret += truth->types[i].module == NULL;
    return ret;
}

static void check_scene(const struct truth *truth, const char *scene, const struct python *python)
{
    if (strcmp(scene, "stdlib") == 0)
        cr_expect_gt(truth->object_count, 20000);
    if (strcmp(scene, "two_million") == 0)
        cr_expect_gt(truth->object_count, 2000000);
    if (strcmp(scene, "frozen") == 0)
        cr_expect_eq(truth->permanent_count, truth->object_count);
    if (strcmp(scene, "subinterpreters") == 0) {
        cr_expect_eq(truth->parts, python->minor >= 9 ? 3 : 1);
        cr_expect(has_type(truth, "OfSubinterpreter"));
    }
    if (strcmp(scene, "names") == 0) {
        cr_expect(has_type(truth, "\x1b[31mred\x1b[0m"));
        cr_expect_geq(count_nameless_modules(truth), 4);
    }
}

ParameterizedTest(struct row *row, oracle, tells_the_truth, .timeout = 300)
{
    struct python pythons[PYTHONS_MAX];
    pythons_find(pythons, PYTHON_SUPPORTED);
    struct target target;
    struct truth truth;

    target_start(&target, &pythons[row->python], SCENES[row->scene]);
    target_tell(&target, &truth);
    target_end(&target);

    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    cr_expect_gt(truth.type_count, 20, "%s", target.name);
    cr_expect(has_type(&truth, "dict") && has_type(&truth, "function"), "%s", target.name);
    for (size_t i = 0; i < truth.object_count; i++) {
        const struct truth_object *object = &truth.objects[i];
        cr_assert(object->address % 8 == 0 && object->address > 4096, "%s", target.name);
        cr_assert(i == 0 || object->address > truth.objects[i - 1].address, "%s", target.name);
        cr_assert(object->size >= 32 && object->size < 1 << 20, "%s: %zu", target.name,
                  (size_t)object->size);
    }
    cr_expect_eq(truth_find(&truth, truth.objects[7].address), &truth.objects[7]);
    cr_expect_null(truth_find(&truth, truth.objects[7].address + 1));
    check_scene(&truth, SCENES[row->scene], &pythons[row->python]);
    truth_free(&truth);
}
