// SPDX-License-Identifier: MIT
/* The target comes out of an inspection as it went in, however the inspection ends. */
#include "tests/support/program.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 60, KILL_WITHIN_US = 120 * 1000 };

/* The oldest, the newest and what lies between: each kind of build is among them. */
static size_t some_pythons(struct interpreter ret[PYTHONS_MAX])
{
    size_t count = pythons_find(ret, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    ret[1] = ret[count / 2];
    ret[2] = ret[count - 1];
    return count < 3 ? 1 : 3;
}

static void expect_untouched(const struct ticker *ticker, const char *where)
{
    int status;

    cr_expect_eq(process_tracer(ticker->pid), 0, "%s", where);
    cr_expect(ticker_runs(ticker), "%s: does not run on, state %c", where,
              process_state(ticker->pid));
    /* What its parent is told of: nothing, not even that it stopped and went on. */
    cr_expect_eq(waitpid(ticker->pid, &status, WNOHANG | WUNTRACED | WCONTINUED), 0, "%s", where);
}

Test(unharmed, runs_on)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = some_pythons(pythons);

    for (size_t i = 0; i < count; i++) {
        struct ticker ticker;
        struct program program;

        ticker_start(&ticker, &pythons[i], NULL);
        program_attach(&program, ticker.pid, NULL, NULL, NULL);
        cr_expect_eq(program.status, 0, "%s: %s", pythons[i].name, program.err);
        expect_untouched(&ticker, pythons[i].name);
        program_free(&program);
        ticker_end(&ticker);
    }
}

Test(unharmed, stays_stopped_if_it_was)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = some_pythons(pythons);

    for (size_t i = 0; i < count; i++) {
        struct ticker ticker;
        struct program program;

        ticker_start(&ticker, &pythons[i], NULL);
        kill(ticker.pid, SIGSTOP);
        cr_assert(process_reaches(ticker.pid, "T"));
        uint64_t before = *ticker.count;
        program_attach(&program, ticker.pid, NULL, NULL, NULL);
        cr_expect_eq(program.status, 0, "%s: %s", pythons[i].name, program.err);
        cr_expect(strstr(program.err, "it had been stopped before and still is"), "%s",
                  program.err);
        cr_expect_eq(process_state(ticker.pid), 'T');
        cr_expect_eq(*ticker.count, before);
        kill(ticker.pid, SIGCONT);
        cr_expect(ticker_runs(&ticker));
        program_free(&program);
        ticker_end(&ticker);
    }
}

/* The leader is a zombie then, with no memory to its name; its threads have it. */
Test(unharmed, runs_on_without_its_main_thread)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = some_pythons(pythons);

    for (size_t i = 0; i < count; i++) {
        struct ticker ticker;
        struct program program;

        ticker_start(&ticker, &pythons[i], "leaderless");
        cr_assert(process_reaches(ticker.pid, "Z"), "%s: state %c", pythons[i].name,
                  process_state(ticker.pid));
        program_attach(&program, ticker.pid, NULL, NULL, NULL);
        cr_expect_eq(program.status, 0, "%s: %s", pythons[i].name, program.err);
        cr_expect(ticker_runs(&ticker), "%s", pythons[i].name);
        program_free(&program);
        ticker_end(&ticker);
    }
}

static pid_t start_attach(const struct ticker *ticker)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)ticker->pid);
    return program_start((const char *const[]){"attach", number, NULL});
}

static void end_attach(const struct ticker *ticker, pid_t pid, int signal)
{
    int status;

    kill(pid, signal);
    cr_assert(waitpid(pid, &status, 0) == pid);
    cr_assert(process_reaches(ticker->pid, "RSD"), "left in state %c by signal %d",
              process_state(ticker->pid), signal);
}

static void kill_at_random(const struct ticker *ticker, int signal, unsigned *seed)
{
    pid_t pid = start_attach(ticker);
    struct timespec delay = {.tv_nsec = rand_r(seed) % KILL_WITHIN_US * 1000L};

    nanosleep(&delay, NULL);
    end_attach(ticker, pid, signal);
}

/* Kills it as soon as the target is held. False: it was too quick for us. */
static bool kill_while_holding(const struct ticker *ticker, int signal)
{
    pid_t pid = start_attach(ticker);
    bool held = false;

    while (!held && process_state(pid) != 'Z')
        held = process_tracer(ticker->pid) == pid || process_state(ticker->pid) == 't';
    end_attach(ticker, pid, signal);
    return held;
}

Test(unharmed, runs_on_when_pyinspect_is_ended_at_any_moment)
{
    struct interpreter pythons[PYTHONS_MAX];
    static const int signals[] = {SIGKILL, SIGKILL, SIGINT, SIGTERM};
    struct ticker ticker;
    unsigned seed = 4711;

    size_t count = some_pythons(pythons);
    ticker_start(&ticker, &pythons[count - 1], NULL);
    int held = 0;
    for (int i = 0; i < KILLS; i++) {
        kill_at_random(&ticker, signals[i % 4], &seed);
        held += kill_while_holding(&ticker, signals[i % 4]);
    }
    cr_expect_gt(held, KILLS / 4, "only %d of %d were caught holding it", held, KILLS);
    expect_untouched(&ticker, pythons[count - 1].name);
    ticker_end(&ticker);
}
