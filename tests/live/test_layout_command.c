// SPDX-License-Identifier: MIT
/* `pyinspect layout`: what it prints, what it refuses, and what pyinspect brings along of it. */
#include "symbols/layout_search.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/program.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;
static struct scratch scratch;

static void clean(void)
{
    interpreter_copy_remove(&copy);
    if (scratch.path[0])
        scratch_remove(&scratch);
}

TestSuite(layout_command, .fini = clean, .timeout = 120);

static void run(struct program *ret, const struct scratch *where, const char *name,
                const char *option)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", where->path, name);
    program_run(ret, (const char *const[]){"layout", path, option, NULL});
}

ParameterizedTestParameters(layout_command, prints_what_is_read_back)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, layout_command, prints_what_is_read_back)
{
    struct interpreter python = pythons_get(index);
    struct layout_table table, named;
    struct text again = {0};
    struct program program;
    struct error err;
    char path[512];

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    run(&program, &copy.scratch, "original", NULL);
    cr_assert_eq(program.status, 0, "%s", program.err);
    cr_assert(layout_table_parse(&table, program.out, program.out_length, "stdout", &err), "%s",
              err.text);
    cr_expect_str_eq(table.version.text, python.version);
    cr_expect(layout_check(&table.layout, &err), "%s", err.text);
    layout_table_print(&table, &again);
    cr_expect(again.length == program.out_length &&
                  memcmp(again.bytes, program.out, again.length) == 0,
              "%s: printed again it is another text", python.name);
    text_free(&again);

    scratch_write(&copy.scratch, "kept", program.out);
    snprintf(path, sizeof(path), "%s/kept", copy.scratch.path);
    cr_assert(layout_file_read(&named, path, &err), "%s", err.text);
    cr_expect(layout_agree(&named.layout, "a", &table.layout, "b", &err), "%s", err.text);
    program_free(&program);
}

ParameterizedTestParameters(layout_command, json)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, layout_command, json)
{
    static const char *const names[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = #id ",",
#define FIELD(id, name, paths) [id##_##name] = #id "," #name,
#include "symbols/fields.def"
    };
    struct interpreter python = pythons_get(index);
    struct program text, json;
    struct layout_table table;
    struct error err;
    char claim[512];
    size_t present = 0;

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    run(&text, &copy.scratch, "original", NULL);
    run(&json, &copy.scratch, "original", "--json");
    cr_assert_eq(json.status, 0, "%s", json.err);
    cr_assert(layout_table_parse(&table, text.out, text.out_length, "stdout", &err), "%s",
              err.text);
    snprintf(
        claim, sizeof(claim),
        "answer[\"version\"] == \"%s\" and answer[\"abi\"] == \"release\" and "
        "answer[\"source\"] in (\"dwarf\", \"debug-file\") and len(answer[\"build_id\"]) == 40",
        python.version);
    cr_expect(program_holds(&json, claim), "%.1000s", json.out);
    for (int slot = 0; slot < LAYOUT_SLOTS; slot++) {
        char cells[160];
        const struct layout_slot *of = &table.layout.slots[slot];
        int length = (int)strcspn(names[slot], ",");
        if (!of->present)
            continue;
        snprintf(cells, sizeof(cells),
                 "{\"structure\": \"%.*s\", \"field\": \"%s\", \"offset\": %u, \"size\": %u, ",
                 length, names[slot], names[slot] + length + 1, of->offset, of->size);
        cr_expect(strstr(json.out, cells), "no %s", cells);
        present++;
    }
    snprintf(claim, sizeof(claim), "len(answer[\"fields\"]) == %zu", present);
    cr_expect(program_holds(&json, claim), "not %s", claim);
    program_free(&text);
    program_free(&json);
}

struct refusal {
    const char *name, *made_by;
    int status;
    const char *cause;
};

/* None of them is waited for. */
static const struct refusal refusals[] = {
    {"text", "echo no ELF > text", 6, "ELF"},
    {"empty", ": > empty", 6, "ELF"},
    {"directory", "mkdir directory", 6, "no regular file"},
    {"fifo", "mkfifo fifo", 6, "no regular file"},
    {"device", "ln -s /dev/zero device", 6, "no regular file"},
    {"nowhere", "true", 6, "No such file"},
    {"loop", "ln -s loop loop", 6, "symbolic links"},
    {"sh", "cp -L /bin/sh sh", 6, "holds no CPython"},
    {"cut", "head -c 5000 /bin/sh > cut", 6, ""},
};

static void expect_refusal(const struct program *program, int status, const char *cause)
{
    const char *line_end = strchr(program->err, '\n');

    cr_expect_eq(program->status, status, "status %d: %s", program->status, program->err);
    cr_expect(strstr(program->err, cause), "no \"%s\" in: %s", cause, program->err);
    cr_expect(line_end && !line_end[1], "not one line: %s", program->err);
    cr_expect_eq(program->out_length, 0, "%s", program->out);
}

Test(layout_command, what_is_no_python)
{
    scratch_make(&scratch);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct program program;
        scratch_run(&scratch, "%s", refusals[i].made_by);
        run(&program, &scratch, refusals[i].name, NULL);
        expect_refusal(&program, refusals[i].status, refusals[i].cause);
        program_free(&program);
    }
}

