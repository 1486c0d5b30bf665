// SPDX-License-Identifier: MIT
/* `pyinspect attach --save` of real processes, and what is then in the file. */
#include "inspector/store/census_name.h"
#include "tests/support/census_place.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As a census names it: without "builtins.". */
static bool is_named(const struct snapshot_row *row, const struct truth_type *type)
{
    const char *name = row->type;
    size_t length = row->type_length;

    if (type->module && strcmp(type->module, "builtins") != 0) {
        if (length <= type->module_length || memcmp(name, type->module, type->module_length) != 0 ||
            name[type->module_length] != '.')
            return false;
        name += type->module_length + 1;
        length -= type->module_length + 1;
    }
    return type->qualname && length == type->qualname_length &&
           memcmp(name, type->qualname, length) == 0;
}

/* Each object that the target knows, once, with its type and size, and no other. */
static void expect_truth(const struct snapshot *snapshot, const struct truth *truth)
{
    cr_expect_eq(snapshot->objects, truth->object_count);
    for (size_t i = 0; i < snapshot->row_count; i++) {
        const struct snapshot_row *row = &snapshot->rows[i];
        for (uint64_t j = 0; j < row->count; j++) {
            const struct truth_object *object = truth_find(truth, row->objects[j].address);
            cr_assert(object, "%s at 0x%" PRIx64, row->type, row->objects[j].address);
            cr_expect(is_named(row, &truth->types[object->type]), "%s is %s", row->type,
                      truth->types[object->type].qualname);
            cr_expect(object->size == TRUTH_UNSIZED || !row->is_exact ||
                          object->size == row->objects[j].size,
                      "%s: %" PRIu64 ", not %" PRIu64, row->type, row->objects[j].size,
                      object->size);
            cr_expect(j == 0 || row->objects[j - 1].address < row->objects[j].address);
        }
    }
}

static void save(struct program *ret, const struct target *target, const char *path)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)target->pid);
    program_run(ret, (const char *const[]){"attach", number, "--save", path, "--generation",
                                           "0,1,2", NULL});
}

ParameterizedTestParameters(saved, holds_what_the_target_knows)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, saved, holds_what_the_target_knows, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct census_place place;
    struct snapshot snapshot;
    struct program program;
    struct target target;
    struct truth truth;
    struct error err;

    census_place_begin(&place);
    target_start(&target, &python, "stdlib");
    save(&program, &target, place.path);
    pid_t pid = target.pid;
    target_tell(&target, &truth);
    cr_assert_eq(program.status, 0, "%s: %s", target.name, program.err);
    cr_assert(census_name_load(place.path, &snapshot, &err), "%s", err.text);
    cr_expect_eq(snapshot.origin.pid, pid);
    cr_expect(snapshot.origin.start_time && snapshot.origin.stack_start);
    cr_expect(snapshot.occasion.complete && snapshot.occasion.stopped);
    cr_expect(snapshot.has_objects);
    expect_truth(&snapshot, &truth);
    snapshot_free(&snapshot);
    program_free(&program);
    truth_free(&truth);
    target_end(&target);
    census_place_end(&place);
}

static void start(struct target *target)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(target, &pythons[count / 2], "bare");
}

/* The statement's first column, as the sqlite3 module of Python has it. */
static void expect_sql(const struct census_place *place, const char *sql, const char *wanted)
{
    scratch_run(&place->scratch,
                "test \"$(python3 -c 'import sqlite3, sys; "
                "print(sqlite3.connect(\"test.census\").execute(sys.argv[1]).fetchone()[0])' "
                "\"%s\")\" = '%s'",
                sql, wanted);
}

Test(saved, can_be_queried_and_replaced, .timeout = 120)
{
    struct census_place place;
    struct program program;
    struct target target;
    struct stat status;
    char number[16];

    census_place_begin(&place);
    start(&target);
    snprintf(number, sizeof(number), "%d", (int)target.pid);
    for (int i = 0; i < 2; i++) {
        save(&program, &target, place.path);
        cr_expect_eq(program.status, 0, "%s", program.err);
        program_free(&program);
    }
    cr_assert_eq(stat(place.path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    cr_expect_eq(census_place_files(&place), 1);
    expect_sql(&place, "SELECT count(*) FROM history", "1");
    expect_sql(&place, "SELECT pid FROM history", number);
    expect_sql(&place, "SELECT taken BETWEEN '2025' AND '2200' FROM history", "1");
    expect_sql(&place, "SELECT sum(count) = objects FROM types, history", "1");
    expect_sql(&place, "SELECT count > 10 FROM types WHERE type = 'dict'", "1");
    expect_sql(&place,
               "SELECT min(length(addresses) >= count) FROM addresses JOIN type_count USING "
               "(census, type)",
               "1");
    target_end(&target);
    census_place_end(&place);
}

/* What cannot be saved is known before the target is stopped for it. */
static void expect_status(const struct target *target, const char *path, int status,
                          const char *words)
{
    struct program program;
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)target->pid);
    program_run_untraced(&program, (const char *const[]){"attach", number, "--save", path, NULL});
    cr_expect_eq(program.status, status, "%s: %d, %s", path, program.status, program.err);
    cr_expect(strstr(program.err, words), "%s", program.err);
    cr_expect_str_empty(program.out);
    program_free(&program);
}

Test(saved, nothing_is_lost, .timeout = 120)
{
    struct snapshot snapshot = census_make(1, 5, 50);
    struct census_place place;
    struct target target;

    census_place_begin(&place);
    start(&target);
    scratch_write(&place.scratch, "test.census", "a text\n");
    expect_status(&target, place.path, 6, "is no census file");
    scratch_run(&place.scratch, "grep -qx 'a text' test.census && rm test.census");
    struct census_file *file = census_open_to_add(place.path);
    census_add(file, &snapshot, 0);
    census_add(file, &snapshot, 0);
    census_file_close(file);
    expect_status(&target, place.path, 2, "a history of 2 censuses");
    census_sql(place.path, "PRAGMA user_version = 2");
    expect_status(&target, place.path, 6, "use a newer pyinspect");
    expect_status(&target, "/dev/full", 7, "not a regular file");
    expect_status(&target, place.scratch.path, 7, "directory");
    expect_status(&target, "/nowhere/at/all", 7, "No such file");
    cr_expect_eq(census_place_files(&place), 1);
    target_end(&target);
    snapshot_free(&snapshot);
    census_place_end(&place);
}
