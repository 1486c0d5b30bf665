// SPDX-License-Identifier: MIT
/*
 * dict - looks a string up in a dict of the target.
 */
#ifndef PYINSPECT_DICT_H
#define PYINSPECT_DICT_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"

/* Where the entries of a table of keys begin, how many there are, and what one looks like. */
struct dict_entries {
    uint64_t address;
    uint64_t count;            /* dk_nentries, unchecked: deleted ones, without a key, included */
    uint32_t size, key, value; /* of an entry, and the offsets in it */
    bool general;              /* the keys may be other than str */
};

/* Finds the entries of a combined table; false where its header cannot be read, or cannot be so. */
bool dict_entries_of(const struct python *python, struct image *image, uint64_t keys,
                     struct dict_entries *ret);

/*
 * Finds the value under the str key `ascii` in the dict at `address` (a combined table, as the
 * dictionaries of types are). Entries are compared one by one in order of insertion, since the
 * target's hashes are salted; keys that are no str are passed over,
 * and so are entries after the 4096th. False where it is not there, or
 * cannot be read.
 */
bool dict_find(const struct python *python, struct image *image, uint64_t address,
               const char *ascii, uint64_t *ret_value);

#endif
