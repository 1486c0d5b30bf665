// SPDX-License-Identifier: MIT
/*
 * pymalloc - what lies at an address of CPython's own allocator for small blocks.
 *
 * A pool (4 KiB up to 3.9, 16 KiB since 3.10) begins with a header and is cut into blocks of one
 * size; the free ones that were used before are linked. Objects/obmalloc.c; the header is the same
 * in all versions from 3.6 on. A pool is told by its header alone, whose parts determine each other
 * (that eight numbers agree by accident does not happen); the arenas are not asked, so neither the
 * interpreter's state nor its version matters.
 *
 * What is larger than 512 bytes comes from the C library's malloc and is unknown here, as is
 * everything where another allocator was chosen (PYTHONMALLOC=malloc).
 */
#ifndef PYINSPECT_PYMALLOC_H
#define PYINSPECT_PYMALLOC_H

#include "inspector/python/reader.h"

enum block_state {
    BLOCK_NONE,      /* the address lies in no pool */
    BLOCK_HEADER,    /* in the header of a pool, or in what is left at its end */
    BLOCK_FREE,      /* in a free block */
    BLOCK_ALLOCATED, /* in one that is in use */
};

struct block {
    enum block_state state;
    uint64_t start, size; /* of the block, in bytes; of the pool where it is BLOCK_HEADER */
};

struct block pymalloc_block_at(const struct reader *reader, uint64_t address);

#endif
