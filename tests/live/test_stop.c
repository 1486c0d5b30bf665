// SPDX-License-Identifier: MIT
/* Stopping and letting go, on processes that make it hard. They are C, so that nothing hides. */
#include "inspector/target/process.h"
#include "inspector/target/stop.h"
#include "symbols/base/clock.h"
#include "tests/support/holder.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
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

enum {
    SPINNERS = 8,
    IDLERS = 24,
    STOPS = 50,
    SIGNALS = 10000,
    SIGNALS_A_STOP = 50, /* at most */
    IN_FLIGHT = 32,
    KILLED_WITHIN_US = 5000,
    PATIENCE_MS = 20 * 1000,
    SOON_MS = 5 * 1000,
    REAPED_WITHIN_MS = 1000,
    TOLERANCE_MS = 400,
};

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

static void *idle(void *argument)
{
    for (;;)
        pause();
    return argument;
}

/* The main thread alone takes the signals; the others make the stop take its time. */
static void count_signals(void)
{
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO};
    sigset_t all, before;
    pthread_t thread;

    sigaction(SIGRTMIN, &action, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    for (int i = 0; i < IDLERS; i++)
        pthread_create(&thread, NULL, idle, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
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
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&shared->ready); i++)
        clock_sleep(1);
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
        cr_expect(process_threads_are(pid, "tZX?"), "stop %d: a thread is not held", i);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
        cr_expect_gt(report.milliseconds, 0.5);
    }
    uint64_t before = total();
    for (int i = 0; i < PATIENCE_MS && total() == before; i++)
        clock_sleep(1);
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

/* Another process that sends SIGNALS signals while we stop their receiver and let it go. */
struct sender {
    pid_t pid; /* its own */
    pid_t receiver;
    uint64_t (*arrived)(const void *context);
    const void *context;
    _Atomic uint64_t sent, stops;
    _Atomic bool given_up;
};

/*
 * A few are always on their way, and each stop sees some. The queue of a user may be full: then it
 * waits until it is not.
 */
static void send_signals(struct sender *sender)
{
    double deadline = clock_milliseconds() + PATIENCE_MS;

    for (uint64_t sent = 0; sent < SIGNALS && clock_milliseconds() < deadline;) {
        bool queued = sent < sender->arrived(sender->context) + IN_FLIGHT &&
                      sent < (atomic_load(&sender->stops) + 1) * SIGNALS_A_STOP &&
                      sigqueue(sender->receiver, SIGRTMIN, (union sigval){(int)sent}) == 0;
        sent += queued;
        atomic_store(&sender->sent, sent);
        if (!queued)
            sched_yield();
    }
    atomic_store(&sender->given_up, atomic_load(&sender->sent) < SIGNALS);
    _exit(0);
}

static struct sender *sender_start(pid_t receiver, uint64_t (*arrived)(const void *context),
                                   const void *context)
{
    struct sender *sender =
        mmap(NULL, sizeof(*sender), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    cr_assert(sender != MAP_FAILED);
    sender->receiver = receiver;
    sender->arrived = arrived;
    sender->context = context;
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        send_signals(sender);
    }
    sender->pid = pid;
    return sender;
}

static bool sender_is_at_work(const struct sender *sender)
{
    return atomic_load(&sender->sent) < SIGNALS && !atomic_load(&sender->given_up);
}

/* All of them have to arrive. */
static void sender_end(struct sender *sender, const char *where)
{
    cr_assert(waitpid(sender->pid, NULL, 0) == sender->pid);
    cr_assert_not(atomic_load(&sender->given_up), "%s: only %d signals could be sent in time",
                  where, (int)sender->sent);
    for (int i = 0; i < SOON_MS && sender->arrived(sender->context) < SIGNALS; i++)
        clock_sleep(1);
    cr_expect_eq(sender->arrived(sender->context), SIGNALS, "%s: %d of %d arrived", where,
                 (int)sender->arrived(sender->context), SIGNALS);
    munmap(sender, sizeof(*sender));
}

static uint64_t count_arrived(const void *context)
{
    (void)context;
    return atomic_load(&shared->signals);
}

static uint64_t count_wakeups(const void *context)
{
    return ticker_wakeups(context);
}

/* Stops and lets go as long as signals are sent. */
static void stop_while_signals_come(struct sender *sender)
{
    struct process process;
    struct error err;

    cr_assert(process_open(&process, sender->receiver, &err), "%s", err.text);
    while (sender_is_at_work(sender)) {
        struct stop_report report;
        struct stop *stop;

        cr_assert(stop_begin(&stop, &process, STOP_LONGEST_MS, &err), "%s", err.text);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
        atomic_fetch_add(&sender->stops, 1);
    }
    process_close(&process);
}

