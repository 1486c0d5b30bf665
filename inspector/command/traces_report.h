// SPDX-License-Identifier: MIT
/*
 * traces_report - statistics of traces as a report for machines, and for a person as the lines that
 * tracemalloc prints.
 */
#ifndef PYINSPECT_TRACES_REPORT_H
#define PYINSPECT_TRACES_REPORT_H

#include "inspector/command/traces_options.h"
#include "inspector/command/traces_taken.h"
#include "inspector/command/traces_types.h"

/* How many rows are shown. */
size_t traces_shown(const struct trace_statistics *statistics,
                    const struct traces_options *options);

/* Adds the cells "file", "line", "traceback" and "all_frames" of a row, as far as the key goes. */
void traces_report_key(const struct trace_statistic *row, enum trace_key key,
                       struct report *report);

/* Adds a row for each of the first `options->limit`, to a report that has no rows yet. */
void traces_report(const struct trace_statistics *statistics, const struct traces_options *options,
                   struct report *report);

/* Adds the lines: one for each of these, by traceback with its frames below it, and one for all
 * others; and the types, if they are not NULL. What comes from the target is escaped. */
void traces_print(const struct trace_statistics *statistics, const struct traces_options *options,
                  struct source_lines *sources, const struct traces_types *types,
                  struct text *text);

#endif
