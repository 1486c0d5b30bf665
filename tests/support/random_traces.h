// SPDX-License-Identifier: MIT
/*
 * random_traces - traces that no process was needed for, and whether two are the same.
 */
#ifndef PYINSPECT_TESTS_RANDOM_TRACES_H
#define PYINSPECT_TESTS_RANDOM_TRACES_H

#include "inspector/analysis/traces.h"

struct random_traces {
    unsigned seed; /* another one, other numbers */
    size_t files;  /* "app/file0.py" and up, some with a NUL, a lone surrogate, a ";" or a LF */
    size_t stacks; /* of 1 to 12 frames */
    size_t rows;   /* in three domains, of 1 block up to 2,000, and sizes up to 2^40 */
    bool without_origin;
    bool with_totals; /* all_frames is known of all; else of none */
};

/* To be freed by traces_free. */
void random_traces(struct traces *ret, const struct random_traces *options);

/* The same array by array; `with_origin`: and what is told of the process. */
bool random_traces_equal(const struct traces *a, const struct traces *b, bool with_origin);

#endif
