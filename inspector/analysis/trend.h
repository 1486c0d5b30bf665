// SPDX-License-Identifier: MIT
/*
 * trend - does a series of numbers grow steadily? For telling a leak from noise, from a start-up
 * and from a cache that fills.
 *
 * No assumption is made of how the noise is distributed: the test is Mann and Kendall's, the slope
 * Theil and Sen's (the median of the slopes between all pairs of points). Noise that remembers, a
 * walk that comes back to where it was, looks like a trend to that test; so the growth is also held
 * against the distance of the points from the line, the more so the more a point is like its
 * neighbour. Growth counts as steady if it stands out there, or if next to no step goes down; and
 * if it goes on: each third of the series grows, and so does its end. A cache that is full and a
 * single step do not. A start-up is left out where the later two thirds are steady by themselves,
 * and nothing before was higher.
 *
 * What no number of points can tell: a cache that is still filling from a leak, and a wave that
 * takes longer than the series (or one whose period is nearly the distance of two points) from
 * either. tests/unit/test_trend.c has the rates of error.
 */
#ifndef PYINSPECT_TREND_H
#define PYINSPECT_TREND_H

#include "symbols/base/error.h"

#include <stdint.h>

struct trend_point {
    double time; /* seconds; ascending, not evenly */
    double value;
};

struct trend {
    double slope;       /* a second, of the part that was looked at */
    double tau;         /* Kendall's: -1 to 1; 1: each value is greater than the one before */
    double probability; /* that noise without a trend looks so much like growth */
    double noise;       /* how far values are off the line: the median of the distances */
    size_t first;       /* where the part that was looked at begins */
    bool is_steady;     /* it grows steadily, to the end: a suspect */
};

enum { TREND_LEAST_POINTS = 6, TREND_MOST_POINTS = 40 };

/*
 * Judges a series; one with fewer than TREND_LEAST_POINTS is never steady, and has a slope from two
 * on. What is longer than TREND_MOST_POINTS is judged by the medians of as many pieces. Fails for
 * want of memory only.
 */
MUST_CHECK bool trend_judge(const struct trend_point *points, size_t count, struct trend *ret,
                            struct error *err);

#endif
