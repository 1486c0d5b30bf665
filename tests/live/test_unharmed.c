// SPDX-License-Identifier: MIT
/* The target comes out of an inspection as it went in, however the inspection ends. */
#include "inspector/target/stop.h"
#include "symbols/base/clock.h"
#include "tests/support/holder.h"
#include "tests/support/program.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Each of three interpreters is left by a SIGKILL 100 times, and 8 times by each other signal. */
enum { KILLS = 50, OTHER_SIGNALS = 4, TRIES = 5, WATCH_MS = 20 };

static void expect_untouched(const struct ticker *ticker, const char *where)
{
    cr_expect_eq(process_tracer(ticker->pid), 0, "%s", where);
    cr_expect(ticker_runs(ticker), "%s: does not run on, state %c", where,
              process_state(ticker->pid));
    /* What its parent is told of: nothing, not even that it stopped and went on. */
    cr_expect(process_is_unremarkable(ticker->pid), "%s: its parent was told of it", where);
}

/* It is stopped by job control, and makes no step as long as we care to look. */
static void expect_stopped(const struct ticker *ticker, const char *where)
{
    cr_expect(process_reaches(ticker->pid, "T"), "%s: state %c", where, process_state(ticker->pid));
    uint64_t before = ticker_count(ticker);
    clock_sleep(WATCH_MS);
    cr_expect_eq(ticker_count(ticker), before, "%s: runs although it was stopped", where);
    cr_expect_eq(process_state(ticker->pid), 'T', "%s", where);
    cr_expect_eq(process_tracer(ticker->pid), 0, "%s", where);
}

static void stop_by_job_control(const struct ticker *ticker)
{
    int status;

    kill(ticker->pid, SIGSTOP);
    cr_assert(process_reaches(ticker->pid, "T"));
    cr_assert(waitpid(ticker->pid, &status, WUNTRACED) == ticker->pid && WIFSTOPPED(status));
}

ParameterizedTestParameters(unharmed, runs_on)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, runs_on)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    struct program program;

    ticker_start(&ticker, &python, NULL);
    program_attach(&program, ticker.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s: %s", python.name, program.err);
    expect_untouched(&ticker, python.name);
    program_free(&program);
    ticker_end(&ticker);
}

/* The leader is a zombie then, with no memory to its name; its threads have it. */
ParameterizedTestParameters(unharmed, runs_on_without_its_main_thread)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, runs_on_without_its_main_thread)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    struct program program;

    ticker_start(&ticker, &python, "leaderless");
    cr_assert(process_reaches(ticker.pid, "Z"), "%s: state %c", python.name,
              process_state(ticker.pid));
    program_attach(&program, ticker.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s: %s", python.name, program.err);
    cr_expect(ticker_runs(&ticker), "%s", python.name);
    program_free(&program);
    ticker_end(&ticker);
}

ParameterizedTestParameters(unharmed, stays_stopped_if_it_was)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, stays_stopped_if_it_was)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    struct program program;

    ticker_start(&ticker, &python, NULL);
    stop_by_job_control(&ticker);
    uint64_t before = ticker_count(&ticker);
    program_attach(&program, ticker.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s: %s", python.name, program.err);
    cr_expect(strstr(program.err, "it had been stopped before and still is"), "%s", program.err);
    cr_expect_eq(ticker_count(&ticker), before);
    cr_expect(process_is_unremarkable(ticker.pid), "%s", python.name);
    expect_stopped(&ticker, python.name);
    kill(ticker.pid, SIGCONT);
    cr_expect(ticker_runs(&ticker));
    program_free(&program);
    ticker_end(&ticker);
}

/* Signals of job control that come while it is held are for afterwards, and for its parent. */
ParameterizedTestParameters(unharmed, stops_and_goes_on_as_it_was_told_meanwhile)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, stops_and_goes_on_as_it_was_told_meanwhile)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    struct holder holder;
    int status;

    ticker_start(&ticker, &python, NULL);
    holder_start(&holder, ticker.pid);
    uint64_t before = ticker_count(&ticker);
    kill(ticker.pid, SIGSTOP);
    cr_expect_eq(ticker_count(&ticker), before);
    cr_expect(process_is_unremarkable(ticker.pid), "%s: told before it was let go", python.name);
    cr_expect(holder_end(&holder).done);
    expect_stopped(&ticker, python.name);
    cr_expect_eq(waitpid(ticker.pid, &status, WNOHANG | WUNTRACED), ticker.pid);
    cr_expect(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "%#x", (unsigned)status);

    holder_start(&holder, ticker.pid);
    before = ticker_count(&ticker);
    kill(ticker.pid, SIGCONT);
    clock_sleep(WATCH_MS);
    cr_expect_eq(ticker_count(&ticker), before, "%s: was not held any longer", python.name);
    struct holder_answer answer = holder_end(&holder);
    cr_expect(answer.done && answer.report.was_stopped, "%s", python.name);
    cr_expect(ticker_runs(&ticker), "%s: state %c", python.name, process_state(ticker.pid));
    cr_expect_eq(waitpid(ticker.pid, &status, WNOHANG | WCONTINUED), ticker.pid);
    cr_expect(WIFCONTINUED(status), "%#x", (unsigned)status);
    expect_untouched(&ticker, python.name);
    ticker_end(&ticker);
}

