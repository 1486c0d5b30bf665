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

/* Whose code is __sizeof__, as the method resolution order finds it? */
enum sizeof_by {
    SIZEOF_KNOWN,  /* object's own, or one that a kind knows */
    SIZEOF_PYTHON, /* somebody's, in Python: nobody can tell from outside what it says */
    SIZEOF_C,      /* an extension module's that no kind knows: the general rule is used */
};

struct kind;

/* A member that __slots__ made. */
struct type_slot {
    uint64_t name;   /* the address of a C string */
    uint32_t offset; /* in the instance */
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
    uint64_t flags;     /* tp_flags */
    uint64_t basicsize; /* tp_basicsize */
    uint64_t item_size; /* tp_itemsize */
    enum item_count item_count;
    uint64_t headers;         /* bytes before each instance: GC header, pre-header */
    uint64_t repr;            /* tp_repr, an address; 0: unknown */
    uint64_t traverse;        /* tp_traverse, an address; 0: none, or unknown */
    int64_t dict_offset;      /* tp_dictoffset */
    uint64_t weaklist_offset; /* tp_weaklistoffset */
    uint64_t cached_keys;     /* ht_cached_keys of a heap type; 0: none */

    const struct type *base;      /* tp_base; NULL: none, or it could not be read. The chain ends */
    const struct kind *kind;      /* that knows the instances; NULL: none does */
    const struct type *kind_type; /* the type that this kind names: itself, or one of its bases */
    /* Whose C code instances are: the type itself, or of a class the first base that is none. What
     * lies between are classes, each with slots of its own. */
    const struct type *native;
    const struct type_slot *slots; /* of this class itself */
    uint32_t slot_count;
    bool is_class; /* made by type.__new__ (a class statement), traversed by subtype_traverse */
    uint64_t own_sizeof; /* '__sizeof__' in its own __dict__: an object; 0: none */
    enum sizeof_by sizeof_by;
    bool valid; /* it is a type, and could be read */
};

struct types {
    const struct python *python;
    struct type **items; /* each stays where it is as long as the types live */
    size_t count, capacity;
    struct address_map numbers; /* from a type's address to its index in `items` */
    struct arena arena;         /* the types and their names */
    unsigned depth;             /* of bases that are being added */
    uint64_t class_traverse;    /* subtype_traverse, as soon as a class was met */
    uint64_t name_bytes;        /* in it, or left out because there were too many */
    uint64_t slot_count;        /* of all types */
    uint64_t last_address;      /* the objects of a list often come in runs of one type */
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
 * The size of the object at `address` by the rule of object.__sizeof__: tp_basicsize and the items
 * that tp_itemsize counts, without the headers before it. False where the count of items cannot be
 * read, or is larger than the memory around the object: *ret is then the fixed part alone.
 */
bool type_general_size(const struct python *python, struct image *image, const struct type *type,
                       uint64_t address, uint64_t *ret);

/* Has the target memory, without a gap, for so many bytes from `address` on? */
bool has_room(const struct image *image, uint64_t address, uint64_t size);

#endif
