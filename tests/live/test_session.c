// SPDX-License-Identifier: MIT
/* How a question is put: learnt, asked of a copy, and in the end asked while the target stands
 * still. */
#include "inspector/command/session.h"
#include "symbols/base/clock.h"
#include "tests/support/no_call.h"
#include "tests/support/observe.h"
#include "tests/support/target.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10 * 1000 };

static void start_any(struct ticker *ticker)
{
    struct interpreter pythons[PYTHONS_MAX];

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    ticker_start(ticker, &pythons[0], NULL);
}

static void open_any(struct session **session, struct ticker *ticker)
{
    struct session_options options = {.progress = NULL};
    struct error err;

    start_any(ticker);
    cr_assert(session_open(session, ticker->pid, &options, &err), "%s", err.text);
}

/* Wants another mapping each time that it is asked: nothing that was learnt is of use. */
static bool always_something_new(void *context, struct image *image, enum certainty *ret,
                                 struct error *err)
{
    size_t *next = context;

    (void)err;
    *ret = image->count > 0 && image_at(image, image->ranges[*next % image->count].start, 8)
               ? ANSWER_VERIFIED
               : ANSWER_HAS_GAPS;
    ++*next;
    return true;
}

Test(session, what_cannot_be_learnt_is_asked_while_the_target_stands_still)
{
    struct session *session;
    struct session_report report;
    struct ticker ticker;
    struct error err;
    size_t next = 0;

    open_any(&session, &ticker);
    cr_assert(session_ask(session, always_something_new, &next, &report, &err), "%s", err.text);
    cr_expect(report.verified);
    cr_expect_eq(report.stops, 3, "%u stops", report.stops);
    cr_expect(ticker_runs(&ticker));
    session_close(session);
    ticker_end(&ticker);
}

static bool never_certain(void *context, struct image *image, enum certainty *ret,
                          struct error *err)
{
    (void)image, (void)err;
    ++*(size_t *)context;
    *ret = ANSWER_HAS_GAPS;
    return true;
}

Test(session, an_answer_that_is_never_certain_is_given_after_some_attempts)
{
    struct session *session;
    struct session_report report;
    struct ticker ticker;
    struct error err;
    size_t asked = 0;

    open_any(&session, &ticker);
    cr_assert(session_ask(session, never_certain, &asked, &report, &err), "%s", err.text);
    cr_expect_not(report.verified);
    cr_expect(report.stops > 3 && report.stops < 20, "%u stops", report.stops);
    session_close(session);
    ticker_end(&ticker);
}

/* An answer for which memory was missing is not certain, whatever the question says. */
static bool blind(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    (void)context, (void)err;
    image_at(image, 4096, 8);
    *ret = ANSWER_VERIFIED;
    return true;
}

Test(session, an_answer_that_missed_memory_is_not_certain)
{
    struct session *session;
    struct session_report report;
    struct ticker ticker;
    struct error err;

    open_any(&session, &ticker);
    cr_assert(session_ask(session, blind, NULL, &report, &err), "%s", err.text);
    cr_expect_not(report.verified);
    cr_expect_eq(report.missed, 1);
    session_close(session);
    ticker_end(&ticker);
}

/* Certain of whatever it sees. */
static bool sure(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    (void)image, (void)err;
    ++*(size_t *)context;
    *ret = ANSWER_VERIFIED;
    return true;
}

Test(session, a_bound_that_cannot_be_kept_stops_nothing)
{
    struct session_options options = {.max_pause_milliseconds = 0.01};
    struct session_report report = {.stops = 42};
    struct session_estimate cost;
    struct session *session;
    struct ticker ticker;
    struct error err;
    size_t asked = 0;

    start_any(&ticker);
    no_call_seize();
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    cr_assert_not(session_ask(session, sure, &asked, &report, &err));
    cr_expect_eq(err.kind, ERROR_LIMIT, "%s", err.text);
    cr_expect(strstr(err.text, "nothing was stopped"), "%s", err.text);
    cr_expect_eq(asked, 1, "it is asked of the running target");
    cr_expect_eq(report.stops, 42, "outputs are untouched on failure");

    cr_assert(session_estimate(session, sure, &asked, &cost, &err), "%s", err.text);
    cr_expect_gt(cost.pause_milliseconds, 0.01);
    cr_expect_eq(cost.max_pause_milliseconds, 0.01);
    cr_expect_not(session_keeps_bound(session, &cost, &err));
    cost.pause_milliseconds = 0.01;
    cr_expect(session_keeps_bound(session, &cost, &err));
    cr_expect(ticker_runs(&ticker));
    session_close(session);
    ticker_end(&ticker);
}

