// SPDX-License-Identifier: MIT
/*
 * site - a hole in both maps, ours and the target's, and the plan by which a child moves the
 * image's memory there and then to its place (resident.h).
 */
#ifndef PYINSPECT_SITE_H
#define PYINSPECT_SITE_H

#include "inspector/sandbox/resident.h"
#include "inspector/target/image.h"

struct site {
    struct resident_plan *plan; /* a private mapping of its own */
    uint64_t size;              /* of it, in whole pages */
    uint64_t pages;             /* of the image that are there */
};

struct site_wish {
    uint64_t thread_pointer, word_at, word, type_offset, traverse_offset;
    bool writable; /* what the target may write to may be written to */
};

/* Of the image as it is now; ranges with memory must have it in whole pages of their own. Fails
 * with ERROR_SYSTEM. */
MUST_CHECK bool site_plan(struct site *ret, const struct image *image, const struct site_wish *wish,
                          struct error *err);
void site_free(struct site *site); /* harmless when it is all zero */

#endif
