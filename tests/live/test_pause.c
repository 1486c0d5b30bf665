// SPDX-License-Identifier: MIT
/* The pause that pyinspect prints is the one that the target felt. */
#include "tests/support/program.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { RUNS = 7, LEAST_MS = 2, AGREED_MS = 5 };

static double number_after(const char *json, const char *key)
{
    const char *found = strstr(json, key);

    cr_assert(found, "no %s in: %s", key, json);
    return strtod(found + strlen(key), NULL);
}

/* How much longer the target's longest gap was than what pyinspect says that it was. */
static double inspect(const struct ticker *ticker, const char *where)
{
    struct program program;

    ticker->words[TICKER_LONGEST_GAP] = 0;
    program_attach(&program, ticker->pid, "--json", NULL, NULL);
    cr_assert_eq(program.status, 0, "%s: %s", where, program.err);
    cr_assert(ticker_runs(ticker), "%s", where); /* then the gap has been measured */
    double felt = (double)ticker->words[TICKER_LONGEST_GAP] / 1e6;
    double told = number_after(program.out, "\"pause_ms\":");
    cr_expect_gt(told, LEAST_MS, "%s: too short to tell anything", where);
    cr_log_info("%s: %.2f ms told, %.2f ms felt", where, told, felt);
    program_free(&program);
    return felt - told;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void expect_told_as_felt(const struct interpreter *python)
{
    double untold[RUNS];
    struct ticker ticker;

    ticker_start(&ticker, python, "beating");
    for (int i = 0; i < RUNS; i++)
        untold[i] = inspect(&ticker, python->name);
    qsort(untold, RUNS, sizeof(*untold), compare);
    double median = untold[RUNS / 2];
    cr_expect(median > -AGREED_MS && median < AGREED_MS,
              "%s: felt %.1f ms more than told (%.1f to %.1f)", python->name, median, untold[0],
              untold[RUNS - 1]);
    ticker_end(&ticker);
}

/*
 * A machine that has others to serve adds to some of the gaps; hence the median, one interpreter
 * after the other, and where we may a priority for all that this test starts.
 */
Test(pause, is_told_as_it_is_felt)
{
    struct criterion_test_params indices = pythons_some();

    setpriority(PRIO_PROCESS, 0, -20);
    for (size_t i = 0; i < indices.length; i++) {
        struct interpreter python = pythons_get((const size_t *)indices.params + i);
        expect_told_as_felt(&python);
    }
}
