// SPDX-License-Identifier: MIT
/*
 * trace_choice - which traces are looked at, as the command line says: --include, --exclude,
 * --all-frames, --domain, --no-domain.
 */
#ifndef PYINSPECT_TRACE_CHOICE_H
#define PYINSPECT_TRACE_CHOICE_H

#include "inspector/analysis/trace_filter.h"
#include "inspector/command/options.h"

enum { MOST_FILTERS = 64 };

struct trace_choice {
    struct trace_filter filters[MOST_FILTERS];
    size_t filter_count;
    bool all_frames; /* of all filters, once trace_choice_end was called */
};

/* Into struct trace_choice. */
extern const struct option_row trace_choice_options[];

/* When all options are parsed. */
void trace_choice_end(struct trace_choice *choice);

#endif
