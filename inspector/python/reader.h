// SPDX-License-Identifier: MIT
/*
 * reader - reads objects out of an image: what every function that looks into an object needs.
 *
 * All reads may fail: the memory may not be in the image, the build may lack the field. Numbers
 * that come back are the target's and believed by nobody before they were held against something.
 */
#ifndef PYINSPECT_READER_H
#define PYINSPECT_READER_H

#include "inspector/python/python.h"
#include "inspector/python/type.h"
#include "inspector/target/image.h"

struct reader {
    const struct python *python;
    struct image *image;
    struct types *types; /* filled as types are met */
};

/* Does this build have the field? Then its place, in an object at `address`. */
static inline bool reader_has(const struct reader *reader, enum layout_slot_id field)
{
    return layout_has(&reader->python->layout, field);
}

/* A field of 1, 2, 4 or 8 bytes of the structure at `address`, zero-extended; of a bit-field its
 * bits. False: no such field in this build, not in the image, or no structure (address 0). */
MUST_CHECK static inline bool read_field(const struct reader *reader, uint64_t address,
                                         enum layout_slot_id field, uint64_t *ret)
{
    const struct layout_slot *slot = &reader->python->layout.slots[field];
    uint64_t word;

    if (!address || !slot->present || slot->size > sizeof(word) ||
        !image_word(reader->image, address + slot->offset, slot->size, &word))
        return false;
    if (slot->bit_size)
        word = word >> slot->bit_offset & ((UINT64_C(1) << slot->bit_size) - 1);
    *ret = word;
    return true;
}

/* The same, and 0 where it cannot be read: for pointers, where 0 means nothing too. */
static inline uint64_t read_pointer(const struct reader *reader, uint64_t address,
                                    enum layout_slot_id field)
{
    uint64_t pointer;

    return read_field(reader, address, field, &pointer) ? pointer : 0;
}

/* The word at `address`, wherever that is; 0 where it is not in the image. */
static inline uint64_t read_word(const struct reader *reader, uint64_t address)
{
    uint64_t word;

    return image_word(reader->image, address, sizeof(word), &word) ? word : 0;
}

/* A pointer that may carry tags in its two low bits (_PyStackRef, 3.14 and later): 1 is one that is
 * not counted, or NULL; 3 an integer; 2 no value at all (3.15). 0 where it is no pointer. */
uint64_t untag(uint64_t word);

/* Where a field lies, for one that is a structure or an array. 0 where the build has none. */
static inline uint64_t field_address(const struct reader *reader, uint64_t address,
                                     enum layout_slot_id field)
{
    const struct layout_slot *slot = &reader->python->layout.slots[field];

    return slot->present ? address + slot->offset : 0;
}

/* The type at `address` itself; else as below. */
const struct type *reader_type(const struct reader *reader, uint64_t address);

/*
 * The type of the object at `address`: one that could be read, or NULL where there is no object
 * (not in the image, not aligned, a type that is none) or no memory. The pointer is good as long as
 * the types are.
 */
const struct type *reader_type_of(const struct reader *reader, uint64_t address);

/* ob_refcnt, whose width is the build's. False: not in the image. */
MUST_CHECK bool read_refcount(const struct reader *reader, uint64_t address, uint64_t *ret);

/* Does such a count say that the object lives for ever? Nobody counts its references then. */
static inline bool refcount_is_immortal(const struct python *python, uint64_t refcount)
{
    return python->shape.has_immortals && (int32_t)(uint32_t)refcount < 0;
}

/* |ob_size|; false where it cannot be read, or is larger than items of `item_size` bytes (1 or
 * more) find room for in the mapping around `items`. */
MUST_CHECK bool read_count(const struct reader *reader, uint64_t address, uint64_t items,
                           uint64_t item_size, uint64_t *ret);

/* Has the target memory, without a gap, for `count` items of `item_size` bytes at `address`? The
 * gate for every length that is not in the type. */
bool reader_has_room(const struct reader *reader, uint64_t address, uint64_t count,
                     uint64_t item_size);

#endif