/* Its parent waits for whatever there is to be told, all the time, and is told nothing. */
ParameterizedTestParameters(unharmed, its_parent_sees_nothing)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, its_parent_sees_nothing)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, NULL);
    for (int i = 0; i < 20; i++) {
        struct holder holder;

        holder_start(&holder, ticker.pid);
        cr_expect_eq(process_state(ticker.pid), 't');
        cr_expect(process_is_unremarkable(ticker.pid), "%s, while held", python.name);
        cr_expect(holder_end(&holder).done);
        cr_expect(process_is_unremarkable(ticker.pid), "%s, when let go", python.name);
    }
    expect_untouched(&ticker, python.name);
    ticker_end(&ticker);
}

/*
 * Before pyinspect is ended often. Where we may we become quick enough to catch it on a busy
 * machine; and LeakSanitizer, which has a tracer of its own, must not be caught at work.
 */
static void get_ready_to_end_it(void)
{
    const char *before = getenv("ASAN_OPTIONS");
    char options[1024];

    snprintf(options, sizeof(options), "%s:detect_leaks=0", before ? before : "");
    setenv("ASAN_OPTIONS", options, 1);
    setpriority(PRIO_PROCESS, 0, -20);
}

static pid_t start_attach(const struct ticker *ticker)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)ticker->pid);
    return program_start((const char *const[]){"attach", number, NULL});
}

static void end_attach(const struct ticker *ticker, pid_t pid, int signal, const char *states)
{
    int status;

    kill(pid, signal);
    cr_assert(waitpid(pid, &status, 0) == pid);
    cr_assert(process_reaches(ticker->pid, states), "left in state %c by signal %d",
              process_state(ticker->pid), signal);
}

/* How long a whole run takes here: a signal is to come at any moment of it. */
static double time_attach(const struct ticker *ticker)
{
    double begun = clock_milliseconds();

    cr_assert(waitpid(start_attach(ticker), NULL, 0) > 0);
    return clock_milliseconds() - begun;
}

static void signal_within(const struct ticker *ticker, int signal, double within_ms, unsigned *seed)
{
    pid_t pid = start_attach(ticker);
    double moment = within_ms * rand_r(seed) / RAND_MAX;
    struct timespec delay = {.tv_nsec = (long)(moment * 1e6) % 1000000000,
                             .tv_sec = (time_t)(moment / 1e3)};

    nanosleep(&delay, NULL);
    end_attach(ticker, pid, signal, "RSD");
}

/* Does it as soon as the target is held. False: it was too quick for us. */
static bool signal_while_holding(const struct ticker *ticker, int signal, const char *states)
{
    siginfo_t exited = {.si_pid = 0};
    pid_t pid = start_attach(ticker);
    bool held = false;

    while (!held && waitid(P_PID, (id_t)pid, &exited, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           !exited.si_pid)
        held = process_tracer(ticker->pid) != 0;
    end_attach(ticker, pid, signal, states);
    return held;
}

/* So often at any moment, and so often caught while it holds the target. */
static void end_often(const struct ticker *ticker, int signal, int times, const char *where)
{
    unsigned seed = 4711 + (unsigned)signal;
    double within_ms = time_attach(ticker);
    int held = 0;

    for (int i = 0; i < times; i++)
        signal_within(ticker, signal, within_ms, &seed);
    for (int i = 0; i < TRIES * times && held < times; i++)
        held += signal_while_holding(ticker, signal, "RSD");
    cr_expect_eq(held, times, "%s: only %d of %d were caught holding it", where, held, times);
    expect_untouched(ticker, where);
}

ParameterizedTestParameters(unharmed, runs_on_when_pyinspect_is_killed_at_any_moment)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, runs_on_when_pyinspect_is_killed_at_any_moment,
                  .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, NULL);
    get_ready_to_end_it();
    end_often(&ticker, SIGKILL, KILLS, python.name);
    ticker_end(&ticker);
}

