// SPDX-License-Identifier: MIT
#include "inspector/python/instance.h"

#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/static_type.h"

enum { WORD = 8, MOST_BASES = 64, MOST_VALUES = 255 };

/* Where the words of a managed __dict__ stand, before the object. */
enum { DICT_BEFORE = 3 * WORD, VALUES_BEFORE = 4 * WORD };

/* The instance's size up to the end of its items, to which a negative tp_dictoffset is relative:
 * Objects/object.c, _PyObject_ComputedDictPointer(). */
static uint64_t end_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    bool tagged = type->item_count == ITEMS_LV_TAG;
    uint64_t count, extent;

    if (!read_field(reader, address, tagged ? PyLongObject_lv_tag : PyVarObject_ob_size, &count))
        return 0;
    if (tagged)
        count >>= 3;
    else if ((int64_t)count < 0)
        count = -count;
    if (__builtin_mul_overflow(count, type->item_size, &extent) ||
        !has_room(reader->image, address, extent))
        return 0;
    return (address + type->basicsize + extent + WORD - 1) & ~(uint64_t)(WORD - 1);
}

/* The dict at tp_dictoffset, be it a class or C code that has put it there. */
static uint64_t dict_at_offset(const struct reader *reader, const struct type *type,
                               uint64_t address)
{
    uint64_t place = address;

    if (type->dict_offset < 0)
        place = end_of(reader, type, address);
    return type->dict_offset && place ? read_word(reader, place + (uint64_t)type->dict_offset) : 0;
}

/* dk_nentries of the keys that name the values, as far as there is memory for them. */
static uint64_t count_values(const struct reader *reader, const struct instance_dict *attributes)
{
    uint64_t count;

    if (!attributes->keys ||
        !read_field(reader, attributes->keys, PyDictKeysObject_dk_nentries, &count) ||
        count > MOST_VALUES || !reader_has_room(reader, attributes->values, count, WORD))
        return 0;
    return count;
}

/* The values inside the instance, if they are in use. */
static void find_inline(const struct reader *reader, const struct type *type, uint64_t address,
                        struct instance_dict *ret)
{
    uint64_t header = address + type->basicsize, valid, capacity;

    if (!(type->flags & TPFLAGS_INLINE_VALUES) ||
        !read_field(reader, header, dict_values_valid, &valid) || !valid ||
        !read_field(reader, header, dict_values_capacity, &capacity))
        return;
    ret->values = field_address(reader, header, dict_values_values);
    ret->keys = type->cached_keys;
    ret->count = reader_has_room(reader, ret->values, capacity, WORD) ? capacity : 0;
}

static struct instance_dict managed_dict_of(const struct reader *reader, const struct type *type,
                                            uint64_t address)
{
    struct instance_dict ret = {0};
    uint64_t word = read_word(reader, address - DICT_BEFORE);

    switch (reader->python->shape.managed_dict) {
    case MANAGED_NONE:
        return ret;
    case MANAGED_TWO:
        ret.dict = word;
        ret.values = read_word(reader, address - VALUES_BEFORE);
        break;
    case MANAGED_TAGGED:
        if (word & 1)
            ret.values = word + 1; /* Objects/dictobject.c: _PyDictOrValues_GetValues() */
        else
            ret.dict = word;
        break;
    case MANAGED_INLINE:
        ret.dict = word;
        find_inline(reader, type, address, &ret);
        return ret;
    }
    if (ret.values) {
        ret.keys = type->cached_keys;
        ret.count = count_values(reader, &ret);
    }
    return ret;
}

static bool is_managed(const struct reader *reader, const struct type *type)
{
    return type->flags & TPFLAGS_MANAGED_DICT && reader->python->shape.managed_dict != MANAGED_NONE;
}

struct instance_dict instance_dict_of(const struct reader *reader, const struct type *type,
                                      uint64_t address)
{
    if (is_managed(reader, type))
        return managed_dict_of(reader, type, address);
    uint64_t dict = dict_at_offset(reader, type, address);

    if (!dict && type->flags & TPFLAGS_TYPE_SUBCLASS)
        dict = static_type_dict(reader, address);
    return (struct instance_dict){.dict = dict};
}

/* The str that names value `number` of those that have no dict. */
static uint64_t name_of(const struct reader *reader, const struct dict_entries *entries,
                        uint64_t number)
{
    return entries->size && number < entries->count
               ? read_word(reader, entries->address + number * entries->size + entries->key)
               : 0;
}

static void tell_values(const struct reader *reader, const struct instance_dict *attributes,
                        struct references *references)
{
    struct dict_entries entries = {0};

