// SPDX-License-Identifier: MIT
#include "inspector/analysis/instances.h"

#include "inspector/python/names.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BASES = 4096 };

static struct instance_count *count_of(struct instances *instances, uint32_t type)
{
    size_t before = instances->capacity;

    if (type < before)
        return &instances->counts[type];
    struct instance_count *grown =
        vector_grow(instances->counts, &instances->capacity, (size_t)type + 1, sizeof(*grown));
    if (!grown) {
        instances->failed = true;
        return NULL;
    }
    memset(grown + before, 0, (instances->capacity - before) * sizeof(*grown));
    instances->counts = grown;
    return &grown[type];
}

void instances_add(struct instances *instances, uint32_t type)
{
    struct instance_count *count = count_of(instances, type);

    if (count)
        count->own++;
}

static bool tell_bases(struct instances *instances, const struct reader *reader, uint64_t type,
                       uint64_t objects, struct error *err)
{
    uint64_t mro = read_pointer(reader, type, type_tp_mro), bases = tuple_count(reader, mro);
    uint32_t number;

    for (uint64_t i = 0; i < bases && i < MOST_BASES; i++) {
        uint64_t base = tuple_item(reader, mro, i);
        if (!base || base == type)
            continue;
        if (!types_number(reader->types, reader->image, base, &number, err))
            return false;
        struct instance_count *count = count_of(instances, number);
        if (count)
            count->inherited += objects;
    }
    return true;
}

bool instances_inherit(struct instances *instances, const struct reader *reader, struct error *err)
{
    size_t types = instances->capacity;

    for (size_t i = 0; i < types && i < reader->types->count; i++) {
        if (instances->counts[i].own &&
            !tell_bases(instances, reader, reader->types->items[i]->address,
                        instances->counts[i].own, err))
            return false;
    }
    return !instances->failed || error_memory(err);
}

struct instance_count instances_of(const struct instances *instances, const struct reader *reader,
                                   uint64_t address)
{
    uint32_t number = address_map_find(&reader->types->numbers, address);

    return number < instances->capacity ? instances->counts[number] : (struct instance_count){0};
}

void instances_free(struct instances *instances)
{
    free(instances->counts);
    *instances = (struct instances){0};
}
