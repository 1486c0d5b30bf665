// SPDX-License-Identifier: MIT
/*
 * maps - the text of /proc/PID/maps as a sorted array. Pure: it sees text, not a process.
 */
#ifndef PYINSPECT_MAPS_H
#define PYINSPECT_MAPS_H

#include "symbols/base/arena.h"
#include "symbols/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct mapping {
    uint64_t start, end; /* page-aligned; end is exclusive */
    uint64_t offset;     /* in the file */
    ino_t inode;         /* 0: no file behind it */
    bool readable, writable, executable, shared;
    bool deleted;     /* the file was unlinked or replaced */
    const char *path; /* "", "[heap]", "/usr/bin/python3"; as the target's own root sees it */
};

/* Sorted by address, without overlaps. Zero-initialised is empty. */
struct maps {
    struct mapping *items;
    size_t count, capacity;
    struct arena paths;
};

/* Lines that are no mapping are skipped; fails only for want of memory. */
MUST_CHECK bool maps_parse(struct maps *ret, const char *text, size_t length, struct error *err);
void maps_free(struct maps *maps);

/* The mapping that holds `address`, or NULL. */
const struct mapping *maps_find(const struct maps *maps, uint64_t address);

/* Is it readable, ordinary memory: no device, whose reading may have effects, no [vvar] or
 * vsyscall? */
bool mapping_is_memory(const struct mapping *mapping);

#endif
