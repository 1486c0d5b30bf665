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

/* The name that a type is to be printed by, from what the target says of it. */
static size_t expected_name(char *name, size_t size, const struct truth_type *type)
{
    size_t length = 0;

    cr_assert(type->qualname && type->module_length + type->qualname_length + 1 < size);
    if (type->module && (type->module_length != 8 || memcmp(type->module, "builtins", 8) != 0)) {
        memcpy(name, type->module, type->module_length);
        length = type->module_length;
        name[length++] = '.';
    }
    memcpy(name + length, type->qualname, type->qualname_length);
    return length + type->qualname_length;
}

static bool has_name(const struct observed_type *seen, const struct truth_type *type)
{
    static char name[1 << 20];
    size_t length = expected_name(name, sizeof(name), type);

    return length == seen->length && memcmp(name, seen->name, length) == 0;
}

/* Walks both sorted lists side by side, and names the first few differences. */
static void compare(const struct observation *seen, const struct truth *truth, const char *where)
{
    size_t i = 0, j = 0, shown = 0, differences = 0;

    while (i < seen->object_count || j < truth->object_count) {
        const struct observed_object *ours = i < seen->object_count ? &seen->objects[i] : NULL;
        const struct truth_object *theirs = j < truth->object_count ? &truth->objects[j] : NULL;
        bool only_ours = ours && (!theirs || ours->address < theirs->address);
        bool only_theirs = theirs && (!ours || theirs->address < ours->address);
        const char *problem = NULL;

        if (only_ours)
            problem = "seen, but not there";
        else if (only_theirs)
            problem = "there, but not seen";
        else if (!has_name(&seen->types[ours->type], &truth->types[theirs->type]))
            problem = "of another type";
        else if (ours->size != theirs->size)
            problem = "of another size";
        if (problem && ++differences && shown++ < 5)
            cr_log_error(
                "%s: object 0x%llx is %s: %s, %llu bytes against %llu", where,
                (unsigned long long)(only_theirs ? theirs->address : ours->address), problem,
                only_theirs ? truth->types[theirs->type].qualname : seen->types[ours->type].name,
                only_theirs ? 0 : (unsigned long long)ours->size,
                only_ours ? 0 : (unsigned long long)theirs->size);
        i += !only_theirs;
        j += !only_ours;
    }
    cr_expect_eq(differences, 0, "%s: %zu differences in %zu objects", where, differences,
                 truth->object_count);
}

/* gc.get_objects() leaves out the permanent generation, which is therefore only counted. */
static void leave_out_permanent(struct observation *seen)
{
    size_t kept = 0;

    for (size_t i = 0; i < seen->object_count; i++) {
        if (!seen->objects[i].permanent)
            seen->objects[kept++] = seen->objects[i];
    }
    seen->object_count = kept;
}

ParameterizedTestParameters(census, equals_what_the_target_says)
{
    static struct row rows[PYTHONS_MAX * SCENE_COUNT];
    struct interpreter pythons[PYTHONS_MAX];
    size_t python_count = pythons_find(pythons, PYTHON_SUPPORTED);
    size_t count = 0;

    for (size_t python = 0; python < python_count; python++) {
        for (size_t scene = 0; scene < SCENE_COUNT; scene++) {
            if (strcmp(SCENES[scene], "frozen") != 0 || pythons[python].minor >= 7)
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
    if (strcmp(scene, "frozen") != 0)
        leave_out_permanent(&seen);
    if (strcmp(scene, "subinterpreters") == 0)
        cr_expect_eq(seen.interpreters, pythons[row->python].minor >= 9 ? 3 : 1);
    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    compare(&seen, &truth, target.name);

    target_end(&target);
    observation_free(&seen);
    truth_free(&truth);
}

/* There is no truth to compare with, but the links must agree, whatever the threads are doing. */
Test(census, verifies_a_target_that_never_rests)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        struct ticker ticker;

        ticker_start(&ticker, &pythons[i], "busy");
        for (int attempt = 0; attempt < 3; attempt++) {
            struct observation seen;
            observe(&seen, ticker.pid);
            cr_expect_gt(seen.object_count, 50000, "%s: not busy", pythons[i].name);
            cr_expect(seen.verified, "%s: not verified after %u stops", pythons[i].name,
                      seen.stops);
            observation_free(&seen);
        }
        cr_expect(ticker_runs(&ticker), "%s", pythons[i].name);
        ticker_end(&ticker);
    }
}
