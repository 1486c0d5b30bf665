// SPDX-License-Identifier: MIT
/*
 * diagram_order - a diagram's arrows by the box that they were found at: where they begin, or in a
 * diagram of back references where they end. For inspector/report/ alone.
 */
#ifndef PYINSPECT_DIAGRAM_ORDER_H
#define PYINSPECT_DIAGRAM_ORDER_H

#include "inspector/report/diagram.h"

struct diagram_order {
    size_t *first;  /* box_count + 1 of them: arrows[first[i]..first[i + 1]) are box i's */
    size_t *arrows; /* their numbers, in the order in which they were added */
};

/* Fails where the diagram is not whole, and for want of memory: with ERROR_SYSTEM. To be freed
 * after failure too. */
MUST_CHECK bool diagram_order(const struct diagram *diagram, struct diagram_order *ret,
                              struct error *err);
void diagram_order_free(struct diagram_order *order);

/* The box that an arrow was found at, and the one at its other end. */
static inline size_t arrow_near(const struct diagram *diagram, const struct diagram_arrow *arrow)
{
    return diagram->backwards ? arrow->to : arrow->from;
}

static inline size_t arrow_far(const struct diagram *diagram, const struct diagram_arrow *arrow)
{
    return diagram->backwards ? arrow->from : arrow->to;
}

#endif
