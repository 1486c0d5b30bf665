// SPDX-License-Identifier: MIT
#include "tests/support/holder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static void say(int fd, const struct holder_answer *answer)
{
    if (write(fd, answer, sizeof(*answer)) != sizeof(*answer))
        _exit(1);
}

static void hold(pid_t pid, int orders, int answers)
{
    struct holder_answer answer = {0};
    struct process process;
    struct stop *stop;
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    answer.done = process_open(&process, pid, &answer.error) &&
                  stop_begin(&stop, &process, STOP_LONGEST_MS, &answer.error);
    say(answers, &answer);
    if (!answer.done)
        _exit(1);
    while (read(orders, &byte, 1) > 0)
        ;
    answer.done = stop_end(stop, &answer.report, &answer.error);
    say(answers, &answer);
    _exit(0);
}

static struct holder_answer listen(const struct holder *holder)
{
    struct pollfd waiting = {.fd = holder->answers_fd, .events = POLLIN};
    struct holder_answer answer;

    cr_assert(poll(&waiting, 1, PATIENCE_MS) == 1 &&
                  read(holder->answers_fd, &answer, sizeof(answer)) == sizeof(answer),
              "the holder does not answer");
    return answer;
}

void holder_start(struct holder *ret, pid_t pid)
{
    struct holder holder;
    int orders[2], answers[2];

    cr_assert(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    holder.pid = fork();
    cr_assert(holder.pid >= 0);
    if (holder.pid == 0) {
        close(orders[1]);
        hold(pid, orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    holder.orders_fd = orders[1];
    holder.answers_fd = answers[0];

    struct holder_answer answer = listen(&holder);
    cr_assert(answer.done, "%s", answer.error.text);
    *ret = holder;
}

struct holder_answer holder_end(struct holder *holder)
{
    close(holder->orders_fd);
    struct holder_answer answer = listen(holder);
    close(holder->answers_fd);
    cr_assert(waitpid(holder->pid, NULL, 0) == holder->pid);
    return answer;
}