/* From some time on it does not end before the bound, and before that it is never certain. */
struct slow {
    const struct ticker *ticker;
    unsigned asked, quick;
};

static bool answer_slowly(void *context, struct image *image, enum certainty *ret,
                          struct error *err)
{
    struct slow *slow = context;
    double begun = clock_milliseconds();

    (void)err;
    *ret = ANSWER_WHOLE;
    for (size_t i = 0; i < image->count; i++) {
        image_at(image, image->ranges[i].start, 8);
        image_rest(image);
    }
    image->missed = 0;
    if (slow->asked++ < slow->quick)
        return true;
    for (uint64_t before = ticker_count(slow->ticker);
         ticker_count(slow->ticker) == before && clock_milliseconds() < begun + PATIENCE_MS;)
        clock_sleep(1);
    return true;
}

static void expect_overdue(uint64_t max_memory, unsigned quick, unsigned asked, const char *told)
{
    struct session_options options = {.max_pause_milliseconds = 300, .max_memory = max_memory};
    struct session_report report;
    struct session *session;
    struct ticker ticker;
    struct slow slow = {.ticker = &ticker, .quick = quick};
    struct error err;

    start_any(&ticker);
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    double begun = clock_milliseconds();
    cr_assert_not(session_ask(session, answer_slowly, &slow, &report, &err));
    cr_expect_lt(clock_milliseconds() - begun, PATIENCE_MS / 2);
    cr_expect_eq(err.kind, ERROR_LIMIT, "%s", err.text);
    cr_expect(strstr(err.text, told), "%s", err.text);
    cr_expect_eq(slow.asked, asked, "%u", slow.asked);
    cr_expect_eq(process_tracer(ticker.pid), 0);
    cr_expect(ticker_runs(&ticker));
    session_close(session);
    ticker_end(&ticker);
}

/* It is learnt, asked of two copies, learnt again, and asked while the target stands still. */
Test(session, it_gives_up_after_some_stops_that_were_ended_at_the_bound)
{
    expect_overdue(0, 4, 7, "stood still 5 times");
}

/* In pieces nothing would be different the next time. */
Test(session, in_pieces_it_gives_up_after_one)
{
    expect_overdue(1 << 16, 1, 2, "stood still 1 time");
    expect_overdue(1 << 16, 1, 2, "in one piece");
}

Test(session, without_stopping_nothing_is_stopped_and_nothing_verified)
{
    struct session_options options = {.no_stop = true, .max_pause_milliseconds = 0.001};
    struct session_report report;
    struct session *session;
    struct ticker ticker;
    struct error err;
    size_t asked = 0;

    start_any(&ticker);
    no_call_seize();
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    cr_assert(session_ask(session, sure, &asked, &report, &err), "%s", err.text);
    cr_expect_not(report.verified);
    cr_expect(report.unstopped);
    cr_expect_eq(report.stops, 0);
    cr_expect_eq(report.pause_milliseconds, 0);
    cr_expect_geq(report.threads, 1);
    cr_expect_eq(asked, 1);

    asked = 0;
    cr_assert(session_ask(session, never_certain, &asked, &report, &err), "%s", err.text);
    cr_expect(asked > 1 && asked < 20, "asked %zu times", asked);
    cr_expect_not(report.verified);
    session_close(session);
    kill(ticker.pid, SIGKILL);
    cr_expect(process_reaches(ticker.pid, "ZX?"));
    ticker_end(&ticker);
}

Test(session, a_target_that_ends_is_no_answer_without_stopping)
{
    struct session_options options = {.no_stop = true};
    struct session_report report;
    struct session *session;
    struct ticker ticker;
    struct error err = {.text = ""};
    size_t asked = 0;

    start_any(&ticker);
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    kill(ticker.pid, SIGKILL);
    cr_expect(process_reaches(ticker.pid, "ZX?"));
    cr_expect_not(session_ask(session, sure, &asked, &report, &err));
    cr_expect_eq(err.kind, ERROR_TARGET, "%s", err.text);
    session_close(session);
    ticker_end(&ticker);
}

