// SPDX-License-Identifier: MIT
#include "tests/support/lasting.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 30, PATIENCE_MS = 60 * 1000, PIECE = 65536 };

/* Starts a program with pipes in place of its standard descriptors (NULL: they stay ours). */
static pid_t start(const char *const *words, int in, int out, int err)
{
    pid_t pid = fork();

    cr_assert(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL); /* a shell ignores it for what it runs in the background */
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    if ((in >= 0 && dup2(in, STDIN_FILENO) < 0) || dup2(out, STDOUT_FILENO) < 0 ||
        (err >= 0 && dup2(err, STDERR_FILENO) < 0))
        _exit(126);
    execv(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

void lasting_start(struct lasting *ret, const char *const *words)
{
    const char *all[MOST_WORDS + 2] = {getenv("PYINSPECT")};
    int out[2], err[2];

    cr_assert(all[0] && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    for (size_t i = 0; i < MOST_WORDS && words[i]; i++)
        all[i + 1] = words[i];
    *ret = (struct lasting){.out_fd = out[0], .err_fd = err[0]};
    ret->pid = start(all, -1, out[1], err[1]);
    close(out[1]);
    close(err[1]);
}

/* Appends what there is to read; false at the end. */
static bool take(int fd, char **text, size_t *length)
{
    char *grown = realloc(*text, *length + PIECE + 1);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    cr_assert(grown);
    *text = grown;
    cr_assert(poll(&waiting, 1, PATIENCE_MS) > 0, "nothing comes");
    ssize_t got = read(fd, grown + *length, PIECE);
    *length += got > 0 ? (size_t)got : 0;
    grown[*length] = '\0';
    return got > 0;
}

char *lasting_line(struct lasting *lasting)
{
    for (;;) {
        char *line = lasting->out ? lasting->out + lasting->read : NULL;
        char *end = line ? strchr(line, '\n') : NULL;
        if (end) {
            lasting->read += (size_t)(end - line) + 1;
            return strndup(line, (size_t)(end - line));
        }
        if (!take(lasting->out_fd, &lasting->out, &lasting->length)) {
            char *err = NULL;
            size_t length = 0;
            take(lasting->err_fd, &err, &length);
            cr_assert_fail("it has ended: %s", err);
        }
    }
}

void lasting_end(struct lasting *lasting, struct program *ret)
{
    struct program program = {.status = -1};
    int status;

    while (take(lasting->out_fd, &lasting->out, &lasting->length))
        ;
    while (take(lasting->err_fd, &program.err, &program.err_length))
        ;
    close(lasting->out_fd);
    close(lasting->err_fd);
    cr_assert(waitpid(lasting->pid, &status, 0) == lasting->pid);
    program.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    program.out = lasting->out;
    program.out_length = lasting->length;
    *ret = program;
}

static long answer_of(const struct obedient *obedient)
{
    char text[32];
    size_t length = 0;

    while (!length || text[length - 1] != '\n') {
        struct pollfd waiting = {.fd = obedient->answers_fd, .events = POLLIN};
        cr_assert(poll(&waiting, 1, PATIENCE_MS) > 0, "no answer");
        cr_assert(length + 1 < sizeof(text) && read(obedient->answers_fd, text + length, 1) == 1);
        length++;
    }
    text[length] = '\0';
    return strtol(text, NULL, 10);
}

void obedient_start(struct obedient *ret, const struct interpreter *python)
{
    const char *const words[] = {python->path, "tests/targets/watched.py", NULL};
    int orders[2], answers[2];

    cr_assert(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    ret->pid = start(words, orders[0], answers[1], -1);
    close(orders[0]);
    close(answers[1]);
    ret->orders_fd = orders[1];
    ret->answers_fd = answers[0];
    answer_of(ret);
}

long obedient_do(struct obedient *obedient, const char *order)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "%s\n", order);

    cr_assert(write(obedient->orders_fd, line, (size_t)length) == length);
    return answer_of(obedient);
}

void obedient_end(struct obedient *obedient)
{
    if (!obedient->pid)
        return;
    close(obedient->orders_fd);
    kill(obedient->pid, SIGKILL);
    cr_assert(waitpid(obedient->pid, NULL, 0) == obedient->pid);
    close(obedient->answers_fd);
    obedient->pid = 0;
}
