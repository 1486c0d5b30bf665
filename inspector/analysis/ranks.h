// SPDX-License-Identifier: MIT
/*
 * ranks - numbers the members of a set of addresses (marks.h) from 0, by address, without a table
 * of them: a member's number is how many bits of the set are below its own. That is counted
 * beforehand for each word of the set, which takes a fifth of what the set takes.
 */
#ifndef PYINSPECT_RANKS_H
#define PYINSPECT_RANKS_H

#include "inspector/analysis/marks.h"

/* Of a block of marks; a line is 512 marks, eight words. */
struct ranks_block {
    uint64_t within[MARKS_WORDS / 8]; /* members of the line before its second word, its third ...:
                                         9 bits each */
    uint32_t before[MARKS_WORDS / 8]; /* members before the line, in the whole set */
};

struct ranks {
    struct marks *marks;
    struct ranks_block **blocks; /* of all ranges, one behind the other; NULL: no member there */
    size_t *first;               /* of each range: the place of its first block */
    size_t block_count;
    uint32_t count; /* members */
};

enum { RANKS_NONE = UINT32_MAX };

/* Members of `marks` may not change any more, and it must live as long. ERROR_LIMIT: it has more
 * than `most` members. To be freed after failure too. */
MUST_CHECK bool ranks_make(struct ranks *ret, struct marks *marks, uint32_t most,
                           struct error *err);
/* Zero-initialised is fine. Not the marks. */
void ranks_free(struct ranks *ranks);

/* The number of a member; RANKS_NONE: it is none. */
uint32_t ranks_find(const struct ranks *ranks, uint64_t address);

#endif
