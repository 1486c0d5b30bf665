// SPDX-License-Identifier: MIT
/*
 * traces_options - the command line of `traces`.
 */
#ifndef PYINSPECT_TRACES_OPTIONS_H
#define PYINSPECT_TRACES_OPTIONS_H

#include "inspector/analysis/trace_statistics.h"
#include "inspector/command/command.h"
#include "inspector/command/common_options.h"
#include "inspector/command/session.h"
#include "inspector/command/trace_choice.h"
#include "inspector/command/traces_output.h"

struct traces_options {
    const char *target; /* a PID, or a file with saved traces */
    enum trace_key key;
    bool is_cumulative;
    struct trace_choice choice;
    uint64_t limit;    /* rows; 0: all */
    uint64_t frames;   /* of a traceback, the most recent ones; 0: all */
    bool newest_first; /* in tracebacks */
    bool no_source;
    bool with_types;
    const char *save, *since, *output; /* files; NULL: none */
    enum traces_export export;
    struct session_options session;
    enum format format;
};

extern const struct option_list traces_option_lists[];

/* ERROR_USAGE, where options do not go together, too. */
MUST_CHECK bool traces_options_parse(struct traces_options *ret, int argc, char **argv, int first,
                                     struct error *err);

#endif
