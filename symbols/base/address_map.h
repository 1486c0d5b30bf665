// SPDX-License-Identifier: MIT
/*
 * address_map - from an address in the target to a number of ours.
 *
 * Open addressing with linear probing and a power-of-two table, at most two thirds full. Address 0
 * is never a key (no object lies there), which lets an empty slot be recognised by it.
 */
#ifndef PYINSPECT_ADDRESS_MAP_H
#define PYINSPECT_ADDRESS_MAP_H

#include "symbols/base/error.h"

#include <stdint.h>

struct address_slot {
    uint64_t address; /* 0: empty */
    uint32_t number;
};

/* Zero-initialised is empty and ready. */
struct address_map {
    struct address_slot *slots;
    size_t mask; /* slots - 1 */
    size_t count;
    uint64_t multiplier; /* odd and drawn at random, so that no target can choose its collisions */
    unsigned shift;      /* 64 - log2(slots) */
};

/* The high bits of the product: multiply-shift hashing is universal for a random multiplier. */
static inline size_t address_hash(const struct address_map *map, uint64_t address)
{
    return (size_t)(address * map->multiplier >> map->shift);
}

/* The number kept for `address`, or UINT32_MAX, as always for address 0. */
static inline uint32_t address_map_find(const struct address_map *map, uint64_t address)
{
    if (!map->slots)
        return UINT32_MAX;
    for (size_t i = address_hash(map, address);; i = (i + 1) & map->mask) {
        if (!map->slots[i].address)
            return UINT32_MAX;
        if (map->slots[i].address == address)
            return map->slots[i].number;
    }
}

/* Keeps `number` for `address`, which is not 0 and not yet in the map. */
MUST_CHECK bool address_map_add(struct address_map *map, uint64_t address, uint32_t number,
                                struct error *err);

void address_map_free(struct address_map *map);

#endif
