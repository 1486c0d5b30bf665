// SPDX-License-Identifier: MIT
#include "inspector/python/class.h"

#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/unicode.h"

enum {
    MOST_SLOTS = 4096,
    MOST_SLOTS_OF_ALL = 1 << 22,
    MOST_MRO = 256,
    MOST_NAMES = 4096,
    T_OBJECT_EX = 16
};

/* What is looked for in a type's own dictionary. */
struct found {
    uint64_t slots, size;
};

static bool is_name(const struct reader *reader, uint64_t str, const char *name, size_t length)
{
    return unicode_equals(reader->python, reader->image, str, name, length) &&
           has_type_flag(reader->python, reader->image, str, TPFLAGS_UNICODE_SUBCLASS);
}

/*
 * Both names in one go, and entry by entry: thousands of types are asked. Of static types of 3.12
 * and later the dictionary is elsewhere, and tp_dict is NULL.
 */
static struct found look(const struct reader *reader, const struct type *type)
{
    static const char slots[] = "__slots__", size[] = "__sizeof__";
    uint64_t dict = read_pointer(reader, type->address, PyTypeObject_tp_dict);
    uint64_t keys = dict ? read_pointer(reader, dict, PyDictObject_ma_keys) : 0;
    struct found found = {0};
    struct dict_entries entries;

    if (!keys || !dict_entries_of(reader->python, reader->image, keys, &entries))
        return found;
    for (uint64_t i = 0; i < entries.count && i < MOST_NAMES; i++) {
        const uint8_t *entry =
            image_at(reader->image, entries.address + i * entries.size, entries.size);
        uint64_t length;
        if (!entry)
            break;
        uint64_t key = load_u64(entry + entries.key), value = load_u64(entry + entries.value);
        if (!key || !value || !read_field(reader, key, PyASCIIObject_length, &length))
            continue;
        if (length == sizeof(slots) - 1 && is_name(reader, key, slots, length))
            found.slots = value;
        else if (length == sizeof(size) - 1 && is_name(reader, key, size, length))
            found.size = value;
    }
    return found;
}

/* Where type.__new__ puts the members: behind the type, as large as its metatype says. */
static uint64_t members_of(const struct reader *reader, const struct type *type)
{
    uint64_t meta = read_pointer(reader, type->address, PyObject_ob_type);
    uint64_t size = meta ? read_pointer(reader, meta, PyTypeObject_tp_basicsize) : 0;

    return size ? type->address + size : 0;
}

static bool is_class(struct types *types, const struct reader *reader, const struct type *type,
                     const struct found *found, uint64_t members)
{
    uint64_t count;

    if (!(type->flags & TPFLAGS_HEAPTYPE))
        return false;
    if (types->class_traverse && type->flags & TPFLAGS_HAVE_GC)
        return type->traverse == types->class_traverse;
    return members && read_pointer(reader, type->address, type_tp_members) == members &&
           read_field(reader, type->address, PyVarObject_ob_size, &count) &&
           (!count || found->slots);
}

static bool read_slots(struct types *types, const struct reader *reader, struct type *type,
                       uint64_t members, struct error *err)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t count, kind, name, offset;

    if (!layout_has(layout, sizeof_PyMemberDef) ||
        !read_field(reader, type->address, PyVarObject_ob_size, &count) || !count ||
        count > MOST_SLOTS || types->slot_count + count > MOST_SLOTS_OF_ALL)
        return true;
    types->slot_count += count;
    uint64_t stride = layout_size(layout, sizeof_PyMemberDef);
    struct type_slot *slots = arena_alloc(&types->arena, count * sizeof(*slots));
    if (!slots)
        return error_memory(err);
    for (uint64_t i = 0; i < count; i++, members += stride) {
        if (!read_field(reader, members, PyMemberDef_type, &kind) || kind != T_OBJECT_EX ||
            !read_field(reader, members, PyMemberDef_name, &name) ||
            !read_field(reader, members, PyMemberDef_offset, &offset) || offset >= type->basicsize)
            continue;
        slots[type->slot_count++] = (struct type_slot){.name = name, .offset = (uint32_t)offset};
    }
    type->slots = slots;
    return true;
}

static bool is_in_bases(const struct type *type, uint64_t address)
{
    for (unsigned i = 0; type && i < MOST_MRO; i++, type = type->base) {
        if (type->address == address)
            return true;
    }
    return false;
}

/* A type whose dictionary is not to be had is a static one of the interpreter's own. */
static bool is_hidden(const struct reader *reader, const struct type *type)
{
    return !(type->flags & TPFLAGS_HEAPTYPE) &&
           !read_pointer(reader, type->address, PyTypeObject_tp_dict);
}

/* Whose code is the `__sizeof__` that was found? Methods of C types are descriptors that tell it.
 */
static enum sizeof_by judge(const struct reader *reader, const struct type *type, uint64_t method)
{
    const struct type *descriptor = reader_type_of(reader, method);

    if (!descriptor || strcmp(descriptor->name, "method_descriptor") != 0)
        return SIZEOF_PYTHON;
    uint64_t owner = read_pointer(reader, method, PyDescrObject_d_type);
    const struct type *by = reader_type(reader, owner);
    if (by && !by->base)
        return SIZEOF_KNOWN; /* object's own */
    return type->kind && is_in_bases(type->kind_type, owner) ? SIZEOF_KNOWN : SIZEOF_C;
}

static enum sizeof_by find_sizeof(const struct reader *reader, const struct type *type)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t mro, count, address;

    if (!layout_has(layout, type_tp_mro) || !layout_has(layout, PyTupleObject_ob_item))
        return SIZEOF_KNOWN;
    mro = read_pointer(reader, type->address, type_tp_mro);
    uint64_t item = field_address(reader, mro, PyTupleObject_ob_item);
    if (!mro || !read_count(reader, mro, item, sizeof(uint64_t), &count))
        return SIZEOF_KNOWN;
    for (uint64_t i = 0; i < count && i < MOST_MRO; i++, item += sizeof(uint64_t)) {
        const struct type *at =
            image_word(reader->image, item, sizeof(address), &address)
                ? (address == type->address ? type : reader_type(reader, address))
                : NULL;
        if (at && at->own_sizeof)
            return judge(reader, type, at->own_sizeof);
        if (at && is_hidden(reader, at) && at->kind && at->kind_type == at && at->kind->size)
            return SIZEOF_KNOWN;
    }
    return SIZEOF_KNOWN;
}

bool class_read(struct types *types, struct image *image, struct type *type, struct error *err)
{
    const struct reader reader = {types->python, image, types};
    struct found found = look(&reader, type);
    uint64_t members = members_of(&reader, type);

    if (type->flags & TPFLAGS_HEAPTYPE)
        type->cached_keys = read_pointer(&reader, type->address, heap_type_ht_cached_keys);
    type->is_class = is_class(types, &reader, type, &found, members);
    /* One that the collector does not know has no tp_traverse to look through. */
    bool traversed = type->is_class && type->flags & TPFLAGS_HAVE_GC;
    if (traversed && !types->class_traverse)
        types->class_traverse = type->traverse;
    type->native = traversed && type->base && type->base->native ? type->base->native : type;
    if (traversed && !read_slots(types, &reader, type, members, err))
        return false;
    type->own_sizeof = found.size;
    return true;
}

void class_find_sizeof(struct types *types, struct image *image, struct type *type)
{
    const struct reader reader = {types->python, image, types};

    if (types->depth >= MOST_MRO / 4)
        return;
    types->depth++;
    type->sizeof_by = find_sizeof(&reader, type);
    types->depth--;
}
