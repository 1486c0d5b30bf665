// SPDX-License-Identifier: MIT
/*
 * listing_values - what a listed object says of itself. For inspector/analysis/ alone.
 */
#ifndef PYINSPECT_LISTING_VALUES_H
#define PYINSPECT_LISTING_VALUES_H

#include "inspector/analysis/listing.h"

/* Prints the object into listing->repr, and its attributes that are asked for into
 * listing->attributes. */
void listing_print_values(struct listing *listing, const struct type *type, uint64_t address);

#endif
