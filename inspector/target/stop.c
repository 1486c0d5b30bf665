// SPDX-License-Identifier: MIT
#include "inspector/target/stop.h"

#include "inspector/target/priority.h"
#include "inspector/target/proc_status.h"
#include "symbols/base/address_map.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"
#include "symbols/base/thread.h"
#include "symbols/base/vector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
    SLEEPERS_DEADLINE_MS = 1000,
    STOP_DEADLINE_MS = 2000,
    REAP_INTERVAL_MS = 5,
    WATCHDOG_MS = 50, /* after the bound */
    SPINS_BEFORE_SLEEP = 2000,
};

enum thread_state { THREAD_SEIZED, THREAD_INTERRUPTED, THREAD_HELD, THREAD_GONE };

struct thread {
    pid_t tid;
    enum thread_state state;
};

enum phase { PHASE_STOPPING, PHASE_HELD, PHASE_FAILED, PHASE_RELEASING };

struct stop {
    const struct process *process;
    pthread_t tracer;
    pthread_mutex_t lock; /* guards `phase` */
    pthread_cond_t changed;
    enum phase phase;
    double most_milliseconds;
    int caller_priority; /* to which it returns in stop_end */
    sigset_t caller_mask;

    /* The rest belongs to the tracer until it has ended, but for reading after PHASE_HELD. */
    struct thread *threads;
    size_t count, capacity;
    struct address_map known; /* the tids of `threads` */
    double interrupted;       /* when the first thread was told to stop */
    double held;              /* when the last one stood still */
    struct stop_report report;
    bool died;
    atomic_bool overdue; /* it was let go although the caller was not done */
    struct error error;
};

static bool is_known(const struct stop *stop, pid_t tid)
{
    return address_map_find(&stop->known, (uint64_t)tid) != UINT32_MAX;
}

