// SPDX-License-Identifier: MIT
/*
 * heap - visits every object on the lists of the garbage collector, of all interpreters and all
 * generations, in an image.
 *
 * Each link is checked against its neighbour's back link. When all of them match and no collection
 * was going on, what was visited is exactly what the lists held: in a doubly linked list whose
 * links agree no object can be met twice and none be left out. Damage does not end the walk; it is
 * counted.
 */
#ifndef PYINSPECT_HEAP_H
#define PYINSPECT_HEAP_H

#include "inspector/python/python.h"
#include "inspector/python/type.h"
#include "inspector/target/image.h"

/* More interpreters than this are not believed; the verdict then has a list that was cut. */
enum { MOST_INTERPRETERS = 65536 };

struct object {
    uint64_t address;
    uint64_t size; /* bytes: tp_basicsize + tp_itemsize * items + GC header + pre-header */
    uint32_t type; /* its number in the types */
    enum generation generation;
};

/* Called for each object, in the order of the lists. */
typedef void heap_visit(void *context, const struct object *object);

/* What the walk's result is worth. */
struct heap_verdict {
    uint64_t objects[GENERATIONS];
    uint64_t links_verified;
    uint64_t links_broken;   /* a neighbour's back link did not match */
    uint64_t lists_cut;      /* lists of which the rest could not be read, or ran in a circle */
    uint64_t bad_types;      /* objects whose type is no type */
    uint64_t bad_sizes;      /* objects whose count of items cannot be so */
    uint64_t bad_references; /* that lead to no object, where they were followed (reach.h) */
    bool references_cut;     /* there were more of them than the memory has room for */
    unsigned interpreters;
    bool collecting; /* a collector was at work: objects may be on lists that nobody can find */
};

/* Was every object of every list seen, with certainty? */
bool heap_is_verified(const struct heap_verdict *verdict);

/* Was every list at least followed to its end, while no collector was at work? */
bool heap_is_whole(const struct heap_verdict *verdict);

/*
 * Walks all lists. `types` is filled as types are met. Fails with ERROR_SYSTEM for want of memory
 * and with ERROR_PYTHON where there is no list to walk (the interpreter is not initialised yet, or
 * its state cannot be read).
 */
MUST_CHECK bool heap_walk(const struct python *python, struct image *image, struct types *types,
                          heap_visit *visit, void *context, struct heap_verdict *ret,
                          struct error *err);

/*
 * Touches in the image what was added to the lists last. New objects are put at a list's end, and
 * so are those that a collection moves to an older one; from each end backwards it goes on until
 * for `enough` objects in a row nothing had to be filled in (for 256 in the lists of old ones), or
 * for a million objects.
 */
MUST_CHECK bool heap_touch_new(const struct python *python, struct image *image, unsigned enough,
                               struct error *err);

/* Called with the address of a flag. False ends it, with `err` set. */
typedef bool heap_flag(void *context, uint64_t address, struct error *err);

/*
 * Tells the addresses of the flags (32-bit words) that say that a collector is at work, one for
 * each set of lists. None where the state cannot be read.
 */
MUST_CHECK bool heap_collecting_flags(const struct python *python, struct image *image,
                                      heap_flag *each, void *context, struct error *err);

#endif
