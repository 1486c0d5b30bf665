// SPDX-License-Identifier: MIT
#include "tests/support/program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 16, PATIENCE_MS = 60 * 1000, LONG_PATIENCE_MS = 300 * 1000, PIECE = 65536 };

/* To interrupt what was never seized stops nothing; it tells whether ptrace may be called at all.
 * LeakSanitizer, which traces its own process, has to stay away. */
static void forbid_ptrace(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PTRACE_INTERRUPT, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(*filter), .filter = filter};
    const char *options = getenv("ASAN_OPTIONS");
    char quiet[1024];

    snprintf(quiet, sizeof(quiet), "%s:detect_leaks=0", options ? options : "");
    setenv("ASAN_OPTIONS", quiet, 1);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(126);
}

static void become_program(const char *const *words, int out, int err)
{
    const char *arguments[MOST_WORDS + 2] = {getenv("PYINSPECT")};

    for (size_t i = 0; i < MOST_WORDS && words[i]; i++)
        arguments[i + 1] = words[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

pid_t program_start(const char *const *words)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid = fork();

    cr_assert(pid >= 0 && getenv("PYINSPECT"));
    if (pid == 0)
        become_program(words, null, null);
    close(null);
    return pid;
}

/* Appends what there is to read; false at the end. */
static bool take(int fd, char **text, size_t *length)
{
    char *grown = realloc(*text, *length + PIECE + 1);

    cr_assert_not_null(grown);
    *text = grown;
    ssize_t got = read(fd, grown + *length, PIECE);
    *length += got > 0 ? (size_t)got : 0;
    grown[*length] = '\0';
    return got > 0;
}

struct running {
    const char *const *words;
    bool may_trace;
    const char *input, *output; /* files, or NULL */
    int patience_ms;
};

/* Between fork and exec. */
static void become_running(const struct running *running, int out, int err)
{
    if (running->input) {
        int in = open(running->input, O_RDONLY | O_CLOEXEC);
        if (in < 0 || dup2(in, STDIN_FILENO) < 0)
            _exit(126);
    }
    if (running->output)
        out = open(running->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!running->may_trace)
        forbid_ptrace();
    become_program(running->words, out, err);
}

static void run(struct program *ret, const struct running *running)
{
    struct program program = {0};
    int out[2], err[2], status;

    cr_assert(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 && getenv("PYINSPECT"));
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0)
        become_running(running, out[1], err[1]);
    close(out[1]);
    close(err[1]);

    struct pollfd waiting[] = {{.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        if (poll(waiting, 2, running->patience_ms) <= 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            cr_assert_fail("pyinspect %s does not end", running->words[0]);
        }
        if (waiting[0].revents && !take(out[0], &program.out, &program.out_length))
            waiting[0].fd = -1;
        if (waiting[1].revents && !take(err[0], &program.err, &program.err_length))
            waiting[1].fd = -1;
    }
    close(out[0]);
    close(err[0]);
    cr_assert(waitpid(pid, &status, 0) == pid);
    program.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    *ret = program;
}

void program_run(struct program *ret, const char *const *words)
{
    run(ret, &(struct running){.words = words, .may_trace = true, .patience_ms = PATIENCE_MS});
}

void program_run_files(struct program *ret, const char *const *words, const char *input,
                       const char *output)
{
    run(ret, &(struct running){.words = words,
                               .may_trace = true,
                               .input = input,
                               .output = output,
                               .patience_ms = LONG_PATIENCE_MS});
}

void program_run_untraced(struct program *ret, const char *const *words)
{
    run(ret, &(struct running){.words = words, .patience_ms = PATIENCE_MS});
}

void program_attach(struct program *ret, pid_t pid, const char *first, const char *second,
                    const char *third)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)pid);
    program_run(ret, (const char *const[]){"attach", number, first, second, third, NULL});
}

void program_doctor(struct program *ret, pid_t pid, const char *first, const char *second,
                    const char *third)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)pid);
    program_run(ret, (const char *const[]){"doctor", number, first, second, third, NULL});
}

void program_free(struct program *program)
{
    free(program->out);
    free(program->err);
}

void program_expect_refusal(const struct program *program, int status, const char *cause)
{
    const char *line_end = strchr(program->err, '\n');

    cr_expect_eq(program->status, status, "status %d: %s", program->status, program->err);
    cr_expect(strstr(program->err, cause), "no \"%s\" in: %s", cause, program->err);
    cr_expect(strncmp(program->err, "pyinspect: ", 11) == 0, "%s", program->err);
    cr_expect(line_end && !line_end[1], "not one line: %s", program->err);
    cr_expect_eq(program->out_length, 0, "%s", program->out);
}

void program_refuses_usages(const struct usage *usages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct program program;

        program_run(&program, usages[i].words);
        program_expect_refusal(&program, 2, usages[i].cause);
        program_free(&program);
    }
}

static bool holds(const struct program *program, const char *load, const char *claim)
{
    char command[2048], path[] = "/tmp/pyinspect-json-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0);
    FILE *file = fdopen(fd, "w");
    cr_assert(file && fputs(program->out, file) >= 0 && fclose(file) == 0);
    snprintf(command, sizeof(command),
             "env -u ASAN_OPTIONS python3 -c 'import json, sys; file = open(\"%s\"); %s; "
             "sys.exit(not (%s))'",
             path, load, claim);
    int status = system(command);
    remove(path);
    return status == 0;
}

bool program_holds(const struct program *program, const char *claim)
{
    return holds(program, "answer = json.load(file)", claim);
}

bool program_rows_hold(const struct program *program, const char *claim)
{
    return holds(program, "rows = [json.loads(line) for line in file]", claim);
}
