// SPDX-License-Identifier: MIT
#include "inspector/python/type.h"

#include "inspector/python/class.h"
#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/unicode.h"
#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Larger instances, and longer names of static types, are no more believed. */
static const uint64_t most_basicsize = UINT64_C(1) << 24;
enum {
    MOST_NAME = 4096,
    MOST_TYPES = 1 << 20,
    MOST_NEIGHBOURS = 64,
    MOST_BASES = 64,
    MOST_CHAIN = 1024
};
/* Of all names together. A hostile process may let a million types share a long one. */
static const uint64_t most_names = UINT64_C(64) * 1024 * 1024;

void types_init(struct types *types, const struct python *python)
{
    *types = (struct types){.python = python};
}

void types_free(struct types *types)
{
    free(types->items);
    address_map_free(&types->numbers);
    arena_free(&types->arena);
    *types = (struct types){0};
}

static uint64_t field_of(const struct layout *layout, const uint8_t *base, enum layout_slot_id id)
{
    return load_word(base + layout_offset(layout, id), layout_size(layout, id));
}

bool has_type_flag(const struct python *python, struct image *image, uint64_t address,
                   uint64_t flag)
{
    const struct layout *layout = &python->layout;
    uint64_t type, flags;

    return image_word(image, address + layout_offset(layout, PyObject_ob_type), 8, &type) &&
           image_word(image, type + layout_offset(layout, PyTypeObject_tp_flags), 8, &flags) &&
           flags & flag;
}

/* tp_name, a C string somewhere in the target. */
bool type_read_tp_name(const struct python *python, struct image *image, uint64_t type,
                       struct text *name)
{
    uint64_t at;

    if (!image_word(image, type + layout_offset(&python->layout, PyTypeObject_tp_name), 8, &at))
        return false;
    for (; name->length < MOST_NAME; at++) {
        const char *c = image_at(image, at, 1);
        if (!c)
            return false;
        if (!*c)
            return true;
        text_add_char(name, *c);
    }
    return true;
}

/*
 * Static types that have a tp_itemsize, while their instances have no ob_size to multiply it with.
 * By name, since a stripped static program has no symbols for them.
 */
static bool is_unsized(const struct python *python, struct image *image, const struct type *type)
{
    static const char *const names[] = {"generator", "coroutine", "async_generator", "frame"};
    size_t count = sizeof(names) / sizeof(names[0]) - python->shape.frames_have_ob_size;
    struct text name = {0};
    bool found = false;

    if (type->flags & TPFLAGS_HEAPTYPE || !type_read_tp_name(python, image, type->address, &name) ||
        !name.bytes)
        count = 0;
    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(name.bytes, names[i]) == 0;
    text_free(&name);
    return found;
}

static bool read_sizes(const struct python *python, struct image *image, struct type *type)
{
    const struct layout *layout = &python->layout;
    const uint8_t *base = image_at(image, type->address, layout_size(layout, sizeof_PyTypeObject));

    if (!base || type->address % 8 != 0 ||
        !has_type_flag(python, image, type->address, TPFLAGS_TYPE_SUBCLASS))
        return false;
    uint64_t basic = field_of(layout, base, PyTypeObject_tp_basicsize);
    type->item_size = field_of(layout, base, PyTypeObject_tp_itemsize);
    type->flags = field_of(layout, base, PyTypeObject_tp_flags);
    if (basic < layout_size(layout, sizeof_PyObject) || basic > most_basicsize ||
        type->item_size > most_basicsize)
        return false; /* Py_TPFLAGS_READY says nothing: _curses_panel of 3.6 forgot PyType_Ready()
                       */

    type->basicsize = basic;
    if (type->flags & TPFLAGS_HAVE_GC)
        type->headers = layout_size(layout, sizeof_PyGC_Head);
    if (type->flags & python->shape.preheader_flags)
        type->headers += 2 * sizeof(uint64_t);
    if (layout_has(layout, type_tp_repr))
        type->repr = field_of(layout, base, type_tp_repr);
    if (layout_has(layout, type_tp_traverse))
        type->traverse = field_of(layout, base, type_tp_traverse);
    if (layout_has(layout, type_tp_dictoffset))
        type->dict_offset = (int64_t)field_of(layout, base, type_tp_dictoffset);
    if (layout_has(layout, type_tp_weaklistoffset))
        type->weaklist_offset = field_of(layout, base, type_tp_weaklistoffset);
    if (!type->item_size || is_unsized(python, image, type))
        type->item_count = ITEMS_NONE;
    else if (type->flags & TPFLAGS_LONG_SUBCLASS && python->shape.ints == INT_LV_TAG)
        type->item_count = ITEMS_LV_TAG;
    else
        type->item_count = ITEMS_OB_SIZE;
    return true;
}

