// SPDX-License-Identifier: MIT
#include "inspector/command/foreign.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    NOT_STARTED = 127,
    MOST_SAID = 4096,
    FIRST_OF_OTHERS = 3,
    STARTING_NAPS = 20, /* of 50 ms */
};

/* As execvp() would find it, but relative to no directory: who looks into a stranger's process may
 * stand in the stranger's directory. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *at = getenv("PATH");
    struct stat status;

    for (at = at ? at : "/usr/bin:/bin"; *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");
        int written = snprintf(path, PATH_MAX, "%.*s/%s", length, at, name);
        if (*at == '/' && written > 0 && written < PATH_MAX && stat(path, &status) == 0 &&
            S_ISREG(status.st_mode) && access(path, X_OK) == 0)
            return true;
        at += length;
    }
    return false;
}

bool foreign_is_there(const char *name)
{
    char path[PATH_MAX];

    return find_program(name, path);
}

/* What was ignored, or blocked while we start it, would stay so. */
/* By the kernel's own calls: the C library keeps some signals to itself. */
static void reset_signals(void)
{
    static const uint64_t by_default[4], none;

    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof(none));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/* Where we are nobody already, or cannot be, that is so. */
static void become_nobody(void)
{
    if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0)
        (void)!setresuid(NOBODY, NOBODY, NOBODY);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Who started us may have left SIGCHLD ignored: then nobody is told how a child ended. */
static void heed_children(struct sigaction *before)
{
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, before);
}

/* In the child, after fork(): nothing but system calls. */
static _Noreturn void become(const char *path, const char *const *words, int input, int output,
                             int errors)
{
    union {
        const char *const *ours;
        char *const *its;
    } arguments = {.ours = words};

    if (dup2(input, 0) != 0 || dup2(output, 1) != 1 || dup2(errors, 2) != 2)
        _exit(NOT_STARTED);
    (void)!close_range(FIRST_OF_OTHERS, UINT_MAX, 0);
    reset_signals();
    execv(path, arguments.its);
    _exit(NOT_STARTED);
}

static pid_t start(const struct foreign_program *program, const char *path, int errors)
{
    pid_t master = getpid();
    pid_t pid = fork();

    if (pid)
        return pid;
    become_nobody();
    /* Another user's process forgets it, so it comes last. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master)
        _exit(NOT_STARTED);
    become(path, program->words, program->input, program->output, errors);
}

/* False: there is nothing more. */
static bool hear(int errors, struct text *said)
{
    char bytes[1024];
    ssize_t length = TEMP_FAILURE_RETRY(read(errors, bytes, sizeof(bytes)));
    size_t room = MOST_SAID - said->length;

    if (length <= 0)
        return false;
    text_add_bytes(said, bytes, (size_t)length < room ? (size_t)length : room);
    return true;
}

/* Listens until the program has ended; false: it was not in time. */
static bool attend(int program, int errors, unsigned milliseconds, struct text *said)
{
    double deadline = clock_milliseconds() + milliseconds;
    struct pollfd polled[] = {{.fd = program, .events = POLLIN}, {.fd = errors, .events = POLLIN}};

    for (;;) {
        double left = deadline - clock_milliseconds();
        if (left <= 0)
            return false;
        if (poll(polled, 2, left < 1000 ? (int)left + 1 : 1000) <= 0)
            continue;
        if (polled[1].revents && !hear(errors, said))
            polled[1].fd = -1;
        if (polled[0].revents && (polled[1].fd < 0 || !polled[1].revents))
            return true;
    }
}

static void say_end(const struct foreign_program *program, int status, struct text *said)
{
    const char *name;

    if (WIFEXITED(status) && said->length)
        return;
    if (WIFEXITED(status)) {
        text_addf(said,
                  WEXITSTATUS(status) == NOT_STARTED ? "%s could not be started (status %d)"
                                                     : "%s ended with the status %d",
                  program->words[0], WEXITSTATUS(status));
        return;
    }
    name = sigabbrev_np(WTERMSIG(status));
    text_clear(said);
    text_addf(said, "%s was ended by signal SIG%s", program->words[0], name ? name : "?");
}

static bool wait_for(const struct foreign_program *program, pid_t pid, int errors,
                     enum foreign_end *ret, struct text *said, struct error *err)
{
    AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool in_time = fd >= 0 && attend(fd, errors, program->milliseconds, said);
    int status;

    if (!in_time)
        kill(pid, SIGKILL);
    pid_t reaped = TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    if (fd < 0 || reaped != pid)
        return error_errno(err, ERROR_SYSTEM, "cannot wait for %s", program->words[0]);
    *ret = !in_time ? FOREIGN_OVERDUE : status == 0 ? FOREIGN_DONE : FOREIGN_FAILED;
    if (!in_time) {
        text_clear(said);
        text_addf(said, "%s took longer than %u s and was ended", program->words[0],
                  program->milliseconds / 1000);
    } else if (status != 0) {
        say_end(program, status, said);
    }
    return !said->failed || error_memory(err);
}

static bool run(const struct foreign_program *program, const char *path, enum foreign_end *ret,
                struct text *said, struct error *err)
{
    int errors[2];

    if (pipe2(errors, O_CLOEXEC) != 0)
        return error_errno(err, ERROR_SYSTEM, "cannot start %s", program->words[0]);
    AUTO_CLOSE int ours = errors[0];
    (void)!fcntl(ours, F_SETFL, O_NONBLOCK);
    pid_t pid = start(program, path, errors[1]);
    int why = errno;
    close(errors[1]);
    errno = why;
    if (pid < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot start %s", program->words[0]);
    return wait_for(program, pid, ours, ret, said, err);
}

bool foreign_run(const struct foreign_program *program, enum foreign_end *ret, struct text *said,
                 struct error *err)
{
    struct sigaction before;
    char path[PATH_MAX];

    if (!find_program(program->words[0], path)) {
        *ret = FOREIGN_MISSING;
        return true;
    }
    heed_children(&before);
    bool done = run(program, path, ret, said, err);
    sigaction(SIGCHLD, &before, NULL);
    return done;
}

/* A child of a child, which is nobody's to wait for, but for the first moments. */
static _Noreturn void start_alone(const char *path, const char *const *words, int input, int null)
{
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    int status;
    pid_t pid;

    setsid();
    pid = fork();
    if (pid == 0)
        become(path, words, input, null, null);
    for (unsigned i = 0; pid > 0 && i < STARTING_NAPS; i++) {
        nanosleep(&nap, NULL);
        if (waitpid(pid, &status, WNOHANG) == pid)
            _exit(status != 0);
    }
    _exit(pid < 0);
}

bool foreign_start(const struct foreign_program *program, struct error *err)
{
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct sigaction before;
    char path[PATH_MAX];
    int status = -1;

    if (null < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot open /dev/null");
    errno = ENOENT;
    if (!find_program(program->words[0], path))
        return error_errno(err, ERROR_SYSTEM, "cannot start %s", program->words[0]);
    heed_children(&before);
    pid_t pid = fork();
    if (pid == 0)
        start_alone(path, program->words, program->input, null);
    bool done = pid > 0 && TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid && status == 0;
    sigaction(SIGCHLD, &before, NULL);
    return done ||
           error_set(err, ERROR_SYSTEM, "%s failed as soon as it was started", program->words[0]);
}