/* The same, but that whoever stops it is killed while he does, and another one follows. */
static void be_killed_while_signals_come(struct sender *sender)
{
    unsigned seed = 4711;

    while (sender_is_at_work(sender)) {
        const struct timespec moment = {.tv_nsec = rand_r(&seed) % KILLED_WITHIN_US * 1000L};
        pid_t stopper = fork();

        cr_assert(stopper >= 0);
        if (stopper == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            stop_while_signals_come(sender);
            _exit(0);
        }
        nanosleep(&moment, NULL);
        kill(stopper, SIGKILL);
        cr_assert(waitpid(stopper, NULL, 0) == stopper);
        atomic_fetch_add(&sender->stops, 1);
    }
}

static void expect_all_signals(void (*stop)(struct sender *sender))
{
    pid_t pid = start(count_signals);
    struct sender *sender = sender_start(pid, count_arrived, NULL);

    stop(sender);
    sender_end(sender, "C");
    cr_expect_eq(atomic_load(&shared->out_of_order), 0);
    end(pid);
}

Test(stop, loses_no_signal_and_keeps_their_order)
{
    expect_all_signals(stop_while_signals_come);
}

Test(stop, loses_no_signal_when_it_is_killed)
{
    expect_all_signals(be_killed_while_signals_come);
}

ParameterizedTestParameters(stop, loses_no_signal_of_a_python)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stop, loses_no_signal_of_a_python)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, "signalled");
    struct sender *sender = sender_start(ticker.pid, count_wakeups, &ticker);
    stop_while_signals_come(sender);
    sender_end(sender, python.name);
    cr_expect(ticker_runs(&ticker));
    ticker_end(&ticker);
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

/* Its parent, which has to start another one, does not wait until we are done with it. */
static void expect_reaped_while_held(pid_t pid, const char *where)
{
    struct holder holder;
    siginfo_t dead = {.si_pid = 0};

    holder_start(&holder, pid);
    double killed = clock_milliseconds();
    kill(pid, SIGKILL);
    while (!dead.si_pid && clock_milliseconds() - killed < REAPED_WITHIN_MS) {
        cr_assert(waitid(P_PID, (id_t)pid, &dead, WEXITED | WNOHANG) == 0);
        clock_sleep(1);
    }
    double taken = clock_milliseconds() - killed;
    cr_expect_eq(dead.si_pid, pid, "%s: could not be reaped within %.0f ms", where, taken);
    cr_expect_eq(dead.si_status, SIGKILL);
    struct holder_answer answer = holder_end(&holder);
    cr_expect_not(answer.done);
    cr_expect(strstr(answer.error.text, "died"), "%s: %s", where, answer.error.text);
}

Test(stop, lets_the_parent_reap_it_at_once)
{
    pid_t pid = start(spin_in_threads);

    expect_reaped_while_held(pid, "many threads");
    end(pid);
}

ParameterizedTestParameters(stop, lets_the_parent_reap_a_python_at_once)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stop, lets_the_parent_reap_a_python_at_once)
{
    static const char *const kinds[] = {NULL, "busy", "leaderless"};
    struct interpreter python = pythons_get(index);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct ticker ticker;

        ticker_start(&ticker, &python, kinds[i]);
        if (kinds[i] && strcmp(kinds[i], "leaderless") == 0)
            cr_assert(process_reaches(ticker.pid, "Z"));
        expect_reaped_while_held(ticker.pid, python.name);
        ticker_end(&ticker);
    }
}

/*
 * What waits with a timeout is not told of the stops, but for the time that they took. A stop may
 * take longer than it says by what the machine adds, so there is some tolerance.
 */
ParameterizedTestParameters(stop, lets_waits_end_well)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, stop, lets_waits_end_well)
{
    struct interpreter python = pythons_get(index);
    double deadline = clock_milliseconds() + PATIENCE_MS, stopped = 0;
    struct process process;
    struct ticker ticker;
    struct error err;
    int stops = 0;

    ticker_start(&ticker, &python, "waiting");
    cr_assert(process_open(&process, ticker.pid, &err), "%s", err.text);
    for (; ticker.words[TICKER_DONE] < TICKER_WAITS_COUNT && clock_milliseconds() < deadline;
         stops++) {
        struct stop_report report;
        struct stop *stop;

        cr_assert(stop_begin(&stop, &process, STOP_LONGEST_MS, &err), "%s", err.text);
        clock_sleep(5);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
        stopped += report.milliseconds;
        clock_sleep(20);
    }
    cr_expect_eq(ticker.words[TICKER_DONE], TICKER_WAITS_COUNT, "%s: some never end", python.name);
    cr_expect_gt(stops, 5);
    for (int i = 0; i < TICKER_WAITS_COUNT; i++) {
        double taken = (double)ticker.words[TICKER_WAITS + i] / 1e6;
        cr_expect_neq(taken, 0, "%s: wait %d ended wrongly", python.name, i);
        cr_expect_geq(taken, TICKER_WAIT_MS - 1, "%s: wait %d took %.0f ms", python.name, i, taken);
        cr_expect_leq(taken, TICKER_WAIT_MS + stopped + TOLERANCE_MS,
                      "%s: wait %d took %.0f ms, of which %.0f stopped", python.name, i, taken,
                      stopped);
    }
    process_close(&process);
    ticker_end(&ticker);
}
