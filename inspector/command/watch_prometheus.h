// SPDX-License-Identifier: MIT
/*
 * watch_prometheus - what `watch --prometheus FILE` writes after each sample: metrics for the
 * textfile collector of Prometheus' node exporter.
 *
 * The file is there as a whole or not at all, and may be read by everyone (mode 0644 whatever the
 * umask is: the node exporter is another user). It holds types with their counts and bytes (of
 * traces: files and lines), no addresses and no values.
 *
 * Every series has the label `service`: the node exporter puts all files of a host together, and
 * refuses two equal series. Series are bounded: one metric has at most `types` + 1 types (lines)
 * and WATCH_PROMETHEUS_PROCESSES processes at a time.
 *
 * Where a sample failed the metrics are those of the last good one, of that process; that they are
 * old is said by pyinspect_up 0 and by pyinspect_last_success_timestamp_seconds, which stands still
 * until a round has no failure.
 * Counters count from 0 with each watch, which Prometheus takes for what it is, a restart.
 *
 * When does the file go? When the target is gone, so that its series end instead of standing still
 * for ever: whoever watches calls watch_prometheus_remove. It stays where the watch has done what
 * it was asked for (--count, --for), or was interrupted.
 */
#ifndef PYINSPECT_WATCH_PROMETHEUS_H
#define PYINSPECT_WATCH_PROMETHEUS_H

#include "inspector/analysis/growth.h"
#include "inspector/command/watch_traces.h"

enum {
    WATCH_PROMETHEUS_TYPES = 50,
    WATCH_PROMETHEUS_MOST_TYPES = 1000,
    WATCH_PROMETHEUS_PROCESSES = 100
};

/* Zero-initialised: nothing was asked for. */
struct watch_prometheus_options {
    const char *path;
    const char *service; /* NULL: the process's own name */
    uint64_t types;      /* how many have series of their own; 0: WATCH_PROMETHEUS_TYPES */
    const struct watch_traces_options *traces; /* what the rows are; NULL: types */
};

/* Into struct watch_prometheus_options: --prometheus, --service, --prometheus-types. */
extern const struct option_row watch_prometheus_options[];

struct watch_prometheus_process {
    pid_t pid;
    uint64_t objects, bytes;
    uint64_t resident_bytes; /* VmRSS */
};

/* What came of one look at all processes. */
struct watch_prometheus_round {
    size_t sampled, failed;        /* samples, one a process */
    const struct growth_row *rows; /* all types, in any order */
    size_t row_count;
    const struct watch_prometheus_process *processes; /* that are in the rows */
    size_t process_count;
    int64_t taken_ms;            /* milliseconds since 1970, UTC */
    double pause_milliseconds;   /* the longest time for which one of them stood still */
    double stopped_milliseconds; /* all such times together, those of failed samples too */
    bool complete;               /* all of the heaps could be read and verified */
};

struct watch_prometheus;

/*
 * `comm` is the name of the (first) process, for where no service is given; it may hold anything.
 * Without --prometheus *ret is NULL, with which the functions below do nothing, successfully;
 * ERROR_USAGE where other options of these were given, or the file is there and has something else
 * in it than metrics of ours; ERROR_OUTPUT where there is no writing such a file. Both are better
 * known before a process is stopped for it.
 */
MUST_CHECK bool watch_prometheus_begin(struct watch_prometheus **ret,
                                       const struct watch_prometheus_options *options,
                                       const char *comm, struct error *err);
void watch_prometheus_free(struct watch_prometheus *metrics);

/*
 * Takes a round and writes the file. Where no process could be sampled, only the tallies and
 * stopped_milliseconds of the round matter. ERROR_OUTPUT where the file cannot be written; the
 * round is taken all the same, and the next call writes what this one could not.
 *
 * Which types have series of their own is foremost_choose's matter; the rest is summed as
 * type="other".
 */
MUST_CHECK bool watch_prometheus_write(struct watch_prometheus *metrics,
                                       const struct watch_prometheus_round *round,
                                       struct error *err);

/* Takes the file away: there is nothing left to be watched. */
void watch_prometheus_remove(const struct watch_prometheus *metrics);

/* The same where there was nothing from the start: takes away what an earlier watch left there, if
 * it is metrics of ours. */
void watch_prometheus_discard(const struct watch_prometheus_options *options);

#endif
