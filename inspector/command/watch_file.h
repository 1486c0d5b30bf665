// SPDX-License-Identifier: MIT
/*
 * watch_file - the history that a watch adds its censuses to (--save), and what becomes of it
 * meanwhile.
 *
 * It is opened for each: between two samples others may read the file, delete it or put another in
 * its place. A census goes into whatever has the name then, and what has none is made anew. Both
 * are told, or somebody would look for a week's censuses in a file of an hour.
 */
#ifndef PYINSPECT_WATCH_FILE_H
#define PYINSPECT_WATCH_FILE_H

#include "inspector/store/census_file.h"
#include "symbols/base/text.h"

struct watch_file {
    const char *path;    /* NULL: nothing is saved */
    uint64_t most_bytes; /* then the oldest addresses are dropped */

    bool was_made;             /* there was none of the name */
    struct census_file_id id;  /* the one that was written last, */
    size_t count;              /* with so many censuses in it */
    bool is_known_to_overflow; /* that counts alone break the bound was told */
};

/* Before the first sample, for which a process is stopped: can it be written? Made if there is
 * none. Fails as census_file_open_to_add. */
MUST_CHECK bool watch_file_open(struct watch_file *file, struct error *err);

/* Takes it away again if watch_file_open made it, and nothing is in it. */
void watch_file_discard(const struct watch_file *file);

/* Does nothing where nothing is saved. `events` gets a line for what is to be told (watch_event).
 * Fails as census_file_open_to_add and census_file_add. */
MUST_CHECK bool watch_file_add(struct watch_file *file, const struct snapshot *snapshot,
                               struct text *events, struct error *err);

#endif
