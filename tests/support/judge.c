// SPDX-License-Identifier: MIT
#include "tests/support/judge.h"

#include "symbols/base/clock.h"
#include "tests/support/proc.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 300 * 1000, MOST_ARGUMENTS = 8, MOST_WORDS = 12, JUDGE_FDS = 3 };

/* "@NAME" becomes a path. */
static void expand(const struct judge *judge, const char *argument, char *ret, size_t size)
{
    if (*argument == '@')
        snprintf(ret, size, "%s/%s", judge->scratch.path, argument + 1);
    else
        snprintf(ret, size, "%s", argument);
}

/* Between fork and exec. */
static void become_judge(const struct judge *judge, const struct interpreter *python,
                         const char *script, const char *const *arguments, const int *fds)
{
    char path[128], numbers[JUDGE_FDS][16], expanded[MOST_ARGUMENTS][128];
    const char *words[2 + JUDGE_FDS + MOST_ARGUMENTS + 1] = {python->path, path};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int errors = openat(judge->scratch.fd, "errors", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (null < 0 || errors < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(errors, STDOUT_FILENO) < 0 ||
        dup2(errors, STDERR_FILENO) < 0)
        _exit(126);
    snprintf(path, sizeof(path), "tests/targets/%s", script);
    for (size_t i = 0; i < JUDGE_FDS; i++) {
        fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof(numbers[i]), "%d", fds[i]);
        words[2 + i] = numbers[i];
    }
    for (size_t i = 0; i < MOST_ARGUMENTS && arguments[i]; i++) {
        expand(judge, arguments[i], expanded[i], sizeof(expanded[i]));
        words[2 + JUDGE_FDS + i] = expanded[i];
    }
    unsetenv("PYTHONHOME");
    unsetenv("PYTHONPATH");
    unsetenv("ASAN_OPTIONS");
    execv(python->path, (char *const *)(uintptr_t)words);
    _exit(127);
}

/* What it wrote to stderr, at most `size` - 1 bytes of it. */
static const char *errors_of(const struct judge *judge, char *text, size_t size)
{
    int fd = openat(judge->scratch.fd, "errors", O_RDONLY | O_CLOEXEC);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)size - 1 ? end - ((off_t)size - 1) : 0;
    ssize_t got = fd < 0 ? 0 : pread(fd, text, size - 1, from);

    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return text;
}

static void wait_until_ready(const struct judge *judge)
{
    struct pollfd waiting = {.fd = judge->ready_fd, .events = POLLIN};
    char line[6], errors[2048];

    bool ready = poll(&waiting, 1, PATIENCE_MS) == 1 &&
                 read(judge->ready_fd, line, sizeof(line)) == sizeof(line) &&
                 memcmp(line, "ready\n", sizeof(line)) == 0;
    cr_assert(ready, "%s: did not come up: %s", judge->name,
              errors_of(judge, errors, sizeof(errors)));
    /* Nobody but the kernel can tell of the last system call. */
    for (double deadline = clock_milliseconds() + PATIENCE_MS;
         !process_threads_are(judge->pid, "S"); clock_sleep(1))
        cr_assert(clock_milliseconds() < deadline, "%s: does not come to rest", judge->name);
}

void judge_start(struct judge *ret, const struct interpreter *python, const char *script,
                 const char *const *arguments)
{
    struct judge judge = {0};
    int ready[2], wake[2];

    scratch_make(&judge.scratch);
    snprintf(judge.name, sizeof(judge.name), "%s, %s %s", python->name, script,
             arguments[0] ? arguments[0] : "");
    judge.findings_fd = memfd_create("findings", MFD_CLOEXEC);
    cr_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(wake, O_CLOEXEC) == 0 && judge.findings_fd > 0);
    judge.pid = fork();
    cr_assert(judge.pid >= 0);
    if (judge.pid == 0)
        become_judge(&judge, python, script, arguments,
                     (const int[]){ready[1], wake[0], judge.findings_fd});
    close(ready[1]);
    close(wake[0]);
    judge.ready_fd = ready[0];
    judge.wake_fd = wake[1];
    wait_until_ready(&judge);
    *ret = judge;
}

int judge_ask(struct judge *judge, const char *orders, const char *input, const char *const *words)
{
    const char *all[MOST_WORDS + 3] = {words[0]};
    char number[16], output[128], source[128];
    struct program program;

    snprintf(number, sizeof(number), "%d", (int)judge->pid);
    snprintf(output, sizeof(output), "%s/answer-%u", judge->scratch.path, judge->asked++);
    snprintf(source, sizeof(source), "%s/%s", judge->scratch.path, input ? input : "");
    all[1] = number;
    for (size_t i = 0; i < MOST_WORDS && words[1 + i]; i++)
        all[2 + i] = words[1 + i];
    program_run_files(&program, all, input ? source : NULL, output);
    cr_expect(program.status <= 1, "%s: pyinspect %s: status %d: %s", judge->name, words[0],
              program.status, program.err);
    snprintf(judge->said, sizeof(judge->said), "%s", program.err);
    for (size_t length; *orders; orders += length + (orders[length] == ',')) {
        length = strcspn(orders, ",");
        dprintf(judge->wake_fd, "%.*s %s\n", (int)length, orders, output);
    }
    int status = program.status;
    program_free(&program);
    return status;
}

void judge_step(struct judge *judge)
{
    cr_assert(write(judge->wake_fd, "\n", 1) == 1);
    wait_until_ready(judge);
}

static void read_findings(int fd, struct program *ret)
{
    struct stat status;

    cr_assert(fstat(fd, &status) == 0);
    *ret = (struct program){.out = calloc(1, (size_t)status.st_size + 1),
                            .err = NULL,
                            .out_length = (size_t)status.st_size};
    cr_assert(ret->out && pread(fd, ret->out, ret->out_length, 0) == status.st_size);
}

void judge_end(struct judge *judge, struct program *ret)
{
    struct pollfd waiting = {.fd = judge->ready_fd, .events = POLLIN};
    char errors[2048];
    int status;

    close(judge->wake_fd);
    /* The end of the pipe is the end of the process. */
    if (poll(&waiting, 1, PATIENCE_MS) != 1)
        kill(judge->pid, SIGKILL);
    cr_assert(waitpid(judge->pid, &status, 0) == judge->pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: ended with status %#x: %s",
              judge->name, (unsigned)status, errors_of(judge, errors, sizeof(errors)));
    read_findings(judge->findings_fd, ret);
    close(judge->ready_fd);
    close(judge->findings_fd);
    scratch_remove(&judge->scratch);
}

void judge_expect(const struct judge *judge, const struct program *findings, unsigned line,
                  const char *claim)
{
    char all[1024];

    snprintf(all, sizeof(all), "[True] == [row[\"wrong\"] == 0 and (%s) for row in rows[%u:%u]]",
             claim, line, line + 1);
    const char *text = findings->out;
    for (unsigned i = 0; i < line && text; i++)
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    const char *complaints = text ? strstr(text, "\"complaints\": [") : NULL;
    cr_expect(program_rows_hold(findings, all), "%s: %s: %.4000s", judge->name, claim,
              complaints ? complaints
              : text     ? text
                         : "no such line");
}
