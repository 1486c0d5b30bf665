// SPDX-License-Identifier: MIT
#include "symbols/base/address_map.h"

#include <stdlib.h>
#include <sys/random.h>

static void place(struct address_map *map, uint64_t address, uint32_t number)
{
    size_t i = address_hash(map, address);

    while (map->slots[i].address)
        i = (i + 1) & map->mask;
    map->slots[i] = (struct address_slot){.address = address, .number = number};
}

static bool enlarge(struct address_map *map, struct error *err)
{
    size_t slots = map->slots ? (map->mask + 1) * 2 : 64;
    struct address_map larger = {.mask = slots - 1,
                                 .count = map->count,
                                 .multiplier = map->multiplier,
                                 .shift = 64 - (unsigned)__builtin_ctzll(slots)};

    if (!larger.multiplier && getrandom(&larger.multiplier, sizeof(larger.multiplier), 0) < 0)
        larger.multiplier = UINT64_C(0x9e3779b97f4a7c15);
    larger.multiplier |= 1;

    larger.slots = calloc(slots, sizeof(*larger.slots));
    if (!larger.slots)
        return error_memory(err);
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].address)
            place(&larger, map->slots[i].address, map->slots[i].number);
    }
    free(map->slots);
    *map = larger;
    return true;
}

bool address_map_add(struct address_map *map, uint64_t address, uint32_t number, struct error *err)
{
    if ((!map->slots || map->count >= (map->mask + 1) / 3 * 2) && !enlarge(map, err))
        return false;
    place(map, address, number);
    map->count++;
    return true;
}

void address_map_free(struct address_map *map)
{
    free(map->slots);
    *map = (struct address_map){0};
}
