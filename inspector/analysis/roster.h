// SPDX-License-Identifier: MIT
/*
 * roster - the objects that a census counted, one entry each, in the order in which they were met.
 */
#ifndef PYINSPECT_ROSTER_H
#define PYINSPECT_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roster_entry {
    uint64_t address;
    uint64_t size;
    uint32_t type; /* its number in the census's types */
};

/* Zero-initialised is empty and ready. */
struct roster {
    struct roster_entry *entries;
    size_t count, capacity;
    bool failed; /* no memory: the roster is not whole */
};

/* Forgets the entries, keeps the memory. */
void roster_clear(struct roster *roster);
void roster_free(struct roster *roster);

/* roster_add's long way round. */
void roster_grow(struct roster *roster);

static inline void roster_add(struct roster *roster, struct roster_entry entry)
{
    if (roster->count == roster->capacity)
        roster_grow(roster);
    if (!roster->failed)
        roster->entries[roster->count++] = entry;
}

#endif
