// SPDX-License-Identifier: MIT
#include "inspector/target/watchdog.h"

#include "symbols/base/clock.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const double insistence = 50; /* milliseconds between two attempts to wake us */

/* The memory that both processes see. */
struct leash {
    _Atomic uint32_t changes; /* counts them; what the watchdog waits for */
    _Atomic double deadline;
};

struct watchdog {
    pid_t pid;
    struct leash *leash;
};

static void wait_for_change(struct leash *leash, uint32_t seen, double milliseconds)
{
    struct timespec time = clock_timespec(milliseconds);

    syscall(SYS_futex, &leash->changes, FUTEX_WAIT, seen, milliseconds > 0 ? &time : NULL, NULL, 0);
}

/* In a copy of a program that may have threads: system calls, and nothing else. */
static void watch(struct leash *leash, pid_t master)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    syscall(SYS_close_range, 0, ~0U, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == master) {
        uint32_t seen = leash->changes;
        double deadline = leash->deadline;
        double left = deadline - clock_milliseconds();
        if (deadline > 0 && left <= 0) {
            kill(master, SIGCONT);
            left = insistence;
        }
        wait_for_change(leash, seen, deadline > 0 ? left : 0);
    }
    _exit(0);
}

struct watchdog *watchdog_start(void)
{
    struct watchdog *watchdog = calloc(1, sizeof(*watchdog));
    pid_t master = getpid();

    if (!watchdog)
        return NULL;
    void *shared =
        mmap(NULL, sizeof(struct leash), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED) {
        watchdog->leash = shared;
        watchdog->pid = fork();
        if (watchdog->pid == 0)
            watch(watchdog->leash, master);
        if (watchdog->pid > 0)
            return watchdog;
        munmap(shared, sizeof(struct leash));
    }
    free(watchdog);
    return NULL;
}

void watchdog_end(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    kill(watchdog->pid, SIGKILL);
    waitpid(watchdog->pid, NULL, 0);
    munmap(watchdog->leash, sizeof(*watchdog->leash));
    free(watchdog);
}

void watchdog_expect(struct watchdog *watchdog, double deadline)
{
    if (!watchdog)
        return;
    watchdog->leash->deadline = deadline;
    watchdog->leash->changes++;
    syscall(SYS_futex, &watchdog->leash->changes, FUTEX_WAKE, 1, NULL, NULL, 0);
}
