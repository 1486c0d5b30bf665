// SPDX-License-Identifier: MIT
/*
 * traces_pickle - tracemalloc.Snapshot as its dump() writes it and its load() reads it.
 *
 * What is written can be loaded and used by any Python from 3.6 on, whichever version the traces
 * are of: traces are tuples of three up to 3.8 and of four since, so the file lets the Python that
 * loads it cut them.
 *
 * Reading never executes anything: it is a machine of the few operations that make up a Snapshot
 * (and what we write), on numbers, strings, tuples, lists and one dict; every other operation or
 * name ends it. Nothing recurses, and memory is bounded by the file's size.
 */
#ifndef PYINSPECT_TRACES_PICKLE_H
#define PYINSPECT_TRACES_PICKLE_H

#include "inspector/analysis/traces.h"

#include <stdio.h>

/* A total of frames that is not known is written as the number of frames; bytes in names that are
 * no UTF-8 as lone surrogates. ERROR_OUTPUT, also past 2^32 - 1 blocks; ERROR_SYSTEM. */
MUST_CHECK bool traces_pickle_write(FILE *out, const struct traces *traces, struct error *err);

/* Does this begin like a pickle? */
bool traces_pickle_is(const void *bytes, size_t length);

/* ERROR_INPUT, with what is wrong at which byte; `name` is the file's, for messages. */
MUST_CHECK bool traces_pickle_read(const void *bytes, size_t length, const char *name,
                                   struct traces *ret, struct error *err);

#endif
