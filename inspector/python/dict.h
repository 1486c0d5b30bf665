// SPDX-License-Identifier: MIT
/*
 * dict - the entries of a dict of the target, whatever its shape.
 *
 *     combined     a table of entries that hold key and value
 *     split        a table of keys that the instances of a class share, and values of its own: an
 *                  array (up to 3.10), with the order of their insertion in front of it (3.11,
 *                  3.12), or behind it (3.13 and later, where it may lie in the instance)
 *
 * Objects/dictobject.c, PyDict_Next(). Entries come in Python's order, deleted ones are left out.
 */
#ifndef PYINSPECT_DICT_H
#define PYINSPECT_DICT_H

#include "inspector/python/reader.h"

/* A table of keys: where its entries begin, how many there are, and what one looks like. */
struct dict_entries {
    uint64_t address;
    uint64_t count;            /* dk_nentries, unchecked: deleted ones, without a key, included */
    uint64_t usable;           /* dk_usable, unchecked: how many may be added */
    uint64_t room;             /* entries that the table was allocated for */
    uint64_t extent;           /* bytes of the table, its header and indices included */
    uint64_t slots;            /* of the hash table, a power of two: indices of entries */
    uint64_t indices;          /* the first of them */
    uint32_t index_width;      /* bytes of one: 1, 2, 4 or 8 */
    uint32_t size, key, value; /* of an entry, and the offsets in it */
    bool general;              /* the keys may be other than str */
};

/* False where the header of the table at `keys` cannot be read, or cannot be so. */
bool dict_entries_of(const struct python *python, struct image *image, uint64_t keys,
                     struct dict_entries *ret);

/* A walk over the entries, to be begun by dict_open or dict_open_values. It holds no pointers into
 * the image. */
struct dict_walk {
    const struct reader *reader;
    struct dict_entries entries;
    uint64_t values; /* the first value; 0: values are in the entries */
    uint64_t order;  /* of insertion: the first of bytes that are numbers of entries; 0: as they are
                      */
    int order_step;  /* from one of those bytes to the next: 1 or -1 */
    uint64_t next, end;
    uint64_t number; /* of the next entry that is found */
};

struct dict_entry {
    uint64_t key, value; /* not 0 */
    uint64_t number;     /* from 0, in Python's order */
};

/*
 * Begins a walk over the dict at `dict`, an instance of dict or frozendict or of a subclass. False
 * where it cannot be read, or cannot be so.
 *
 *     struct dict_walk walk;
 *     struct dict_entry entry;
 *
 *     if (dict_open(reader, dict, &walk)) {
 *         while (dict_next(&walk, &entry))
 *             ...
 *     }
 */
bool dict_open(const struct reader *reader, uint64_t dict, struct dict_walk *ret);

/*
 * The same over the values that an instance has without a dict: `keys` is its type's
 * ht_cached_keys, `values` what ma_values of its dict would be, the structure PyDictValues (3.13
 * and later: it lies in the instance; whether it is `valid` was looked at before).
 */
bool dict_open_values(const struct reader *reader, uint64_t keys, uint64_t values,
                      struct dict_walk *ret);

/* False: there are no more. */
bool dict_next(struct dict_walk *walk, struct dict_entry *ret);

/* Entry `index` of the table, below its count; false: it was deleted, or cannot be read. Its number
 * is not set. */
bool dict_entry_at(const struct dict_walk *walk, uint64_t index, struct dict_entry *ret);

struct dict_memory_block {
    uint64_t address, size;
};

/* Of the dict at `dict`, whatever it shares. */
struct dict_memory {
    struct dict_memory_block keys; /* the table of keys */
    bool keys_shared;       /* with other dicts, or with all empty ones: not this dict's own */
    uint64_t values_extent; /* of the values of a split dict, as __sizeof__ counts them */
    uint64_t sizeof_extra;  /* what __sizeof__ adds to the size of the object */
};

/* False where it cannot be read, or cannot be so. The values of a split dict are not looked at: a
 * census would have to copy them. */
bool dict_memory_of(const struct reader *reader, uint64_t dict, struct dict_memory *ret);

/* The memory of the values of a split dict, with what is in front of the first of them. False: it
 * has none of its own, or it cannot be read. */
bool dict_values_memory_of(const struct reader *reader, uint64_t dict,
                           const struct dict_memory *memory, struct dict_memory_block *ret);

/*
 * Does dict_traverse visit the keys too? Those of a table that has ever seen another key than a
 * str; a table of str alone can be part of no cycle. `type` is the dict's, `walk` one over it.
 */
bool dict_visits_keys(const struct reader *reader, const struct type *type, uint64_t dict,
                      const struct dict_walk *walk);

/*
 * Is the dict at `dict` the __dict__ of an instance, with its values in there, of a build whose
 * dict_traverse leaves such values to the instance? 3.13.0 did; gh-130327 is in later patch
 * releases of 3.13 and 3.14, and backported by distributions: that is read off the code of
 * dict_traverse.
 */
bool dict_hides_embedded_values(const struct reader *reader, uint64_t dict);

/*
 * Finds the value under the str key `ascii` in the dict at `address`. Entries are compared one by
 * one, since the target's hashes are salted; keys that are no str are passed over, and so are
 * entries after the 4096th. False where it is not there, or cannot be read.
 */
bool dict_find(const struct python *python, struct image *image, uint64_t address,
               const char *ascii, uint64_t *ret_value);

#endif