/* A process that traces another one, as a debugger does. */
static pid_t start_tracer(pid_t target)
{
    int ready[2];
    char byte;

    cr_assert(pipe(ready) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_SEIZE, target, 0, 0) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "it cannot be traced");
    close(ready[0]);
    return pid;
}

Test(session, a_traced_target_can_be_read_without_stopping)
{
    struct session_options options = {.no_stop = false};
    struct observation seen;
    struct session *session;
    struct ticker ticker;
    struct error err;

    start_any(&ticker);
    pid_t tracer = start_tracer(ticker.pid);
    cr_assert_not(session_open(&session, ticker.pid, &options, &err));
    cr_expect_eq(err.kind, ERROR_TARGET, "%s", err.text);
    options.no_stop = true;
    observe_as(&seen, ticker.pid, &options);
    cr_expect(seen.unstopped);
    cr_expect_not(seen.verified);
    cr_expect_gt(seen.object_count, 3000);
    cr_expect_eq(process_tracer(ticker.pid), tracer);
    cr_expect(ticker_runs(&ticker));
    observation_free(&seen);
    kill(tracer, SIGKILL);
    waitpid(tracer, NULL, 0);
    ticker_end(&ticker);
}

ParameterizedTestParameters(session, in_pieces_or_running_it_is_the_same_answer)
{
    static size_t rows[PYTHONS_MAX];
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, count);
}

ParameterizedTest(size_t *python, session, in_pieces_or_running_it_is_the_same_answer,
                  .timeout = 120)
{
    struct session_options little = {.max_memory = 2 << 20}, running = {.no_stop = true};
    struct interpreter pythons[PYTHONS_MAX];
    struct observation pieces, unstopped;
    struct target target;
    struct truth truth;

    pythons_find(pythons, PYTHON_SUPPORTED);
    target_start(&target, &pythons[*python], "stdlib");
    observe_as(&unstopped, target.pid, &running);
    observe_as(&pieces, target.pid, &little);
    target_tell(&target, &truth);

    cr_expect(unstopped.unstopped && unstopped.stops == 0, "%s", target.name);
    cr_expect_not(unstopped.verified, "%s", target.name);
    observation_expect(&unstopped, &truth, target.name);
    cr_expect(pieces.in_pieces, "%s: the copy is in one piece", target.name);
    cr_expect(pieces.verified, "%s: could not be verified", target.name);
    cr_expect_eq(pieces.stops, 1, "%s: %u stops", target.name, pieces.stops);
    observation_expect(&pieces, &truth, target.name);

    target_end(&target);
    observation_free(&pieces);
    observation_free(&unstopped);
    truth_free(&truth);
}

/* What the rooms had in them before never shows, nor that they are too small for all of it. */
Test(session, in_memory_that_was_used_it_is_the_same_answer, .timeout = 120)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct rooms rooms[2] = {{0}};
    struct observation seen[2];
    struct target target;
    struct truth truth;

    cr_assert_gt(count, 0);
    target_start(&target, &pythons[count / 2], "stdlib");
    for (size_t i = 0; i < 2; i++) {
        rooms_open(&rooms[i]);
        cr_assert(rooms[i].bytes);
        memset(rooms[i].bytes, 0xa5, ROOMS_BYTES);
    }
    cr_assert(rooms_lend(&rooms[1], ROOMS_BYTES - (2 << 20)));
    for (size_t i = 0; i < 2; i++) {
        observe_as(&seen[i], target.pid, &(struct session_options){.rooms = &rooms[i]});
        cr_expect_gt(rooms[i].lent, i);
    }
    target_tell(&target, &truth);
    for (size_t i = 0; i < 2; i++) {
        cr_expect(seen[i].verified);
        observation_expect(&seen[i], &truth, target.name);
        observation_free(&seen[i]);
        cr_expect_eq(rooms[i].lent, i);
        rooms_close(&rooms[i]);
    }
    target_end(&target);
    truth_free(&truth);
}
