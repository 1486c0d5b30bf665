// SPDX-License-Identifier: MIT
/*
 * foremost - the few types that are worth watching one by one, sample after sample.
 *
 * Those with the most objects, those with the most bytes and those that grew most since the first
 * sample are taken in turn: the greatest of each, then the second, and so on. A type that only
 * jitters about the last place must not come and go, so there is some play: one that was chosen
 * stays until it is no longer among the first 2 * `most`, and one that was not gets in where a
 * place is free, or, if it is among the first half of `most`, in place of whichever came last.
 */
#ifndef PYINSPECT_FOREMOST_H
#define PYINSPECT_FOREMOST_H

#include "inspector/analysis/growth.h"

struct foremost;

/* Chooses `most` at a time, at least 1. NULL: no memory. */
struct foremost *foremost_new(size_t most);
void foremost_free(struct foremost *foremost);

/*
 * Sets *ret to the numbers of the chosen rows, the foremost first; they are good until the next
 * call. No two rows may have the same type. Remembers them by name; the rows may go.
 */
MUST_CHECK bool foremost_choose(struct foremost *foremost, const struct growth_row *rows,
                                size_t count, const size_t **ret, size_t *ret_count,
                                struct error *err);

#endif