static bool read_str(const struct python *python, struct image *image, uint64_t address,
                     struct text *text)
{
    return has_type_flag(python, image, address, TPFLAGS_UNICODE_SUBCLASS) &&
           unicode_read(python, image, address, MOST_NAME, text);
}

static bool keep(struct types *types, const struct text *text, const char **ret, size_t *ret_length)
{
    types->name_bytes += text->length;
    const char *copy =
        text->failed || types->name_bytes > most_names
            ? NULL
            : arena_copy(&types->arena, text->bytes ? text->bytes : "", text->length);

    *ret = copy;
    *ret_length = text->length;
    return copy != NULL;
}

/*
 * A static type's tp_name is "module.name", or the bare name of a builtin: Objects/typeobject.c,
 * type_module() and type_qualname().
 */
static bool name_static(struct types *types, struct image *image, struct type *type,
                        struct text *name)
{
    if (!type_read_tp_name(types->python, image, type->address, name) || !name->length)
        return false;
    size_t prefix = sizeof("builtins.") - 1;
    size_t skipped =
        name->length > prefix && !memcmp(name->bytes, "builtins.", prefix) ? prefix : 0;
    const char *dot = memrchr(name->bytes, '.', name->length);
    size_t bare = dot ? (size_t)(dot + 1 - name->bytes) : 0;
    struct text whole = {.bytes = name->bytes + skipped, .length = name->length - skipped};
    struct text last = {.bytes = name->bytes + bare, .length = name->length - bare};

    return keep(types, &whole, &type->name, &type->name_length) &&
           keep(types, &last, &type->short_name, &type->short_length);
}

/*
 * A heap type is named by the string under '__module__' in its dictionary and by ht_qualname. Where
 * that is no string the type has no module to show, as in its repr.
 */
static bool name_heap(struct types *types, struct image *image, struct type *type,
                      struct text *name)
{
    const struct python *python = types->python;
    const struct layout *layout = &python->layout;
    const uint8_t *base =
        image_at(image, type->address, layout_size(layout, sizeof_PyHeapTypeObject));
    struct text qualname = {0}, last = {0};
    uint64_t module;
    bool done = false;

    if (!base)
        return false;
    uint64_t dict = field_of(layout, base, PyTypeObject_tp_dict);
    uint64_t ht_qualname = field_of(layout, base, PyHeapTypeObject_ht_qualname);
    uint64_t ht_name = field_of(layout, base, PyHeapTypeObject_ht_name);

    if (dict_find(python, image, dict, "__module__", &module) &&
        read_str(python, image, module, name)) {
        if (name->length == 8 && !memcmp(name->bytes, "builtins", 8))
            text_clear(name);
        else
            text_add_char(name, '.');
    } else {
        text_clear(name);
    }
    if (read_str(python, image, ht_qualname, &qualname) &&
        read_str(python, image, ht_name, &last)) {
        text_add_bytes(name, qualname.bytes ? qualname.bytes : "", qualname.length);
        done = keep(types, name, &type->name, &type->name_length) &&
               keep(types, &last, &type->short_name, &type->short_length);
    }
    text_free(&qualname);
    text_free(&last);
    return done;
}

static bool name_unreadable(struct types *types, struct type *type, struct error *err)
{
    char name[64];
    int length = snprintf(name, sizeof(name), "<unreadable type at 0x%" PRIx64 ">", type->address);

    type->valid = false;
    type->name = type->short_name = arena_copy(&types->arena, name, (size_t)length);
    type->name_length = type->short_length = (size_t)length;
    return type->name || error_memory(err);
}

static bool append(struct types *types, const struct type *type, struct type **ret,
                   struct error *err)
{
    struct type **grown =
        vector_grow(types->items, &types->capacity, types->count + 1, sizeof(*types->items));
    struct type *kept = arena_alloc(&types->arena, sizeof(*kept));

    if (grown)
        types->items = grown;
    if (!grown || !kept)
        return error_memory(err);
    *kept = *type;
    kept->native = kept; /* of one that cannot be read too */
    types->items[types->count++] = kept;
    *ret = kept;
    return true;
}

/* There are too many to be real: from here on they are one, which could not be read. */
static bool share_last(struct types *types, uint64_t address, uint32_t *ret_number,
                       struct error *err)
{
    if (types->count == MOST_TYPES) {
        struct type type = {.address = address}, *kept;
        if (!name_unreadable(types, &type, err) || !append(types, &type, &kept, err))
            return false;
    }
    *ret_number = MOST_TYPES;
    return true;
}

