// SPDX-License-Identifier: MIT
/* What the doctor says of real processes: what it finds, what stands in the way, and the status. */
#include "tests/support/program.h"
#include "tests/support/puppet.h"
#include "tests/support/target.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(struct target *target, const char *scene)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(target, &pythons[count / 2], scene);
}

/* Is there a row of this check, with this answer, whose finding has these words? */
static void expect_row(const struct program *program, const char *check, const char *ok,
                       const char *words)
{
    char line[512], found[16], answer[8];
    const char *at = program->out;
    size_t length;

    for (; *at; at += length + (at[length] == '\n')) {
        length = strcspn(at, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)length, at);
        if (sscanf(line, "%15s %7s", found, answer) == 2 && strcmp(found, check) == 0) {
            cr_expect_str_eq(answer, ok, "%s", line);
            cr_expect(strstr(line, words), "no \"%s\" in: %s", words, line);
            return;
        }
    }
    cr_expect_fail("no row %s in:\n%s", check, program->out);
}

Test(doctor, a_process_in_good_health)
{
    static const struct {
        const char *check, *words;
    } rows[] = {
        {"process", "sleeping, 1 thread, "},
        {"container", ""},
        {"access", "may be read and stopped"},
        {"interpreter", "CPython 3."},
        {"layout", "debug "},
        {"heap", " objects, "},
        {"collector", "idle"},
        {"pause", "(bound: 10,000.0 ms)"},
        {"memory", " of ours (bound: "},
    };
    struct target target;
    struct program program;

    start(&target, "bare");
    program_doctor(&program, target.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strncmp(program.out, "Check ", 6) == 0, "%s", program.out);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        expect_row(&program, rows[i].check, "yes", rows[i].words);
    cr_expect(strstr(program.err, " can be inspected\n"), "%s", program.err);
    program_free(&program);
    target_end(&target);
}

Test(doctor, json)
{
    struct target target;
    struct program program;
    char claim[64];

    start(&target, "stdlib");
    program_doctor(&program, target.pid, "--json", NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    snprintf(claim, sizeof(claim), "answer[\"target\"][\"pid\"] == %d", (int)target.pid);
    cr_expect(program_holds(&program, claim), "%s", program.out);
    cr_expect(program_holds(&program, "answer[\"inspectable\"] is True"));
    cr_expect(program_holds(&program, "answer[\"collecting\"] is answer[\"in_pieces\"] is False"));
    cr_expect(program_holds(&program, "answer[\"target\"][\"threads\"] == 1"), "%s", program.out);
    cr_expect(program_holds(&program, "answer[\"target\"][\"version\"].startswith(\"3.\")"));
    cr_expect(program_holds(&program, "answer[\"objects\"] > 10000"), "%s", program.out);
    cr_expect(program_holds(&program, "0 < answer[\"pause_ms\"] < answer[\"max_pause_ms\"]"));
    cr_expect(program_holds(&program, "0 < answer[\"copied_bytes\"] <= answer[\"memory_bytes\"] < "
                                      "answer[\"max_memory_bytes\"]"));
    cr_expect(program_holds(&program, "len(answer[\"checks\"]) == 9 and "
                                      "all(row[\"ok\"] is True for row in answer[\"checks\"])"));
    program_free(&program);
    target_end(&target);
}

/* ptrace would kill it; test_output.c sees that it would. */
Test(doctor, stops_nothing)
{
    struct target target;
    struct program program;
    char pid[16];

    start(&target, "bare");
    snprintf(pid, sizeof(pid), "%d", (int)target.pid);
    program_run_untraced(&program, (const char *const[]){"doctor", pid, NULL});
    cr_expect_eq(program.status, 0, "status %d: %s", program.status, program.err);
    program_free(&program);
    target_end(&target);
}

Test(doctor, a_pause_that_is_too_long)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    program_doctor(&program, target.pid, "--max-pause", "0.001ms", NULL);
    cr_expect_eq(program.status, 5, "status %d: %s", program.status, program.err);
    expect_row(&program, "collector", "yes", "idle");
    expect_row(&program, "pause", "no", "allow more with --max-pause");
    cr_expect_null(strstr(program.out, "\nmemory "), "%s", program.out);
    cr_expect(strstr(program.err, "--no-stop"), "%s", program.err);
    program_free(&program);

    program_doctor(&program, target.pid, "--max-pause=0.001ms", "--json", NULL);
    cr_expect_eq(program.status, 5);
    cr_expect(program_holds(&program, "answer[\"inspectable\"] is False"));
    cr_expect(program_holds(&program, "answer[\"pause_ms\"] > answer[\"max_pause_ms\"]"));
    program_free(&program);

    program_doctor(&program, target.pid, "--max-pause", "9s", NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    expect_row(&program, "pause", "yes", "(bound: 9,000.0 ms)");
    program_free(&program);

    program_doctor(&program, target.pid, "--no-stop", NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    expect_row(&program, "pause", "yes", "none");
    program_free(&program);
    target_end(&target);
}

Test(doctor, memory_that_is_too_small)
{
    struct target target;
    struct program program;

    start(&target, "two_million");
    program_doctor(&program, target.pid, "--max-memory", "16M", NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    expect_row(&program, "memory", "yes", "in pieces (bound: 16.0 MiB)");
    program_free(&program);
    target_end(&target);
}

Test(doctor, a_stopped_process)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    kill(target.pid, SIGSTOP);
    cr_assert(process_reaches(target.pid, "T"));
    program_doctor(&program, target.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    expect_row(&program, "process", "yes", ", stopped, ");
    cr_expect_eq(process_state(target.pid), 'T');
    program_free(&program);
    target_end(&target);
}

/* The rows up to the one that fails, which says why; and so does stderr, as attach's would. */
static void expect_obstacle(pid_t pid, int status, const char *check, const char *cause,
                            size_t rows)
{
    struct program program, attach;
    size_t lines = 0;

    program_doctor(&program, pid, NULL, NULL, NULL);
    program_attach(&attach, pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, status, "status %d: %s", program.status, program.err);
    cr_expect_eq(attach.status, status);
    cr_expect_str_eq(program.err, attach.err);
    expect_row(&program, check, "no", cause);
    for (const char *at = program.out; (at = strchr(at, '\n')); at++)
        lines++;
    cr_expect_eq(lines, 1 + rows, "%s", program.out);
    program_free(&program);
    program_free(&attach);
}

Test(doctor, no_such_process)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    expect_obstacle(pid, 3, "process", "no process", 1);
}

Test(doctor, a_zombie)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    cr_assert(process_reaches(pid, "Z"));
    expect_obstacle(pid, 3, "access", "zombie", 3);
    waitpid(pid, NULL, 0);
}

Test(doctor, already_traced)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct ticker ticker;

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    ticker_start(&ticker, &pythons[0], NULL);
    cr_assert(ptrace(PTRACE_SEIZE, ticker.pid, 0, 0) == 0);
    expect_obstacle(ticker.pid, 3, "access", "already traced by", 3);
    ticker_end(&ticker);
}

