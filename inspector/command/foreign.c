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
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    NOT_STARTED = 127,
    MOST_SAID = 4096,
    FIRST_OF_OTHERS = 3,
    STARTING_MILLISECONDS = 1000,
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

/* What would end us; not what is ignored, which would wait for ever where it is blocked. */
static void find_ending(sigset_t *ret)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct sigaction action;

    sigemptyset(ret);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(ret, numbers[i]);
    }
}

void foreign_hold(sigset_t *before)
{
    sigset_t ending;

    find_ending(&ending);
    pthread_sigmask(SIG_BLOCK, &ending, before);
}

void foreign_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* What was ignored, or blocked while we start it, would stay so. By the kernel's own calls: the C
 * library keeps some signals to itself. */
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

/* What is changed about signals while a child runs. */
struct heed {
    struct sigaction children;
    sigset_t mask;
};

/* Who started us may have left SIGCHLD ignored: then nobody is told how a child ended. */
static void heed_begin(struct heed *heed)
{
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &heed->children);
    foreign_hold(&heed->mask);
}

static void heed_end(const struct heed *heed)
{
    sigaction(SIGCHLD, &heed->children, NULL);
    foreign_release(&heed->mask);
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

    if (pid > 0)
        (void)!setpgid(pid, pid); /* whoever of us comes first */
    if (pid)
        return pid;
    (void)!setpgid(0, 0);
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

enum attended { HAS_ENDED, IS_OVERDUE, IS_INTERRUPTED };

/* Listens until the program has ended, is late, or one of `signals` waits for us. */
static enum attended attend(int program, int errors, int signals, unsigned milliseconds,
                            struct text *said)
{
    double deadline = clock_milliseconds() + milliseconds;
    struct pollfd polled[] = {{.fd = program, .events = POLLIN},
                              {.fd = errors, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};

    for (;;) {
        double left = deadline - clock_milliseconds();
        int wait = left <= 0 ? 0 : left < 1000 ? (int)left + 1 : 1000;
        /* Late is who has not ended now: we may have been stopped meanwhile. */
        if (poll(polled, 3, wait) > 0) {
            if (polled[2].revents)
                return IS_INTERRUPTED;
            if (polled[1].revents && !hear(errors, said))
                polled[1].fd = -1;
            if (polled[0].revents && (polled[1].fd < 0 || !polled[1].revents))
                return HAS_ENDED;
        }
        if (left <= 0)
            return polled[0].revents ? HAS_ENDED : IS_OVERDUE;
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

static bool tell_end(const struct foreign_program *program, enum attended attended, int status,
                     enum foreign_end *ret, struct text *said, struct error *err)
{
    switch (attended) {
    case HAS_ENDED:
        *ret = status == 0 ? FOREIGN_DONE : FOREIGN_FAILED;
        if (status != 0)
            say_end(program, status, said);
        break;
    case IS_OVERDUE:
        *ret = FOREIGN_OVERDUE;
        text_clear(said);
        text_addf(said, "%s took longer than %u s and was ended", program->words[0],
                  program->milliseconds / 1000);
        break;
    case IS_INTERRUPTED:
        *ret = FOREIGN_INTERRUPTED;
        break;
    }
    return !said->failed || error_memory(err);
}

static bool wait_for(const struct foreign_program *program, pid_t pid, int errors,
                     enum foreign_end *ret, struct text *said, struct error *err)
{
    AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0), signals = -1;
    enum attended attended = IS_OVERDUE;
    sigset_t ending;
    int status;

    find_ending(&ending);
    signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0)
        attended = attend(fd, errors, signals, program->milliseconds, said);
    if (attended != HAS_ENDED)
        kill(pid, SIGKILL);
    /* What it has started and left behind; the group is its own until it is waited for. */
    kill(-pid, SIGKILL);
    pid_t reaped = TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    if (fd < 0 || reaped != pid)
        return error_errno(err, ERROR_SYSTEM, "cannot wait for %s", program->words[0]);
    return tell_end(program, attended, status, ret, said, err);
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
    struct heed heed;
    char path[PATH_MAX];

    if (!find_program(program->words[0], path)) {
        *ret = FOREIGN_MISSING;
        return true;
    }
    heed_begin(&heed);
    bool done = run(program, path, ret, said, err);
    heed_end(&heed);
    return done;
}

/* A child of a child, which is nobody's to wait for, but for the first moments. */
static _Noreturn void start_alone(const char *path, const char *const *words, int input, int null)
{
    struct pollfd polled = {.events = POLLIN};
    int status = 0;
    pid_t pid;

    setsid();
    pid = fork();
    if (pid == 0)
        become(path, words, input, null, null);
    polled.fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (polled.fd < 0)
        _exit(1);
    if (TEMP_FAILURE_RETRY(poll(&polled, 1, STARTING_MILLISECONDS)) > 0)
        waitpid(pid, &status, 0);
    _exit(status != 0);
}

bool foreign_start(const struct foreign_program *program, struct error *err)
{
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct heed heed;
    char path[PATH_MAX];
    int status = -1;

    if (null < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot open /dev/null");
    errno = ENOENT;
    if (!find_program(program->words[0], path))
        return error_errno(err, ERROR_SYSTEM, "cannot start %s", program->words[0]);
    heed_begin(&heed);
    pid_t pid = fork();
    if (pid == 0)
        start_alone(path, program->words, program->input, null);
    bool done = pid > 0 && TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid && status == 0;
    heed_end(&heed);
    return done ||
           error_set(err, ERROR_SYSTEM, "%s failed as soon as it was started", program->words[0]);
}
