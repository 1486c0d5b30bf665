// SPDX-License-Identifier: MIT
/*
 * why_diagram - chains of references as a picture: what objgraph.show_chain draws, and the roots
 * that are no objects.
 */
#ifndef PYINSPECT_WHY_DIAGRAM_H
#define PYINSPECT_WHY_DIAGRAM_H

#include "inspector/command/why_words.h"
#include "inspector/report/diagram.h"

/* Adds the chains; an object that several of them have is one box. What fails for want of memory is
 * remembered in the diagram. */
void why_draw(const struct reader *reader, const struct graph *graph, const struct chains *chains,
              const struct why_style *style, struct diagram *diagram);

#endif
