// SPDX-License-Identifier: MIT
/* Layouts of other builds, and damaged ones, given for an interpreter: refused, or proven right. */
#include "inspector/command/session.h"
#include "symbols/base/clock.h"
#include "symbols/layout_search.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/observe.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE_MS = 2000, MOST_ACCEPTED = 64 };

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;
static struct target target;

static void clean(void)
{
    target_end(&target);
    interpreter_copy_remove(&copy);
}

TestSuite(layout_wrong, .fini = clean, .timeout = 300);

/* What was seen with the layouts that were not refused. */
struct accepted {
    struct observation seen[MOST_ACCEPTED];
    char names[MOST_ACCEPTED][256];
    size_t count;
};

/* Does the session open with this layout? What is seen then is kept, to be held against the truth.
 */
static bool try_layout(struct accepted *accepted, const char *path, const char *name,
                       struct error *err)
{
    const struct session_options options = {.sources.layout_file = path};
    double begun = clock_milliseconds();
    struct session *session;

    bool opened = session_open(&session, target.pid, &options, err);
    double took = clock_milliseconds() - begun;
    if (!opened) {
        cr_expect_eq(err->kind, ERROR_INPUT, "%s with %s: %s", target.name, name, err->text);
        cr_expect_lt(took, AT_ONCE_MS, "%s with %s: refused after %.0f ms", target.name, name,
                     took);
        return false;
    }
    session_close(session);
    cr_assert_lt(accepted->count, (size_t)MOST_ACCEPTED);
    snprintf(accepted->names[accepted->count], sizeof(accepted->names[0]), "%.64s with %.128s",
             target.name, name);
    observe_as(&accepted->seen[accepted->count++], target.pid, &options);
    return true;
}

static void expect_all_true(struct accepted *accepted)
{
    struct truth truth;

    target_tell(&target, &truth);
    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    for (size_t i = 0; i < accepted->count; i++) {
        struct observation *seen = &accepted->seen[i];
        cr_expect(seen->verified, "%s: could not be verified", accepted->names[i]);
        cr_expect_eq(seen->permanent_count, truth.permanent_count, "%s", accepted->names[i]);
        observation_expect(seen, &truth, accepted->names[i]);
        observation_free(seen);
    }
    truth_free(&truth);
}

static void start_stripped(const struct interpreter *python, int how)
{
    interpreter_copy_make(&copy, python, COPY_STRIPPED | how);
    scratch_set_cache(&copy.scratch, "cache");
    target_start(&target, &copy.python, "bare");
}

static void expect_program_refuses(const char *path)
{
    struct program program;

    program_attach(&program, target.pid, "--layout", path, NULL);
    cr_expect_eq(program.status, 6, "%s with %s: status %d", target.name, path, program.status);
    cr_expect_eq(program.out_length, 0, "%s", program.out);
    program_free(&program);
}

ParameterizedTestParameters(layout_wrong, that_of_every_other_version)
{
    static size_t indices[PYTHONS_MAX];
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, count);
}

/* A neighbour's may be right: then what is seen is true. */
ParameterizedTest(size_t *index, layout_wrong, that_of_every_other_version)
{
    static struct accepted accepted;
    struct interpreter python = pythons_get(index);
    char refused[512] = "";
    glob_t files;

    start_stripped(&python, COPY_AS_IS);
    cr_assert(glob("symbols/layouts/*.layout", 0, NULL, &files) == 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *name = strrchr(files.gl_pathv[i], '/') + 1;
        bool is_debug = strstr(name, "-debug");
        struct error err;
        int minor;
        cr_assert_eq(sscanf(name, "3.%d", &minor), 1);
        if (try_layout(&accepted, files.gl_pathv[i], name, &err))
            cr_expect(minor == python.minor && is_debug == python.debug_build,
                      "%s with the layout of %s", target.name, name);
        else
            snprintf(refused, sizeof(refused), "%s", files.gl_pathv[i]);
    }
    cr_expect_gt(accepted.count, 0, "%s: its own layout was refused", target.name);
    cr_assert(*refused);
    expect_program_refuses(refused);
    expect_all_true(&accepted);
    globfree(&files);
}

/* One field after the other */

/* The places that do not matter, and why: tests/live/test_validate.c has them too. */
static const struct {
    const char *field, *reason;
} harmless[] = {
    {"PyTypeObject.tp_watched", "only whether it is there is read"},
    {"PyFrameObject.ob_size", "only whether it is there is read"},
};

static bool is_harmless(const char *field)
{
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (strcmp(harmless[i].field, field) == 0)
            return true;
    }
    return false;
}

/* LAYOUT_SLOTS: none has that name. */
static enum layout_slot_id find_slot(const char *name)
{
    enum layout_slot_id id = 0;

    while (id < LAYOUT_SLOTS && strcmp(layout_slot_name(id), name) != 0)
        id++;
    return id;
}

/*
 * Writes the layout `mine.layout` as `shifted.layout` with the field number `wanted`, of those of
 * the kinds that are there, or of the others, eight bytes behind its place, and tells its name. One
 * of a kind goes eight bytes back, where it can: the last one would lie outside. False where there
 * are not so many.
 */
