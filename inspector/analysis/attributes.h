// SPDX-License-Identifier: MIT
/*
 * attributes - finds attributes of an object by their names, as a person writes them: what Python
 * code sees first, its own attributes, then what C structures hold.
 */
#ifndef PYINSPECT_ATTRIBUTES_H
#define PYINSPECT_ATTRIBUTES_H

#include "inspector/python/reader.h"

/* Sets found[i] to the address of the attribute names[i], 0: it has none. */
void attributes_find(const struct reader *reader, const struct type *type, uint64_t address,
                     const char *const *names, size_t count, uint64_t *found);

#endif
