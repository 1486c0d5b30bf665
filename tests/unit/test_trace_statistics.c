// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_statistics.h"
#include "tests/support/made_traces.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row that is awaited. */
struct right {
    const char *frames;
    uint64_t size, count;
    int64_t size_change, count_change;
};

static void expect_rows(const struct trace_statistics *statistics, const struct right *rights,
                        size_t count)
{
    cr_assert_eq(statistics->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct trace_statistic *row = &statistics->rows[i];
        const struct right *right = &rights[i];
        char *frames = made_stack_text(row->of, row->frames, row->frame_count);
        cr_expect(strcmp(frames, right->frames) == 0 && row->size == right->size &&
                      row->count == right->count && row->size_change == right->size_change &&
                      row->count_change == right->count_change,
                  "%zu: %s size=%" PRIu64 " (%" PRId64 "), count=%" PRIu64 " (%" PRId64 ")", i,
                  frames, row->size, row->size_change, row->count, row->count_change);
        free(frames);
    }
}

static void expect(const struct traces *traces, enum trace_key key, bool is_cumulative,
                   const struct right *rights, size_t count)
{
    struct trace_statistics statistics;
    struct error err;

    cr_assert(trace_statistics_make(&statistics, traces, key, is_cumulative, &err));
    expect_rows(&statistics, rights, count);
    cr_expect_eq(statistics.size, traces->bytes);
    cr_expect_eq(statistics.blocks, traces->blocks);
    trace_statistics_free(&statistics);
}

static const struct made_row rows[] = {
    {0, "a.py:1 b.py:2 a.py:1", 3, 10, 3}, {7, "a.py:1 b.py:2 a.py:1", 9, 10, 1},
    {0, "a.py:2 main.py:5", 2, 40, 1},     {0, "b.py:2", 1, 8, 1},
    {0, "b.py:2 c.py:1", 2, 1, 8},
};
static const struct right by_lineno[] = {
    {"a.py:1", 40, 4, 0, 0}, {"a.py:2", 40, 1, 0, 0}, {"b.py:2", 16, 9, 0, 0}};
static const struct right by_filename[] = {{"a.py:0", 80, 5, 0, 0}, {"b.py:0", 16, 9, 0, 0}};
static const struct right by_traceback[] = {{"a.py:1 b.py:2 a.py:1", 40, 4, 0, 0},
                                            {"a.py:2 main.py:5", 40, 1, 0, 0},
                                            {"b.py:2 c.py:1", 8, 8, 0, 0},
                                            {"b.py:2", 8, 1, 0, 0}};
static const struct right cumulative_by_lineno[] = {{"a.py:1", 80, 8, 0, 0},
                                                    {"b.py:2", 56, 13, 0, 0},
                                                    {"main.py:5", 40, 1, 0, 0},
                                                    {"a.py:2", 40, 1, 0, 0},
                                                    {"c.py:1", 8, 8, 0, 0}};
static const struct right cumulative_by_filename[] = {{"a.py:0", 120, 9, 0, 0},
                                                      {"b.py:0", 56, 13, 0, 0},
                                                      {"main.py:0", 40, 1, 0, 0},
                                                      {"c.py:0", 8, 8, 0, 0}};

Test(trace_statistics, keys)
{
    struct trace_statistics statistics = {.count = 4711};
    struct traces traces;
    struct error err = {0};

    made_traces(&traces, rows, COUNT(rows));
    expect(&traces, TRACE_BY_LINENO, false, by_lineno, COUNT(by_lineno));
    expect(&traces, TRACE_BY_FILENAME, false, by_filename, COUNT(by_filename));
    expect(&traces, TRACE_BY_TRACEBACK, false, by_traceback, COUNT(by_traceback));
    expect(&traces, TRACE_BY_LINENO, true, cumulative_by_lineno, COUNT(cumulative_by_lineno));
    expect(&traces, TRACE_BY_FILENAME, true, cumulative_by_filename, COUNT(cumulative_by_filename));
    cr_expect_not(trace_statistics_make(&statistics, &traces, TRACE_BY_TRACEBACK, true, &err));
    cr_expect_eq(err.kind, ERROR_USAGE);
    cr_expect_eq(statistics.count, 4711);
    traces_free(&traces);
}

