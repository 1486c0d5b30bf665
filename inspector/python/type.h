// SPDX-License-Identifier: MIT
/*
 * type - the types of the objects that are met: name, sizes, flags. Each is read from the image
 * once.
 */
#ifndef PYINSPECT_TYPE_H
#define PYINSPECT_TYPE_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"
#include "symbols/base/address_map.h"
#include "symbols/base/arena.h"
#include "symbols/base/text.h"

/* What tp_itemsize is multiplied with. */
enum item_count {
    ITEMS_NONE,    /* nothing: all instances have the same size */
    ITEMS_OB_SIZE, /* |ob_size| */
    ITEMS_LV_TAG,  /* an int's digits (3.12 and later) */
};

struct type {
    uint64_t address;
    /* As CPython writes it, in UTF-8 (lone surrogates in three-byte form): "list",
     * "app.models.Order". Of a type that could not be read: "<unreadable type at 0x...>".
     * NUL-terminated. */
    const char *name;
    size_t name_length;
    const char *short_name; /* __name__: "Order" */
    size_t short_length;
    uint64_t flags;      /* tp_flags */
    uint64_t fixed_size; /* tp_basicsize and what stands before the object: GC head, pre-header */
    uint64_t item_size;  /* tp_itemsize */
    enum item_count item_count;
    bool valid; /* it is a type, and could be read */
};

struct types {
    const struct python *python;
    struct type *items;
    size_t count, capacity;
    struct address_map numbers; /* from a type's address to its index in `items` */
    struct arena names;
    uint64_t name_bytes;   /* in it, or left out because there were too many */
    uint64_t last_address; /* the objects of a list often come in runs of one type */
    uint32_t last_number;
};

/* `python` must outlive the types. */
void types_init(struct types *types, const struct python *python);
void types_free(struct types *types);

MUST_CHECK bool types_add(struct types *types, struct image *image, uint64_t address,
                          uint32_t *ret_number, struct error *err);

/*
 * The number of the type at `address`, which is read when it is met for the first time. A type that
 * cannot be read has a number too, and `valid` false. Fails only for want of memory.
 */
MUST_CHECK static inline bool types_number(struct types *types, struct image *image,
                                           uint64_t address, uint32_t *ret_number,
                                           struct error *err)
{
    if (!address)
        address = 1; /* 0 is no key of the map; neither is an address of a type */
    if (address != types->last_address) {
        uint32_t number = address_map_find(&types->numbers, address);
        if (number == UINT32_MAX && !types_add(types, image, address, &number, err))
            return false;
        types->last_address = address;
        types->last_number = number;
    }
    *ret_number = types->last_number;
    return true;
}

/* Is the object at `address` an instance of a type with this bit of tp_flags? */
bool has_type_flag(const struct python *python, struct image *image, uint64_t address,
                   uint64_t flag);

/* Adds tp_name, a C string somewhere in the target, to `name`; the first 4096 bytes of it. */
MUST_CHECK bool type_read_tp_name(const struct python *python, struct image *image, uint64_t type,
                                  struct text *name);

/*
 * The shallow size of the tracked object at `address`: tp_basicsize, the items that tp_itemsize
 * counts, the headers before the object. False where the count of items cannot be read, or is
 * larger than the memory around the object: *ret is then the fixed part alone.
 */
bool type_object_size(const struct types *types, struct image *image, const struct type *type,
                      uint64_t address, uint64_t *ret);

#endif
