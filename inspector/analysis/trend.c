// SPDX-License-Identifier: MIT
#include "inspector/analysis/trend.h"

#include "symbols/base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRS = TREND_MOST_POINTS * (TREND_MOST_POINTS - 1) / 2, LEAST_AFTER_START = 12 };

/*
 * Chosen by simulation (tests/unit/test_trend.c): below one series of noise in a thousand passes,
 * and a leak that grows by twenty times its noise does.
 */
static const double least_tau = 0.6;
static const double least_strength = 7, more_strength_for_few = 80, more_strength_late = 2;
static const double least_strength_upward = 4, most_luck_upward = 4e-4;
static const double least_share = 0.25;      /* of the slope, in each third */
static const double least_share_clear = 0.5; /* in the last one, where noise hides little */
static const double least_share_end = 0.35;  /* in the last sixth, if it can be told */
static const double clear_third = 10, clear_end = 6;
static const double least_noise = 0.2;     /* whole numbers are that far off a line by themselves */
static const double to_deviation = 1.4826; /* of the median distance, were the noise normal */

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Sorts them. */
static double median(double *numbers, size_t count)
{
    if (!count)
        return 0;
    qsort(numbers, count, sizeof(*numbers), compare_numbers);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* Theil and Sen's. */
static double slope_of(const struct trend_point *points, size_t count)
{
    double slopes[MOST_PAIRS];
    size_t pairs = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            double time = points[j].time - points[i].time;
            if (time > 0)
                slopes[pairs++] = (points[j].value - points[i].value) / time;
        }
    }
    return median(slopes, pairs);
}

/* Mann and Kendall's sum, its variance without a trend, and its share of the pairs. */
static void count_pairs(const struct trend_point *points, size_t count, double *ret_sum,
                        double *ret_variance)
{
    double n = (double)count, sum = 0, variance = n * (n - 1) * (2 * n + 5);

    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        double same = 1;
        for (size_t j = 0; j < i; j++)
            is_first &= points[j].value != points[i].value;
        for (size_t j = i + 1; j < count; j++) {
            double change = points[j].value - points[i].value;
            sum += (change > 0) - (change < 0);
            same += change == 0;
        }
        if (is_first)
            variance -= same * (same - 1) * (2 * same + 5);
    }
    *ret_sum = sum;
    *ret_variance = variance / 18;
}

struct residuals {
    double level;     /* of the line, where time is 0 */
    double distance;  /* the median one */
    double deviation; /* a robust standard deviation, never 0 */
    double memory;    /* how much a point is like the one before: 0 to 0.95 */
};

static void add_residuals(const struct trend_point *points, size_t count, double slope,
                          struct residuals *ret)
{
    double values[TREND_MOST_POINTS], scratch[TREND_MOST_POINTS];
    double mean = 0, squares = 0, products = 0;

    for (size_t i = 0; i < count; i++)
        values[i] = points[i].value - slope * points[i].time;
    memcpy(scratch, values, count * sizeof(*values));
    ret->level = median(scratch, count);
    for (size_t i = 0; i < count; i++) {
        scratch[i] = fabs(values[i] - ret->level);
        mean += values[i] / (double)count;
    }
    ret->distance = median(scratch, count);
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
        if (i)
            products += (values[i] - mean) * (values[i - 1] - mean);
    }
    double spread = sqrt(squares / (double)count);
    double memory = squares > 0 ? products / squares : 0;
    /* What is measured about a line that was fitted to so few points is too little. */
    memory += (1 + 4 * fmax(memory, 0)) / (double)count;
    ret->deviation = fmax(fmax(to_deviation * ret->distance, spread / 2), least_noise);
    ret->memory = fmin(fmax(memory, 0), 0.95);
}

/* How likely noise is to go down so seldom. */
static double luck_of_steps(const struct trend_point *points, size_t count)
{
    size_t steps = 0, down = 0;
    double ways = 1, sum = 0;

    for (size_t i = 1; i < count; i++) {
        steps += points[i].value != points[i - 1].value;
        down += points[i].value < points[i - 1].value;
    }
    for (size_t i = 0; i <= down; i++) {
        sum += ways;
        ways *= (double)(steps - i) / (double)(i + 1);
    }
    return ldexp(sum, -(int)steps);
}

