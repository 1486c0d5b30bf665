// SPDX-License-Identifier: MIT
/*
 * The rates of error of trend_judge, on thousands of made-up series of each kind; and its single
 * promises. The series are the same in each run.
 */
#include "inspector/analysis/trend.h"
#include "tests/support/often.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>

enum { LONGEST = 2000, SERIES = 4000 };

TestSuite(trend, .timeout = 300);

/* A source of chance that is the same everywhere (splitmix64). */
static uint64_t chance_state;

static double chance(void)
{
    uint64_t z = (chance_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double between(double least, double most)
{
    return least + chance() * (most - least);
}

static double normal(double deviation)
{
    double radius = sqrt(-2 * log(1 - chance()));

    return deviation * radius * cos(2 * 3.14159265358979 * chance());
}

static double one_of(double a, double b, double c)
{
    double at = chance() * 3;

    return at < 1 ? a : at < 2 ? b : c;
}

typedef void maker(double *values, size_t count);

static void make_white(double *values, size_t count)
{
    double size = one_of(1, 5, 100);

    for (size_t i = 0; i < count; i++)
        values[i] = 1000 + normal(size);
}

/* Comes back within five steps or fewer. */
static void make_walk(double *values, size_t count)
{
    double back = between(0.2, 0.8), size = one_of(2, 20, 200);
    double at = normal(size / sqrt(1 - (1 - back) * (1 - back)));

    for (size_t i = 0; i < count; i++) {
        values[i] = 2000 + at;
        at = (1 - back) * at + normal(size);
    }
}

/* Up until the collector comes, which it does at least once and a half in the series. */
static void make_sawtooth(double *values, size_t count)
{
    double period = between(2, 0.6 * (double)count), phase = chance(), size = one_of(20, 200, 700);

    for (size_t i = 0; i < count; i++)
        values[i] = size * fmod((double)i / period + phase, 1) + normal(size / 50);
}

/* Full when two thirds of the time have passed, or before. */
static void make_cache(double *values, size_t count)
{
    double full = between(0.1, 0.67) * (double)count, size = one_of(50, 500, 5000);
    double noise = one_of(0, 0.5, 2);

    for (size_t i = 0; i < count; i++)
        values[i] = size * fmin((double)i / full, 1) + normal(noise);
}

/* A start-up, or a cache with ever fewer misses: 99 % are there at the end, or more. */
static void make_start(double *values, size_t count)
{
    double pace = between(0.03, 0.2) * (double)count, size = one_of(50, 500, 5000);
    double noise = one_of(0, 0.5, 2);

    for (size_t i = 0; i < count; i++)
        values[i] = size * (1 - exp(-(double)i / pace)) + normal(noise);
}

static void make_step(double *values, size_t count)
{
    double when = chance() * (double)count, size = one_of(50, 500, 5000);
    double noise = one_of(0, 2, 10);

    for (size_t i = 0; i < count; i++)
        values[i] = 100 + size * ((double)i > when) + normal(noise);
}

static void make_bursts(double *values, size_t count)
{
    double burst = 0;

    for (size_t i = 0; i < count; i++) {
        burst = burst / 2 + (chance() < 0.1 ? -200 * log(1 - chance()) : 0);
        values[i] = 50 + burst + normal(1);
    }
}

static void make_constant(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = 7;
}

static void make_shrinking(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = 9000 - 3 * (double)i + normal(2);
}

static void add_leak(double *values, size_t count, double slope, double noise)
{
    for (size_t i = 0; i < count; i++)
        values[i] = slope * (double)i + normal(noise);
}

static void make_leak_of_one(double *values, size_t count)
{
    add_leak(values, count, 1, 0.5);
}

static void make_leak_of_ten(double *values, size_t count)
{
    add_leak(values, count, 10, 5);
}

static void make_leak_of_hundred(double *values, size_t count)
{
    add_leak(values, count, 100, 50);
}

/* Ten a step on average, never fewer than before. */
static void make_leak_by_chance(double *values, size_t count)
{
    double at = 0;

    for (size_t i = 0; i < count; i++) {
        values[i] = at;
        for (double left = -log(1 - chance()); left < 10; left -= log(1 - chance()))
            at++;
    }
}

static void make_leak_after_start(double *values, size_t count)
{
    add_leak(values, count, 10, 3);
    for (size_t i = 0; i < count; i++)
        values[i] += 500 * fmin(1, (double)i / (0.2 * (double)count));
}

/* One of ten points is far above the line. */
static void make_leak_with_bursts(double *values, size_t count)
{
    add_leak(values, count, 10, 3);
    for (size_t i = 0; i + 4 < count; i++)
        values[i] += chance() < 0.1 ? 25 : 0;
}

static bool is_steady(maker *make, size_t count)
{
    static double values[LONGEST];
    static struct trend_point points[LONGEST];
    struct trend trend;
    struct error err;
    double time = 0;

    make(values, count);
    for (size_t i = 0; i < count; i++) {
        time += between(0.95, 1.05);
        points[i] = (struct trend_point){.time = time, .value = fmax(0, round(values[i]))};
    }
    cr_assert(trend_judge(points, count, &trend, &err));
    return trend.is_steady;
}

static const struct {
    const char *name;
    maker *make;
    bool grows;
    size_t least; /* points that it takes to see it */
} kinds[] = {
    {"white noise", make_white, false, 0},
    {"a walk that comes back", make_walk, false, 0},
    {"a sawtooth", make_sawtooth, false, 0},
    {"a cache that is full", make_cache, false, 0},
    {"a start-up", make_start, false, 0},
    {"a step", make_step, false, 0},
    {"bursts", make_bursts, false, 0},
    {"a constant", make_constant, false, 0},
    {"fewer and fewer", make_shrinking, false, 0},
    {"a leak of 1", make_leak_of_one, true, 20},
    {"a leak of 10", make_leak_of_ten, true, 20},
    {"a leak of 100", make_leak_of_hundred, true, 20},
    {"a leak by chance", make_leak_by_chance, true, 20},
    {"a leak after a start-up", make_leak_after_start, true, 20},
    {"a leak with bursts", make_leak_with_bursts, true, 40},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

ParameterizedTestParameters(trend, errs_seldom)
{
    static size_t indices[KINDS];

    for (size_t i = 0; i < KINDS; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, KINDS);
}

/* Noise of fewer points than 20 is judged as carefully, a leak is then not always seen. */
ParameterizedTest(size_t *index, trend, errs_seldom)
{
    static const size_t lengths[] = {8, 12, 20, 40, 150, 2000};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        size_t series = (lengths[i] > 100 ? SERIES / 4 : SERIES) / ENOUGH, steady = 0;
        if (lengths[i] < kinds[*index].least)
            continue;
        chance_state = *index * 1000 + lengths[i];
        for (size_t j = 0; j < series; j++)
            steady += is_steady(kinds[*index].make, lengths[i]);
        size_t wrong = kinds[*index].grows ? series - steady : steady;
        cr_log_info("%s, %zu points: %zu of %zu wrong", kinds[*index].name, lengths[i], wrong,
                    series);
        size_t by_chance = series < 1000; /* too few to tell one in a thousand */
        cr_expect(wrong <= by_chance || wrong * 1000 < series, "%s, %zu points: %zu of %zu wrong",
                  kinds[*index].name, lengths[i], wrong, series);
    }
}

static void judge(const double *values, size_t count, double step, struct trend *ret)
{
    struct trend_point points[64];
    struct error err;

    for (size_t i = 0; i < count; i++)
        points[i] = (struct trend_point){.time = (double)i * step, .value = values[i]};
    cr_assert(trend_judge(points, count, ret, &err));
}

Test(trend, a_line)
{
    static const double line[] = {5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27};
    struct trend trend;

    judge(line, 12, 0.5, &trend);
    cr_expect(trend.is_steady);
    cr_expect_float_eq(trend.slope, 4, 1e-9);
    cr_expect_float_eq(trend.tau, 1, 1e-9);
    cr_expect_float_eq(trend.noise, 0, 1e-9);
    cr_expect_eq(trend.first, 0);
    cr_expect_lt(trend.probability, 1e-4);
    cr_expect_gt(trend.probability, 0);
}

Test(trend, too_few_points)
{
    static const double line[] = {10, 20, 30, 40, 50, 60};
    struct trend trend;

    for (size_t count = 0; count < TREND_LEAST_POINTS; count++) {
        judge(line, count, 1, &trend);
        cr_expect_not(trend.is_steady);
        cr_expect_float_eq(trend.slope, count > 1 ? 10 : 0, 1e-9);
        cr_expect_float_eq(trend.probability, 1, 1e-9);
    }
    judge(line, TREND_LEAST_POINTS, 1, &trend);
    cr_expect(trend.is_steady);
}

/* A start-up is left out, and the slope is that of what came after. */
Test(trend, the_part_that_counts)
{
    double values[30];
    struct trend trend;

    for (size_t i = 0; i < 30; i++)
        values[i] = i < 8 ? (double)i * 1000 : 8000 + (double)(i - 8) * 3;
    judge(values, 30, 2, &trend);
    cr_expect(trend.is_steady);
    cr_expect_eq(trend.first, 10);
    cr_expect_float_eq(trend.slope, 1.5, 1e-9);
    for (size_t i = 0; i < 8; i++)
        values[i] = 20000 - (double)i * 1000;
    judge(values, 30, 2, &trend);
    cr_expect_not(trend.is_steady, "what was higher before may be so again");
}

Test(trend, times_that_are_the_same)
{
    static const double line[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct trend trend;

    judge(line, 8, 0, &trend);
    cr_expect_not(trend.is_steady);
    cr_expect_float_eq(trend.slope, 0, 1e-9);
}
