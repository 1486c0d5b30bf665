// SPDX-License-Identifier: MIT
#include "inspector/command/watch_wait.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

/* What nohup or a shell's & has set to be ignored stays so; blocked, it would come all the same. */
static void add_unless_ignored(sigset_t *signals, int number)
{
    struct sigaction action;

    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(signals, number);
}

bool watch_wait_open(struct watch_wait *ret, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    add_unless_ignored(&signals, SIGINT);
    add_unless_ignored(&signals, SIGTERM);
    add_unless_ignored(&signals, SIGHUP);
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot wait for signals");
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    ret->signals = fd;
    return true;
}

void watch_wait_close(struct watch_wait *wait)
{
    cleanup_close(&wait->signals);
    wait->signals = -1;
}

/* Without memory for the processes their ends are noticed when they are to be sampled. */
static struct pollfd *list(const struct watch_wait *wait, const int *pidfds, size_t *count,
                           struct pollfd *first)
{
    struct pollfd *all = calloc(*count + 1, sizeof(*all));

    if (!all) {
        *count = 0;
        all = first;
    }
    all[0] = (struct pollfd){.fd = wait->signals, .events = POLLIN};
    for (size_t i = 0; i < *count; i++)
        all[i + 1] = (struct pollfd){.fd = pidfds[i], .events = POLLIN};
    return all;
}

enum watch_wake watch_wait_until(const struct watch_wait *wait, double due, const int *pidfds,
                                 size_t count)
{
    struct pollfd first;
    struct pollfd *all = list(wait, pidfds, &count, &first);
    enum watch_wake wake;

    for (;;) {
        double left = due - clock_milliseconds();
        struct timespec time = clock_timespec(left > 0 ? left : 0);
        int ready = ppoll(all, count + 1, &time, NULL);
        if (ready > 0) {
            wake = all[0].revents ? WAKE_SIGNAL : WAKE_ENDED;
            break;
        }
        if (ready == 0 && left <= 0) {
            wake = WAKE_DUE;
            break;
        }
    }
    if (all != &first)
        free(all);
    return wake;
}
