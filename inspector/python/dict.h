// SPDX-License-Identifier: MIT
/*
 * dict - looks a string up in a dict of the target.
 */
#ifndef PYINSPECT_DICT_H
#define PYINSPECT_DICT_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"

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
