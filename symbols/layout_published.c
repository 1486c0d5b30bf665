// SPDX-License-Identifier: MIT
#include "symbols/layout_published.h"

#include <string.h>

enum {
    STRUCTURE_MAX = 1 << 20,
    OLDEST_MINOR = 13,
    SHAPES = 3,     /* of 3.13, 3.14 and 3.15 */
    NONE = -1,      /* this version does not tell it */
    WORD = 8,       /* sizeof a field that is a pointer, Py_ssize_t or unsigned long */
    UNTOLD = 0,     /* how large the field is does not follow from what is published */
    LEVEL_RC = 0xc, /* of PY_VERSION_HEX */
};

static const char cookie[8] = "xdebugpy";

/* The header, which is the same in all versions. */
enum { AT_VERSION = 8, AT_FREE_THREADED = 16 };

/* Where _Py_DebugOffsets has the sizes of structures, in bytes. */
static const struct told_structure {
    enum layout_slot_id id;
    int at[SHAPES];
} structures[] = {
    {sizeof_runtime, {24, 24, 24}},
    {sizeof_interpreter, {48, 48, 48}},
    {sizeof_PyObject, {352, 400, 464}},
    {sizeof_PyTypeObject, {368, 416, 480}},
    {sizeof_PyHeapTypeObject, {NONE, NONE, 528}},
    {sizeof_PyDictObject, {448, 528, 624}},
    {sizeof_PyLongObject, {488, 568, 664}},
    {sizeof_PyUnicodeObject, {536, 616, 712}},
    {sizeof_PyASCIIObject, {560, 640, 736}},
    {sizeof_PyCompactUnicodeObject, {NONE, NONE, 744}},
    {sizeof_gc_state, {568, 648, 752}},
};

