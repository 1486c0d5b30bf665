// SPDX-License-Identifier: MIT
/*
 * watch_process - one process that is watched: who it is, what the last sample of it was, and how
 * its counts grew.
 *
 * Between two samples nothing is held of it but a pidfd: while that is good, its number is nobody
 * else's, so another process is never taken for it. Another program in the same process (exec)
 * begins another growth, and of a sum of several processes it is another process. So it is where a
 * process begins to trace its allocations or no longer does.
 */
#ifndef PYINSPECT_WATCH_PROCESS_H
#define PYINSPECT_WATCH_PROCESS_H

#include "inspector/analysis/growth.h"
#include "inspector/command/moment.h"
#include "inspector/command/watch_file.h"
#include "inspector/command/watch_traces.h"

/* How each sample is taken. */
struct watch_sampling {
    struct moment_options moment;
    const struct watch_traces_options *traces; /* NULL: it is a census */
    bool short_names;
    struct watch_file *file; /* that each is added to */
    struct text *events;     /* what became of the file, and who does not trace */
    double max_share;        /* of the time that it may stand still: 0.01; of 1 or more: no bound */
};

enum watch_outcome {
    WATCH_SAMPLED,
    WATCH_FAILED,  /* not sampled; `why` tells */
    WATCH_UNSAVED, /* sampled, but not saved; `why` tells */
    WATCH_ENDED,   /* it is no more */
};

struct watch_process {
    pid_t pid;
    int pidfd;
    bool is_descendant; /* and was not named by the user */
    bool is_bystander;  /* no Python: only its descendants are of interest */
    bool is_open_to_us; /* it could be inspected once */

    /* Of the last round: */
    enum watch_outcome outcome;
    struct error why;
    bool is_new_program;
    double stopped_milliseconds; /* for which it stood still, in failed attempts too */
    struct text doubt;           /* what an incomplete answer is worth; empty: it is complete */

    bool has_snapshot;
    bool is_untraced;         /* with --traces: it did not trace then */
    struct snapshot snapshot; /* the last that was taken of this program, without objects */
    struct growth *growth;    /* of this program; there is one with has_snapshot */
    struct growth *sum;       /* which it joins and leaves; not owned; NULL: there is none */
    double rest_until;        /* by its clock (clock.h) it is not to be stopped before */
    uint64_t failed;          /* samples */
};

/* Makes one of a pidfd, which it owns. */
struct watch_process watch_process_make(pid_t pid, int pidfd, bool is_descendant);

/* Opens one by its number. ERROR_TARGET: there is none. */
MUST_CHECK bool watch_process_open(struct watch_process *ret, pid_t pid, struct error *err);
void watch_process_free(struct watch_process *process);

/* Its growth begins anew with the next sample; the sum it has left. */
void watch_process_forget(struct watch_process *process);

bool watch_process_has_ended(const struct watch_process *process);

/*
 * Takes a sample, and notes what came of it in `process`; `at_ms` is its time for the growth. At
 * most it waits as long as session_ask does.
 */
void watch_process_sample(struct watch_process *process, const struct watch_sampling *sampling,
                          int64_t at_ms);

#endif
