// SPDX-License-Identifier: MIT
/*
 * row_spool - keeps rows of a listing in a temporary file, for where the memory that they were made
 * from is gone before they can be printed.
 */
#ifndef PYINSPECT_ROW_SPOOL_H
#define PYINSPECT_ROW_SPOOL_H

#include "inspector/analysis/listing.h"

#include <stdio.h>

/* Zero-initialised is ready. */
struct row_spool {
    size_t attributes; /* of each row */
    FILE *file;
    uint64_t count; /* rows */
    bool failed;    /* a row could not be written */
};

/* Forgets the rows that there are. Those that follow have so many attributes. */
MUST_CHECK bool row_spool_begin(struct row_spool *spool, size_t attributes, struct error *err);
/* To be given to listing_take, with the spool as its context. */
listing_row row_spool_add;
/* Was every row written? */
MUST_CHECK bool row_spool_check(const struct row_spool *spool, struct error *err);
void row_spool_end(struct row_spool *spool);

/* Tells the rows. The listing that they came from must still be there, and have its types. */
MUST_CHECK bool row_spool_tell(struct row_spool *spool, listing_row *visit, void *context,
                               struct error *err);

#endif
