// SPDX-License-Identifier: MIT
/*
 * layout_dwarf - fills a layout from the DWARF of the very binary that is inspected.
 */
#ifndef PYINSPECT_LAYOUT_DWARF_H
#define PYINSPECT_LAYOUT_DWARF_H

#include "symbols/layout.h"

#include <elfutils/libdw.h>

/* Sets each slot that `dwarf` describes and marks the others absent; layout_check says whether that
 * is enough. Fails only for want of memory. */
MUST_CHECK bool layout_from_dwarf(struct layout *ret, Dwarf *dwarf, struct error *err);

#endif
