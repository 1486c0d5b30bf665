// SPDX-License-Identifier: MIT
/*
 * packing - numbers in few bytes, and the addresses and sizes of a type's objects.
 * docs/census-format.md has the format for others to read.
 *
 * Numbers are LEB128: seven bits a byte, lowest first, the top bit says that more follow.
 *   addresses: of each, ascending, the distance to the one before (the first: to 0), its 64 bits
 *              rotated right by three: a multiple of 8, which all are in a sound heap, is divided
 *              by 8, and any other one is kept too;
 *   sizes:     runs of equal ones in the order of the addresses: the size, then how many there are.
 */
#ifndef PYINSPECT_PACKING_H
#define PYINSPECT_PACKING_H

#include "inspector/analysis/snapshot.h"
#include "symbols/base/text.h"

/* What is left to read of some bytes. */
struct packed_bytes {
    const unsigned char *at, *end;
};

struct packed_bytes packed_begin(const void *bytes, size_t length); /* NULL where there are none */

/* False where there is no whole number of 64 bits. */
MUST_CHECK bool packed_number(struct packed_bytes *packed, uint64_t *ret);

void packing_add_number(struct text *text, uint64_t number);

/* Adds to the texts, which hold bytes. No address is below the one before it. */
void packing_add(const struct snapshot_object *objects, size_t count, struct text *addresses,
                 struct text *sizes);

/*
 * Reads back exactly `count` objects; each takes at least one byte of the addresses. False where
 * the bytes are not those of as many: too few, too many, addresses that overflow, or sizes that do
 * not sum up to `bytes` (modulo 2^64, as a census adds them up). `ret` is then of no use.
 */
MUST_CHECK bool packing_read(const void *addresses, size_t addresses_length, const void *sizes,
                             size_t sizes_length, uint64_t bytes, struct snapshot_object *ret,
                             size_t count);

#endif
