// SPDX-License-Identifier: MIT
/*
 * instances - how many objects each class has.
 */
#ifndef PYINSPECT_INSTANCES_H
#define PYINSPECT_INSTANCES_H

#include "inspector/python/reader.h"

struct instance_count {
    uint64_t own;       /* of exactly that class */
    uint64_t inherited; /* of the classes that have it in their method resolution order */
};

struct instances {
    struct instance_count *counts; /* by type number */
    size_t capacity;
    bool failed; /* no memory */
};

/* Zero-initialised is empty and ready. Counts an object of the type of that number. */
void instances_add(struct instances *instances, uint32_t type);
/* To be called once, when all objects were added. ERROR_SYSTEM for want of memory, then or before.
 */
MUST_CHECK bool instances_inherit(struct instances *instances, const struct reader *reader,
                                  struct error *err);
/* Of the class at that address. */
struct instance_count instances_of(const struct instances *instances, const struct reader *reader,
                                   uint64_t address);
void instances_free(struct instances *instances);

#endif
