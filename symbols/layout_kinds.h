// SPDX-License-Identifier: MIT
/*
 * layout_kinds - settles what a layout says of the kinds' structures (kind_fields.def).
 *
 * Of those the running target proves nothing but the size (inspector/python/kind.h), and many are
 * an extension module's, of which the interpreter's debug information knows nothing. So, structure
 * by structure and never mixed within one:
 *   - what the debug information of this build says, or a table of it, stays;
 *   - so does what a bundled table says: if that is of another build, the size has to prove it;
 *   - what a layout file says stays where a bundled table of the same X.Y and ABI says the same of
 *     the whole structure; else the structure is dropped, and its types go by the general rule,
 *     which the answer says of them, rather than by numbers that may be wrong;
 *   - what the source lacks as a whole is taken from the nearest bundled table that has it.
 */
#ifndef PYINSPECT_LAYOUT_KINDS_H
#define PYINSPECT_LAYOUT_KINDS_H

#include "symbols/layout_bundled.h"

/* Of `layout`, which has passed layout_check and still does afterwards. `choices` are the bundled
 * tables that may describe the build, the nearest first (layout_bundled_find); `is_sure`: it is of
 * debug information, a bundled table, or of the very build. Returns how many structures were
 * dropped. */
unsigned layout_kinds_settle(struct layout *layout, bool is_sure,
                             const struct bundled_choice *choices, size_t count);

/* Adds the kinds' structures of `more` that `layout` lacks as a whole. Returns how many. */
size_t layout_kinds_add(struct layout *layout, const struct layout *more);

#endif