/* And where the offsets of fields. */
static const struct told_field {
    enum layout_slot_id id;
    uint32_t size;
    int at[SHAPES];
} fields[] = {
    {runtime_interpreters_head, WORD, {40, 40, 40}},
    {interpreter_next, WORD, {64, 64, 64}},
    {interpreter_gc, UNTOLD, {80, 88, 88}},
    {PyObject_ob_type, WORD, {360, 408, 472}},
    {PyTypeObject_tp_name, WORD, {376, 424, 488}},
    {PyTypeObject_tp_flags, WORD, {392, 440, 504}},
    {PyTypeObject_tp_basicsize, WORD, {NONE, NONE, 512}},
    {PyVarObject_ob_size, WORD, {416, 464, 560}}, /* tuple_object.ob_size: a tuple's ob_base */
    {PyDictObject_ma_keys, WORD, {456, 536, 632}},
    {PyDictObject_ma_values, WORD, {464, 544, 640}},
    {PyLongObject_lv_tag, WORD, {496, 576, 672}},
    {PyASCIIObject_length, WORD, {552, 632, 728}},
    {PyASCIIObject_kind, UNTOLD, {544, 624, 720}}, /* unicode_object.state holds these three */
    {PyASCIIObject_compact, UNTOLD, {544, 624, 720}},
    {PyASCIIObject_ascii, UNTOLD, {544, 624, 720}},
    {gc_state_collecting, UNTOLD, {576, 656, 760}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool read_word(const void *bytes, size_t size, size_t at, uint64_t *ret)
{
    if (at > size || size - at < sizeof(*ret))
        return false;
    memcpy(ret, (const char *)bytes + at, sizeof(*ret));
    return true;
}

/* Alphas and betas have shapes of their own. */
static bool find_shape(uint64_t version, size_t *ret)
{
    uint64_t minor = version >> 16 & 0xff;

    if (version >> 24 != 3 || minor < OLDEST_MINOR || minor - OLDEST_MINOR >= SHAPES ||
        (version >> 4 & 0xf) < LEVEL_RC)
        return false;
    *ret = minor - OLDEST_MINOR;
    return true;
}

static bool read_structure(struct layout *layout, const struct told_structure *told, size_t shape,
                           const void *bytes, size_t size)
{
    uint64_t value;

    if (told->at[shape] == NONE)
        return true;
    if (!read_word(bytes, size, (size_t)told->at[shape], &value) || value == 0 ||
        value > STRUCTURE_MAX)
        return false;
    layout->slots[told->id] = (struct layout_slot){.present = true, .size = (uint32_t)value};
    return true;
}

/* After the structures: the field has to lie in its own, as far as that is told. */
static bool read_field(struct layout *layout, const struct told_field *told, size_t shape,
                       const void *bytes, size_t size)
{
    const struct layout_slot *structure = &layout->slots[layout_slot_structure(told->id)];
    uint64_t most = structure->present ? structure->size : STRUCTURE_MAX;
    uint64_t least = told->size != UNTOLD ? told->size : 1;
    uint64_t value;

    if (told->at[shape] == NONE)
        return true;
    if (!read_word(bytes, size, (size_t)told->at[shape], &value) || most < least ||
        value > most - least || (told->size == WORD && value % WORD != 0))
        return false;
    layout->slots[told->id] =
        (struct layout_slot){.present = true, .offset = (uint32_t)value, .size = told->size};
    return true;
}

static bool read_layout(struct layout *ret, size_t shape, const void *bytes, size_t size)
{
    for (size_t i = 0; i < COUNT(structures); i++) {
        if (!read_structure(ret, &structures[i], shape, bytes, size))
            return false;
    }
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (!read_field(ret, &fields[i], shape, bytes, size))
            return false;
    }
    return true;
}

bool layout_published_read(struct published *ret, const void *bytes, size_t size)
{
    struct published published = {0};
    uint64_t free_threaded;
    size_t shape;

    if (size < sizeof(cookie) || memcmp(bytes, cookie, sizeof(cookie)) != 0 ||
        !read_word(bytes, size, AT_VERSION, &published.version) ||
        !find_shape(published.version, &shape) ||
        !read_word(bytes, size, AT_FREE_THREADED, &free_threaded) || free_threaded > 1 ||
        !read_layout(&published.layout, shape, bytes, size))
        return false;
    published.free_threaded = free_threaded;
    *ret = published;
    return true;
}

static bool differs(const struct layout_slot *slot, const struct layout_slot *told)
{
    return slot->offset != told->offset || (told->size != UNTOLD && slot->size != told->size);
}

static bool refuse(enum layout_slot_id id, const struct layout_slot *slot,
                   const struct layout_slot *told, struct error *err)
{
    bool by_offset = slot->offset != told->offset;
    const char *what = by_offset                         ? "lies at"
                       : layout_slot_structure(id) == id ? "is"
                                                         : "has the size";

    return error_set(err, ERROR_PYTHON,
                     "the layout is not that of this Python: %s %s %u in it, but %u as the "
                     "interpreter itself publishes",
                     layout_slot_name(id), what, by_offset ? slot->offset : slot->size,
                     by_offset ? told->offset : told->size);
}

/* Only what layout_check is content with wherever it was before. */
static bool may_add(const struct layout *layout, enum layout_slot_id id,
                    const struct layout_slot *told)
{
    const struct layout_slot *structure = &layout->slots[layout_slot_structure(id)];

    return structure->present && told->size == WORD && told->offset % WORD == 0 &&
           structure->size >= WORD && told->offset <= structure->size - WORD;
}

bool layout_published_check(struct layout *layout, const struct published *published,
                            unsigned *ret_confirmed, struct error *err)
{
    struct layout joined = *layout;
    unsigned confirmed = 0;

    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        const struct layout_slot *told = &published->layout.slots[id];

        if (!told->present)
            continue;
        if (!layout_has(layout, id)) {
            if (may_add(layout, id, told))
                joined.slots[id] = *told;
            continue;
        }
        if (differs(&layout->slots[id], told))
            return refuse(id, &layout->slots[id], told, err);
        confirmed++;
    }
    *layout = joined;
    *ret_confirmed = confirmed;
    return true;
}
