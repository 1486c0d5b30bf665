// SPDX-License-Identifier: MIT
/* What the doctor says of interpreters and where they live: layouts, containers, files. */
#include "tests/support/interpreter_copy.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;
static struct target target;

static void clean(void)
{
    target_end(&target);
    interpreter_copy_remove(&copy);
}

TestSuite(doctor_finds, .fini = clean, .timeout = 60);

static struct interpreter get_python(bool debug_build)
{
    struct interpreter pythons[PYTHONS_MAX], ret = {.version = ""};
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        if (pythons[i].debug_build == debug_build && (!*ret.version || i <= count / 2))
            ret = pythons[i];
    }
    return ret;
}

static void expect_told(const char *option, const char *value, const char *claim)
{
    struct program program;

    program_doctor(&program, target.pid, "--json", option, value);
    cr_expect_eq(program.status, 0, "%s: %s", target.name, program.err);
    cr_expect(program_holds(&program, claim), "%s: not %s: %.2000s", target.name, claim,
              program.out);
    program_free(&program);
}

static void expect_printed(const char *words)
{
    struct program program;

    program_doctor(&program, target.pid, NULL, NULL, NULL);
    cr_expect(strstr(program.out, words), "no \"%s\" in: %s", words, program.out);
    program_free(&program);
}

Test(doctor_finds, debug_information)
{
    struct interpreter python = get_python(false);

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    scratch_set_cache(&copy.scratch, "cache");
    target_start(&target, &python, "bare");
    expect_told(NULL, NULL,
                "answer[\"target\"][\"layout\"][\"source\"] in (\"dwarf\", \"debug-file\") and "
                "answer[\"target\"][\"layout\"][\"cached\"] is False and "
                "answer[\"target\"][\"debug_build\"] is False and "
                "answer[\"target\"][\"file_is_gone\"] is False");
    expect_told(NULL, NULL, "answer[\"target\"][\"layout\"][\"cached\"] is True");
    expect_printed("(kept from an earlier run)");
    expect_printed("(release build)");
}

Test(doctor_finds, a_debug_build)
{
    struct interpreter python = get_python(true);

    if (!*python.version) {
        fputs("no debug build is here: not tested\n", stderr);
        return;
    }
    target_start(&target, &python, "bare");
    expect_told(NULL, NULL, "answer[\"target\"][\"debug_build\"] is True");
    expect_printed("(debug build)");
}

Test(doctor_finds, a_bundled_table)
{
    struct interpreter python = get_python(false);
    struct program program;

    interpreter_copy_make(&copy, &python, COPY_STRIPPED);
    target_start(&target, &copy.python, "bare");
    expect_told(NULL, NULL,
                "answer[\"target\"][\"layout\"][\"source\"] == \"bundled\" and "
                "answer[\"target\"][\"layout\"][\"file\"] == answer[\"target\"][\"version\"]");
    expect_printed(" offsets and sizes by the bundled table of 3.");
    expect_printed(", proved by the running process; there is no debug information");
    program_attach(&program, target.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.err, " by the bundled table of 3."), "%s", program.err);
    program_free(&program);
}

/* The rows end with that of the layout, which says what would help. */
static void expect_no_layout(const char *option, const char *value, int status,
                             const char *const words[])
{
    struct program program, attach;
    const char *row;

    program_doctor(&program, target.pid, option, value, NULL);
    program_attach(&attach, target.pid, option, value, NULL);
    cr_expect_eq(program.status, status, "status %d: %s", program.status, program.err);
    cr_expect_eq(attach.status, status, "status %d: %s", attach.status, attach.err);
    cr_expect_str_eq(program.err, attach.err);
    row = strstr(program.out, "\nlayout ");
    cr_expect(row && strncmp(row, "\nlayout       no ", 16) == 0, "%s", program.out);
    cr_expect_null(strstr(program.out, "\nheap "), "%s", program.out);
    for (size_t i = 0; words[i]; i++)
        cr_expect(strstr(row ? row : "", words[i]), "no \"%s\" in: %s", words[i], program.out);
    program_free(&program);
    program_free(&attach);
}

