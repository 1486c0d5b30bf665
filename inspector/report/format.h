// SPDX-License-Identifier: MIT
/*
 * format - numbers for a person beyond those of render.h. None of them asks the locale: a decimal
 * point is a point.
 */
#ifndef PYINSPECT_FORMAT_H
#define PYINSPECT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

/* "14.2 ms": into `buffer` of at least 32 bytes; returns `buffer`. */
const char *format_milliseconds(char *buffer, double milliseconds);

/* "3,600", below ten "0.41": of a number that is not negative, as format_milliseconds. */
const char *format_decimal(char *buffer, double number);

/*
 * The nearest whole number of `parts` (10: tenths) in `number`. What is no duration becomes one: 0
 * for a negative number and NaN, and no more than 10^12 whole ones.
 */
uint64_t format_round(double number, uint64_t parts);

/* Does the user's own locale take UTF-8, whatever LC_CTYPE is for us? Else ASCII is drawn with. */
bool format_takes_utf8(void);

#endif