Test(trace_statistics, nothing)
{
    struct traces traces = {0};

    for (enum trace_key key = TRACE_BY_LINENO; key <= TRACE_BY_TRACEBACK; key++)
        expect(&traces, key, false, NULL, 0);
    made_traces(&traces, NULL, 0);
    for (enum trace_key key = TRACE_BY_LINENO; key <= TRACE_BY_TRACEBACK; key++)
        expect(&traces, key, false, NULL, 0);
    traces_free(&traces);
}

static const struct made_row cut_rows[] = {{0, "a.py:1 b.py:2", 7, 9, 1},
                                           {0, "b.py:1", 2, 5, 1},
                                           {0, "b.py:1", 3, 1, 1},
                                           {0, "c.py:1", 0, 1, 1}};

Test(trace_statistics, frames_before_the_cut)
{
    static const uint32_t rights[] = {7, 0, 0};
    struct trace_statistics statistics;
    struct traces traces;
    struct error err;

    made_traces(&traces, cut_rows, COUNT(cut_rows));
    cr_assert(trace_statistics_make(&statistics, &traces, TRACE_BY_TRACEBACK, false, &err));
    cr_assert_eq(statistics.count, COUNT(rights));
    for (size_t i = 0; i < COUNT(rights); i++)
        cr_expect_eq(statistics.rows[i].all_frames, rights[i], "%zu", i);
    trace_statistics_free(&statistics);
    traces_free(&traces);
}

/* All the same but for the frames: greatest first, looked at from the oldest on. */
static const struct made_row equal_rows[] = {
    {0, "a.py:1 z.py:9", 2, 8, 1},        {0, "b.py:1 y.py:9", 2, 8, 1}, {0, "z.py:9", 1, 8, 1},
    {0, "c.py:2 a.py:1 z.py:9", 3, 8, 1}, {0, "y.py:10", 1, 8, 1},
};
static const struct right oldest_first[] = {{"c.py:2 a.py:1 z.py:9", 8, 1, 0, 0},
                                            {"a.py:1 z.py:9", 8, 1, 0, 0},
                                            {"z.py:9", 8, 1, 0, 0},
                                            {"y.py:10", 8, 1, 0, 0},
                                            {"b.py:1 y.py:9", 8, 1, 0, 0}};
static const struct right newest_first[] = {{"z.py:9", 8, 1, 0, 0},
                                            {"y.py:10", 8, 1, 0, 0},
                                            {"c.py:2 a.py:1 z.py:9", 8, 1, 0, 0},
                                            {"b.py:1 y.py:9", 8, 1, 0, 0},
                                            {"a.py:1 z.py:9", 8, 1, 0, 0}};

Test(trace_statistics, ties)
{
    struct traces traces;

    made_traces(&traces, equal_rows, COUNT(equal_rows));
    expect(&traces, TRACE_BY_TRACEBACK, false, oldest_first, COUNT(oldest_first));
    traces.newest_first = true;
    expect(&traces, TRACE_BY_TRACEBACK, false, newest_first, COUNT(newest_first));
    traces_free(&traces);
}

static const struct made_row current_rows[] = {
    {0, "same.py:1", 1, 50, 1}, {0, "more.py:1", 1, 30, 2}, {0, "less.py:1", 1, 10, 1},
    {0, "new.py:1", 1, 20, 1},  {0, "fewer.py:1", 1, 7, 1},
};
static const struct made_row old_rows[] = {
    {0, "less.py:1", 1, 10, 4}, {0, "gone.py:1", 1, 20, 1}, {0, "same.py:1", 1, 25, 2},
    {0, "more.py:1", 1, 30, 1}, {0, "fewer.py:1", 1, 1, 7},
};
static const struct right changes[] = {
    {"more.py:1", 60, 2, 30, 1},  {"less.py:1", 10, 1, -30, -3}, {"new.py:1", 20, 1, 20, 1},
    {"gone.py:1", 0, 0, -20, -1}, {"same.py:1", 50, 1, 0, -1},   {"fewer.py:1", 7, 1, 0, -6},
};

