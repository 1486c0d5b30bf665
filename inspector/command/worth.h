// SPDX-License-Identifier: MIT
/*
 * worth - what an answer about a target is worth: the same facts and the same words for every
 * command that asks one.
 *
 * In JSON they are facts. For a person they are the last line on stderr: worth_begin says what is
 * in doubt, the command then says what it saw, worth_end says what was verified and how the target
 * was read.
 */
#ifndef PYINSPECT_WORTH_H
#define PYINSPECT_WORTH_H

#include "inspector/command/session.h"
#include "inspector/report/report.h"
#include "symbols/base/text.h"

struct worth {
    pid_t pid;
    char executable[4096];
    const struct python *python;
    const struct heap_verdict *verdict;
    const struct session_report *asked;
};

/* "INCOMPLETE", "UNVERIFIED" (the target was not stopped), or NULL where nothing is in doubt. */
const char *worth_doubt(const struct worth *worth);

/* The facts of the interpreter, target.version and others; and those of its layout,
 * target.layout.*.
 */
void worth_add_python(const struct python *python, struct report *report);
void worth_add_layout(const struct python *python, struct report *report);

/* All facts target.*; and the others, from pause_ms to links.*. */
void worth_add_target(const struct worth *worth, struct report *report);
void worth_add_facts(const struct worth *worth, struct report *report);

void worth_begin(const struct worth *worth, struct text *text);
void worth_end(const struct worth *worth, struct text *text);

/* Adds "1 link", "2,345 links". */
void add_things(struct text *text, uint64_t count, const char *thing);

/* Adds " at 2026-11-21 20:47:15", of local time, for milliseconds since 1970. */
void add_time(struct text *text, int64_t milliseconds);
/* Adds ", 1 place that is no object's", ", 2 places that are no object's"; nothing of 0. */
void add_strays(struct text *text, uint64_t count);

#endif
