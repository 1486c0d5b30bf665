// SPDX-License-Identifier: MIT
#include "inspector/python/odict.h"

/* Of one search; and of all searches, for each slot of the table, some three of which are taken on
 * average by one that fails. */
enum { MOST_PROBES = 512, PROBES_A_SLOT = 16, PERTURB_SHIFT = 5 };

bool odict_open(const struct reader *reader, uint64_t dict, struct odict_walk *ret)
{
    struct odict_walk walk = {.dict_keys = read_pointer(reader, dict, PyDictObject_ma_keys)};

    if (!dict_open(reader, dict, &walk.dict) ||
        !read_field(reader, dict, PyODictObject_od_first, &walk.node))
        return false;
    walk.most = walk.dict.entries.count; /* a list that is longer runs in a circle */
    *ret = walk;
    return true;
}

/* The index in slot `slot` of the hash table: of an entry, or one that is too large to be. */
static uint64_t index_in(const struct odict_walk *walk, uint64_t slot)
{
    const struct dict_entries *entries = &walk->dict.entries;
    uint64_t index = UINT64_MAX;

    if (!image_word(walk->dict.reader->image, entries->indices + slot * entries->index_width,
                    entries->index_width, &index))
        return UINT64_MAX;
    return index;
}

/*
 * Objects/dictobject.c, lookdict(): i = i * 5 + perturb + 1, with the hash shifted down once more
 * before that step since 3.7, after it in 3.6. Keys are compared by address: the dict and the node
 * hold the same one. An empty slot ends the search, and looks like all ones.
 */
static bool probe(struct odict_walk *walk, uint64_t key, uint64_t hash, bool shift_first,
                  struct dict_entry *ret)
{
    const struct dict_entries *entries = &walk->dict.entries;
    uint64_t mask = entries->slots - 1, slot = hash & mask, perturb = hash;
    uint64_t empty =
        entries->index_width == 8 ? UINT64_MAX : (UINT64_C(1) << entries->index_width * 8) - 1;

    uint64_t most = entries->slots * PROBES_A_SLOT + MOST_PROBES;

    for (unsigned i = 0; i < MOST_PROBES && walk->probes < most; i++, walk->probes++) {
        uint64_t index = index_in(walk, slot);
        if (index == empty)
            return false;
        if (index < entries->count && dict_entry_at(&walk->dict, index, ret) && ret->key == key)
            return true;
        if (shift_first)
            perturb >>= PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
        if (!shift_first)
            perturb >>= PERTURB_SHIFT;
    }
    return false;
}

bool odict_next(struct odict_walk *walk, struct dict_entry *ret)
{
    const struct reader *reader = walk->dict.reader;

    while (walk->node && walk->most) {
        uint64_t key = read_pointer(reader, walk->node, odict_node_key);
        uint64_t hash = read_pointer(reader, walk->node, odict_node_hash);
        walk->node = read_pointer(reader, walk->node, odict_node_next);
        walk->most--;
        if (key && (probe(walk, key, hash, true, ret) || probe(walk, key, hash, false, ret))) {
            ret->number = walk->number++;
            return true;
        }
    }
    return false;
}
