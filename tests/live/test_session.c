// SPDX-License-Identifier: MIT
/* How a question is put: learnt, asked of a copy, and in the end asked while the target stands
 * still. */
#include "inspector/command/session.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>

static void open_any(struct session **session, struct ticker *ticker)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct session_options options = {.progress = NULL};
    struct error err;

    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    ticker_start(ticker, &pythons[0], NULL);
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