/* Forks; returns in the parent when the child has closed *ret_ready, or said something there. */
static pid_t start_child(int *ret_ready)
{
    int ready[2];
    char byte;

    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        close(ready[0]);
        *ret_ready = ready[1];
        return 0;
    }
    close(ready[1]);
    cr_assert(read(ready[0], &byte, 1) >= 0);
    close(ready[0]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static pid_t start_hostile(const char *name)
{
    int ready;
    pid_t pid = start_child(&ready);

    if (pid == 0) {
        prctl(PR_SET_NAME, name);
        close(ready);
        for (;;)
            pause();
    }
    return pid;
}

/* Its collector runs a finalizer that does not end. */
static pid_t start_collecting(const char *python)
{
    static const char *const script = "import gc, os, time\n"
                                      "class Slow:\n"
                                      "    def __del__(self):\n"
                                      "        os.write(1, b'x')\n"
                                      "        time.sleep(1000)\n"
                                      "slow = Slow()\n"
                                      "slow.itself = slow\n"
                                      "del slow\n"
                                      "gc.collect()\n";
    int ready;
    pid_t pid = start_child(&ready);

    if (pid == 0) {
        dup2(ready, STDOUT_FILENO);
        close(ready);
        execl(python, python, "-c", script, (char *)NULL);
        _exit(127);
    }
    return pid;
}

Test(doctor, a_collector_at_work)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct program program;
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0);
    pid_t pid = start_collecting(pythons[count / 2].path);
    program_doctor(&program, pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 1, "status %d: %s", program.status, program.err);
    expect_row(&program, "collector", "no", "try again later");
    expect_row(&program, "memory", "yes", " of ours");
    cr_expect(strstr(program.err, "garbage collector was at work all the time"), "%s", program.err);
    program_free(&program);
    end_child(pid);
}

static void expect_printable(const char *text)
{
    for (; *text; text++)
        cr_assert((*text >= 0x20 && *text < 0x7f) || *text == '\n', "byte %#x",
                  (unsigned)(unsigned char)*text);
}

/* Not a Python; and what it calls itself is harmless in every format. */
Test(doctor, a_hostile_name)
{
    static const struct {
        const char *format, *escaped;
    } formats[] = {{NULL, "\\x1b[2J"}, {"--csv", "\\x1b[2J"}, {"--json", "\\u001b[2J"}};
    pid_t pid = start_hostile("\x1b[2J\r\x07,\"");

    expect_obstacle(pid, 4, "interpreter", "is no Python", 4);
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct program program;
        program_doctor(&program, pid, formats[i].format, NULL, NULL);
        cr_expect(strstr(program.out, formats[i].escaped), "%s", program.out);
        expect_printable(program.out);
        expect_printable(program.err);
        program_free(&program);
    }
    end_child(pid);
}

/* One thread that cannot be stopped stands in the way, whatever the others do. */
Test(doctor, a_thread_that_cannot_be_stopped)
{
    struct puppet puppet;
    struct program program;

    puppet_start(&puppet);
    puppet_sleep(&puppet);
    program_doctor(&program, puppet.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 3, "%s", program.err);
    expect_row(&program, "access", "no", "sleeps uninterruptibly");
    program_free(&program);
    puppet_wake(&puppet);
    puppet_end(&puppet);
}
