// SPDX-License-Identifier: MIT
/*
 * watch_options - what `pyinspect watch` is told on the command line.
 */
#ifndef PYINSPECT_WATCH_OPTIONS_H
#define PYINSPECT_WATCH_OPTIONS_H

#include "inspector/analysis/growth.h"
#include "inspector/command/command.h"
#include "inspector/command/common_options.h"
#include "inspector/command/session.h"
#include "inspector/command/watch_prometheus.h"
#include "inspector/command/watch_traces.h"

struct watch_options {
    pid_t *pids; /* to be freed; each once */
    size_t pid_count;

    double every, length; /* milliseconds; length 0: no end */
    uint64_t count;       /* of samples; 0: no end */
    const char *save;     /* NULL: nothing is saved */
    uint64_t max_file;    /* bytes; 0: not told */
    double max_share;     /* 0.01: one in a hundred */
    bool children, each;
    uint64_t most_common; /* 0: all */
    enum growth_order order;
    struct watch_prometheus_options prometheus;
    struct watch_traces_options traces;

    struct object_choice choice;
    struct session_options session;
    enum format format;
};

extern const struct option_list watch_option_lists[];

/* argv[first..argc): fills in the defaults of what is not told. ERROR_USAGE. */
MUST_CHECK bool watch_options_parse(struct watch_options *ret, int argc, char **argv, int first,
                                    struct error *err);

#endif
