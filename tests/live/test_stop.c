// SPDX-License-Identifier: MIT
/* Stopping and letting go, on processes that make it hard. They are C, so that nothing hides. */
#include "inspector/target/process.h"
#include "inspector/target/stop.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPINNERS = 8, STOPS = 50, SIGNALS = 2000, PATIENCE_MS = 20 * 1000 };

/* Memory that a child shares with its test. */
struct shared {
    _Atomic uint64_t counts[SPINNERS];
    _Atomic uint64_t signals;
    _Atomic uint64_t out_of_order;
    _Atomic int ready;
};

static struct shared *shared;

static void *spin(void *argument)
{
    _Atomic uint64_t *count = argument;

    for (;;)
        atomic_fetch_add(count, 1);
    return NULL;
}

static void spin_in_threads(void)
{
    pthread_t thread;

    for (int i = 1; i < SPINNERS; i++)
        pthread_create(&thread, NULL, spin, &shared->counts[i]);
    atomic_store(&shared->ready, 1);
    spin(&shared->counts[0]);
}

static void *vanish(void *argument)
{
    atomic_fetch_add(&shared->counts[0], 1);
    return argument;
}

/* Threads that are born and die all the time. */
static void churn(void)
{
    pthread_t thread;

    atomic_store(&shared->ready, 1);
    for (;;) {
        if (pthread_create(&thread, NULL, vanish, NULL) == 0)
            pthread_detach(thread);
    }
}

static void count_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    if ((uint64_t)info->si_value.sival_int != atomic_fetch_add(&shared->signals, 1))
        atomic_fetch_add(&shared->out_of_order, 1);
}

static void count_signals(void)
{
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO};

    sigaction(SIGRTMIN, &action, NULL);
    atomic_store(&shared->ready, 1);
    for (;;)
        pause();
}

/* The parent of a vfork sleeps uninterruptibly until the child is done. */
static void vfork_and_wait(void)
{
    int fds[2];
    char byte;

    if (pipe(fds) != 0)
        _exit(1);
    atomic_store(&shared->ready, 1);
    pid_t child = vfork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(fds[0], &byte, 1) < 0) /* nobody writes */
            _exit(1);
        _exit(0);
    }
    _exit(0);
}

static pid_t start(void (*work)(void))
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(shared != MAP_FAILED);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        work();
    }
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&shared->ready); i++)
        nanosleep(&nap, NULL);
    cr_assert(atomic_load(&shared->ready));
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    munmap(shared, sizeof(*shared));
}

static uint64_t total(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < SPINNERS; i++)
        sum += atomic_load(&shared->counts[i]);
    return sum;
}

/* Threads of the process that are in another state than "stopped by a tracer". */
static unsigned count_loose_threads(pid_t pid)
{
    unsigned loose = 0;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    cr_assert_not_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] != '.')
            loose += !strchr("tZX?", process_state((pid_t)strtol(entry->d_name, NULL, 10)));
    }
    closedir(tasks);
    return loose;
}

/* While a process is held none of its threads makes a step, and afterwards all do. */
static void expect_held(void (*work)(void))
{
    pid_t pid = start(work);
    struct process process;
    struct error err;

    cr_assert(process_open(&process, pid, &err), "%s", err.text);
    for (int i = 0; i < STOPS; i++) {
        const struct timespec while_held = {.tv_nsec = 500000};
        struct stop_report report;
        struct stop *stop;

        cr_assert(stop_begin(&stop, &process, STOP_LONGEST_MS, &err), "%s", err.text);
        uint64_t before = total();
        nanosleep(&while_held, NULL);
        cr_expect_eq(total(), before, "stop %d: somebody runs", i);
        cr_expect_eq(count_loose_threads(pid), 0, "stop %d", i);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
        cr_expect_gt(report.milliseconds, 0.5);
    }
    uint64_t before = total();
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS && total() == before; i++)
        nanosleep(&nap, NULL);
    cr_expect_gt(total(), before);
    process_close(&process);
    end(pid);
}

Test(stop, holds_all_threads)
{
    expect_held(spin_in_threads);
}

Test(stop, holds_threads_that_are_being_born)
{
    expect_held(churn);
}

Test(stop, loses_no_signal)
{
    pid_t pid = start(count_signals);
    struct process process;
    struct error err;

    cr_assert(process_open(&process, pid, &err), "%s", err.text);
    for (int sent = 0; sent < SIGNALS;) {
        struct stop_report report;
        struct stop *stop;

        for (int i = 0; i < 20; i++, sent++)
            cr_assert(sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = sent}) == 0);
        cr_assert(stop_begin(&stop, &process, STOP_LONGEST_MS, &err), "%s", err.text);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
    }
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS && atomic_load(&shared->signals) < SIGNALS; i++)
        nanosleep(&nap, NULL);
    cr_expect_eq(atomic_load(&shared->signals), SIGNALS);
    cr_expect_eq(atomic_load(&shared->out_of_order), 0);
    process_close(&process);
    end(pid);
}

Test(stop, gives_up_on_a_process_that_cannot_stop)
{
    pid_t pid = start(vfork_and_wait);
    struct process process;
    struct stop *stop;
    struct error err;

    cr_assert(process_reaches(pid, "D"));
    cr_assert(process_open(&process, pid, &err), "%s", err.text);
    time_t begun = time(NULL);
    cr_assert_not(stop_begin(&stop, &process, STOP_LONGEST_MS, &err));
    cr_expect_lt(time(NULL) - begun, 10);
    cr_expect_eq(err.kind, ERROR_TARGET);
    cr_expect(strstr(err.text, "cannot be stopped"), "%s", err.text);
    cr_expect_eq(process_tracer(pid), 0);
    cr_expect_eq(process_state(pid), 'D');
    process_close(&process);
    end(pid);
}

Test(stop, says_that_the_target_died_while_it_was_held)
{
    pid_t pid = start(spin_in_threads);
    struct process process;
    struct stop_report report;
    struct stop *stop;
    struct error err;

    cr_assert(process_open(&process, pid, &err), "%s", err.text);
    cr_assert(stop_begin(&stop, &process, STOP_LONGEST_MS, &err), "%s", err.text);
    kill(pid, SIGKILL);
    cr_expect(process_reaches(pid, "ZX?"), "state %c", process_state(pid));
    cr_expect_not(stop_end(stop, &report, &err));
    cr_expect_eq(err.kind, ERROR_TARGET);
    cr_expect(strstr(err.text, "died"), "%s", err.text);
    process_close(&process);
    end(pid);
}
