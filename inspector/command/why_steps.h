// SPDX-License-Identifier: MIT
/*
 * why_steps - the objects on the way of a chain, a line an object:
 *
 *     module app  0x7f3a5c0d1000  module  app
 *     .__dict__   0x7f3a5c0d1100  dict    19 items
 *     ['CACHE']   0x7f3a5c0d1200  dict    20 items
 *
 * Of each how the one above refers to it (link_name), where it is, its type, and what is short and
 * human of it (draw_value).
 */
#ifndef PYINSPECT_WHY_STEPS_H
#define PYINSPECT_WHY_STEPS_H

#include "inspector/command/why_words.h"

/* Adds them, harmless and indented. Of a long chain the middle is left out, as in its line. */
void why_add_steps(const struct reader *reader, const struct graph *graph,
                   const struct chain *chain, const struct why_style *style, struct text *text);

#endif
