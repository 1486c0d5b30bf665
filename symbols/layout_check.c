// SPDX-License-Identifier: MIT
#include "symbols/layout.h"

enum { STRUCTURE_MAX = 1 << 20 };

/* How a field is read, and so what its size must be. */
enum field_kind {
    WORD,    /* a pointer, Py_ssize_t or size_t: eight bytes; all that is not named below */
    NUMBER,  /* an integer of 1, 2, 4 or 8 bytes, or a bit-field of up to 8 bits in one */
    PLACE,   /* not read as a whole: a structure, or an array without a bound. Aligned to 4 at the
              * least: Debian's 3.13.5 has gc_state.generations at offset 20 */
    OF_KIND, /* as large as it is, and wherever: who reads it looks at the size */
};

static enum field_kind kind_of(enum layout_slot_id id)
{
    static const unsigned char kinds[LAYOUT_SLOTS] = {
        [PyObject_ob_refcnt] = NUMBER, /* half a word since 3.14 */
        [gc_generation_head] = PLACE,
        [gc_state_generations] = PLACE,
        [gc_state_young] = PLACE,
        [gc_state_old] = PLACE,
        [gc_state_permanent_generation] = PLACE,
        [gc_state_collecting] = NUMBER,
        [runtime_gc] = PLACE,
        [interpreter_gc] = PLACE,
        [PyTypeObject_tp_watched] = NUMBER,
        [PyDictKeysObject_dk_log2_size] = NUMBER,
        [PyDictKeysObject_dk_log2_index_bytes] = NUMBER,
        [PyDictKeysObject_dk_kind] = NUMBER,
        [PyDictKeysObject_dk_indices] = PLACE,
        [PyASCIIObject_kind] = NUMBER,
        [PyASCIIObject_compact] = NUMBER,
        [PyASCIIObject_ascii] = NUMBER,
    };

    return layout_slot_is_of_kind(id) ? OF_KIND : (enum field_kind)kinds[id];
}

/* What every CPython with a GIL has, from 3.6 to 3.15. */
static const enum layout_slot_id required[] = {
    sizeof_PyObject,
    PyObject_ob_refcnt,
    PyObject_ob_type,
    sizeof_PyVarObject,
    PyVarObject_ob_size,
    sizeof_PyGC_Head,
    PyGC_Head_gc_next,
    PyGC_Head_gc_prev,
    sizeof_gc_generation,
    gc_generation_head,
    sizeof_PyTypeObject,
    PyTypeObject_tp_name,
    PyTypeObject_tp_basicsize,
    PyTypeObject_tp_itemsize,
    PyTypeObject_tp_flags,
    PyTypeObject_tp_dict,
    sizeof_PyHeapTypeObject,
    PyHeapTypeObject_ht_name,
    PyHeapTypeObject_ht_qualname,
    sizeof_PyDictObject,
    PyDictObject_ma_keys,
    PyDictObject_ma_values,
    sizeof_PyDictKeysObject,
    PyDictKeysObject_dk_nentries,
    PyDictKeysObject_dk_indices,
    sizeof_PyDictKeyEntry,
    PyDictKeyEntry_me_key,
    PyDictKeyEntry_me_value,
    sizeof_PyASCIIObject,
    PyASCIIObject_length,
    PyASCIIObject_kind,
    PyASCIIObject_compact,
    PyASCIIObject_ascii,
    sizeof_PyCompactUnicodeObject,
    sizeof_PyUnicodeObject,
    PyUnicodeObject_data,
};

/* What must be there with something that only some versions have. */
static const struct {
    enum layout_slot_id with;
    enum layout_slot_id needed;
} demands[] = {
    {PyDictKeysObject_dk_log2_size, PyDictKeysObject_dk_log2_index_bytes},
    {PyDictKeysObject_dk_log2_size, PyDictKeysObject_dk_kind},
    {PyDictKeysObject_dk_log2_size, sizeof_PyDictUnicodeEntry},
    {PyDictKeysObject_dk_log2_size, PyDictUnicodeEntry_me_key},
    {PyDictKeysObject_dk_log2_size, PyDictUnicodeEntry_me_value},
    {sizeof_gc_state, gc_state_collecting},
    {runtime_gc, runtime_interpreters_head},
    {interpreter_gc, runtime_interpreters_head},
    {interpreter_gc, interpreter_next},
};

/* Structures that begin with another one. */
static const struct {
    enum layout_slot_id inner;
    enum layout_slot_id outer;
} prefixes[] = {
    {sizeof_PyTypeObject, sizeof_PyHeapTypeObject},
    {sizeof_PyASCIIObject, sizeof_PyCompactUnicodeObject},
    {sizeof_PyCompactUnicodeObject, sizeof_PyUnicodeObject},
};

/* Fields that are structures of the list themselves, or arrays of them. */
static const struct {
    enum layout_slot_id field;
    enum layout_slot_id structure;
    uint32_t count;
} nested[] = {
    {gc_generation_head, sizeof_PyGC_Head, 1},
    {gc_state_generations, sizeof_gc_generation, 3},
    {gc_state_young, sizeof_gc_generation, 1},
    {gc_state_old, sizeof_gc_generation, 2},
    {gc_state_permanent_generation, sizeof_gc_generation, 1},
    {runtime_gc, sizeof_gc_state, 1},
    {interpreter_gc, sizeof_gc_state, 1},
};

