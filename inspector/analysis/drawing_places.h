// SPDX-License-Identifier: MIT
/*
 * drawing_places - where in the collector's lists a graph's nodes stand: found by one walk over all
 * of them, 4 bytes a node. Part of drawing.h.
 */
#ifndef PYINSPECT_DRAWING_PLACES_H
#define PYINSPECT_DRAWING_PLACES_H

#include "inspector/analysis/graph.h"

#include <stddef.h>

#define PLACE_NONE UINT32_MAX /* a position behind all others */
enum { GENERATION_NONE = -1 };

struct place {
    uint32_t position; /* PLACE_NONE: on no list */
    int generation;    /* enum generation; GENERATION_NONE: likewise */
};

/* From a position on all are of one generation, up to the next stretch. */
struct places_stretch {
    uint32_t first;
    int generation;
};

/* Zero-initialised is empty and ready. */
struct places {
    uint32_t *positions; /* of each node; NULL: not walked yet */
    struct places_stretch *stretches;
    size_t stretch_count, stretch_capacity;
};

/* Finds where all stand, the first time that it is called. Fails as heap_walk. */
MUST_CHECK bool places_find(struct places *places, const struct graph *graph,
                            const struct reader *reader, struct error *err);

/* Before places_find: on no list. */
struct place places_of(const struct places *places, uint32_t node);

void places_free(struct places *places);

#endif
