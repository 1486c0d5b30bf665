// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing_places.h"

#include "inspector/python/heap.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

static struct place nowhere(uint64_t address)
{
    return (struct place){
        .address = address, .position = PLACE_NONE, .generation = GENERATION_NONE};
}

bool places_add(struct places *places, uint64_t address, struct error *err)
{
    if (address_map_find(&places->numbers, address) != UINT32_MAX)
        return true;
    struct place *grown =
        vector_grow(places->items, &places->capacity, places->count + 1, sizeof(*grown));
    if (!grown)
        return error_memory(err);
    places->items = grown;
    grown[places->count] = nowhere(address);
    if (!address_map_add(&places->numbers, address, (uint32_t)places->count, err))
        return false;
    places->count++;
    return true;
}

/* The first time counts: lists that are damaged may have an object twice. */
static void meet(void *context, const struct object *object)
{
    struct places *places = context;
    uint32_t number = address_map_find(&places->numbers, object->address);
    uint64_t position = places->walked++;

    if (number == UINT32_MAX || places->items[number].position != PLACE_NONE)
        return;
    places->items[number].position = position;
    places->items[number].generation = object->generation;
}

bool places_find(struct places *places, const struct reader *reader, struct error *err)
{
    struct heap_verdict ignored;

    places->walked = 0;
    return !places->count ||
           heap_walk(reader->python, reader->image, reader->types, meet, places, &ignored, err);
}

struct place places_of(const struct places *places, uint64_t address)
{
    uint32_t number = address_map_find(&places->numbers, address);

    return number == UINT32_MAX ? nowhere(address) : places->items[number];
}

void places_clear(struct places *places)
{
    places->count = 0;
    address_map_free(&places->numbers);
    places->numbers = (struct address_map){0};
}

void places_free(struct places *places)
{
    places_clear(places);
    free(places->items);
    *places = (struct places){0};
}
