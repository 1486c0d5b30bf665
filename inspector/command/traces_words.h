// SPDX-License-Identifier: MIT
/*
 * traces_words - traces in tracemalloc's own words: what str() of a Statistic, a StatisticDiff and
 * a Frame is, and Traceback.format().
 */
#ifndef PYINSPECT_TRACES_WORDS_H
#define PYINSPECT_TRACES_WORDS_H

#include "inspector/analysis/trace_statistics.h"
#include "symbols/base/text.h"

/* "4855 KiB", with a sign "+4855 KiB": tracemalloc._format_size. */
void traces_add_size(struct text *text, double size, bool with_sign);

/* Called for the source of a line, which it adds to `text` without blanks around it; nothing where
 * there is none. */
typedef void traces_source(void *context, const char *file, size_t length, uint32_t line,
                           struct text *text);

/* Zero-initialised is what Python prints, of all frames and without their source. */
struct traces_style {
    bool is_escaped;    /* what comes from the target (names, source) by text_add_escaped */
    bool is_comparison; /* with the changes */
    int64_t frames;     /* Traceback.format's limit; 0: all (None); negative: all but so many of the
                         * most recent (of 3.6: none) */
    bool most_recent_first;
    bool tells_cut;        /* that frames were not kept, where they would be: Python does not */
    traces_source *source; /* NULL: no source */
    void *context;
};

/* "app.py:12: size=4855 KiB, count=39328, average=126 B", of a comparison "size=4855 KiB (+120
 * KiB), count=39328 (+12), average=126 B": without a line end. Of a traceback the first frame in
 * Traceback's order is named, which is the oldest one (of 3.6 the most recent). */
void traces_add_statistic(struct text *text, const struct trace_statistic *statistic,
                          const struct traces_style *style);

/* Traceback.format(limit, most_recent_first), a line each ended by LF: `  File "app.py", line 12`,
 * and four blanks with the source. */
void traces_add_traceback(struct text *text, const struct trace_statistic *statistic,
                          const struct traces_style *style);

#endif
