// SPDX-License-Identifier: MIT
/*
 * odict - the entries of an OrderedDict, which keeps its own order beside that of the dict: a
 * linked list of nodes, each with a key and its hash.
 */
#ifndef PYINSPECT_ODICT_H
#define PYINSPECT_ODICT_H

#include "inspector/python/dict.h"

struct odict_walk {
    struct dict_walk dict;
    uint64_t dict_keys; /* its table of keys */
    uint64_t node;      /* the next one */
    uint64_t number, most;
    uint64_t probes; /* of the hash table: a node's key should be found soon */
};

/* As dict_open and dict_next. A node whose key is not in the dict is left out. */
bool odict_open(const struct reader *reader, uint64_t dict, struct odict_walk *ret);
bool odict_next(struct odict_walk *walk, struct dict_entry *ret);

#endif
