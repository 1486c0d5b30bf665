// SPDX-License-Identifier: MIT
/*
 * checksum - the CRC-32 (zlib's) of numbers and texts one after the other. docs/census-format.md
 * tells what goes into each.
 */
#ifndef PYINSPECT_CHECKSUM_H
#define PYINSPECT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

/* `length` bytes, without saying how many there are. Begin with 0. */
static inline uint32_t checksum_bytes(uint32_t sum, const void *bytes, size_t length)
{
    return length ? (uint32_t)crc32_z(sum, bytes, length) : sum;
}

/* Each in eight bytes, lowest first; at most CHECKSUM_NUMBERS of them. */
enum { CHECKSUM_NUMBERS = 17 };

static inline uint32_t checksum_numbers(uint32_t sum, const uint64_t *numbers, size_t count)
{
    unsigned char bytes[CHECKSUM_NUMBERS * 8];
    size_t length = 0;

    for (size_t i = 0; i < count && i < CHECKSUM_NUMBERS; i++)
        for (size_t j = 0; j < 8; j++)
            bytes[length++] = (unsigned char)(numbers[i] >> 8 * j);
    return checksum_bytes(sum, bytes, length);
}

static inline uint32_t checksum_number(uint32_t sum, uint64_t number)
{
    return checksum_numbers(sum, &number, 1);
}

/* A real number as IEEE 754 has it. */
static inline uint64_t checksum_bits(double real)
{
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    return bits;
}

/* Its length, then its bytes. */
static inline uint32_t checksum_text(uint32_t sum, const char *text, size_t length)
{
    return checksum_bytes(checksum_number(sum, length), text, length);
}

#endif
