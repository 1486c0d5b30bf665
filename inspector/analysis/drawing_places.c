// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing_places.h"

#include "inspector/python/heap.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

struct walking {
    struct places *places;
    const struct graph *graph;
    uint32_t met;
    bool failed; /* no memory */
};

static bool begin_stretch(struct walking *walking, int generation)
{
    struct places *places = walking->places;
    struct places_stretch *grown = vector_grow(places->stretches, &places->stretch_capacity,
                                               places->stretch_count + 1, sizeof(*grown));

    if (!grown)
        return false;
    places->stretches = grown;
    grown[places->stretch_count++] = (struct places_stretch){walking->met, generation};
    return true;
}

/* The first time counts: lists that are damaged may have an object twice. */
static void meet(void *context, const struct object *object)
{
    struct walking *walking = context;
    struct places *places = walking->places;
    uint32_t node = graph_find(walking->graph, object->address);
    int generation = object->generation;

    if (node == GRAPH_NONE || places->positions[node] != PLACE_NONE || walking->failed)
        return;
    if ((!walking->met || places->stretches[places->stretch_count - 1].generation != generation) &&
        !begin_stretch(walking, generation)) {
        walking->failed = true;
        return;
    }
    places->positions[node] = walking->met++;
}

bool places_find(struct places *places, const struct graph *graph, const struct reader *reader,
                 struct error *err)
{
    struct walking walking = {.places = places, .graph = graph};
    size_t size = ((size_t)graph_nodes(graph) + 1) * sizeof(*places->positions);
    struct heap_verdict ignored;

    if (places->positions)
        return true;
    places->positions = malloc(size);
    if (!places->positions)
        return error_memory(err);
    memset(places->positions, 0xff, size);
    if (!heap_walk(reader->python, reader->image, reader->types, meet, &walking, &ignored, err))
        return false;
    return !walking.failed || error_memory(err);
}

static int generation_at(const struct places *places, uint32_t position)
{
    size_t low = 0, high = places->stretch_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (places->stretches[middle].first <= position)
            low = middle;
        else
            high = middle;
    }
    return places->stretches[low].generation;
}

struct place places_of(const struct places *places, uint32_t node)
{
    uint32_t position = places->positions ? places->positions[node] : PLACE_NONE;

    if (position == PLACE_NONE)
        return (struct place){.position = PLACE_NONE, .generation = GENERATION_NONE};
    return (struct place){.position = position, .generation = generation_at(places, position)};
}

void places_free(struct places *places)
{
    free(places->positions);
    free(places->stretches);
    *places = (struct places){0};
}
