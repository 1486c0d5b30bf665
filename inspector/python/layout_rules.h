// SPDX-License-Identifier: MIT
/*
 * layout_rules - what holds between the fields of every CPython from 3.6 to 3.15 with a GIL.
 *
 * Most fields can be held against the live target; their neighbours often cannot, since the target
 * may have nothing to show (no string beyond ASCII, one interpreter only). These rules tie each of
 * those to one that can: the characters of a non-ASCII string begin 8 bytes before the end of the
 * structure whose size the type `str` tells.
 */
#ifndef PYINSPECT_LAYOUT_RULES_H
#define PYINSPECT_LAYOUT_RULES_H

#include "symbols/layout.h"

/* `layout` has passed layout_check. Fails with ERROR_PYTHON that names the field. */
MUST_CHECK bool layout_rules_hold(const struct layout *layout, struct error *err);

#endif
