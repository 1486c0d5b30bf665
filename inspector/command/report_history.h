// SPDX-License-Identifier: MIT
/*
 * report_history - what a file of censuses says about the growth of types: who was counted and
 * when, and the suspects. For `pyinspect report`.
 */
#ifndef PYINSPECT_REPORT_HISTORY_H
#define PYINSPECT_REPORT_HISTORY_H

#include "inspector/analysis/suspects.h"
#include "inspector/store/census_file.h"
#include "symbols/base/progress.h"

/* One that was counted in one way: censuses of other generations, or of all objects, are not
 * comparable with the others, and count as of another process. */
struct history_process {
    struct origin origin; /* texts live as long as the file is open */
    bool all_objects;
    bool generations[GENERATIONS];
    size_t censuses, placed;   /* the second while it is read */
    int64_t first_ms, last_ms; /* by the date, which may have been set in between */
    double begin, end;         /* milliseconds since the first census of all, as time passed */
    size_t steady;             /* types that grow steadily in it */
};

struct history_pause {
    int64_t taken_ms;
    double milliseconds;
};

struct history {
    struct history_process *processes; /* in the order of their first censuses */
    size_t process_count, process_capacity;
    struct suspects_census *censuses; /* those that are judged */
    struct history_pause *pauses;     /* of all of them */
    size_t census_count, pause_count;
    size_t *places;    /* of each number in the file: its place in `censuses`, or SIZE_MAX */
    size_t incomplete; /* left out, unless all are */
    bool all_incomplete;
    int64_t first_ms, last_ms;
    double milliseconds;              /* from the first to the last, as time passed */
    double longest_pause, all_pauses; /* milliseconds */
    double share;                     /* of the time, of the process that stood still most */
    struct suspects suspects;
};

/*
 * Reads the whole file, and has all types judged; lines are kept of `curves` of them. Types go by
 * __name__ with `short_names`, namesakes together. Memory is needed for each
 * change of a count.
 */
MUST_CHECK bool history_read(struct history *ret, struct census_file *file, bool short_names,
                             size_t curves, struct progress *progress, struct error *err);

/* Zero-initialised is fine. */
void history_free(struct history *history);

#endif
