// SPDX-License-Identifier: MIT
#include "inspector/python/float_repr.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

/* number * 10^exponent */
struct decimal {
    uint64_t number; /* at most 10^18 */
    int exponent;
};

#define MOST_FIVES 31 /* 5^31 times a mantissa and two bits fits in 128 */

static wide power_of_five(int exponent)
{
    wide power = 1;

    for (; exponent > 0; exponent--)
        power *= 5;
    return power;
}

/*
 * The decimals around value * 10^scale, which has 17 or 18 digits, in exact arithmetic: first those
 * of 15 digits (of which a double has never two; fewer digits are those with zeros at the end),
 * then of 16, then of 17, where one always reads back.
 */
static struct decimal nearest_decimal(uint64_t mantissa, int exponent, int scale)
{
    wide gap = power_of_five(scale); /* a quarter of the way to the next double */
    wide exact = mantissa * (gap << 2);
    int shift = 2 - exponent - scale;

    if (shift < 0) {
        exact <<= -shift;
        gap <<= -shift;
        shift = 0;
    }
    bool even = mantissa % 2 == 0;
    bool lowest = mantissa == UINT64_C(1) << (DBL_MANT_DIG - 1); /* of its power of two */
    wide most_above = 2 * gap - !even;
    wide most_below = lowest ? gap : most_above;
    uint64_t whole = (uint64_t)(exact >> shift);

    for (uint64_t unit = whole < UINT64_C(100000000000000000) ? 100 : 1000;; unit /= 10) {
        uint64_t number = whole / unit;
        wide below = exact - ((wide)(number * unit) << shift);
        wide above = ((wide)unit << shift) - below;
        bool up = above < below || (above == below && number % 2);

        if (below <= most_below && (above > most_above || !up))
            return (struct decimal){number * unit, -scale};
        if (above <= most_above)
            return (struct decimal){(number + 1) * unit, -scale};
    }
}

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[40];

    /* Without a decimal point there is none that a locale could have. */
    snprintf(text, sizeof(text), "%" PRIu64 "e%d", decimal->number, decimal->exponent);
    return strtod(text, NULL) == value;
}

/* What the C library rounds `value` to. */
static struct decimal round_decimal(double value, int digits)
{
    struct decimal decimal = {0, 0};
    char text[40];
    const char *at = text;

    snprintf(text, sizeof(text), "%.*e", digits - 1, value);
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9')
            decimal.number = decimal.number * 10 + (uint64_t)(*at - '0');
    }
    decimal.exponent = (int)strtol(at + 1, NULL, 10) - (digits - 1);
    return decimal;
}

/* For what is too large, too small or subnormal. */
static struct decimal search_decimal(double value)
{
    int digits = value < DBL_MIN ? 1 : DBL_DIG;

    for (;; digits++) {
        struct decimal decimal = round_decimal(value, digits);

        if (digits == DBL_DECIMAL_DIG || reads_back(&decimal, value))
            return decimal;
        /* Above a power of two the doubles are twice as far apart as below. */
        decimal.number++;
        if (reads_back(&decimal, value))
            return decimal;
    }
}

/* Of a finite `value` above 0. */
static struct decimal shortest_decimal(double value)
{
    int exponent;
    double fraction = frexp(value, &exponent);
    int scale = 16 - (((exponent - 1) * 1233) >> 12); /* 1233 / 4096: log10(2) */

    if (scale < 0 || scale > MOST_FIVES)
        return search_decimal(value);
    return nearest_decimal((uint64_t)ldexp(fraction, DBL_MANT_DIG), exponent - DBL_MANT_DIG, scale);
}

static char *write_zeros(char *at, int count)
{
    for (; count > 0; count--)
        *at++ = '0';
    return at;
}

static char *write_text(char *at, const char *text)
{
    size_t length = strlen(text);

    memcpy(at, text, length);
    return at + length;
}

/* `digits`, of which `point` are before the decimal point (less than 1: zeros follow it). */
static char *write_digits(char *at, const char *digits, int count, int point)
{
    if (point <= 0) {
        at = write_zeros(write_text(at, "0."), -point);
        return write_text(at, digits);
    }
    if (count <= point)
        return write_zeros(write_text(at, digits), point - count);
    memcpy(at, digits, (size_t)point);
    at[point] = '.';
    return write_text(at + point + 1, digits + point);
}

static char *write_decimal(char *at, struct decimal decimal, const char *whole_end)
{
    char buffer[24];
    char *digits = buffer + sizeof(buffer) - 1;

    for (; decimal.number && decimal.number % 10 == 0; decimal.number /= 10)
        decimal.exponent++;
    *digits = '\0';
    do
        *--digits = (char)('0' + decimal.number % 10);
    while (decimal.number /= 10);
    int count = (int)(buffer + sizeof(buffer) - 1 - digits);
    int point = count + decimal.exponent;

    if (point > -4 && point <= 16) {
        at = write_digits(at, digits, count, point);
        return count <= point ? write_text(at, whole_end) : at;
    }
    at = write_digits(at, digits, count, 1);
    return at + sprintf(at, "e%c%02d", point < 1 ? '-' : '+', abs(point - 1));
}

/* A whole number ends in `whole_end`, what is not negative begins with `plus`. Returns the end. */
static char *write_float(char *at, double value, const char *plus, const char *whole_end)
{
    at = write_text(at, signbit(value) && !isnan(value) ? "-" : plus);
    value = fabs(value);
    if (isnan(value))
        return write_text(at, "nan");
    if (isinf(value))
        return write_text(at, "inf");
    if (value == 0)
        return write_text(write_text(at, "0"), whole_end);
    return write_decimal(at, shortest_decimal(value), whole_end);
}

void float_repr(double value, char buffer[32])
{
    *write_float(buffer, value, "", ".0") = '\0';
}

void complex_repr(double real, double imag, char buffer[96])
{
    bool real_shows = real != 0 || signbit(real);
    char *at = buffer;

    if (real_shows)
        at = write_float(write_text(at, "("), real, "", "");
    at = write_float(at, imag, real_shows ? "+" : "", "");
    at = write_text(at, real_shows ? "j)" : "j");
    *at = '\0';
}
