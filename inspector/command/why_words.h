// SPDX-License-Identifier: MIT
/*
 * why_words - a chain of references as a line for a person.
 *
 *     module app.__dict__['CACHE']['k17'][3] → app.models.Order 0x7f3a5c0d1e80
 *     thread 4711 context[ContextVar 'request'] → app.Request 0x7f...
 *     thread 4711 handle() app.py:88 local req.user['orders'][0] → app.models.Order 0x7f...
 */
#ifndef PYINSPECT_WHY_WORDS_H
#define PYINSPECT_WHY_WORDS_H

#include "inspector/analysis/chains.h"

enum { WHY_SHOWN_STEPS = 20 /* at each end of a long chain */ };

struct why_style {
    const char *arrow;    /* "→" or "->" */
    uint64_t repr_length; /* of keys, in characters; 0: nothing that the target has stored */
    bool steps;           /* the objects on the way are told too */
};

/* Adds the chain, harmless and without a line end. */
void why_add_chain(const struct reader *reader, const struct graph *graph,
                   const struct chain *chain, const struct why_style *style, struct text *text);

/* Adds where it begins: "thread 4711 handle() app.py:88 local req"; not harmless yet. */
void why_add_root(const struct reader *reader, const struct root *root,
                  const struct why_style *style, struct text *text);

/* Adds the line (or none) that tells of references which nobody has. */
void why_add_outside(const struct balance *balance, struct text *text);

/* The parts, as they come from the target: "app", "handle", "/app/app.py", "req". Nothing is added
 * where there is none. */
void why_add_name(const struct reader *reader, const struct root *root, struct text *text);
void why_add_function(const struct reader *reader, const struct root *root, struct text *text);
void why_add_file(const struct reader *reader, const struct root *root, struct text *text);

#endif
