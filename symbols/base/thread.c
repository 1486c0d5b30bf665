// SPDX-License-Identifier: MIT
#include "symbols/base/thread.h"

void job_control_block(sigset_t *before)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTSTP);
    sigaddset(&signals, SIGTTIN);
    sigaddset(&signals, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &signals, before);
}

void job_control_restore(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void block_ends(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

bool thread_start(pthread_t *ret, void *(*run)(void *), void *argument)
{
    sigset_t before;

    job_control_block(&before);
    block_ends();
    bool started = pthread_create(ret, NULL, run, argument) == 0;
    job_control_restore(&before);
    return started;
}
