// SPDX-License-Identifier: MIT
/*
 * float_repr - float and complex as Python prints them, every version from 3.6 the same.
 *
 * The fewest digits that read back as the same double, and of those the nearest to it (David Gay's
 * mode 0). No locale changes the result.
 */
#ifndef PYINSPECT_FLOAT_REPR_H
#define PYINSPECT_FLOAT_REPR_H

/* float.__repr__: "1.0", "0.1", "1e-05", "1e+16", "-0.0", "inf", "nan". Ends in NUL. */
void float_repr(double value, char buffer[32]);

/* complex.__repr__: "1j", "(1+2j)", "(-0-1e+16j)", "(nan+infj)". Ends in NUL. */
void complex_repr(double real, double imag, char buffer[96]);

#endif