/* It says that it is a version of which nobody has heard. */
Test(doctor_finds, no_layout)
{
    static const char rename[] =
        "import sys\n"
        "path, version = sys.argv[1:]\n"
        "old = [int(part) for part in version.split('.')]\n"
        "data = open(path, 'rb').read()\n"
        "data = data.replace(version.encode(), b'3.%d.%d' % (29, old[2]))\n"
        "data = data.replace(bytes([0xf0, old[2], old[1], 3]), bytes([0xf0, old[2], 29, 3]))\n"
        "open(path, 'wb').write(data)\n";
    static const char *const mends[] = {"no debug information", "--debug-file", "--debuginfod",
                                        "--layout", NULL};
    struct interpreter python = get_python(false);

    if (python.minor <= 9) {
        fputs("no version is here that 3.29 is as long as: not tested\n", stderr);
        return;
    }
    interpreter_copy_make(&copy, &python, COPY_STRIPPED | COPY_NO_BUILD_ID);
    scratch_write(&copy.scratch, "rename.py", rename);
    scratch_run(&copy.scratch, "'%s' rename.py $(readlink image) %s", python.path, python.version);
    target_start(&target, &copy.python, "bare");
    expect_no_layout(NULL, NULL, 4, mends);
}

Test(doctor_finds, a_layout_of_another_version)
{
    static const char *const mends[] = {"is the layout of CPython 3.6.15", "give the layout of",
                                        NULL};
    struct interpreter python = get_python(false);

    target_start(&target, &python, "bare");
    expect_no_layout("--layout", "symbols/layouts/3.6.15.layout", 6, mends);
}

static bool enter(void *context)
{
    (void)context;
    return chdir(copy.scratch.path) == 0 && chroot(".") == 0 && chdir("/") == 0;
}

Test(doctor_finds, a_container)
{
    const struct target_place place = {
        .namespaces = geteuid() == 0 ? CLONE_NEWPID : CLONE_NEWPID | CLONE_NEWUSER, .enter = enter};
    struct interpreter python = get_python(false), inside;
    char claim[512];

    interpreter_copy_make(&copy, &python, COPY_WHOLE);
    scratch_set_cache(&copy.scratch, "cache");
    inside = copy.python;
    snprintf(inside.path, sizeof(inside.path), "/start");
    if (!target_start_in(&target, &inside, "bare", &place)) {
        fputs("no namespaces are allowed here: not tested\n", stderr);
        return;
    }
    snprintf(claim, sizeof(claim),
             "answer[\"container\"][\"root\"] == \"%s\" and "
             "answer[\"container\"][\"own_pid_namespace\"] is True",
             copy.scratch.path);
    expect_told(NULL, NULL, claim);
    expect_printed("(its PID ");
    snprintf(claim, sizeof(claim), "chroot %s", copy.scratch.path);
    expect_printed(claim);
}

static bool become_nobody(void *context)
{
    (void)context;
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
            setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
            prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
}

/* A user can no longer open it, and reads it from the target's memory. */
Test(doctor_finds, a_file_that_is_gone)
{
    const struct target_place place = {.enter = become_nobody};
    struct interpreter python = get_python(false);
    struct program program;
    char path[256];

    interpreter_copy_make(&copy, &python, COPY_WHOLE);
    scratch_set_cache(&copy.scratch, "cache");
    scratch_run(&copy.scratch, "cp '%s' pyinspect; chmod 755 pyinspect", getenv("PYINSPECT"));
    snprintf(path, sizeof(path), "%s/pyinspect", copy.scratch.path);
    setenv("PYINSPECT", path, true);
    cr_assert(target_start_in(&target, &copy.python, "bare", &place));
    scratch_run(&copy.scratch, "rm $(readlink image)");
    if (geteuid() == 0)
        scratch_run(&copy.scratch, "chown -hR %d:%d .", NOBODY, NOBODY);
    cr_assert(become_nobody(NULL));
    program_doctor(&program, target.pid, "--json", NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.out, "\"file_is_gone\": true"), "%.2000s", program.out);
    program_free(&program);
    expect_printed(", which was deleted since, read from memory");
}
