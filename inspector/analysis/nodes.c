// SPDX-License-Identifier: MIT
#include "inspector/analysis/nodes.h"

#include "symbols/base/vector.h"

#include <stdlib.h>

static bool number(void *context, uint64_t address)
{
    struct nodes *nodes = context;

    nodes->addresses[nodes->count++] = address;
    return true;
}

static bool make_table(struct nodes *nodes, struct error *err)
{
    size_t count = (size_t)nodes->ranks[0].count + nodes->ranks[1].count;

    if (count >= NODES_NONE)
        return error_set(err, ERROR_LIMIT, "there are more than %u objects", (unsigned)NODES_NONE);
    nodes->certain = nodes->ranks[0].count;
    nodes->found = (uint32_t)count;
    nodes->address_capacity = nodes->flag_capacity = count + 1;
    nodes->addresses = reallocarray(NULL, count + 1, sizeof(*nodes->addresses));
    nodes->flags = calloc(count + 1, sizeof(*nodes->flags));
    if (!nodes->addresses || !nodes->flags)
        return error_memory(err);
    return marks_each(&nodes->sets.certain, number, nodes) &&
           marks_each(&nodes->sets.guessed, number, nodes);
}

bool nodes_make(struct nodes *ret, struct reach_found *found, uint8_t tracked, struct error *err)
{
    *ret = (struct nodes){.count = 0};
    marks_move(&ret->sets.certain, &found->certain);
    marks_move(&ret->sets.guessed, &found->guessed);
    bool done = ranks_make(&ret->ranks[0], &ret->sets.certain, NODES_NONE, err) &&
                ranks_make(&ret->ranks[1], &ret->sets.guessed, NODES_NONE, err) &&
                make_table(ret, err);

    for (uint32_t i = 0; done && i < ret->certain; i++)
        ret->flags[i] = marks_has(&found->tracked, ret->addresses[i]) ? tracked : 0;
    reach_found_free(found);
    return done;
}

void nodes_free(struct nodes *nodes)
{
    free(nodes->addresses);
    free(nodes->flags);
    ranks_free(&nodes->ranks[0]);
    ranks_free(&nodes->ranks[1]);
    reach_found_free(&nodes->sets);
    address_map_free(&nodes->added);
    *nodes = (struct nodes){.count = 0};
}

uint32_t nodes_find(const struct nodes *nodes, uint64_t address)
{
    uint32_t number = ranks_find(&nodes->ranks[0], address);

    if (number != RANKS_NONE)
        return number;
    if (nodes->found > nodes->certain &&
        (number = ranks_find(&nodes->ranks[1], address)) != RANKS_NONE)
        return nodes->certain + number;
    number = address_map_find(&nodes->added, address);
    return number == UINT32_MAX ? NODES_NONE : number;
}

bool nodes_add(struct nodes *nodes, uint64_t address, uint32_t *ret, struct error *err)
{
    size_t wanted = (size_t)nodes->count + 1;

    if (wanted >= NODES_NONE)
        return error_set(err, ERROR_LIMIT, "there are more than %u objects", (unsigned)NODES_NONE);
    uint64_t *addresses =
        vector_grow(nodes->addresses, &nodes->address_capacity, wanted, sizeof(*addresses));
    if (!addresses)
        return error_memory(err);
    nodes->addresses = addresses;
    uint8_t *flags = vector_grow(nodes->flags, &nodes->flag_capacity, wanted, sizeof(*flags));
    if (!flags)
        return error_memory(err);
    nodes->flags = flags;
    if (!address_map_add(&nodes->added, address, nodes->count, err))
        return false;
    addresses[nodes->count] = address;
    flags[nodes->count] = 0;
    *ret = nodes->count++;
    return true;
}
