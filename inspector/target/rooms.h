// SPDX-License-Identifier: MIT
/*
 * rooms - memory for the copies of one capture after the other.
 *
 * Whoever looks at a process again and again would fault in as many pages each time, which takes as
 * long as copying into them. What is lent here keeps its pages, and whatever was in them: a region
 * is to be read only where its bits say that something was copied. Of one capture at a time; the
 * next one gets the same memory from its beginning.
 *
 * ROOMS_BYTES is all there is, however large the process: a copy that does not fit takes memory
 * of its own, which goes with it. So what is kept between two captures is bounded by that.
 */
#ifndef PYINSPECT_ROOMS_H
#define PYINSPECT_ROOMS_H

#include "symbols/base/error.h"

#include <stdint.h>

enum { ROOMS_BYTES = 64 << 20 };

/* Zero-initialised: nothing is kept. */
struct rooms {
    uint8_t *bytes;
    uint64_t used;
    unsigned lent; /* rooms that are not back yet */
};

/* Where there is no address space for it, it stays as it was: then nothing is kept. */
void rooms_open(struct rooms *rooms);
void rooms_close(struct rooms *rooms); /* when all are back */

/* `size` bytes, whole pages; NULL: it has not so much left. */
uint8_t *rooms_lend(struct rooms *rooms, uint64_t size);

/* One is back. When all are, it begins anew. */
void rooms_take_back(struct rooms *rooms);

#endif