/* Does it grow in each third, and at the end, as far as the noise lets that be seen? */
static bool goes_on(const struct trend_point *points, size_t count, double slope, double deviation)
{
    size_t third = count / 3, end = (count + 5) / 6 > 3 ? (count + 5) / 6 : 3;
    const struct trend_point *last = &points[count - 1];
    double in_last = slope_of(last - third, third + 1);
    double third_time = last->time - last[-(ptrdiff_t)third].time;
    double end_time = last->time - last[-(ptrdiff_t)end].time;
    double end_growth = last->value - last[-(ptrdiff_t)end].value;

    if (slope_of(points, third + 1) < least_share * slope || in_last < least_share * slope ||
        slope_of(points + third - 1, count - 2 * third + 2) < least_share * slope)
        return false;
    if (slope * third_time > clear_third * deviation && in_last < least_share_clear * slope)
        return false;
    return slope * end_time <= clear_end * deviation ||
           end_growth >= least_share_end * slope * end_time;
}

/* Judges at most TREND_MOST_POINTS. */
static void judge(const struct trend_point *points, size_t count, double more_strength,
                  struct trend *ret, struct residuals *ret_residuals)
{
    double n = (double)count, sum, variance;
    struct residuals residuals = {0};

    *ret = (struct trend){.slope = slope_of(points, count), .probability = 1};
    if (count < TREND_LEAST_POINTS)
        return;
    count_pairs(points, count, &sum, &variance);
    add_residuals(points, count, ret->slope, &residuals);
    double worth = sqrt((1 - residuals.memory) / (1 + residuals.memory));
    double growth = ret->slope * (points[count - 1].time - points[0].time);
    double strength = growth / residuals.deviation * sqrt(n / 12) * worth;

    ret->tau = sum / (n * (n - 1) / 2);
    if (variance > 0)
        ret->probability = erfc((sum - 1) / sqrt(variance) * worth / sqrt(2)) / 2;
    if (ret->slope > 0)
        ret->probability = fmin(ret->probability, luck_of_steps(points, count));
    ret->noise = residuals.distance;
    *ret_residuals = residuals;
    bool stands_out = strength >= least_strength + more_strength + more_strength_for_few / n ||
                      (strength >= least_strength_upward + more_strength &&
                       luck_of_steps(points, count) < most_luck_upward);
    ret->is_steady = ret->slope > 0 && ret->tau >= least_tau && stands_out &&
                     goes_on(points, count, ret->slope, residuals.deviation);
}

/* The later two thirds alone; what came before must have led up to them. */
static void judge_after_start(const struct trend_point *points, size_t count, struct trend *ret)
{
    size_t first = count / 3;
    struct residuals residuals = {0};
    struct trend late;

    if (count - first < LEAST_AFTER_START)
        return;
    judge(points + first, count - first, more_strength_late, &late, &residuals);
    if (!late.is_steady)
        return;
    double begin = residuals.level + late.slope * points[first].time;
    double growth = late.slope * (points[count - 1].time - points[first].time);
    for (size_t i = 0; i < first; i++) {
        if (points[i].value > begin + growth / 4 + 3 * residuals.deviation)
            return;
    }
    *ret = late;
    ret->first = first;
}

/* Medians of TREND_MOST_POINTS pieces. */
static bool reduce(const struct trend_point *points, size_t count, struct trend_point *ret,
                   struct error *err)
{
    AUTO_FREE double *values = calloc(count / TREND_MOST_POINTS + 1, sizeof(*values));

    if (!values)
        return error_memory(err);
    for (size_t i = 0; i < TREND_MOST_POINTS; i++) {
        size_t from = count * i / TREND_MOST_POINTS, to = count * (i + 1) / TREND_MOST_POINTS;
        for (size_t j = from; j < to; j++)
            values[j - from] = points[j].value;
        ret[i].time = (points[(from + to - 1) / 2].time + points[(from + to) / 2].time) / 2;
        if ((to - from) % 2)
            ret[i].time = points[(from + to - 1) / 2].time;
        ret[i].value = median(values, to - from);
    }
    return true;
}

bool trend_judge(const struct trend_point *points, size_t count, struct trend *ret,
                 struct error *err)
{
    struct trend_point reduced[TREND_MOST_POINTS];
    struct residuals residuals = {0};
    struct trend trend;
    size_t judged = count < TREND_MOST_POINTS ? count : TREND_MOST_POINTS;

    if (count > TREND_MOST_POINTS) {
        if (!reduce(points, count, reduced, err))
            return false;
        points = reduced;
    }
    judge(points, judged, 0, &trend, &residuals);
    if (!trend.is_steady)
        judge_after_start(points, judged, &trend);
    trend.first = judged ? trend.first * count / judged : 0;
    *ret = trend;
    return true;
}
