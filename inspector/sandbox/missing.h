// SPDX-License-Identifier: MIT
/*
 * missing - memory that a traversal asked for and the child did not have.
 */
#ifndef PYINSPECT_MISSING_H
#define PYINSPECT_MISSING_H

#include "inspector/target/image.h"

struct missing {
    uint64_t fetched; /* pages, since missing_begin */
    uint64_t last;    /* address that was asked for */
};

void missing_begin(struct missing *missing);

/*
 * Asks the image for the page at `address` and for some around it; the more, the more often an
 * object was `tried`. True: the page is there, which the running child does not know yet. A page
 * that is not to be had counts as missed (image->missed) if the target may have it.
 */
bool missing_fetch(struct missing *missing, struct image *image, uint64_t address, unsigned tried);

/* Asks the image for memory that may be needed: what is not to be had does not count as missed. */
void missing_touch(struct image *image, uint64_t address, uint64_t size);

/*
 * Asks for what the first words of an object point to: where its traversal will look. False: of
 * what was asked for nothing was to be had.
 */
bool missing_prefetch(struct image *image, uint64_t object);

/* May the target write there? */
bool missing_is_writable(const struct image *image, uint64_t address);

#endif
