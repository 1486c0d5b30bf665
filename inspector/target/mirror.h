// SPDX-License-Identifier: MIT
/*
 * mirror - an image of a process's memory that can fetch what it is asked for, page by page.
 *
 * While it fetches, each page that is shown to the question is noted, so that we see what the
 * question needs. Every 256 KiB of memory (a chunk) that was looked at is listed.
 *
 * A mirror that has grown beyond max_memory asks to be trimmed at the question's next rest
 * (image_rest): all copies are thrown away, and fetched again when they are asked for. From then on
 * it is in pieces, and of use only while the process stands still.
 */
#ifndef PYINSPECT_MIRROR_H
#define PYINSPECT_MIRROR_H

#include "inspector/target/copy.h"

struct mirror {
    const struct process *process;
    bool read_swapped;
    uint64_t max_memory; /* bytes of the copies */
    struct rooms *rooms; /* for them; NULL: each has its own */

    struct image image;      /* a range's `source` is its region */
    struct region **regions; /* in no order */
    size_t count, capacity;
    struct copy_list chunks; /* all that were looked at, in that order; the masks say nothing */
    const struct stop *stop; /* fetch no more once that is over; NULL: nothing is stopped */

    uint64_t bytes; /* of the copies */
    bool in_pieces;
    double give_up;         /* clock_milliseconds() when no more is fetched in pieces; 0: never */
    bool short_of_memory;   /* ours: there was no room for a copy */
    uint64_t swapped_pages; /* were asked for, and lie in swap */
    uint64_t filed_budget;  /* pages that may still be read from files */
};

void mirror_init(struct mirror *mirror, const struct process *process, bool read_swapped,
                 uint64_t max_memory, struct rooms *rooms);

/* Forgets all. */
void mirror_clear(struct mirror *mirror);

/* Adds a mapping, of which nothing is read yet; its path must live as long as it is there. */
MUST_CHECK bool mirror_add(struct mirror *mirror, const struct mapping *mapping, struct error *err);

/* Makes room for the copy of a range, if there is none yet; false: short_of_memory. */
bool mirror_open_range(struct mirror *mirror, struct image_range *range);

/* Lists a chunk of a region that has room; harmless when it is listed. */
bool mirror_list(struct mirror *mirror, struct region *region, uint64_t chunk);

/* From here on the image fetches what it is asked for and does not have. */
void mirror_fetch(struct mirror *mirror);

/* From here on the image has what it has. */
void mirror_keep(struct mirror *mirror);

/* What the process had of a chunk is looked at again before more of it is fetched. */
void mirror_look_again(struct mirror *mirror);

/* Notes in the regions' `planned` what was shown to the question so far. */
void mirror_note_needs(struct mirror *mirror);

/* Throws all copies away, but not what is known to be needed. */
void mirror_trim(struct mirror *mirror);

#endif