static bool lacks(enum layout_slot_id has, enum layout_slot_id no, struct error *err)
{
    return error_set(err, ERROR_PYTHON, "the layout is damaged: it has %s, but no %s",
                     layout_slot_name(has), layout_slot_name(no));
}

static bool check_structure(const struct layout *layout, enum layout_slot_id id, struct error *err)
{
    uint32_t size = layout->slots[id].size;

    if (layout_has(layout, id) && (size == 0 || size > STRUCTURE_MAX))
        return error_set(err, ERROR_PYTHON, "the layout is damaged: %s is %u bytes",
                         layout_slot_name(id), size);
    return true;
}

static bool fits_kind(const struct layout_slot *slot, enum field_kind kind)
{
    switch (kind) {
    case PLACE:
        return slot->offset % 4 == 0 && !slot->bit_size;
    case WORD:
        return slot->offset % 8 == 0 && slot->size == 8 && !slot->bit_size;
    case OF_KIND:
        return !slot->bit_size || (slot->size <= 8 && slot->bit_size < 64 &&
                                   (unsigned)slot->bit_offset + slot->bit_size <= slot->size * 8);
    case NUMBER:
        break;
    }
    return (slot->size == 1 || slot->size == 2 || slot->size == 4 || slot->size == 8) &&
           slot->offset % slot->size == 0 && slot->bit_size <= 8 &&
           (unsigned)slot->bit_offset + slot->bit_size <= slot->size * 8;
}

static bool check_field(const struct layout *layout, enum layout_slot_id structure,
                        enum layout_slot_id id, struct error *err)
{
    const struct layout_slot *slot = &layout->slots[id];
    uint32_t end;

    if (!slot->present)
        return true;
    if (!layout_has(layout, structure))
        return lacks(id, structure, err);
    if (__builtin_add_overflow(slot->offset, slot->size, &end) ||
        end > layout_size(layout, structure))
        return error_set(err, ERROR_PYTHON,
                         "the layout is damaged: %s (%u bytes at %u) lies outside its structure",
                         layout_slot_name(id), slot->size, slot->offset);
    if (!fits_kind(slot, kind_of(id)))
        return error_set(
            err, ERROR_PYTHON,
            "the layout is damaged: %s (%u bytes at %u, %u bits from bit %u) cannot be so",
            layout_slot_name(id), slot->size, slot->offset, slot->bit_size, slot->bit_offset);
    return true;
}

static bool check_places(const struct layout *layout, struct error *err)
{
#define STRUCT(id, names)                                                                          \
    if (!check_structure(layout, sizeof_##id, err))                                                \
        return false;
#define FIELD(id, name, paths)                                                                     \
    if (!check_field(layout, sizeof_##id, id##_##name, err))                                       \
        return false;
#include "symbols/fields.def"
    return true;
}

static bool check_nested(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++) {
        enum layout_slot_id field = nested[i].field;
        enum layout_slot_id structure = nested[i].structure;

        if (!layout_has(layout, field))
            continue;
        if (!layout_has(layout, structure))
            return lacks(field, structure, err);
        if (layout_size(layout, field) != nested[i].count * layout_size(layout, structure))
            return error_set(err, ERROR_PYTHON,
                             "the layout is damaged: %s is %u bytes, which is not %u times %s (%u)",
                             layout_slot_name(field), layout_size(layout, field), nested[i].count,
                             layout_slot_name(structure), layout_size(layout, structure));
    }
    return true;
}

static bool missing(enum layout_slot_id id, struct error *err)
{
    return error_set(err, ERROR_PYTHON,
                     "the layout of this Python lacks %s, which CPython 3.6 to 3.15 have",
                     layout_slot_name(id));
}

static bool check_required(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!layout_has(layout, required[i]))
            return missing(required[i], err);
    }
    if (!layout_has(layout, PyDictKeysObject_dk_size) &&
        !layout_has(layout, PyDictKeysObject_dk_log2_size))
        return missing(PyDictKeysObject_dk_log2_size, err);
    if (layout_has(layout, sizeof_gc_state) && !layout_has(layout, gc_state_generations) &&
        !(layout_has(layout, gc_state_young) && layout_has(layout, gc_state_old)))
        return missing(gc_state_generations, err);
    return true;
}

static bool check_demands(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
        if (layout_has(layout, demands[i].with) && !layout_has(layout, demands[i].needed))
            return lacks(demands[i].with, demands[i].needed, err);
    }
    return true;
}

/* Of structures that are required. */
static bool check_prefixes(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        enum layout_slot_id inner = prefixes[i].inner;
        enum layout_slot_id outer = prefixes[i].outer;

        if (layout_size(layout, inner) > layout_size(layout, outer))
            return error_set(err, ERROR_PYTHON,
                             "the layout is damaged: %s is %u bytes, more than %s (%u)",
                             layout_slot_name(inner), layout_size(layout, inner),
                             layout_slot_name(outer), layout_size(layout, outer));
    }
    return true;
}

bool layout_free_threaded(struct error *err)
{
    return error_set(err, ERROR_PYTHON,
                     "this is a free-threaded build of CPython (Py_GIL_DISABLED): it keeps no "
                     "garbage-collector lists, which is what pyinspect reads; use a build with "
                     "the GIL");
}

bool layout_check(const struct layout *layout, struct error *err)
{
    if (layout_has(layout, PyObject_ob_tid))
        return layout_free_threaded(err);
    return check_places(layout, err) && check_required(layout, err) && check_demands(layout, err) &&
           check_prefixes(layout, err) && check_nested(layout, err);
}
