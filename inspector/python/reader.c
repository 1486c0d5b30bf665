// SPDX-License-Identifier: MIT
#include "inspector/python/reader.h"

uint64_t untag(uint64_t word)
{
    return word & 2 ? 0 : word & ~UINT64_C(3);
}

const struct type *reader_type(const struct reader *reader, uint64_t address)
{
    struct error ignored;
    uint32_t number;

    if (!address || address % 8 != 0 ||
        !types_number(reader->types, reader->image, address, &number, &ignored))
        return NULL;
    const struct type *type = reader->types->items[number];
    return type->valid ? type : NULL;
}

const struct type *reader_type_of(const struct reader *reader, uint64_t address)
{
    return address % 8 == 0 ? reader_type(reader, read_pointer(reader, address, PyObject_ob_type))
                            : NULL;
}

bool read_refcount(const struct reader *reader, uint64_t address, uint64_t *ret)
{
    return read_field(reader, address, PyObject_ob_refcnt, ret);
}

bool reader_has_room(const struct reader *reader, uint64_t address, uint64_t count,
                     uint64_t item_size)
{
    uint64_t size;

    return !__builtin_mul_overflow(count, item_size, &size) &&
           has_room(reader->image, address, size);
}

bool read_count(const struct reader *reader, uint64_t address, uint64_t items, uint64_t item_size,
                uint64_t *ret)
{
    uint64_t count;

    if (!read_field(reader, address, PyVarObject_ob_size, &count))
        return false;
    count = (int64_t)count < 0 ? -count : count;
    if (!reader_has_room(reader, items, count, item_size))
        return false;
    *ret = count;
    return true;
}