Test(trace_statistics, comparison)
{
    struct trace_statistics statistics;
    struct traces current, old;
    struct error err = {0};

    made_traces(&current, current_rows, COUNT(current_rows));
    made_traces(&old, old_rows, COUNT(old_rows));
    cr_assert(trace_statistics_compare(&statistics, &current, &old, TRACE_BY_LINENO, false, &err));
    expect_rows(&statistics, changes, COUNT(changes));
    cr_expect_eq(statistics.size, 50 + 60 + 10 + 20 + 7);
    cr_expect_eq(statistics.blocks, 6);
    cr_expect_eq(statistics.size_change, 147 - (40 + 20 + 50 + 30 + 7));
    cr_expect_eq(statistics.count_change, 6 - 15);
    trace_statistics_free(&statistics);
    trace_statistics_free(&statistics);
    cr_expect_not(
        trace_statistics_compare(&statistics, &current, &old, TRACE_BY_TRACEBACK, true, &err));
    cr_expect_eq(err.kind, ERROR_USAGE);
    traces_free(&current);
    traces_free(&old);
}

/* All that is told goes by the current ones' order, the old ones' rows too. */
Test(trace_statistics, comparison_of_versions)
{
    struct trace_statistics statistics;
    struct traces current, old;
    struct error err;

    made_traces(&current, equal_rows, 2);
    made_traces(&old, equal_rows + 2, COUNT(equal_rows) - 2);
    for (int newest = 0; newest < 2; newest++) {
        current.newest_first = newest;
        old.newest_first = !newest;
        cr_assert(
            trace_statistics_compare(&statistics, &current, &old, TRACE_BY_TRACEBACK, false, &err));
        cr_assert_eq(statistics.count, COUNT(equal_rows));
        for (size_t i = 0; i < statistics.count; i++)
            cr_expect_eq(statistics.rows[i].newest_first, newest);
        trace_statistics_free(&statistics);
    }
    traces_free(&current);
    traces_free(&old);
}

static const struct made_row huge_rows[] = {{0, "a.py:1", 1, UINT64_MAX, 2},
                                            {1, "a.py:1", 1, 0, UINT64_MAX},
                                            {0, "b.py:1", 1, UINT64_MAX / 2 + 2, 1}};
static const struct right huge[] = {{"a.py:1", UINT64_MAX, UINT64_MAX, INT64_MAX, INT64_MAX},
                                    {"b.py:1", UINT64_MAX / 2 + 2, 1, INT64_MAX, 1}};
static const struct right huge_gone[] = {{"b.py:1", 0, 0, -INT64_MAX, -1},
                                         {"a.py:1", 0, 0, -INT64_MAX, -INT64_MAX}};

Test(trace_statistics, sums_saturate)
{
    struct trace_statistics statistics;
    struct traces traces, nothing = {0};
    struct error err;

    made_traces(&traces, huge_rows, COUNT(huge_rows));
    cr_assert(
        trace_statistics_compare(&statistics, &traces, &nothing, TRACE_BY_FILENAME, false, &err));
    cr_expect_eq(statistics.size_change, INT64_MAX);
    cr_expect_eq(statistics.count_change, INT64_MAX);
    trace_statistics_free(&statistics);
    cr_assert(
        trace_statistics_compare(&statistics, &traces, &nothing, TRACE_BY_LINENO, true, &err));
    expect_rows(&statistics, huge, COUNT(huge));
    trace_statistics_free(&statistics);
    cr_assert(
        trace_statistics_compare(&statistics, &nothing, &traces, TRACE_BY_LINENO, false, &err));
    cr_expect_eq(statistics.size_change, -INT64_MAX);
    cr_expect_eq(statistics.rows[0].count, 0);
    expect_rows(&statistics, (const struct right[]){huge_gone[1], huge_gone[0]}, COUNT(huge_gone));
    trace_statistics_free(&statistics);
    traces_free(&traces);
}
