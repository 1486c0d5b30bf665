// SPDX-License-Identifier: MIT
/*
 * reach - visits every object that can be reached, each once: what the collector tracks, and what
 * hangs on it without being tracked.
 *
 * First come the tracked objects, in the order of the collector's lists; then what gc.get_referents
 * would find from them, step by step; then what is only owned: the str keys of dicts, names, the
 * constants of code, what the interpreters' tables and the frames hold (roots.h), and all that
 * hangs on those. Last comes what only looks like a reference, in objects of types that no kind
 * knows: of that nothing is damage, and what cannot be an object is passed over.
 *
 * What a reference leads to is looked at before it is believed: a place for an object, whose type
 * is a type. A reference to anything else is damage, which the verdict counts. However hostile the
 * target, no address is visited twice, and no more references are followed than its memory has room
 * for.
 */
#ifndef PYINSPECT_REACH_H
#define PYINSPECT_REACH_H

#include "inspector/analysis/marks.h"
#include "inspector/python/heap.h"
#include "inspector/python/reader.h"
#include "symbols/base/progress.h"

enum reached {
    REACHED_TRACKED,  /* on a list of the collector */
    REACHED_REFERENT, /* by references that the collector visits */
    REACHED_OWNED,    /* only by others, or from the roots */
    REACHED_WAYS
};

struct reached_object {
    struct object object; /* its generation means nothing where it was not REACHED_TRACKED */
    enum reached reached;
};

typedef void reach_visit(void *context, const struct reached_object *object);

/* What it was worth: the verdict of heap_walk, to which references add their part. */
struct reach_verdict {
    struct heap_verdict heap;
    uint64_t objects[REACHED_WAYS];
};

/*
 * Walks all. As heap_walk; the image is given a rest now and then, so the visitor may keep no
 * pointer of image_at.
 */
MUST_CHECK bool reach_walk(const struct python *python, struct image *image, struct types *types,
                           reach_visit *visit, void *context, struct reach_verdict *ret,
                           struct error *err);

/* All that reach_walk visits, as sets. Freed by reach_found_free, after failure too. */
struct reach_found {
    struct marks certain; /* all but those that guesses alone lead to */
    struct marks guessed; /* ... which are here */
    struct marks tracked; /* REACHED_TRACKED; they are certain */
};

/* How many references there can be in the memory that the image holds by now, places that are empty
 * counted too: more is not believed. */
uint64_t reach_most_references(const struct image *image);

/* Walks all, as reach_walk, and puts together what there is. `progress` is told of the objects. */
MUST_CHECK bool reach_find(const struct reader *reader, struct progress *progress,
                           struct reach_found *ret, struct reach_verdict *verdict,
                           struct error *err);
void reach_found_free(struct reach_found *found);

/* The tracked objects alone, told in the same way. */
MUST_CHECK bool reach_walk_tracked(const struct python *python, struct image *image,
                                   struct types *types, reach_visit *visit, void *context,
                                   struct reach_verdict *ret, struct error *err);

#endif
