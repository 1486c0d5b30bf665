// SPDX-License-Identifier: MIT
/*
 * compared - what `compare` compares, and what came out: for inspector/command/compare*.c alone.
 */
#ifndef PYINSPECT_COMPARED_H
#define PYINSPECT_COMPARED_H

#include "inspector/analysis/compare.h"
#include "inspector/analysis/listing.h"
#include "inspector/command/command.h"
#include "inspector/command/common_options.h"
#include "inspector/command/session.h"
#include "inspector/command/threshold.h"

enum { MOST_COMPARED = 3 };

struct compare_options {
    enum comparison_order order;
    bool order_chosen;
    uint64_t limit; /* rows, or addresses; 0: all */
    bool limit_chosen;
    bool with_bytes, ids;
    const char *types[MOST_NAMES]; /* patterns */
    size_t type_count;             /* 0: all types */
    struct threshold thresholds[MOST_THRESHOLDS];
    size_t threshold_count;
    struct object_choice choice;
    struct session_options session;
    enum format format;
};

struct compared {
    struct compare_options options;
    const char *names[MOST_COMPARED]; /* as the command line has them */
    struct snapshot snapshots[MOST_COMPARED];
    struct text worth[MOST_COMPARED]; /* of those that are of a running process; else empty */
    size_t count;                     /* 2 or 3 */
    struct comparison comparison;
    struct text crossed;  /* a line for each threshold that a type crossed, each ended by a NUL */
    struct text warnings; /* what makes the answer worth less than it looks, each ended by a NUL */
};

/* Does --type ask for this row? */
bool compared_wants(const struct compared *compared, const struct comparison_row *row);

/* Could all of what is compared be read and verified? */
bool compared_is_complete(const struct compared *compared);

/* Of how many objects it cannot be told whether they are the ones that they are taken for. */
uint64_t compared_reused_at_most(const struct compared *compared);

/* Are two of them, of one process, in the wrong order? */
bool compared_is_backwards(const struct compared *compared, size_t *ret_first, size_t *ret_second);

/* Notes what makes the answer worth less than it looks, once it is there. */
void compared_warn(struct compared *compared);

/* Makes the report: the table, its closing lines, notes and facts. */
void compared_report(const struct compared *compared, struct report *report);

/* "these are two processes: 4711 (before.census) and 4712": why objects cannot be told apart
 * between these two. */
void compared_describe_lack(const struct compared *compared, size_t first, size_t second,
                            struct text *text);

/* Adds the lines below the table. */
void compared_add_notes(const struct compared *compared, struct report *report);

/* The last line on stderr. */
void compared_describe(const struct compared *compared, struct text *text);

#endif