ParameterizedTestParameters(unharmed, runs_on_when_pyinspect_is_ended_politely)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, runs_on_when_pyinspect_is_ended_politely, .timeout = 300)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, NULL);
    get_ready_to_end_it();
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        end_often(&ticker, signals[i], OTHER_SIGNALS, python.name);
    ticker_end(&ticker);
}

ParameterizedTestParameters(unharmed, stays_stopped_when_pyinspect_is_killed)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, stays_stopped_when_pyinspect_is_killed)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, NULL);
    stop_by_job_control(&ticker);
    get_ready_to_end_it();
    int held = 0;
    for (int i = 0; i < TRIES * OTHER_SIGNALS && held < OTHER_SIGNALS; i++)
        held += signal_while_holding(&ticker, SIGKILL, "T");
    cr_expect_eq(held, OTHER_SIGNALS, "%s: only %d were caught", python.name, held);
    expect_stopped(&ticker, python.name);
    cr_expect(process_is_unremarkable(ticker.pid), "%s", python.name);
    kill(ticker.pid, SIGCONT);
    cr_expect(ticker_runs(&ticker));
    ticker_end(&ticker);
}

/* `pyinspect attach PID | head -n 0`, where the reader has gone before there is something. */
static int attach_into_closed_pipe(const struct ticker *ticker)
{
    int fds[2], status;
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)ticker->pid);
    cr_assert(pipe2(fds, O_CLOEXEC) == 0);
    close(fds[0]);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        signal(SIGPIPE, SIG_DFL);
        execl(getenv("PYINSPECT"), "pyinspect", "attach", number, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    cr_assert(waitpid(pid, &status, 0) == pid);
    return status;
}

ParameterizedTestParameters(unharmed, runs_on_when_nobody_reads_the_answer)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, unharmed, runs_on_when_nobody_reads_the_answer)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;

    ticker_start(&ticker, &python, NULL);
    int status = attach_into_closed_pipe(&ticker);
    cr_expect(WIFEXITED(status) ? WEXITSTATUS(status) != 127 : WTERMSIG(status) == SIGPIPE,
              "%s: status %#x", python.name, (unsigned)status);
    expect_untouched(&ticker, python.name);
    ticker_end(&ticker);
}

/*
 * Holds the target for 300 ms at most, and sends itself the signal meanwhile. Writes a byte when it
 * holds it. Exits with 0 when it has let go, at the bound or as soon as it was awake again.
 */
static void hold_and_stop(const struct ticker *ticker, int signal, int ready)
{
    struct process process;
    struct stop_report report;
    struct stop *stop;
    struct error err;

    setpgid(0, 0);
    if (!process_open(&process, ticker->pid, &err) || !stop_begin(&stop, &process, 300, &err) ||
        write(ready, "h", 1) != 1)
        _exit(2);
    kill(getpid(), signal);
    if (!stop_end(stop, &report, &err))
        _exit(3);
    process_close(&process);
    _exit(0);
}

static pid_t start_holder(const struct ticker *ticker, int signal)
{
    struct pollfd waiting = {.events = POLLIN};
    char byte;
    int fds[2];

    cr_assert(pipe2(fds, O_CLOEXEC) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0)
        hold_and_stop(ticker, signal, fds[1]);
    close(fds[1]);
    waiting.fd = fds[0];
    cr_assert(poll(&waiting, 1, 10 * 1000) == 1 && read(fds[0], &byte, 1) == 1);
    close(fds[0]);
    return pid;
}

ParameterizedTestParameters(unharmed, runs_on_when_pyinspect_is_stopped_while_it_holds_it)
{
    return pythons_some();
}

/* A stopped tracer would keep it for ever: something else must wake it. */
ParameterizedTest(size_t *index, unharmed, runs_on_when_pyinspect_is_stopped_while_it_holds_it)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    int status = -1;

    ticker_start(&ticker, &python, NULL);
    pid_t holder = start_holder(&ticker, SIGSTOP);
    cr_expect(ticker_runs(&ticker), "%s", python.name);
    cr_expect_eq(process_tracer(ticker.pid), 0);
    cr_expect_eq(waitpid(holder, &status, 0), holder);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);

    /* Ctrl-Z is put off until it has let go. */
    holder = start_holder(&ticker, SIGTSTP);
    cr_expect(process_reaches(holder, "T"), "state %c", process_state(holder));
    cr_expect_eq(process_tracer(ticker.pid), 0);
    cr_expect(ticker_runs(&ticker), "%s", python.name);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    ticker_end(&ticker);
}
