// SPDX-License-Identifier: MIT
/*
 * links - what one object refers to, each reference with its name: where a graph has numbers, this
 * has words.
 *
 *     .attr            an attribute of an instance, a slot, or a field as Python calls it
 *     .__dict__        the dict of an instance; .__class__ its type
 *     ['key'] [3]      the value of a mapping's entry (the key as repr has it); an item
 *     key 'key'        the key of an entry
 *     {…}              an element of a set
 *     local name       a local variable of a frame, or of what has one
 *     cell name        the cell of one; .cell_contents what is in it
 *     stack[3]         what is on the evaluation stack of a frame, counted from the bottom
 *     ?                a word that looks like a reference
 *     via tp_traverse  only the type's own code knew of it
 *
 * Names come from the kinds; the references themselves from the graph where there is one: those
 * that a traversal told are matched with those that the kind knows, in order. One that stays
 * without a partner is unnamed.
 */
#ifndef PYINSPECT_LINKS_H
#define PYINSPECT_LINKS_H

#include "inspector/python/reader.h"
#include "inspector/python/reference.h"
#include "symbols/base/text.h"

struct link {
    struct reference reference; /* `to`, is_owned, is_guess, and where it lies */
    bool is_unnamed;            /* no kind knows of it */
    bool is_element;            /* LABEL_KEY: of a set, not of a mapping */
};

struct links {
    struct link *items;
    size_t count, capacity;
    bool failed; /* no memory */
};

/*
 * Fills `links` (emptied first) with what the object refers to: `visited`, `visited_count`
 * addresses in their order as a traversal told them, then the owned ones; with NULL what the kinds
 * know.
 */
void links_of(const struct reader *reader, const struct type *type, uint64_t address,
              const uint64_t *visited, size_t visited_count, struct links *links);
void links_free(struct links *links);

/*
 * Names some of an object's references: of each link `to` and is_owned are given, of those with
 * equal ones the first come first. `traversed`: those that are not owned were told by a traversal,
 * and are no guesses, whatever they look like. No more of the object is read than is needed. False:
 * no memory.
 */
MUST_CHECK bool links_name(const struct reader *reader, const struct type *type, uint64_t address,
                           bool traversed, struct link *links, size_t count);

/*
 * Adds the name of a link as Python would write it after the object's own name: ".orders",
 * "['k17']", "[3]". UTF-8 of the target's, to be escaped; a key in at most `most` characters. With
 * 0 nothing that the target has stored: of keys the type, of attributes and variables "…".
 */
void link_name(const struct reader *reader, const struct link *link, uint64_t most,
               struct text *text);

/* The first of `from`'s references to `to`, visited ones preferred; false: there is none. */
bool link_between(const struct reader *reader, uint64_t from, uint64_t to, struct link *ret);

#endif
