// SPDX-License-Identifier: MIT
/*
 * watch_traces - what a sample of `watch --traces` is: the memory that each line has allocated.
 *
 * It is a snapshot like that of a census, so that all else of a watch goes on as it does with
 * types: a row is a line or a file, its objects are memory blocks. Only what grows is another: the
 * bytes (growth_new_of_bytes).
 */
#ifndef PYINSPECT_WATCH_TRACES_H
#define PYINSPECT_WATCH_TRACES_H

#include "inspector/analysis/growth.h"
#include "inspector/analysis/trace_statistics.h"
#include "inspector/command/session.h"
#include "inspector/command/trace_choice.h"

struct watch_traces_options {
    bool is_asked_for;
    bool has_key;       /* --by was there */
    enum trace_key key; /* TRACE_BY_LINENO or TRACE_BY_FILENAME */
    struct trace_choice choice;
};

/* Into struct watch_traces_options: --traces, --by. */
extern const struct option_row watch_traces_options[];

/*
 * Takes a sample of an open session. A process that does not trace has a snapshot without rows, and
 * *ret_is_untraced. `worth` gets the words that say what the answer is worth. Fails as
 * traces_taken_ask.
 */
MUST_CHECK bool watch_traces_take(struct session *session,
                                  const struct watch_traces_options *options, struct snapshot *ret,
                                  bool *ret_is_untraced, struct text *worth, struct error *err);

/* Where a row's memory was allocated: by line its type is "app.py:12". */
struct watch_place {
    const char *file;
    size_t length;
    uint32_t line; /* 0: unknown, or by file name */
};
struct watch_place watch_place_of(const struct growth_row *row, enum trace_key key);

#endif
