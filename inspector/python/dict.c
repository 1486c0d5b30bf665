// SPDX-License-Identifier: MIT
#include "inspector/python/dict.h"

#include "inspector/python/type.h"
#include "inspector/python/unicode.h"

enum { MOST_LOG2_INDEX = 40, DICT_KEYS_GENERAL = 0, MOST_ENTRIES = 4096 };

static uint64_t index_width(uint64_t slots)
{
    if (slots <= UINT8_MAX)
        return 1;
    if (slots <= UINT16_MAX)
        return 2;
    return slots <= UINT32_MAX ? 4 : 8;
}

bool dict_entries_of(const struct python *python, struct image *image, uint64_t keys,
                     struct dict_entries *ret)
{
    const struct layout *layout = &python->layout;
    const uint8_t *at = image_at(image, keys, layout_size(layout, sizeof_PyDictKeysObject));
    struct dict_entries found = {.general = true,
                                 .size = layout_size(layout, sizeof_PyDictKeyEntry),
                                 .key = layout_offset(layout, PyDictKeyEntry_me_key),
                                 .value = layout_offset(layout, PyDictKeyEntry_me_value)};
    uint64_t indices = 0;

    if (!at)
        return false;
    switch (python->shape.keys) {
    case KEYS_DK_SIZE:
        indices = load_u64(at + layout_offset(layout, PyDictKeysObject_dk_size));
        if (indices >> MOST_LOG2_INDEX)
            return false;
        indices *= index_width(indices);
        break;
    case KEYS_LOG2: {
        uint8_t log2 = at[layout_offset(layout, PyDictKeysObject_dk_log2_index_bytes)];
        if (log2 > MOST_LOG2_INDEX)
            return false;
        indices = UINT64_C(1) << log2;
        if (at[layout_offset(layout, PyDictKeysObject_dk_kind)] != DICT_KEYS_GENERAL) {
            found.general = false;
            found.size = layout_size(layout, sizeof_PyDictUnicodeEntry);
            found.key = layout_offset(layout, PyDictUnicodeEntry_me_key);
            found.value = layout_offset(layout, PyDictUnicodeEntry_me_value);
        }
        break;
    }
    }
    found.address = keys + layout_offset(layout, PyDictKeysObject_dk_indices) + indices;
    found.count = load_u64(at + layout_offset(layout, PyDictKeysObject_dk_nentries));
    *ret = found;
    return true;
}

bool dict_find(const struct python *python, struct image *image, uint64_t address,
               const char *ascii, uint64_t *ret_value)
{
    const struct layout *layout = &python->layout;
    const uint64_t length = strlen(ascii);
    uint64_t keys;
    struct dict_entries entries;

    if (!image_word(image, address + layout_offset(layout, PyDictObject_ma_keys), 8, &keys) ||
        !dict_entries_of(python, image, keys, &entries))
        return false;
    for (uint64_t i = 0; i < entries.count && i < MOST_ENTRIES; i++) {
        const uint8_t *entry = image_at(image, entries.address + i * entries.size, entries.size);
        if (!entry)
            return false;
        uint64_t key = load_u64(entry + entries.key);
        uint64_t value = load_u64(entry + entries.value);
        if (key && value && has_type_flag(python, image, key, TPFLAGS_UNICODE_SUBCLASS) &&
            unicode_equals(python, image, key, ascii, length)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
