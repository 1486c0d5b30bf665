// SPDX-License-Identifier: MIT
/*
 * layout_cache - layouts that were found in debug information, kept so that the next attach to the
 * same file need not read it again: $XDG_CACHE_HOME/pyinspect/layouts (else ~/.cache/...), a file a
 * build.
 *
 * An entry is named by the build-id, and holds for exactly the file that it was made of: the same
 * device, inode, size and time of change. So a file that merely claims the build-id of another can
 * put nothing into the mouth of that one. It holds for exactly the list of fields of this
 * pyinspect, too, and has a checksum. The directory is used only if it is ours and nobody else may
 * write to it (not that of the user who called sudo). The oldest of more than 256 entries make
 * room. Whatever goes wrong with the cache, there is just nothing in it.
 */
#ifndef PYINSPECT_LAYOUT_CACHE_H
#define PYINSPECT_LAYOUT_CACHE_H

#include "symbols/layout_search.h"

/* An entry holds what the debug information said, without what was filled in from elsewhere. Looks
 * up the file behind `fd`. What comes back has passed layout_check. */
bool layout_cache_load(struct layout_candidate *ret, int fd, const struct build_id *build_id);

void layout_cache_store(const struct layout_candidate *candidate, int fd,
                        const struct python_file *python);

#endif
