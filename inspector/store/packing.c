// SPDX-License-Identifier: MIT
#include "inspector/store/packing.h"

enum { NUMBER_MAX = 10 }; /* bytes of 64 bits, seven each */

void packing_add_number(struct text *text, uint64_t number)
{
    char bytes[NUMBER_MAX];
    size_t length = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[length++] = (char)(0x80 | (number & 0x7f));
    bytes[length++] = (char)number;
    text_add_bytes(text, bytes, length);
}

static uint64_t rotate_right(uint64_t number)
{
    return number >> 3 | number << 61;
}

static uint64_t rotate_left(uint64_t number)
{
    return number << 3 | number >> 61;
}

void packing_add(const struct snapshot_object *objects, size_t count, struct text *addresses,
                 struct text *sizes)
{
    uint64_t before = 0;
    size_t run = 0;

    for (size_t i = 0; i < count; i++) {
        packing_add_number(addresses, rotate_right(objects[i].address - before));
        before = objects[i].address;
        run++;
        if (i + 1 == count || objects[i + 1].size != objects[i].size) {
            packing_add_number(sizes, objects[i].size);
            packing_add_number(sizes, run);
            run = 0;
        }
    }
}

bool packed_number(struct packed_bytes *packed, uint64_t *ret)
{
    uint64_t number = 0;

    for (unsigned shift = 0; packed->at < packed->end && shift < 64; shift += 7) {
        unsigned char byte = *packed->at++;
        uint64_t bits = byte & 0x7f;
        if (bits << shift >> shift != bits)
            return false;
        number |= bits << shift;
        if (!(byte & 0x80)) {
            *ret = number;
            return true;
        }
    }
    return false;
}

struct packed_bytes packed_begin(const void *bytes, size_t length)
{
    static const unsigned char nothing[1];
    const unsigned char *at = length ? bytes : nothing; /* NULL takes no part in sums */

    return (struct packed_bytes){at, at + length};
}

static bool read_addresses(struct packed_bytes packed, struct snapshot_object *ret, size_t count)
{
    uint64_t address = 0, distance;

    for (size_t i = 0; i < count; i++) {
        if (!packed_number(&packed, &distance) ||
            __builtin_add_overflow(address, rotate_left(distance), &address))
            return false;
        ret[i].address = address;
    }
    return packed.at == packed.end;
}

static bool read_sizes(struct packed_bytes packed, uint64_t bytes, struct snapshot_object *ret,
                       size_t count)
{
    uint64_t size, run, sum = 0;
    size_t filled = 0;

    while (filled < count) {
        if (!packed_number(&packed, &size) || !packed_number(&packed, &run) || run == 0 ||
            run > count - filled)
            return false;
        sum += size * run;
        for (; run; run--)
            ret[filled++].size = size;
    }
    return packed.at == packed.end && sum == bytes;
}

bool packing_read(const void *addresses, size_t addresses_length, const void *sizes,
                  size_t sizes_length, uint64_t bytes, struct snapshot_object *ret, size_t count)
{
    return read_addresses(packed_begin(addresses, addresses_length), ret, count) &&
           read_sizes(packed_begin(sizes, sizes_length), bytes, ret, count);
}
