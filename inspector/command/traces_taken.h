// SPDX-License-Identifier: MIT
/*
 * traces_taken - the traces of a running process, or of a file, and what they are worth.
 */
#ifndef PYINSPECT_TRACES_TAKEN_H
#define PYINSPECT_TRACES_TAKEN_H

#include "inspector/analysis/trace_types.h"
#include "inspector/command/session.h"
#include "inspector/command/source_lines.h"
#include "inspector/report/report.h"
#include "symbols/base/text.h"

struct traces_taken {
    struct traces traces;
    struct trace_types types; /* of a process, if they are asked for */
    bool is_tracing;          /* false: it does not, and there is nothing */
    bool is_complete;         /* all could be read and verified */
    struct report facts;      /* of the target and of how it was read; no table */
    struct text worth;        /* the last line on stderr */
    struct source_lines
        *sources; /* below the process's root; of a file, below ours if it has ended */
};

/* `word` is a PID or the name of a file; `with_types` is of a process alone. Fails as session_ask
 * and traces_file_load do. To be freed with traces_taken_free, also when it fails. */
MUST_CHECK bool traces_taken_get(struct traces_taken *ret, const char *word, bool with_types,
                                 const struct session_options *options, struct error *err);

/* The same of an open session, into a zero-initialised one. */
MUST_CHECK bool traces_taken_ask(struct traces_taken *ret, struct session *session, bool with_types,
                                 struct progress *progress, struct error *err);
void traces_taken_free(struct traces_taken *taken); /* zero-initialised is fine */

#endif
