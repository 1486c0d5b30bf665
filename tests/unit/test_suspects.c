// SPDX-License-Identifier: MIT
#include "inspector/analysis/suspects.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SAMPLES = 20 };

TestSuite(suspects, .timeout = 60);

/* Rounds of one census of each of `processes`, a second apart; process i from round starts[i] to
 * before ends[i]. Returns how many censuses there are. */
static size_t make_censuses(struct suspects_census *ret, size_t processes, const size_t *starts,
                            const size_t *ends, size_t rounds)
{
    size_t count = 0;

    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < processes; i++) {
            if (round >= starts[i] && round < ends[i])
                ret[count++] =
                    (struct suspects_census){.time = (double)round + (double)i / 100, .process = i};
        }
    }
    return count;
}

static void begin(struct suspects *ret, const struct suspects_census *censuses, size_t count,
                  size_t processes, size_t curves)
{
    struct error err;

    cr_assert(suspects_begin(ret, censuses, count, processes, curves, &err), "%s", err.text);
}

/* A type with `slopes[i]` more objects a second in process i, of 100 bytes each. */
static void add(struct suspects *suspects, const char *type, const double *slopes)
{
    uint64_t counts[512], bytes[512];
    struct error err;

    for (size_t i = 0; i < suspects->census_count; i++) {
        const struct suspects_census *census = &suspects->censuses[i];
        counts[i] = 1000 + (uint64_t)(int64_t)round(census->time * slopes[census->process]);
        bytes[i] = counts[i] * 100;
    }
    cr_assert(suspects_add(suspects, type, strlen(type), counts, bytes, &err), "%s", err.text);
}

Test(suspects, are_ranked)
{
    struct suspects_census censuses[SAMPLES];
    struct suspects suspects;
    size_t count = make_censuses(censuses, 1, (size_t[]){0}, (size_t[]){SAMPLES}, SAMPLES);
    struct error err;

    begin(&suspects, censuses, count, 1, 2);
    add(&suspects, "constant", (double[]){0});
    add(&suspects, "slow", (double[]){2});
    add(&suspects, "fewer", (double[]){-2});
    add(&suspects, "fast", (double[]){20});
    uint64_t step[SAMPLES] = {0};
    step[SAMPLES - 1] = 5000;
    cr_assert(suspects_add(&suspects, "step", 4, step, step, &err));
    suspects_end(&suspects);
    cr_expect_eq(suspects.types, 5);
    cr_expect_eq(suspects.steady, 2);
    cr_assert_eq(suspects.row_count, 3);
    cr_expect_str_eq(suspects.rows[0].type, "fast");
    cr_expect_str_eq(suspects.rows[1].type, "slow");
    cr_expect_str_eq(suspects.rows[2].type, "step");
    cr_expect_float_eq(suspects.rows[0].slope, 72000, 1);
    cr_expect_float_eq(suspects.rows[0].bytes_slope, 7200000, 100);
    cr_expect_eq(suspects.rows[0].growth, 380);
    cr_expect_eq(suspects.rows[0].bytes_growth, 38000);
    cr_expect_eq(suspects.rows[0].count, 1380);
    cr_expect_eq(suspects.rows[2].verdict, GROWS_NOT_STEADILY);
    cr_expect_eq(suspects.rows[2].growth, 5000);
    /* Lines are kept of the first two, though others came before. */
    cr_assert_eq(suspects.rows[0].line_count, 1);
    cr_expect_eq(suspects.rows[0].lines[0].count, SAMPLES);
    cr_expect_eq(suspects.rows[1].line_count, 1);
    cr_expect_eq(suspects.rows[2].line_count, 0);
    suspects_free(&suspects);
}

Test(suspects, each_process_by_itself)
{
    struct suspects_census censuses[4 * SAMPLES];
    struct suspects suspects;
    size_t starts[4] = {0, 0, 0, 0}, ends[4] = {SAMPLES, SAMPLES, SAMPLES, SAMPLES};
    size_t count = make_censuses(censuses, 4, starts, ends, SAMPLES);

    begin(&suspects, censuses, count, 4, 1);
    add(&suspects, "three of four", (double[]){10, 0, 10, 30});
    suspects_end(&suspects);
    cr_assert_eq(suspects.row_count, 1);
    cr_expect_eq(suspects.judged, 4);
    cr_expect_eq(suspects.rows[0].process_count, 3);
    cr_expect_eq(suspects.rows[0].processes[0], 0);
    cr_expect_eq(suspects.rows[0].processes[1], 2);
    cr_expect_eq(suspects.rows[0].processes[2], 3);
    cr_expect_float_eq(suspects.rows[0].slope, 50 * 3600, 1);
    cr_expect_eq(suspects.rows[0].line_count, 4);
    suspects_free(&suspects);
}