/* Its descriptor belongs to *ret, which is NULL on failure, with errno. */
static int list_threads(const struct process *process, DIR **ret)
{
    int fd = openat(process->proc, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret = fd < 0 ? NULL : fdopendir(fd);
    if (*ret)
        return fd;
    int number = errno;
    cleanup_close(&fd);
    errno = number;
    return -1;
}

static char state_of(int tasks, const char *tid)
{
    struct proc_stat stat;
    AUTO_CLOSE int thread = openat(tasks, tid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return thread >= 0 && proc_stat_read(thread, &stat) ? stat.state : 'X';
}

static char state_now(const struct stop *stop, pid_t tid)
{
    char name[16];
    AUTO_CLOSE int tasks = openat(stop->process->proc, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    snprintf(name, sizeof(name), "%d", (int)tid);
    return tasks < 0 ? 'X' : state_of(tasks, name);
}

static bool has_exited(const struct stop *stop, pid_t tid)
{
    char state = state_now(stop, tid);

    return state == 'Z' || state == 'X';
}

static bool seize(struct stop *stop, const char *name, struct error *err)
{
    pid_t tid = (pid_t)strtol(name, NULL, 10);

    if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0) {
        int number = errno;
        if (number == ESRCH || has_exited(stop, tid))
            return true;
        return process_refused(stop->process, "attach to", number, err);
    }
    struct thread *grown =
        vector_grow(stop->threads, &stop->capacity, stop->count + 1, sizeof(*stop->threads));
    if (!grown)
        return error_memory(err);
    stop->threads = grown;
    stop->threads[stop->count++] = (struct thread){.tid = tid, .state = THREAD_SEIZED};
    return address_map_add(&stop->known, (uint64_t)tid, 0, err);
}

/* Seizes the threads that are not yet ours; a seized thread runs on until it is interrupted. */
static bool seize_new_threads(struct stop *stop, struct error *err)
{
    DIR *tasks;
    const struct dirent *entry;
    bool done = true;

    if (list_threads(stop->process, &tasks) < 0)
        return process_refused(stop->process, "list the threads of", errno, err);
    while (done && (entry = readdir(tasks))) {
        if (entry->d_name[0] != '.' && !is_known(stop, (pid_t)strtol(entry->d_name, NULL, 10)))
            done = seize(stop, entry->d_name, err);
    }
    closedir(tasks);
    return done;
}

static bool interrupt_seized(struct stop *stop)
{
    bool any = false;

    for (size_t i = 0; i < stop->count; i++) {
        struct thread *thread = &stop->threads[i];
        if (thread->state != THREAD_SEIZED)
            continue;
        any = true;
        thread->state =
            ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0) == 0 ? THREAD_INTERRUPTED : THREAD_GONE;
    }
    return any;
}

/*
 * Takes note of what has become of an interrupted thread. A signal that was on its way may stop it
 * first: it is given back, and the interruption is still to come. That stop is only looked at
 * (WNOWAIT): once it were waited for, the kernel would drop the signal if we were killed just then.
 */
static void look_at(struct stop *stop, struct thread *thread)
{
    siginfo_t info = {.si_pid = 0};
    int status;

    if (waitid(P_PID, (id_t)thread->tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) <
        0) {
        thread->state = THREAD_GONE;
        return;
    }
    if (!info.si_pid)
        return;
    bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
    int event = info.si_status >> 8;
    if (stopped && event != PTRACE_EVENT_STOP) {
        long signal = event ? 0 : info.si_status;
        if (ptrace(PTRACE_CONT, thread->tid, 0, signal) < 0)
            thread->state = THREAD_GONE;
        return;
    }
    waitpid(thread->tid, &status, __WALL | WNOHANG);
    thread->state = stopped ? THREAD_HELD : THREAD_GONE;
    if (stopped && (info.si_status & 0xff) != SIGTRAP)
        stop->report.was_stopped = true;
}

/* A killed thread stays until its tracer has waited for it; its parent's restart would wait too. */
static bool reap_killed(struct stop *stop)
{
    int status;
    bool killed = false;

    for (size_t i = 0; i < stop->count; i++) {
        struct thread *thread = &stop->threads[i];
        if (thread->state == THREAD_HELD && waitpid(thread->tid, &status, __WALL | WNOHANG) != 0) {
            thread->state = THREAD_GONE;
            killed = true;
        }
    }
    return killed;
}

static bool is_asleep(const struct process *process, pid_t tid, const char *outcome,
                      struct error *err)
{
    return error_set(err, ERROR_TARGET,
                     "process %d (%s) cannot be stopped: its thread %d sleeps uninterruptibly in "
                     "the kernel (state D: a hanging disk or network mount, or the parent of a "
                     "vfork); %s, try again later, or read it while it runs (--no-stop)",
                     (int)process->pid, process->name, (int)tid, outcome);
}

static bool does_not_stop(const struct stop *stop, pid_t tid, struct error *err)
{
    if (state_now(stop, tid) == 'D')
        return is_asleep(stop->process, tid, "it was let go", err);
    return error_set(
        err, ERROR_TARGET,
        "process %d (%s) does not stop in time: its thread %d got no processor for it, "
        "so busy is the machine; it was let go, try again later, or read it while it "
        "runs (--no-stop)",
        (int)stop->process->pid, stop->process->name, (int)tid);
}

/*
 * A thread in state D does not stop before it is done, and the others would stand still until then.
 * So they are left to run until each that sleeps so has woken up at least once.
 */
/* To interrupt what is not seized is refused as such, unless the call itself is. */
bool stop_is_allowed(const struct process *process, struct error *err)
{
    if (ptrace(PTRACE_INTERRUPT, process->tid, 0, 0) == 0 || errno == ESRCH || errno == EIO)
        return true;
    if (errno == ENOSYS)
        errno = EPERM; /* as some filters say */
    return process_refused(process, "stop", errno, err);
}

bool stop_wait_for_sleepers(const struct process *process, struct error *err)
{
    double deadline = clock_milliseconds() + SLEEPERS_DEADLINE_MS;
    struct address_map awake = {0};
    struct error ignored;
    pid_t asleep;

    do {
        DIR *tasks;
        int fd = list_threads(process, &tasks);
        const struct dirent *entry;
        asleep = 0;
        while (tasks && (entry = readdir(tasks))) {
            uint64_t tid = strtoul(entry->d_name, NULL, 10);
            if (!tid || address_map_find(&awake, tid) != UINT32_MAX)
                continue;
            if (state_of(fd, entry->d_name) == 'D')
                asleep = (pid_t)tid;
            else if (!address_map_add(&awake, tid, 0, &ignored))
                continue; /* then it is looked at again */
        }
        if (tasks)
            closedir(tasks);
        if (asleep)
            clock_sleep(1);
    } while (asleep && clock_milliseconds() < deadline);
    address_map_free(&awake);
    return !asleep || is_asleep(process, asleep, "nothing was stopped", err);
}

/* How long we wait for the threads to stop. */
static double patience(const struct stop *stop)
{
    return stop->most_milliseconds < STOP_DEADLINE_MS ? stop->most_milliseconds : STOP_DEADLINE_MS;
}

static bool wait_for_interrupted(struct stop *stop, struct error *err)
{
    for (unsigned spins = 0;; spins++) {
        const struct thread *waiting = NULL;
        for (size_t i = 0; i < stop->count; i++) {
            if (stop->threads[i].state == THREAD_INTERRUPTED)
                look_at(stop, &stop->threads[i]);
            if (stop->threads[i].state == THREAD_INTERRUPTED)
                waiting = &stop->threads[i];
        }
        if (!waiting)
            return true;
        /* An exec kills the other threads, and waits until those that we hold are reaped. */
        reap_killed(stop);
        if (clock_milliseconds() > stop->interrupted + patience(stop))
            return does_not_stop(stop, waiting->tid, err);
        /* A thread that is to stop may be queued for the processor that we spin on. */
        if (spins < SPINS_BEFORE_SLEEP)
            sched_yield();
        else
            clock_sleep(0.05);
    }
}

static bool never_rests(const struct stop *stop, struct error *err)
{
    return error_set(
        err, ERROR_TARGET,
        "process %d (%s) does not stop in time: it starts threads faster than they can "
        "be held; it was let go, try again later, or read it while it runs (--no-stop)",
        (int)stop->process->pid, stop->process->name);
}

/* Threads may be born until all are held, so the list is read until it has nothing new. */
static bool hold_all(struct stop *stop, struct error *err)
{
    if (!seize_new_threads(stop, err))
        return false;
    stop->interrupted = clock_milliseconds();
    while (interrupt_seized(stop)) {
        if (!wait_for_interrupted(stop, err) || !seize_new_threads(stop, err))
            return false;
        if (clock_milliseconds() > stop->interrupted + patience(stop))
            return never_rests(stop, err);
    }
    stop->held = clock_milliseconds();
    for (size_t i = 0; i < stop->count; i++)
        stop->report.threads += stop->threads[i].state == THREAD_HELD;
    if (!stop->report.threads)
        return process_refused(stop->process, "stop", ESRCH, err);
    return true;
}

static void release_all(struct stop *stop)
{
    stop->died |= reap_killed(stop);
    for (size_t i = 0; i < stop->count; i++) {
        if (stop->threads[i].state == THREAD_HELD &&
            ptrace(PTRACE_DETACH, stop->threads[i].tid, 0, 0) < 0)
            stop->died = true;
    }
    stop->report.milliseconds = clock_milliseconds() - stop->interrupted;
    stop->report.overdue = stop->overdue;
}

static void enter(struct stop *stop, enum phase phase)
{
    pthread_mutex_lock(&stop->lock);
    stop->phase = phase;
    pthread_cond_broadcast(&stop->changed);
    pthread_mutex_unlock(&stop->lock);
}

/*
 * When the target is to go on at the latest. Letting go takes about as long as stopping did, and a
 * busy machine may let us wait for it; all of it is part of what the target feels.
 */
static double release_by(const struct stop *stop)
{
    double stopping = stop->held - stop->interrupted;
    double margin = stopping + stop->report.threads * 0.02 + stop->most_milliseconds / 50;
    double most_margin = stop->most_milliseconds / 4;

    return stop->interrupted + stop->most_milliseconds -
           (margin < most_margin ? margin : most_margin);
}

/* Waits until the caller wants the target released; true: look for the killed, and wait on. */
static bool still_wanted(struct stop *stop)
{
    double end = clock_milliseconds() + REAP_INTERVAL_MS;
    struct timespec until = clock_timespec(end < release_by(stop) ? end : release_by(stop));

    pthread_mutex_lock(&stop->lock);
    while (stop->phase == PHASE_HELD &&
           pthread_cond_timedwait(&stop->changed, &stop->lock, &until) != ETIMEDOUT)
        ;
    bool wanted = stop->phase == PHASE_HELD;
    pthread_mutex_unlock(&stop->lock);
    return wanted;
}

static void *trace(void *argument)
{
    struct stop *stop = argument;

    priority_raise();
    bool held = hold_all(stop, &stop->error);

    if (held) {
        enter(stop, PHASE_HELD);
        while (still_wanted(stop) && !stop->overdue) {
            stop->died |= reap_killed(stop);
            stop->overdue = clock_milliseconds() >= release_by(stop);
        }
    }
    release_all(stop);
    if (!held)
        enter(stop, PHASE_FAILED);
    return NULL; /* the kernel lets go of what could not be released, a thread in state D */
}

/* The tracer has ended or was never started. */
static void stop_free(struct stop *stop)
{
    pthread_cond_destroy(&stop->changed);
    pthread_mutex_destroy(&stop->lock);
    address_map_free(&stop->known);
    free(stop->threads);
    free(stop);
}

/* Nothing is held any more: we may be stopped again. */
static void let_go(const struct stop *stop)
{
    watchdog_expect(stop->process->watchdog, 0);
    job_control_restore(&stop->caller_mask);
}

bool stop_begin(struct stop **ret, const struct process *process, double most_milliseconds,
                struct error *err)
{
    struct stop *stop = calloc(1, sizeof(*stop));
    pthread_condattr_t attributes;

    if (!stop)
        return error_memory(err);
    stop->process = process;
    stop->most_milliseconds =
        most_milliseconds < STOP_LONGEST_MS ? most_milliseconds : STOP_LONGEST_MS;
    if (!stop_wait_for_sleepers(process, err)) {
        free(stop);
        return false;
    }
    pthread_mutex_init(&stop->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stop->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    job_control_block(&stop->caller_mask);
    watchdog_expect(process->watchdog,
                    clock_milliseconds() + stop->most_milliseconds + WATCHDOG_MS);
    if (!thread_start(&stop->tracer, trace, stop)) {
        let_go(stop);
        stop_free(stop);
        return error_set(err, ERROR_SYSTEM, "cannot start a thread");
    }

    stop->caller_priority = priority_raise();
    pthread_mutex_lock(&stop->lock);
    while (stop->phase == PHASE_STOPPING)
        pthread_cond_wait(&stop->changed, &stop->lock);
    bool held = stop->phase == PHASE_HELD;
    pthread_mutex_unlock(&stop->lock);
    if (!held) {
        priority_restore(stop->caller_priority);
        pthread_join(stop->tracer, NULL);
        let_go(stop);
        *err = stop->error;
        stop_free(stop);
        return false;
    }
    *ret = stop;
    return true;
}

bool stop_is_over(const struct stop *stop)
{
    return stop->overdue;
}

bool stop_end(struct stop *stop, struct stop_report *ret, struct error *err)
{
    const struct process *process = stop->process;

    enter(stop, PHASE_RELEASING);
    pthread_join(stop->tracer, NULL);
    struct stop_report report = stop->report;
    bool died = stop->died;
    priority_restore(stop->caller_priority);
    let_go(stop);
    stop_free(stop);
    if (died)
        return error_set(err, ERROR_TARGET,
                         "process %d (%s) died while it was being read: nothing is reported of it",
                         (int)process->pid, process->name);
    *ret = report;
    return true;
}
