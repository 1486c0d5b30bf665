// SPDX-License-Identifier: MIT
/*
 * listing - objects one by one: which ones, in which order, and what is said of each.
 *
 * listing_take works out what there is, from an image, and touches in it all that the rows will
 * show. listing_tell then makes the rows from the same image, one at a time: of millions nothing is
 * kept but, where they are sorted, 24 bytes each.
 */
#ifndef PYINSPECT_LISTING_H
#define PYINSPECT_LISTING_H

#include "inspector/analysis/allocation.h"
#include "inspector/analysis/exactness.h"
#include "inspector/analysis/graph.h"
#include "inspector/analysis/reach.h"
#include "inspector/analysis/snapshot.h"
#include "inspector/python/reader.h"
#include "symbols/base/progress.h"
#include "symbols/base/text.h"

enum listing_order {
    LISTING_AS_WALKED,
    LISTING_BY_SIZE,     /* largest first; equals by address, as below */
    LISTING_BY_REFCOUNT, /* highest first */
    LISTING_BY_ADDRESS   /* lowest first */
};

enum { MOST_ATTRIBUTES = 32, MOST_NAMES = 256 };

/* Who says what an object refers to (graph.h). */
enum referents_by {
    REFERENTS_BY_TRAVERSE, /* tp_traverse of its type; or that has none, and so nothing */
    REFERENTS_BY_KIND,
    REFERENTS_BY_GUESS, /* nobody: words that look like objects are among them */
    REFERENTS_WAYS
};

/* What is told of where an object was allocated. */
enum listing_allocation { LISTING_NO_ALLOCATION, LISTING_NEWEST_FRAME, LISTING_ALL_FRAMES };

struct listing_options {
    const char *names[MOST_NAMES]; /* of types: exact, or with * ? [ ]; several with commas */
    size_t name_count;             /* 0: all types */
    const char *attributes[MOST_ATTRIBUTES]; /* whose values are told too */
    size_t attribute_count;
    bool short_names;              /* types go by __name__ alone */
    bool generations[GENERATIONS]; /* which of them are listed */
    bool all_objects;              /* and what the collector does not track (reach.h) */
    bool no_values;                /* without repr and attributes */
    uint64_t min_size;
    /* Only objects that it does not have (type and address); it has objects. NULL: all. */
    const struct snapshot *new_since;
    /* Only objects at these, which ascend; NULL: all. */
    const uint64_t *addresses;
    size_t address_count;
    uint64_t limit; /* rows; 0: all */
    uint64_t repr_length;
    enum listing_order order;
    enum listing_allocation allocation;
    struct progress *progress; /* objects met so far; NULL: nobody looks */
};

/* A row. Texts are good until the next one. */
struct listed {
    struct object object;
    enum reached reached;
    const struct type *type;
    const char *type_name; /* as the options want it */
    size_t type_length;
    bool size_is_exact; /* what sys.getsizeof says, or nobody can tell */
    /*
     * ob_refcnt as it is. sys.getrefcount(x) says the same of an immortal object (3.12 and later),
     * and one more of others, for the reference that its argument is.
     */
    uint64_t refcount;
    const struct text *repr; /* NULL: without values */
    const struct text
        *attributes; /* an array, by the number of the attribute; empty: it has none */
    /* Where it was allocated: "app.py:12" of the frames that are asked for, in Traceback's order,
     * each ended by a NUL. Empty: it is not traced; NULL: nobody asks. */
    const struct text *allocation;
    /* What gc.get_referents() says: NULL where nobody asks. */
    const uint64_t *referents;
    size_t referent_count;
    enum referents_by referents_by;
};

/* False: no more. */
typedef bool listing_row(void *context, const struct listed *row);

struct listing_tally {
    uint64_t objects; /* that were asked for */
    uint64_t bytes;
    uint64_t shown;                     /* rows told */
    uint64_t untraced;                  /* ... of which it is not known where they were allocated */
    uint64_t referents[REFERENTS_WAYS]; /* ... and by whom their referents are known */
};

struct listing_entry;
struct listing_type;

struct listing {
    struct listing_options options;
    struct types types;
    struct reader reader;
    struct listing_type *known; /* by type number */
    size_t known_count, known_capacity;

    struct listing_entry *entries; /* where rows are sorted: those that will be shown */
    size_t entry_count, entry_capacity;

    const struct graph *graph; /* of the same image, to be set before listing_take; NULL: rows are
                                * without referents */
    uint64_t *referents;
    size_t referent_capacity;
    struct text repr, attributes[MOST_ATTRIBUTES], allocation;
    struct allocations allocations; /* of the last listing_take, if they are asked for */
    uint64_t seen;
    bool failed;      /* no memory */
    bool ended;       /* `row` has had enough */
    listing_row *row; /* NULL: what the rows would show is touched */
    void *context;

    /* The answer, of listing_take: */
    struct reach_verdict verdict;
    struct listing_tally tally;
};

void listing_init(struct listing *listing, const struct python *python,
                  const struct listing_options *options);
void listing_free(struct listing *listing);

/*
 * Finds what the image holds; what an earlier call found is forgotten. Where the image will not be
 * there any more for listing_tell, `row` is told the rows at once; else it is NULL.
 */
MUST_CHECK bool listing_take(struct listing *listing, struct image *image, listing_row *row,
                             void *context, struct error *err);

/*
 * Makes the rows, from the image of the last listing_take. `tally` is renewed on the way, with what
 * was told. Fails as listing_take does; not where `row` has had enough.
 */
MUST_CHECK bool listing_tell(struct listing *listing, listing_row *row, void *context,
                             struct error *err);

/* Adds the listed objects' types to the account of which sizes are exact. */
void listing_account(const struct listing *listing, struct exactness *exactness);

#endif