static bool shift_field(size_t wanted, bool of_kind, char name[128])
{
    char line[512], structure[64] = "", field[64], rest[64], path[256];
    size_t count = 0;

    snprintf(path, sizeof(path), "%s/mine.layout", copy.scratch.path);
    FILE *from = fopen(path, "r");
    snprintf(path, sizeof(path), "%s/shifted.layout", copy.scratch.path);
    FILE *to = fopen(path, "w");
    cr_assert(from && to);
    while (fgets(line, sizeof(line), from)) {
        unsigned offset;
        if (line[0] != ' ')
            sscanf(line, "%63s", structure);
        if (line[0] == ' ' && sscanf(line, "%63s %u %63[^\n]", field, &offset, rest) == 3) {
            char its_name[128];
            snprintf(its_name, sizeof(its_name), "%s.%s", structure, field);
            if (layout_slot_is_of_kind(find_slot(its_name)) == of_kind && count++ == wanted) {
                offset = of_kind && offset >= 8 ? offset - 8 : offset + 8;
                snprintf(line, sizeof(line), "    %s %u %s\n", field, offset, rest);
                memcpy(name, its_name, sizeof(its_name));
            }
        }
        cr_assert(fputs(line, to) >= 0);
    }
    cr_assert(fclose(to) == 0 && fclose(from) == 0);
    return count > wanted;
}

/* One that is neither the oldest nor the newest. */
static struct interpreter get_python(void)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pythons[i].version, "3.11.7") == 0)
            return pythons[i];
    }
    return pythons[count / 2];
}

static void make_layout(char shifted[256])
{
    scratch_run(&copy.scratch, "'%s' layout original > mine.layout 2> log", getenv("PYINSPECT"));
    snprintf(shifted, 256, "%s/shifted.layout", copy.scratch.path);
}

/* Nothing but the target itself can tell: no table is of a build without a build-id. */
Test(layout_wrong, a_field_in_the_wrong_place)
{
    static struct accepted accepted;
    struct interpreter python = get_python();
    char shifted[256], name[128];
    struct error err;
    size_t field;

    start_stripped(&python, COPY_NO_BUILD_ID);
    make_layout(shifted);
    for (field = 0; shift_field(field, false, name); field++) {
        if (try_layout(&accepted, shifted, name, &err))
            cr_expect(is_harmless(name), "%s with a wrong %s", target.name, name);
    }
    cr_expect_gt(field, 30);
    shift_field(0, false, name);
    expect_program_refuses(shifted);
    expect_all_true(&accepted);
}

/* Kinds, of which the target proves nothing: what only the file says of one is not used. */

enum { KIND_STEP = 8 }; /* all are tried in tests/unit/test_layout_kinds.c */

static void open_layout(struct layout *ret, const char *path, const char *name)
{
    const struct session_options options = {.sources.layout_file = path};
    struct session *session;
    struct error err;

    cr_assert(session_open(&session, target.pid, &options, &err), "%s: %s", name, err.text);
    *ret = session_python(session)->layout;
    session_close(session);
}

/* Returns whether the structure of the slot is gone; all others have to be there. */
static bool is_dropped(const struct layout *used, const struct layout *right,
                       enum layout_slot_id slot)
{
    enum layout_slot_id structure = layout_slot_structure(slot);
    bool gone = !layout_has(used, structure);

    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        if (gone && layout_slot_structure(id) == structure)
            cr_expect_not(layout_has(used, id), "%s", layout_slot_name(id));
        else
            cr_expect(layout_slot_equal(&used->slots[id], &right->slots[id]), "%s is wrong with %s",
                      layout_slot_name(id), layout_slot_name(slot));
    }
    return gone;
}

Test(layout_wrong, a_field_of_a_kind_in_the_wrong_place)
{
    static struct layout right, used;
    struct interpreter python = get_python();
    char shifted[256], mine[256], name[128];
    size_t dropped = 0;

    start_stripped(&python, COPY_NO_BUILD_ID);
    make_layout(shifted);
    snprintf(mine, sizeof(mine), "%s/mine.layout", copy.scratch.path);
    open_layout(&right, mine, "mine.layout");
    cr_expect(layout_has(&right, PyListObject_ob_item), "what is right was dropped");
    for (size_t field = 0; shift_field(field, true, name); field += KIND_STEP) {
        open_layout(&used, shifted, name);
        if (is_dropped(&used, &right, find_slot(name)))
            dropped++;
        else
            cr_expect_fail("%s was used, or filled in", name);
    }
    cr_expect_gt(dropped, 0);
}

/* With debug information nothing has to be proved: one of the two says something wrong. Returns
 * whether it was that, and not a layout that cannot be at all. */
static bool expect_disagreement(const char *path, const char *name)
{
    static struct accepted accepted;
    struct layout_table table;
    struct error err, ignored;
    char words[256];

    if (try_layout(&accepted, path, name, &err)) {
        cr_expect_fail("%s with a wrong %s", target.name, name);
        return false;
    }
    if (!layout_file_read(&table, path, &ignored))
        return false;
    snprintf(words, sizeof(words), "disagree: %s is", name);
    cr_expect(strstr(err.text, words), "no \"%s\" in: %s", words, err.text);
    return true;
}

Test(layout_wrong, debug_information_that_says_otherwise)
{
    struct interpreter python = get_python();
    char shifted[256], name[128];
    size_t disagreed = 0, of_kinds = 0;

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    scratch_set_cache(&copy.scratch, "cache");
    target_start(&target, &python, "bare");
    make_layout(shifted);
    for (size_t field = 0; shift_field(field, false, name); field++)
        disagreed += expect_disagreement(shifted, name);
    for (size_t field = 0; shift_field(field, true, name); field += KIND_STEP)
        of_kinds += expect_disagreement(shifted, name);
    cr_expect_gt(disagreed, 20);
    cr_expect_gt(of_kinds, 0);
    shift_field(0, false, name);
    expect_program_refuses(shifted);
}