Test(layout_command, pypy)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct program program;

    if (!pythons_find(pythons, PYTHON_OTHER)) {
        fputs("no PyPy is here: not tested\n", stderr);
        return;
    }
    scratch_make(&scratch);
    scratch_run(&scratch,
                "ln -s $('%s' -c \"import re; print(re.search('/.*libpypy.*', "
                "open('/proc/self/maps').read()).group())\") pypy",
                pythons[0].path);
    run(&program, &scratch, "pypy", NULL);
    expect_refusal(&program, 6, "PyPy");
    program_free(&program);
}

/* Without a build-id there is no table either that is certain to be of the same build. */
Test(layout_command, a_python_without_debug_information)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct program program;
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0);
    interpreter_copy_make(&copy, &pythons[count / 2], COPY_STRIPPED | COPY_NO_BUILD_ID);
    run(&program, &copy.scratch, "image", NULL);
    expect_refusal(&program, 4, "no debug information");
    cr_expect(strstr(program.err, "--debug-file"), "%s", program.err);
    program_free(&program);
}

/* All that the interpreter knows of itself stays as it is. */
Test(layout_command, a_module_of_an_interpreter)
{
    static struct layout_table alone, with;
    struct interpreter pythons[PYTHONS_MAX];
    struct program program;
    struct error err;
    char image[512], module[512];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0);
    interpreter_copy_make(&copy, &pythons[count / 2], COPY_AS_IS);
    scratch_run(&copy.scratch, "echo 'struct x { int y; } x;' > module.c;"
                               "$CC -g -shared -fPIC -o module.so module.c");
    snprintf(image, sizeof(image), "%s/original", copy.scratch.path);
    snprintf(module, sizeof(module), "%s/module.so", copy.scratch.path);
    program_run(&program, (const char *const[]){"layout", image, NULL});
    cr_assert(layout_table_parse(&alone, program.out, program.out_length, "stdout", &err), "%s",
              err.text);
    program_free(&program);
    program_run(&program, (const char *const[]){"layout", "--module", module, image, "--module",
                                                module, NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    cr_assert(layout_table_parse(&with, program.out, program.out_length, "stdout", &err), "%s",
              err.text);
    cr_expect(strstr(program.err, "0 structures from 2 extension modules"), "%s", program.err);
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++)
        cr_expect(layout_slot_equal(&alone.layout.slots[id], &with.layout.slots[id]), "%s",
                  layout_slot_name(id));
    program_free(&program);
}

/* None of them is waited for, and each is named. */
Test(layout_command, what_is_no_module)
{
    static const struct {
        const char *made_by, *name, *cause;
    } rows[] = {
        {"true", "nowhere", "No such file"},
        {"mkfifo fifo", "fifo", "no regular file"},
        {"echo no ELF > text", "text", "ELF"},
        {"echo 'int x;' > x.c; $CC -shared -s -o bare.so x.c", "bare.so", "no debug information"},
    };
    struct interpreter pythons[PYTHONS_MAX];
    char image[512], module[512];

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    interpreter_copy_make(&copy, &pythons[0], COPY_AS_IS);
    snprintf(image, sizeof(image), "%s/original", copy.scratch.path);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct program program;
        scratch_run(&copy.scratch, "%s", rows[i].made_by);
        snprintf(module, sizeof(module), "%s/%s", copy.scratch.path, rows[i].name);
        program_run(&program, (const char *const[]){"layout", image, "--module", module, NULL});
        expect_refusal(&program, 6, rows[i].cause);
        cr_expect(strstr(program.err, "--module"), "%s", program.err);
        cr_expect(strstr(program.err, rows[i].name), "%s", program.err);
        program_free(&program);
    }
}

Test(layout_command, the_wrong_words)
{
    static const struct {
        const char *words[5], *cause;
    } wrong[] = {
        {{"layout", NULL}, "takes one file"},
        {{"layout", "/bin/sh", "/bin/sh", NULL}, "takes one file"},
        {{"layout", "/bin/sh", "--layout", "x", NULL}, "unknown option --layout"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct program program;
        program_run(&program, wrong[i].words);
        expect_refusal(&program, 2, wrong[i].cause);
        program_free(&program);
    }
}

Test(layout_command, an_output_that_is_closed)
{
    struct interpreter pythons[PYTHONS_MAX];
    char command[1024];

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    interpreter_copy_make(&copy, &pythons[0], COPY_AS_IS);
    snprintf(command, sizeof(command), "\"$PYINSPECT\" layout '%s/original' >&- 2>'%s/log'",
             copy.scratch.path, copy.scratch.path);
    int status = system(command);
    cr_expect_eq(WEXITSTATUS(status), 7, "status %d", WEXITSTATUS(status));
    snprintf(command, sizeof(command), "\"$PYINSPECT\" layout '%s/original' >/dev/full 2>'%s/log'",
             copy.scratch.path, copy.scratch.path);
    status = system(command);
    cr_expect_eq(WEXITSTATUS(status), 7, "status %d", WEXITSTATUS(status));
}

/* On every interpreter that is here. */
Test(layout_command, bundled_tables_are_current)
{
    scratch_make(&scratch);
    char command[512];

    snprintf(command, sizeof(command), "tests/interpreters/layouts.sh --check > '%s/log' 2>&1",
             scratch.path);
    int status = system(command);
    if (status != 0)
        scratch_run(&scratch, "grep -v current log | tail -n 40 >&2");
    cr_expect_eq(status, 0, "see above; `make layouts` makes them anew");
    scratch_run(&scratch, "grep -q current log");
}
