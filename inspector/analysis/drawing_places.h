// SPDX-License-Identifier: MIT
/*
 * drawing_places - where in the collector's lists some objects stand: found by one walk over all
 * of them, so that of a large heap no more is kept than was asked about. Part of drawing.h.
 */
#ifndef PYINSPECT_DRAWING_PLACES_H
#define PYINSPECT_DRAWING_PLACES_H

#include "inspector/python/reader.h"
#include "symbols/base/address_map.h"

#include <stddef.h>

#define PLACE_NONE UINT64_MAX /* a position behind all others */
enum { GENERATION_NONE = -1 };

struct place {
    uint64_t address;
    uint64_t position; /* PLACE_NONE: on no list */
    int generation;    /* enum generation; GENERATION_NONE: likewise */
};

/* Zero-initialised is empty and ready. */
struct places {
    struct place *items;
    size_t count, capacity;
    struct address_map numbers;
    uint64_t walked;
};

/* ERROR_SYSTEM for want of memory. */
MUST_CHECK bool places_add(struct places *places, uint64_t address, struct error *err);

/* Finds all that were added, if any. Fails as heap_walk. */
MUST_CHECK bool places_find(struct places *places, const struct reader *reader, struct error *err);

/* Of an address that was not added: on no list. */
struct place places_of(const struct places *places, uint64_t address);

void places_clear(struct places *places);
void places_free(struct places *places);

#endif
