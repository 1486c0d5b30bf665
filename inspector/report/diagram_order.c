// SPDX-License-Identifier: MIT
#include "inspector/report/diagram_order.h"

#include "inspector/report/output.h"

#include <stdlib.h>

bool diagram_order(const struct diagram *diagram, struct diagram_order *ret, struct error *err)
{
    size_t boxes = diagram->box_count, arrows = diagram->arrow_count;

    *ret = (struct diagram_order){0};
    if (diagram->failed) {
        error_memory(err);
        return error_context(err, "cannot make the diagram");
    }
    if (!output_start(&diagram->facts, err))
        return false;
    ret->first = calloc(boxes + 2, sizeof(*ret->first));
    ret->arrows = calloc(arrows + 1, sizeof(*ret->arrows));
    if (!ret->first || !ret->arrows)
        return error_memory(err);

    /* Each box's end is counted first two places behind it, and moved as its arrows are placed. */
    size_t *end = ret->first + 1;
    for (size_t i = 0; i < arrows; i++)
        end[arrow_near(diagram, &diagram->arrows[i]) + 1]++;
    for (size_t i = 1; i <= boxes; i++)
        end[i] += end[i - 1];
    for (size_t i = 0; i < arrows; i++)
        ret->arrows[end[arrow_near(diagram, &diagram->arrows[i])]++] = i;
    return true;
}

void diagram_order_free(struct diagram_order *order)
{
    free(order->first);
    free(order->arrows);
    *order = (struct diagram_order){0};
}