/* A class of Python may have the name of one in C, and its size: _pydatetime.timezone has both. */
static bool fits(const struct python *python, const struct type *type, const struct kind *kind)
{
    const struct layout *layout = &python->layout;

    if (kind->structure == sizeof_PyObject && !kind->fits)
        return true;
    if (type->is_class)
        return false;
    if (kind->fits)
        return kind->fits(layout, type->basicsize);
    return layout_has(layout, kind->structure) &&
           layout_size(layout, kind->structure) == type->basicsize + kind->unsized;
}

/* Does a chain of bases lead from `base` to the type, or is it too long to tell? */
static bool leads_to(const struct type *base, const struct type *type)
{
    for (unsigned i = 0; base && i < MOST_CHAIN; i++, base = base->base) {
        if (base == type)
            return true;
    }
    return base != NULL;
}

/* The type is in the map already: a chain of bases may run in a circle, of which the last link is
 * left out. */
static bool find_base(struct types *types, struct image *image, struct type *type,
                      struct error *err)
{
    const struct layout *layout = &types->python->layout;
    uint64_t address;
    uint32_t number;

    if (types->depth >= MOST_BASES || !layout_has(layout, type_tp_base) ||
        !image_word(image, type->address + layout_offset(layout, type_tp_base), 8, &address) ||
        !address)
        return true;
    types->depth++;
    bool done = types_number(types, image, address, &number, err);
    types->depth--;
    if (done && types->items[number]->valid && !leads_to(types->items[number], type))
        type->base = types->items[number];
    return done;
}

static void find_kind(struct types *types, struct image *image, struct type *type)
{
    type->kind = kind_find(type->name);
    if (!type->kind && is_struct_sequence(types->python, image, type))
        type->kind = &struct_sequence_kind;
    type->kind_type = type;
    if (!type->kind || !fits(types->python, type, type->kind)) {
        type->kind = type->base ? type->base->kind : NULL;
        type->kind_type = type->base ? type->base->kind_type : NULL;
    }
}

/* What others of its kind, and its subclasses, go by. */
static bool place(struct types *types, struct image *image, struct type *type, struct error *err)
{
    if (!find_base(types, image, type, err) || !class_read(types, image, type, err))
        return false;
    find_kind(types, image, type);
    class_find_sizeof(types, image, type);
    return true;
}

bool types_add(struct types *types, struct image *image, uint64_t address, uint32_t *ret_number,
               struct error *err)
{
    struct type type = {.address = address}, *kept;
    struct text name = {0};

    if (types->count >= MOST_TYPES)
        return share_last(types, address, ret_number, err);

    type.valid = read_sizes(types->python, image, &type) &&
                 (type.flags & TPFLAGS_HEAPTYPE ? name_heap(types, image, &type, &name)
                                                : name_static(types, image, &type, &name));
    text_free(&name);
    if (!type.valid && !name_unreadable(types, &type, err))
        return false;

    uint32_t number = (uint32_t)types->count;
    if (!append(types, &type, &kept, err) ||
        !address_map_add(&types->numbers, address, number, err) ||
        (kept->valid && !place(types, image, kept, err)))
        return false;
    *ret_number = number;
    return true;
}

bool has_room(const struct image *image, uint64_t address, uint64_t size)
{
    uint64_t end;

    if (__builtin_add_overflow(address, size, &end))
        return false;
    for (unsigned i = 0; address < end; i++) {
        const struct image_range *range = image_range_of(image, address);
        if (!range || i == MOST_NEIGHBOURS)
            return false;
        address = range->start + range->size;
    }
    return true;
}

static bool read_item_count(const struct python *python, struct image *image,
                            const struct type *type, uint64_t address, uint64_t *ret)
{
    const struct layout *layout = &python->layout;
    uint64_t items;

    if (type->item_count == ITEMS_LV_TAG) {
        if (!image_word(image, address + layout_offset(layout, PyLongObject_lv_tag), 8, &items))
            return false;
        *ret = items >> 3 ? items >> 3 : 1; /* zero has a digit too, since 3.12 */
        return true;
    }
    if (!image_word(image, address + layout_offset(layout, PyVarObject_ob_size), 8, &items))
        return false;
    *ret = (int64_t)items < 0 ? -items : items;
    return true;
}

bool type_general_size(const struct python *python, struct image *image, const struct type *type,
                       uint64_t address, uint64_t *ret)
{
    uint64_t items, extent;

    *ret = type->basicsize;
    if (type->item_count == ITEMS_NONE)
        return true;
    if (!read_item_count(python, image, type, address, &items) ||
        __builtin_mul_overflow(items, type->item_size, &extent) ||
        !has_room(image, address, extent))
        return false;
    *ret += extent;
    return true;
}
