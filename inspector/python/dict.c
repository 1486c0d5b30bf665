// SPDX-License-Identifier: MIT
#include "inspector/python/dict.h"

#include "inspector/python/type.h"
#include "inspector/python/unicode.h"

enum { MOST_LOG2_SIZE = 40, DICT_KEYS_GENERAL = 0, MOST_ENTRIES = 4096 };

static uint32_t index_width(uint64_t slots)
{
    if (slots <= UINT8_MAX)
        return 1;
    if (slots <= UINT16_MAX)
        return 2;
    return slots <= UINT32_MAX ? 4 : 8;
}

/* The hash table of indices; false: it cannot be so. */
static bool find_indices(const struct python *python, const uint8_t *header,
                         struct dict_entries *entries)
{
    const struct layout *layout = &python->layout;
    uint8_t log2_size, log2_bytes;

    switch (python->shape.keys) {
    case KEYS_DK_SIZE:
        entries->slots = load_u64(header + layout_offset(layout, PyDictKeysObject_dk_size));
        entries->index_width = index_width(entries->slots);
        return entries->slots && (entries->slots & (entries->slots - 1)) == 0 &&
               entries->slots >> MOST_LOG2_SIZE == 0;
    case KEYS_LOG2:
        log2_size = header[layout_offset(layout, PyDictKeysObject_dk_log2_size)];
        log2_bytes = header[layout_offset(layout, PyDictKeysObject_dk_log2_index_bytes)];
        if (log2_size > MOST_LOG2_SIZE || log2_bytes < log2_size || log2_bytes > log2_size + 3)
            return false;
        entries->slots = UINT64_C(1) << log2_size;
        entries->index_width = UINT32_C(1) << (log2_bytes - log2_size);
        return true;
    }
    return false;
}

bool dict_entries_of(const struct python *python, struct image *image, uint64_t keys,
                     struct dict_entries *ret)
{
    const struct layout *layout = &python->layout;
    const uint8_t *header = image_at(image, keys, layout_size(layout, sizeof_PyDictKeysObject));
    struct dict_entries found = {.general = true,
                                 .size = layout_size(layout, sizeof_PyDictKeyEntry),
                                 .key = layout_offset(layout, PyDictKeyEntry_me_key),
                                 .value = layout_offset(layout, PyDictKeyEntry_me_value)};

    if (!header || !find_indices(python, header, &found))
        return false;
    if (python->shape.keys == KEYS_LOG2 &&
        header[layout_offset(layout, PyDictKeysObject_dk_kind)] != DICT_KEYS_GENERAL) {
        found.general = false;
        found.size = layout_size(layout, sizeof_PyDictUnicodeEntry);
        found.key = layout_offset(layout, PyDictUnicodeEntry_me_key);
        found.value = layout_offset(layout, PyDictUnicodeEntry_me_value);
    }
    found.indices = keys + layout_offset(layout, PyDictKeysObject_dk_indices);
    found.address = found.indices + found.slots * found.index_width;
    found.room = found.slots * 2 / 3;
    found.extent = found.address - keys + found.room * found.size;
    found.count = load_u64(header + layout_offset(layout, PyDictKeysObject_dk_nentries));
    if (layout_has(layout, dict_keys_dk_usable))
        found.usable = load_word(header + layout_offset(layout, dict_keys_dk_usable),
                                 layout_size(layout, dict_keys_dk_usable));
    *ret = found;
    return true;
}

/* The order of insertion that is kept with the values, which begin at walk->values. */
static bool find_order(struct dict_walk *walk, uint64_t values)
{
    const struct reader *reader = walk->reader;
    uint64_t capacity;

    switch (reader->python->shape.values) {
    case VALUES_PLAIN:
        walk->end = walk->entries.count;
        return true;
    case VALUES_PREFIXED: /* [-1] is the size of what is in front, [-2] how many there are */
        walk->order = values - 3;
        walk->order_step = -1;
        return image_word(reader->image, values - 2, 1, &walk->end);
    case VALUES_HEADED:
        walk->order_step = 1;
        if (!read_field(reader, values, dict_values_capacity, &capacity) ||
            !read_field(reader, values, dict_values_size, &walk->end) || walk->end > capacity)
            return false;
        walk->order = walk->values + capacity * sizeof(uint64_t);
        return true;
    }
    return false;
}