/* A new process begins with what it has: that is no growth, nor is it the end of the old one's. */
Test(suspects, a_restart)
{
    struct suspects_census censuses[2 * SAMPLES];
    struct suspects suspects;
    size_t starts[2] = {0, SAMPLES}, ends[2] = {SAMPLES, 2 * SAMPLES};
    size_t count = make_censuses(censuses, 2, starts, ends, 2 * SAMPLES);
    uint64_t levels[2 * SAMPLES];
    struct error err;

    cr_assert_eq(count, 2 * SAMPLES);
    for (size_t i = 0; i < count; i++)
        levels[i] = i < SAMPLES ? 100 : 900;
    begin(&suspects, censuses, count, 2, 0);
    cr_assert(suspects_add(&suspects, "levels", 6, levels, levels, &err));
    add(&suspects, "leak", (double[]){10, 10});
    suspects_end(&suspects);
    cr_assert_eq(suspects.row_count, 1);
    cr_expect_eq(suspects.rows[0].process_count, 2);
    cr_expect_float_eq(suspects.rows[0].slope, 36000, 1, "one after another is no sum");
    cr_expect_eq(suspects.rows[0].growth, 380);
    cr_expect_eq(suspects.rows[0].count, 1390, "of the process that is there");
    cr_expect_null(suspects.rows[0].lines);
    suspects_free(&suspects);
}

Test(suspects, too_few_samples)
{
    struct suspects_census censuses[5];
    struct suspects suspects;
    size_t count = make_censuses(censuses, 1, (size_t[]){0}, (size_t[]){5}, 5);

    begin(&suspects, censuses, count, 1, 0);
    add(&suspects, "leak", (double[]){10});
    suspects_end(&suspects);
    cr_expect_eq(suspects.judged, 0);
    cr_expect_eq(suspects.steady, 0);
    cr_assert_eq(suspects.row_count, 1);
    cr_expect_eq(suspects.rows[0].verdict, GROWS_TOO_FEW_SAMPLES);
    cr_expect_eq(suspects.rows[0].growth, 40);
    suspects_free(&suspects);
}

/* What a hostile file may say. */
Test(suspects, great_numbers)
{
    struct suspects_census censuses[3 * SAMPLES];
    struct suspects suspects;
    size_t starts[3] = {0, 0, 0}, ends[3] = {SAMPLES, SAMPLES, SAMPLES};
    size_t count = make_censuses(censuses, 3, starts, ends, SAMPLES);
    uint64_t numbers[3 * SAMPLES];
    struct error err;

    for (size_t i = 0; i < count; i++)
        numbers[i] = i < 3 ? 0 : INT64_MAX - (i % 7);
    begin(&suspects, censuses, count, 3, 4);
    cr_assert(suspects_add(&suspects, "a", 1, numbers, numbers, &err));
    suspects_end(&suspects);
    suspects_free(&suspects);
}

Test(suspects, thinned_with_its_peaks)
{
    static struct trend_point points[20000];
    size_t count = 20000;
    bool has_peak = false, has_hole = false;

    for (size_t i = 0; i < count; i++)
        points[i] = (struct trend_point){.time = (double)i, .value = 100};
    points[7777].value = 900;
    points[12345].value = -5;
    suspects_thin(points, &count, 1000);
    cr_expect_leq(count, 1000);
    cr_expect_eq(points[0].time, 0);
    cr_expect_eq(points[count - 1].time, 19999);
    for (size_t i = 0; i < count; i++) {
        has_peak |= points[i].time == 7777 && points[i].value == 900;
        has_hole |= points[i].time == 12345 && points[i].value == -5;
        cr_expect(!i || points[i].time > points[i - 1].time);
    }
    cr_expect(has_peak && has_hole);
    size_t few = 3;
    suspects_thin(points, &few, 4);
    cr_expect_eq(few, 3);
}
