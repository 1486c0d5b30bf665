// SPDX-License-Identifier: MIT
/*
 * refs_diagram - what `pyinspect refs` and `backrefs` have found, as a diagram and in words.
 */
#ifndef PYINSPECT_REFS_DIAGRAM_H
#define PYINSPECT_REFS_DIAGRAM_H

#include "inspector/analysis/drawing.h"
#include "inspector/analysis/lookup.h"
#include "inspector/command/session.h"
#include "inspector/report/diagram.h"
#include "symbols/base/text.h"

struct refs_answer {
    const struct graph_report *graph;
    struct drawing drawing;
    uint64_t *roots; /* objects that were asked for */
    size_t root_count;
    struct finding *strays; /* addresses at which no object of the graph begins */
    bool *is_drawn;         /* of each: the object that it lies within is a root */
    size_t stray_count;
    size_t asked_count; /* of all addresses */
};

/* With room for so many addresses. To be freed after failure too. */
MUST_CHECK bool refs_answer_init(struct refs_answer *answer, size_t addresses, struct error *err);
void refs_answer_free(struct refs_answer *answer);

/* How many addresses lead to no object of the graph. */
size_t refs_count_strays(const struct refs_answer *answer);

/* Adds what is at the stray address of that number: within which object it lies, or what else is
 * there. */
void refs_explain(const struct refs_answer *answer, size_t number, struct session *session,
                  struct text *text);

/* Adds the drawing, and facts about it and the graph. */
void refs_fill_diagram(const struct refs_answer *answer, const struct drawing_options *options,
                       struct diagram *diagram);

/* Adds "24 objects, 31 references, 2 of them approximate". */
void refs_count(const struct refs_answer *answer, struct text *text);

#endif
