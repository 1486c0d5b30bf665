// SPDX-License-Identifier: MIT
/*
 * allocation - where single objects were allocated, as tracemalloc has noted it.
 *
 * An object is not traced where it was made before tracing began, is static, or took the place of
 * an untraced one on a free list. Up to 3.8 one that took another's place there goes by where that
 * was made, as inside.
 */
#ifndef PYINSPECT_ALLOCATION_H
#define PYINSPECT_ALLOCATION_H

#include "inspector/python/tracemalloc.h"

enum tracing {
    TRACING_UNKNOWN, /* its tables cannot be found (a 3.6 to 3.11 without symbols), or read */
    TRACING_OFF,
    TRACING_ON
};

/* What is to be known before the first object: read once each time that a question is put. */
struct allocations {
    enum tracing tracing;
    struct error why;         /* of TRACING_UNKNOWN */
    struct tracemalloc state; /* of TRACING_ON */
    bool newest_first;        /* Traceback's order is the stored one (3.6); else the reverse */
};

void allocations_read(struct allocations *ret, const struct reader *reader);

struct allocation {
    struct traced_block block;
    struct traced_stack stack; /* `frames` is 0 where it cannot be read, and 65535 at most */
};

/* The block in which the object lies. False where it is not traced, or nothing is. */
bool allocation_find(const struct allocations *allocations, const struct reader *reader,
                     const struct type *type, uint64_t object, struct allocation *ret);

/* How many frames there were before tracemalloc cut them at its limit; 0: not told (up to 3.8). */
uint32_t allocation_all_frames(const struct allocation *allocation, const struct reader *reader);

/* Adds the name of the file of that frame, 0 being the most recent, and tells its line. Of what
 * cannot be read "<unreadable>" and 0; a name is cut at 4096 bytes. A NUL in it becomes "?". */
void allocation_add_file(const struct allocation *allocation, const struct reader *reader,
                         uint32_t number, struct text *text, uint32_t *ret_line);

/* The number of the frame at that place in Traceback's order. */
static inline uint32_t allocation_frame_at(const struct allocations *allocations,
                                           const struct allocation *allocation, uint32_t place)
{
    return allocations->newest_first ? place : allocation->stack.frames - 1 - place;
}

/* Adds "app.py:12" of the most recent frame. */
void allocation_add_place(const struct allocation *allocation, const struct reader *reader,
                          struct text *text);

/* Adds "app.py:12" of all frames in Traceback's order, each ended by a NUL; of very many the most
 * recent ones alone, 1 MiB of text. "<unreadable>:0" for a traceback that is. */
void allocation_add_places(const struct allocations *allocations,
                           const struct allocation *allocation, const struct reader *reader,
                           struct text *text);

#endif
