// SPDX-License-Identifier: MIT
/*
 * trace_statistics - Snapshot.statistics() and Snapshot.compare_to(): the same groups, sums and
 * order.
 *
 * A trace counts for its most recent frame, or with `is_cumulative` once for every frame of its
 * traceback, as often as the frame is in it. Stacks that differ in all_frames alone are one group.
 */
#ifndef PYINSPECT_TRACE_STATISTICS_H
#define PYINSPECT_TRACE_STATISTICS_H

#include "inspector/analysis/traces.h"

enum trace_key { TRACE_BY_LINENO, TRACE_BY_FILENAME, TRACE_BY_TRACEBACK };

struct trace_statistic {
    const struct traces *of;          /* whose numbers the frames have */
    const struct trace_frame *frames; /* as stored; by file name one with line 0 */
    uint32_t frame_count;
    uint32_t all_frames; /* of a traceback, before it was cut; 0: not told, or not all the same */
    bool newest_first;   /* Traceback's order is the stored one: the current traces' word for all */
    uint64_t size, count;
    int64_t size_change, count_change; /* of a comparison; they saturate */
};

struct trace_statistics {
    struct trace_statistic *rows; /* as Python sorts them: greatest (change) first */
    size_t count;
    uint64_t size, blocks;             /* of all that passed, once each */
    int64_t size_change, count_change; /* the same, of a comparison */
    struct trace_frame *storage[2];    /* of the frames that are no stack's */
};

/* Both refer to the traces, which must live as long.
 * ERROR_USAGE for a cumulative one by traceback, which there is none of; ERROR_SYSTEM. */
MUST_CHECK bool trace_statistics_make(struct trace_statistics *ret, const struct traces *traces,
                                      enum trace_key key, bool is_cumulative, struct error *err);
MUST_CHECK bool trace_statistics_compare(struct trace_statistics *ret, const struct traces *current,
                                         const struct traces *old, enum trace_key key,
                                         bool is_cumulative, struct error *err);
void trace_statistics_free(struct trace_statistics *statistics); /* zero-initialised is fine */

#endif
