// SPDX-License-Identifier: MIT
/*
 * report_words - what `pyinspect report` says of a history in words, for a terminal and for a page
 * alike. Nothing of it is escaped yet but where that is said.
 */
#ifndef PYINSPECT_REPORT_WORDS_H
#define PYINSPECT_REPORT_WORDS_H

#include "inspector/command/report_history.h"
#include "symbols/base/text.h"

enum clock { CLOCK_LOCAL, CLOCK_UTC };

/* "3 types grow steadily: app.Order (+3,600/h), ..." or why there are none. Names are escaped. */
void words_add_summary(const struct history *history, struct text *text);
/* "3 types grow steadily", without the names. */
void words_add_title(const struct history *history, struct text *text);

/* "4711: /usr/bin/python3.11, Python 3.11.2", or the PIDs of several. */
void words_add_processes(const struct history *history, struct text *text);
/* "20, from 2026-11-20 10:00:00 +0100 to 10:00:19 (19 s)" */
void words_add_censuses(const struct history *history, enum clock clock, struct text *text);
/* "longest 14.2 ms, 280.1 ms together, 0.09 % of the time" */
void words_add_pauses(const struct history *history, struct text *text);

/* "2026-11-20 10:00:00 UTC", local: "... +0100". */
void words_add_time(int64_t milliseconds, enum clock clock, struct text *text);
/* "2026-11-20T10:00:00.000Z" */
void words_add_iso_time(int64_t milliseconds, struct text *text);

/* "1 census", "20 censuses" */
void words_add_number(size_t number, const char *one, const char *several, struct text *text);

const char *words_verdict(enum suspects_verdict verdict);
/* "99.4 %", at most "> 99.9 %": that it is no chance. */
void words_add_confidence(double probability, struct text *text);

#endif
