// SPDX-License-Identifier: MIT
/*
 * A thousand attaches to a program that allocates and collects as fast as it can: each gives an
 * answer that is true, or says that it is not certain.
 */
#include "inspector/analysis/census.h"
#include "inspector/command/questions.h"
#include "tests/support/program.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Times three interpreters. Most of what an attach takes is for debug information, so one session
 * asks some times: learns, stops, copies and lets go. */
enum { SESSIONS = 27, A_SESSION = 12, BY_PROGRAM = 10, ALL = SESSIONS * A_SESSION + BY_PROGRAM };

static uint64_t count_of(const struct census *census, const char *type)
{
    for (size_t i = 0; i < census->row_count; i++) {
        if (strcmp(census->rows[i].type, type) == 0)
            return census->rows[i].count;
    }
    return 0;
}

/* Returns whether the answer claims to be true; then it is held against what we know. */
static bool ask(struct session *session, const char *where)
{
    const struct census_options options = {.generations = {true, true, true, true}};
    struct session_report report;
    struct census census;
    struct error err;

    census_init(&census, session_python(session), &options);
    cr_assert(session_ask(session, question_census, &census, &report, &err), "%s: %s", where,
              err.text);
    if (report.verified)
        cr_expect_eq(count_of(&census, "__main__.Marker"), TICKER_MARKERS,
                     "%s: %d markers, after %u stops", where,
                     (int)count_of(&census, "__main__.Marker"), report.stops);
    census_free(&census);
    return report.verified;
}

/* Returns how many of the answers claimed to be true. */
static int ask_often(const struct ticker *ticker, const char *where)
{
    const struct session_options options = {.progress = NULL};
    struct session *session;
    struct error err;
    int claimed = 0;

    cr_assert(session_open(&session, ticker->pid, &options, &err), "%s: %s", where, err.text);
    for (int i = 0; i < A_SESSION; i++)
        claimed += ask(session, where);
    session_close(session);
    return claimed;
}

/* The same for the program: it exits with 0, or with 1 and says so. */
static bool run_program(const struct ticker *ticker, const char *where)
{
    struct program program;
    char row[64];

    program_attach(&program, ticker->pid, "--csv", "--most-common=0", NULL);
    bool claims = program.status == 0;
    snprintf(row, sizeof(row), "\n__main__.Marker,%d,", TICKER_MARKERS);
    if (claims)
        cr_expect(strstr(program.out, row), "%s: %s", where, program.out);
    else
        cr_expect(program.status == 1 && strstr(program.err, "INCOMPLETE"), "%s: status %d: %s",
                  where, program.status, program.err);
    program_free(&program);
    return claims;
}

ParameterizedTestParameters(churn, gives_true_answers_or_says_that_they_are_not)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, churn, gives_true_answers_or_says_that_they_are_not,
                  .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct ticker ticker;
    int claimed = 0;

    ticker_start(&ticker, &python, "collecting");
    for (int i = 0; i < SESSIONS; i++)
        claimed += ask_often(&ticker, python.name);
    for (int i = 0; i < BY_PROGRAM; i++)
        claimed += run_program(&ticker, python.name);
    cr_log_info("%s: %d of %d answers were certain", python.name, claimed, ALL);
    cr_expect_gt(claimed, ALL / 2, "%s: only %d of %d answers were certain", python.name, claimed,
                 ALL);
    cr_expect(ticker_runs(&ticker), "%s", python.name);
    cr_expect_eq(process_tracer(ticker.pid), 0, "%s", python.name);
    ticker_end(&ticker);
}
