// SPDX-License-Identifier: MIT
/*
 * often - how often what is tried with many values is tried. What is wrong in C code shows under
 * any compiler, so the tests that take long do all of it under gcc, and a part under clang.
 */
#ifndef PYINSPECT_TESTS_OFTEN_H
#define PYINSPECT_TESTS_OFTEN_H

/* One of so many is enough. */
#ifdef __clang__
enum { ENOUGH = 8 };
#else
enum { ENOUGH = 1 };
#endif

#endif
