// SPDX-License-Identifier: MIT
/* What cannot be inspected: one line that names the cause, and the status that belongs to it. */
#include "tests/support/program.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_attach_refused(pid_t pid, int status, const char *cause)
{
    struct program program;

    program_attach(&program, pid, NULL, NULL, NULL);
    program_expect_refusal(&program, status, cause);
    program_free(&program);
}

static const struct usage usages[] = {
    {{NULL}, "no command"},
    {{"atach", "1", NULL}, "did you mean attach?"},
    {{"frobnicate", NULL}, "unknown command frobnicate"},
    {{"attach", NULL}, "attach takes one PID"},
    {{"attach", "1", "2", NULL}, "attach takes one PID"},
    {{"attach", "x1", NULL}, "'x1' is no process id"},
    {{"attach", "0", NULL}, "'0' is no process id"},
    {{"attach", "99999999999999999999", NULL}, "is no process id"},
    {{"attach", "1", "--most-comon", "3", NULL}, "did you mean --most-common?"},
    {{"attach", "1", "--most-common", NULL}, "needs a value"},
    {{"attach", "1", "--most-common", "ten", NULL}, "it takes a number"},
    {{"attach", "1", "--most-common=-1", NULL}, "it takes a number"},
    {{"attach", "1", "--by", "name", NULL}, "count or bytes"},
    {{"attach", "1", "--generation", "3", NULL}, "0, 1, 2 and permanent"},
    {{"attach", "1", "--generation", "", NULL}, "0, 1, 2 and permanent"},
    {{"attach", "1", "--json=yes", NULL}, "takes no value"},
    {{"attach", "1", "-p", NULL}, "unknown option -p"},
    {{"attach", "1", "--max-pause", "50", NULL}, "written with its unit, ms, s, m or h"},
    {{"attach", "1", "--max-pause=0s", NULL}, "a copy takes some time"},
    {{"attach", "1", "--max-pause=20s", NULL}, "no process is ever held for longer than 10s"},
    {{"attach", "1", "--max-memory=64k", NULL}, "4M is the least"},
    {{"attach", "1", "--max-memory=2X", NULL}, "is no size"},
    {{"attach", "1", "--max-pause=1s", "--no-stop", NULL}, "exclude each other"},
    {{"docter", "1", NULL}, "did you mean doctor?"},
    {{"doctor", NULL}, "doctor takes one PID"},
    {{"attach", "1", "--\x1b[2J", NULL}, "--\\x1b[2J"},
};

Test(refusals, a_wrong_command_line)
{
    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}

Test(refusals, no_such_process)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    expect_attach_refused(pid, 3, "no process");
}

Test(refusals, a_zombie)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    cr_assert(process_reaches(pid, "Z"));
    expect_attach_refused(pid, 3, "zombie");
    waitpid(pid, NULL, 0);
}

Test(refusals, not_a_python)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        execl("/bin/sleep", "sleep", "1000", (char *)NULL);
        _exit(127);
    }
    struct program program;
    for (int i = 0; i < 100; i++) { /* until it has become sleep, and mapped its libraries */
        program_attach(&program, pid, NULL, NULL, NULL);
        if (strstr(program.err, "(sleep)") && !strstr(program.err, "meanwhile"))
            break;
        program_free(&program);
    }
    program_expect_refusal(&program, 4, "is no Python");
    program_free(&program);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* `pyinspect attach PID` on itself: the program that a shell becomes has the shell's PID. */
Test(refusals, pyinspect_itself)
{
    FILE *output = popen("exec 2>&1; sh -c 'exec \"$PYINSPECT\" attach $$'", "r");
    char line[256] = "";

    cr_assert(output && fgets(line, sizeof(line), output));
    cr_expect(strstr(line, "is pyinspect itself"), "%s", line);
    cr_expect_eq(WEXITSTATUS(pclose(output)), 3);
}

Test(refusals, a_thread_of_the_kernel)
{
    struct program program;

    if (process_state(2) == '?') {
        fputs("no kernel threads are visible here: not tested\n", stderr);
        return;
    }
    program_attach(&program, 2, NULL, NULL, NULL);
    if (strstr(program.err, "kernel") || program.status != 4) /* else a container's own PID 2 */
        program_expect_refusal(&program, 3, "thread of the kernel");
    program_free(&program);
}

Test(refusals, already_traced)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct ticker ticker;
    char cause[64];

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    ticker_start(&ticker, &pythons[0], NULL);
    cr_assert(ptrace(PTRACE_SEIZE, ticker.pid, 0, 0) == 0);
    snprintf(cause, sizeof(cause), "(pid %d)", (int)getpid());
    expect_attach_refused(ticker.pid, 3, "already traced");
    expect_attach_refused(ticker.pid, 3, cause);
    cr_expect_eq(process_tracer(ticker.pid), getpid());
    ticker_end(&ticker);
}

Test(refusals, somebody_elses_process)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct ticker ticker;
    char command[256], line[1024] = "";

    if (geteuid() != 0) {
        expect_attach_refused(1, 3, "CAP_SYS_PTRACE");
        return;
    }
    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    ticker_start(&ticker, &pythons[0], NULL);
    snprintf(command, sizeof(command),
             "cp \"$PYINSPECT\" /tmp/pyinspect-%d && chmod 755 /tmp/pyinspect-%d && setpriv "
             "--reuid 65534 --clear-groups env ASAN_OPTIONS= UBSAN_OPTIONS= /tmp/pyinspect-%d "
             "attach %d 2>&1; rm -f /tmp/pyinspect-%d",
             getpid(), getpid(), getpid(), (int)ticker.pid, getpid());
    FILE *output = popen(command, "r");
    cr_assert(output && fgets(line, sizeof(line), output));
    pclose(output);
    cr_expect(strstr(line, "it belongs to uid 0 and pyinspect runs as uid 65534"), "%s", line);
    snprintf(command, sizeof(command), ": run sudo /tmp/pyinspect-%d attach %d", getpid(),
             (int)ticker.pid);
    cr_expect(strstr(line, command), "no \"%s\" in: %s", command, line);
    ticker_end(&ticker);
}

static void expect_all_refused(enum python_kind kind, const char *cause)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, kind);

    if (!count)
        fprintf(stderr, "no interpreter for \"%s\" here: not tested\n", cause);
    for (size_t i = 0; i < count; i++) {
        struct ticker ticker;

        ticker_start(&ticker, &pythons[i], NULL);
        expect_attach_refused(ticker.pid, 4, cause);
        ticker_end(&ticker);
    }
}

/* The bundled tables are of some versions, and what runs has to prove the one that is taken. */
Test(refusals, a_python_without_debug_information)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_NO_DEBUG_INFO);

    if (!count)
        fputs("no interpreter without debug information here: not tested\n", stderr);
    for (size_t i = 0; i < count; i++) {
        struct program program;
        struct ticker ticker;

        ticker_start(&ticker, &pythons[i], NULL);
        program_attach(&program, ticker.pid, NULL, NULL, NULL);
        if (program.status == 0)
            cr_expect(strstr(program.err, " by the bundled table of "), "%s", program.err);
        else
            program_expect_refusal(&program, 4, "--debug-file");
        program_free(&program);
        ticker_end(&ticker);
    }
}

Test(refusals, a_free_threaded_build)
{
    expect_all_refused(PYTHON_FREE_THREADED, "free-threaded");
}

Test(refusals, another_python)
{
    expect_all_refused(PYTHON_OTHER, "PyPy");
}