    if (!attributes->keys ||
        !dict_entries_of(reader->python, reader->image, attributes->keys, &entries))
        entries.size = 0;
    for (uint64_t i = 0; i < attributes->count && !references->ended; i++) {
        uint64_t value = read_word(reader, attributes->values + i * WORD);
        struct reference reference = {.to = value,
                                      .label = LABEL_ATTRIBUTE,
                                      .key = value ? name_of(reader, &entries, i) : 0,
                                      .number = i};
        reference_tell(references, &reference);
    }
}

/* Objects/dictobject.c, PyObject_VisitManagedDict(). */
static void tell_managed(const struct reader *reader, const struct type *type, uint64_t address,
                         struct references *references)
{
    struct instance_dict attributes = managed_dict_of(reader, type, address);

    if (reader->python->shape.managed_dict == MANAGED_INLINE && attributes.dict &&
        attributes.values) {
        if (dict_hides_embedded_values(reader, attributes.dict))
            attributes.dict = 0;
        else
            attributes.values = attributes.count = 0;
    }
    tell_values(reader, &attributes, references);
    reference_field(references, attributes.dict, "__dict__");
}

/*
 * The __dict__ that a class has added is visited by subtype_traverse, and a managed one by whatever
 * traverses the instance. One that C code put into its structure is told by the row of its kind;
 * where no row knows that structure, that it is visited is a guess.
 */
static void tell_dict(const struct reader *reader, const struct type *type, uint64_t address,
                      struct references *references)
{
    const struct type *native = type->native;

    if (is_managed(reader, type)) {
        tell_managed(reader, type, address, references);
        return;
    }
    if (!type->dict_offset)
        return;
    if (native && type->dict_offset != native->dict_offset)
        reference_field(references, dict_at_offset(reader, type, address), "__dict__");
    else if (!type->kind || type->kind_type->dict_offset != type->dict_offset)
        reference_tell(references, &(struct reference){.to = dict_at_offset(reader, type, address),
                                                       .label = LABEL_FIELD,
                                                       .name = "__dict__",
                                                       .is_owned = true,
                                                       .is_guess = true});
}

static void tell_slots(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *references)
{
    const struct type *end = type->native;

    for (unsigned i = 0; type && type != end && i < MOST_BASES; i++, type = type->base) {
        for (uint32_t j = 0; j < type->slot_count && !references->ended; j++) {
            struct reference reference = {.to = read_word(reader, address + type->slots[j].offset),
                                          .label = LABEL_SLOT,
                                          .key = type->slots[j].name};
            reference_tell(references, &reference);
        }
    }
}

/*
 * Does the tp_traverse of the instance visit its type? subtype_traverse does unless the C type
 * below is a heap type; a C heap type's own does, where it has one and did not inherit it.
 */
static bool visits_type(const struct reader *reader, const struct type *type)
{
    const struct type *native = type->native;

    if (!(type->flags & TPFLAGS_HAVE_GC))
        return false;
    if (!reader->python->shape.natives_visit_type)
        return type != native;
    if (type != native && !(native->flags & TPFLAGS_HEAPTYPE && native->traverse))
        return true;
    for (unsigned i = 0;
         native->base && native->base->traverse == native->traverse && i < MOST_BASES; i++)
        native = native->base;
    return native->flags & TPFLAGS_HEAPTYPE && native->traverse &&
           !(native->kind && native->kind->hides_type);
}

void instance_references(const struct reader *reader, const struct type *type, uint64_t address,
                         struct references *references)
{
    tell_slots(reader, type, address, references);
    tell_dict(reader, type, address, references);
    if (!(type->flags & TPFLAGS_HEAPTYPE))
        return;
    if (visits_type(reader, type))
        reference_field(references, type->address, "__class__");
    else
        reference_owned(references, type->address, "__class__");
}

void instance_attributes(const struct reader *reader, const struct type *type, uint64_t address,
                         struct references *references)
{
    struct instance_dict attributes = instance_dict_of(reader, type, address);
    uint64_t values = attributes.values;
    struct dict_walk walk;
    struct dict_entry entry;
    bool open = false;

    if (reader->python->shape.managed_dict == MANAGED_INLINE && values)
        values = address + type->basicsize;
    if (attributes.dict)
        open = dict_open(reader, attributes.dict, &walk);
    else if (values && attributes.keys)
        open = dict_open_values(reader, attributes.keys, values, &walk);
    while (open && !references->ended && dict_next(&walk, &entry))
        reference_tell(references, &(struct reference){.to = entry.value,
                                                       .label = LABEL_ATTRIBUTE,
                                                       .key = entry.key,
                                                       .number = entry.number});
    if (open)
        reference_skip(references, walk.next - walk.number);
    tell_slots(reader, type, address, references);
}
