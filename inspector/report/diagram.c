// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"

#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

void diagram_init(struct diagram *diagram)
{
    *diagram = (struct diagram){0};
    report_init(&diagram->facts, NULL, NULL, 0);
}

void diagram_free(struct diagram *diagram)
{
    report_free(&diagram->facts);
    free(diagram->boxes);
    free(diagram->arrows);
    arena_free(&diagram->arena);
    *diagram = (struct diagram){0};
}

/* NULL stays NULL. */
static const char *keep(struct diagram *diagram, const char *text)
{
    char *copy = text ? arena_copy(&diagram->arena, text, strlen(text)) : NULL;

    diagram->failed |= text && !copy;
    return copy;
}

size_t diagram_box(struct diagram *diagram, const struct diagram_box *box)
{
    struct diagram_box copy = *box;
    struct diagram_box *grown =
        vector_grow(diagram->boxes, &diagram->box_capacity, diagram->box_count + 1, sizeof(*grown));

    if (!grown) {
        diagram->failed = true;
        return diagram->box_count;
    }
    copy.title = keep(diagram, box->title ? box->title : "");
    copy.value = keep(diagram, box->value);
    copy.words = box->words && box->words != box->value ? keep(diagram, box->words) : copy.value;
    copy.extra = keep(diagram, box->extra);
    copy.allocated = keep(diagram, box->allocated);
    diagram->boxes = grown;
    grown[diagram->box_count] = copy;
    return diagram->box_count++;
}

void diagram_arrow(struct diagram *diagram, const struct diagram_arrow *arrow)
{
    struct diagram_arrow copy = *arrow;
    struct diagram_arrow *grown = NULL;

    if (arrow->from < diagram->box_count && arrow->to < diagram->box_count)
        grown = vector_grow(diagram->arrows, &diagram->arrow_capacity, diagram->arrow_count + 1,
                            sizeof(*grown));
    if (!grown) {
        diagram->failed = true; /* a box that is not there had no memory */
        return;
    }
    copy.label = keep(diagram, arrow->label ? arrow->label : "");
    copy.name = keep(diagram, arrow->name ? arrow->name : "");
    diagram->arrows = grown;
    grown[diagram->arrow_count++] = copy;
}
