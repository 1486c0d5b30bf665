// SPDX-License-Identifier: MIT
#include "tests/support/target.h"

#include "symbols/base/clock.h"
#include "tests/support/proc.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORACLE "tests/targets/oracle.py"
#define PATIENCE_MS 120000 /* a first start compiles the standard library */

/* Reads what the target says up to its end of line, or "" when it has gone. */
static void read_line(struct target *target, char *ret, size_t size)
{
    double deadline = clock_milliseconds() + PATIENCE_MS;
    size_t length = 0;

    while (length + 1 < size && (length == 0 || ret[length - 1] != '\n')) {
        struct pollfd waiting = {.fd = target->ready_fd, .events = POLLIN};
        double left = deadline - clock_milliseconds();
        cr_assert(left > 0 && poll(&waiting, 1, (int)left) >= 0, "%s: does not answer",
                  target->name);
        ssize_t got = waiting.revents ? read(target->ready_fd, ret + length, 1) : 0;
        if (got < 0 || (got == 0 && waiting.revents))
            break;
        length += (size_t)got;
    }
    ret[length] = '\0';
}

/* "ready" is said before the last system call, and nobody but the kernel can tell of that one. */
static void wait_until_still(const struct target *target)
{
    for (double deadline = clock_milliseconds() + PATIENCE_MS;
         !process_threads_are(target->pid, "S");) {
        cr_assert(clock_milliseconds() < deadline, "%s: does not come to rest", target->name);
        clock_sleep(1);
    }
}

/* Between fork and exec. */
static void become_target(const struct interpreter *python, const char *scene, pid_t parent,
                          const struct target_place *place, const int fds[2 + TRUTH_PARTS])
{
    char numbers[2 + TRUTH_PARTS][16];
    const char *arguments[5 + 2 + TRUTH_PARTS] = {python->path, ORACLE, scene};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent && getppid() != 0) /* 0: it is in another PID namespace */
        _exit(126);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    setpgid(0, 0);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    for (size_t i = 0; i < 2 + TRUTH_PARTS; i++) {
        fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof(numbers[i]), "%d", fds[i]);
        arguments[3 + i] = numbers[i];
    }
    if (place->enter && !place->enter(place->context)) {
        dprintf(fds[0], "refused\n");
        _exit(125);
    }
    unsetenv("PYTHONHOME");
    unsetenv("PYTHONPATH");
    execv(python->path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

bool target_start_in(struct target *ret, const struct interpreter *python, const char *scene,
                     const struct target_place *place)
{
    struct target target = {0};
    int ready[2], wake[2];

    snprintf(target.name, sizeof(target.name), "%s, %s", python->name, scene);
    cr_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(wake, O_CLOEXEC) == 0);
    for (size_t i = 0; i < TRUTH_PARTS; i++) {
        target.truth_fds[i] = memfd_create("truth", MFD_CLOEXEC);
        cr_assert(target.truth_fds[i] >= 0);
    }
    target.ready_fd = ready[0];
    target.wake_fd = wake[1];

    pid_t parent = getpid();
    target.pid = process_fork_into(place->namespaces);
    if (target.pid == 0) {
        int fds[2 + TRUTH_PARTS] = {ready[1], wake[0]};
        memcpy(fds + 2, target.truth_fds, sizeof(target.truth_fds));
        become_target(python, scene, parent, place, fds);
    }
    close(ready[1]);
    close(wake[0]);

    char line[32] = "refused\n";
    if (target.pid > 0)
        read_line(&target, line, sizeof(line));
    if (strcmp(line, "refused\n") == 0) {
        target_end(&target);
        return false;
    }
    cr_assert_str_eq(line, "ready\n", "%s: did not come up", target.name);
    wait_until_still(&target);
    *ret = target;
    return true;
}

void target_start(struct target *ret, const struct interpreter *python, const char *scene)
{
    cr_assert(target_start_in(ret, python, scene, &(struct target_place){0}), "cannot fork");
}

void target_tell(struct target *target, struct truth *ret)
{
    char line[32];
    int status;

    close(target->wake_fd);
    target->wake_fd = -1;
    read_line(target, line, sizeof(line));
    cr_assert_str_eq(line, "told\n", "%s: did not tell", target->name);
    read_line(target, line, sizeof(line)); /* the end of the pipe is the end of the process */
    cr_assert(waitpid(target->pid, &status, 0) == target->pid);
    target->pid = 0;
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: ended with status %#x",
              target->name, (unsigned)status);
    truth_load(ret, target->truth_fds, TRUTH_PARTS);
}

void target_end(struct target *target)
{
    if (target->pid > 0) {
        kill(target->pid, SIGKILL);
        waitpid(target->pid, NULL, 0);
        target->pid = 0;
    }
    int *fds[] = {&target->ready_fd, &target->wake_fd, &target->truth_fds[0], &target->truth_fds[1],
                  &target->truth_fds[2]};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] > 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}