bool dict_open_values(const struct reader *reader, uint64_t keys, uint64_t values,
                      struct dict_walk *ret)
{
    struct dict_walk walk = {.reader = reader, .values = values};
    struct dict_entries *entries = &walk.entries;

    if (!dict_entries_of(reader->python, reader->image, keys, entries) ||
        !reader_has_room(reader, entries->address, entries->count, entries->size))
        return false;
    walk.end = entries->count;
    if (values) {
        if (reader->python->shape.values != VALUES_PLAIN)
            walk.values = field_address(reader, values, dict_values_values);
        if (!find_order(&walk, values) || walk.end > entries->count ||
            !reader_has_room(reader, walk.values, entries->count, sizeof(uint64_t)))
            return false;
    }
    *ret = walk;
    return true;
}

bool dict_open(const struct reader *reader, uint64_t dict, struct dict_walk *ret)
{
    uint64_t keys, values;

    return read_field(reader, dict, PyDictObject_ma_keys, &keys) &&
           read_field(reader, dict, PyDictObject_ma_values, &values) &&
           dict_open_values(reader, keys, values, ret);
}

bool dict_entry_at(const struct dict_walk *walk, uint64_t index, struct dict_entry *ret)
{
    const struct dict_entries *entries = &walk->entries;
    struct image *image = walk->reader->image;
    const uint8_t *entry = image_at(image, entries->address + index * entries->size, entries->size);

    if (!entry)
        return false;
    ret->key = load_u64(entry + entries->key);
    ret->value = load_u64(entry + entries->value);
    if (walk->values &&
        !image_word(image, walk->values + index * sizeof(uint64_t), sizeof(uint64_t), &ret->value))
        return false;
    return ret->key && ret->value;
}

bool dict_next(struct dict_walk *walk, struct dict_entry *ret)
{
    while (walk->next < walk->end) {
        uint64_t index = walk->next++;

        if (walk->order &&
            (!image_word(walk->reader->image, walk->order + index * (uint64_t)walk->order_step, 1,
                         &index) ||
             index >= walk->entries.count))
            return false;
        if (dict_entry_at(walk, index, ret)) {
            ret->number = walk->number++;
            return true;
        }
    }
    return false;
}

static uint64_t align(uint64_t size)
{
    return (size + 7) & ~UINT64_C(7);
}

bool dict_values_memory_of(const struct reader *reader, uint64_t dict,
                           const struct dict_memory *memory, struct dict_memory_block *ret)
{
    uint64_t values = read_pointer(reader, dict, PyDictObject_ma_values);
    uint64_t prefix, capacity, embedded;

    if (!values)
        return false;
    switch (reader->python->shape.values) {
    case VALUES_PLAIN:
        *ret = (struct dict_memory_block){values, memory->values_extent};
        return true;
    case VALUES_PREFIXED:
        if (!image_word(reader->image, values - 1, 1, &prefix))
            return false;
        *ret = (struct dict_memory_block){values - prefix, memory->values_extent + prefix};
        return true;
    case VALUES_HEADED:
        if (!read_field(reader, values, dict_values_embedded, &embedded) || embedded ||
            !read_field(reader, values, dict_values_capacity, &capacity))
            return false;
        *ret = (struct dict_memory_block){
            values, field_address(reader, values, dict_values_values) - values +
                        capacity * sizeof(uint64_t) + align(capacity)};
        return true;
    }
    return false;
}

