// SPDX-License-Identifier: MIT
#include "inspector/python/unicode.h"

/* A bit-field of PyASCIIObject.state. */
static unsigned state_bits(const struct layout *layout, const uint8_t *str, enum layout_slot_id id)
{
    const struct layout_slot *slot = &layout->slots[id];
    uint64_t bits = load_word(str + slot->offset, slot->size) >> slot->bit_offset;

    return (unsigned)(bits & ((UINT64_C(1) << slot->bit_size) - 1));
}

/* Up to 3.11: it has nothing but its characters as wchar_t, for want of anybody who asked for more.
 */
static bool find_wide(const struct python *python, struct image *image, uint64_t address,
                      struct characters *ret)
{
    const struct layout *layout = &python->layout;
    struct characters found = {.width = 4};

    if (!layout_has(layout, PyUnicodeObject_caches_wstr) ||
        !layout_has(layout, PyUnicodeObject_caches_wstr_length) ||
        !image_word(image, address + layout_offset(layout, PyUnicodeObject_caches_wstr), 8,
                    &found.address) ||
        !found.address ||
        !image_word(image, address + layout_offset(layout, PyUnicodeObject_caches_wstr_length), 8,
                    &found.length))
        return false;
    *ret = found;
    return true;
}

bool unicode_find(const struct python *python, struct image *image, uint64_t address,
                  struct characters *ret)
{
    const struct layout *layout = &python->layout;
    const uint8_t *str = image_at(image, address, layout_size(layout, sizeof_PyASCIIObject));
    struct characters found;

    if (!str)
        return false;
    found.length = load_u64(str + layout_offset(layout, PyASCIIObject_length));
    found.width = state_bits(layout, str, PyASCIIObject_kind);
    found.is_ascii = state_bits(layout, str, PyASCIIObject_ascii);
    found.is_compact = state_bits(layout, str, PyASCIIObject_compact);
    if (found.width == 0)
        return find_wide(python, image, address, ret);
    if (found.width != 1 && found.width != 2 && found.width != 4)
        return false;
    if (found.is_compact)
        found.address =
            address + layout_size(layout, found.is_ascii ? sizeof_PyASCIIObject
                                                         : sizeof_PyCompactUnicodeObject);
    else if (!image_word(image, address + layout_offset(layout, PyUnicodeObject_data), 8,
                         &found.address))
        return false;
    *ret = found;
    return true;
}

bool unicode_read(const struct python *python, struct image *image, uint64_t address, uint64_t most,
                  struct text *text)
{
    struct characters found;

    if (!unicode_find(python, image, address, &found))
        return false;
    if (!found.length)
        return true;
    bool cut = found.length > most;
    if (cut)
        found.length = most;
    const uint8_t *at = image_at(image, found.address, found.length * found.width);
    if (!at)
        return false;
    for (uint64_t i = 0; i < found.length; i++)
        text_add_code(text, (uint32_t)load_word(at + i * found.width, found.width));
    if (cut)
        text_add(text, "...");
    return true;
}

bool unicode_equals(const struct python *python, struct image *image, uint64_t address,
                    const char *ascii, size_t length)
{
    struct characters found;

    if (!unicode_find(python, image, address, &found) || found.length != length || found.width != 1)
        return false;
    const void *at = image_at(image, found.address, length);
    return at && memcmp(at, ascii, length) == 0;
}