bool dict_memory_of(const struct reader *reader, uint64_t dict, struct dict_memory *ret)
{
    uint64_t keys = read_pointer(reader, dict, PyDictObject_ma_keys);
    struct dict_entries entries;
    uint64_t values, refcount;

    if (!read_field(reader, dict, PyDictObject_ma_values, &values) ||
        !dict_entries_of(reader->python, reader->image, keys, &entries) ||
        !read_field(reader, keys, dict_keys_dk_refcnt, &refcount) || entries.count > entries.room ||
        entries.usable > entries.room || !reader_has_room(reader, keys, 1, entries.extent))
        return false;
    *ret = (struct dict_memory){
        .keys = {keys, entries.extent},
        .keys_shared = refcount != 1,
    };
    if (values)
        ret->values_extent = sizeof(uint64_t) * (reader->python->shape.values == VALUES_PLAIN
                                                     ? entries.room
                                                     : entries.usable + entries.count);
    ret->sizeof_extra = ret->values_extent + (ret->keys_shared ? 0 : entries.extent);
    return true;
}

/*
 * The function lookdict, which tables with keys of any type have as dk_lookup, has no symbol. But
 * the weak references to the subclasses of `object` are in a dict whose keys are numbers.
 */
static uint64_t general_lookup(const struct reader *reader, const struct type *type)
{
    while (type->base)
        type = type->base;
    uint64_t subclasses = read_pointer(reader, type->address, dict_type_tp_subclasses);
    uint64_t keys = read_pointer(reader, subclasses, PyDictObject_ma_keys);
    return read_pointer(reader, keys, dict_keys_dk_lookup);
}

bool dict_visits_keys(const struct reader *reader, const struct type *type, uint64_t dict,
                      const struct dict_walk *walk)
{
    if (reader->python->shape.keys == KEYS_LOG2)
        return walk->entries.general;
    if (walk->values || walk->entries.count == 0)
        return false;
    uint64_t keys = read_pointer(reader, dict, PyDictObject_ma_keys);
    uint64_t lookup = read_pointer(reader, keys, dict_keys_dk_lookup);
    return lookup && lookup == general_lookup(reader, type);
}

/* Does the function begin with a look at PyDictValues.embedded: cmpb $0, 2(%reg)? */
static bool looks_at_embedded(const struct reader *reader, uint64_t function)
{
    enum { LOOKED_AT = 96 };
    uint32_t offset = layout_offset(&reader->python->layout, dict_values_embedded);
    const uint8_t *code = image_at(reader->image, function, LOOKED_AT);

    for (unsigned i = 0; code && i + 4 <= LOOKED_AT; i++) {
        if (code[i] == 0x80 && code[i + 1] >= 0x78 && code[i + 1] <= 0x7f &&
            code[i + 2] == offset && code[i + 3] == 0)
            return true;
    }
    return false;
}

bool dict_hides_embedded_values(const struct reader *reader, uint64_t dict)
{
    uint64_t values = read_pointer(reader, dict, PyDictObject_ma_values);
    uint64_t embedded;

    if (!values || !read_field(reader, values, dict_values_embedded, &embedded) || !embedded)
        return false;
    uint64_t type = read_pointer(reader, dict, PyObject_ob_type);
    return looks_at_embedded(reader, read_pointer(reader, type, dict_type_tp_traverse));
}

bool dict_find(const struct python *python, struct image *image, uint64_t address,
               const char *ascii, uint64_t *ret_value)
{
    const struct reader reader = {.python = python, .image = image};
    const uint64_t length = strlen(ascii);
    struct dict_entry entry;
    struct dict_walk walk;

    if (!dict_open(&reader, address, &walk))
        return false;
    if (walk.end > MOST_ENTRIES)
        walk.end = MOST_ENTRIES;
    while (dict_next(&walk, &entry)) {
        if (has_type_flag(python, image, entry.key, TPFLAGS_UNICODE_SUBCLASS) &&
            unicode_equals(python, image, entry.key, ascii, length)) {
            *ret_value = entry.value;
            return true;
        }
    }
    return false;
}
