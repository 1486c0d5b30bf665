// SPDX-License-Identifier: MIT
#include "inspector/python/layout_rules.h"

/* A field is where it begins, a structure where it ends. */
static int64_t place_of(const struct layout *layout, enum layout_slot_id id)
{
    bool is_structure = layout_slot_structure(id) == id;

    return is_structure ? layout->slots[id].size : layout->slots[id].offset;
}

/* `field` lies `distance` bytes behind `other`, where a build has both. */
struct distance {
    enum layout_slot_id field, other;
    int64_t distance;
};

static const struct distance distances[] = {
    {PyObject_ob_type, PyObject_ob_refcnt, 8},
    {sizeof_PyObject, PyObject_ob_type, 8},
    {PyVarObject_ob_size, sizeof_PyObject, 0},
    {sizeof_PyVarObject, PyVarObject_ob_size, 8},
    {PyLongObject_lv_tag, sizeof_PyObject, 0},
    {PyGC_Head_gc_prev, PyGC_Head_gc_next, 8},
    {PyGC_Head_gc_refs, PyGC_Head_gc_prev, 8},
    {PyHeapTypeObject_ht_qualname, PyHeapTypeObject_ht_name, 16},
    {PyDictObject_ma_values, PyDictObject_ma_keys, 8},
    {sizeof_PyDictObject, PyDictObject_ma_values, 8},
    {PyDictKeysObject_dk_log2_index_bytes, PyDictKeysObject_dk_log2_size, 1},
    {PyDictKeysObject_dk_kind, PyDictKeysObject_dk_log2_index_bytes, 1},
    {PyDictKeysObject_dk_indices, PyDictKeysObject_dk_nentries, 8},
    {PyDictKeyEntry_me_value, PyDictKeyEntry_me_key, 8},
    {sizeof_PyDictKeyEntry, PyDictKeyEntry_me_value, 8},
    {PyDictUnicodeEntry_me_value, PyDictUnicodeEntry_me_key, 8},
    {sizeof_PyDictUnicodeEntry, PyDictUnicodeEntry_me_value, 8},
    {PyUnicodeObject_data, sizeof_PyCompactUnicodeObject, 0},
    {sizeof_PyUnicodeObject, PyUnicodeObject_data, 8},
};

static const struct {
    enum layout_slot_id field;
    int64_t place;
} constants[] = {
    {PyGC_Head_gc_next, 0},
    {gc_generation_head, 0},
    {PyDictKeyEntry_me_key, 8}, /* behind the hash */
    {PyDictUnicodeEntry_me_key, 0},
};

/* A build has both or none. */
static const struct {
    enum layout_slot_id one, other;
} twins[] = {
    {sizeof_gc_state, gc_state_permanent_generation}, /* 3.7 */
    {PyTypeObject_tp_watched, PyLongObject_lv_tag},   /* 3.12 */
    {PyDictKeysObject_dk_log2_size, PyDictKeysObject_dk_kind} /* 3.11 */,
};

static bool check_distances(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        const struct distance *rule = &distances[i];
        if (!layout_has(layout, rule->field) || !layout_has(layout, rule->other))
            continue;
        int64_t found = place_of(layout, rule->field) - place_of(layout, rule->other);
        if (found != rule->distance)
            return error_set(err, ERROR_PYTHON,
                             "%s is %d bytes behind %s, which is %d in every CPython",
                             layout_slot_name(rule->field), (int)found,
                             layout_slot_name(rule->other), (int)rule->distance);
    }
    return true;
}

static bool check_constants(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        int64_t place = place_of(layout, constants[i].field);
        if (layout_has(layout, constants[i].field) && place != constants[i].place)
            return error_set(err, ERROR_PYTHON, "%s is at %d, which is %d in every CPython",
                             layout_slot_name(constants[i].field), (int)place,
                             (int)constants[i].place);
    }
    return true;
}

static bool check_twins(const struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
        bool has_one = layout_has(layout, twins[i].one);
        if (has_one != layout_has(layout, twins[i].other))
            return error_set(err, ERROR_PYTHON, "there is %s without %s, which no CPython has",
                             layout_slot_name(has_one ? twins[i].one : twins[i].other),
                             layout_slot_name(has_one ? twins[i].other : twins[i].one));
    }
    /* Frames lost their ob_size when the tables of keys changed (3.11), and the nodes of the lists
     * their gc_refs when they became two words (3.8); before, they had 24 or 32 bytes. */
    if (layout_has(layout, PyFrameObject_ob_size) ==
        layout_has(layout, PyDictKeysObject_dk_log2_size))
        return error_set(err, ERROR_PYTHON,
                         "PyFrameObject.ob_size and PyDictKeysObject are not of "
                         "the same CPython");
    if (layout_has(layout, PyGC_Head_gc_refs) != (layout_size(layout, sizeof_PyGC_Head) > 16))
        return error_set(err, ERROR_PYTHON, "sizeof(PyGC_Head) is %u %s PyGC_Head.gc_refs",
                         layout_size(layout, sizeof_PyGC_Head),
                         layout_has(layout, PyGC_Head_gc_refs) ? "with" : "without");
    return true;
}

static uint32_t first_bit(const struct layout *layout, enum layout_slot_id id)
{
    return layout->slots[id].offset * 8 + layout->slots[id].bit_offset;
}

static bool check_state(const struct layout *layout, struct error *err)
{
    uint32_t kind = first_bit(layout, PyASCIIObject_kind);

    if (layout->slots[PyASCIIObject_kind].bit_size != 3 ||
        layout->slots[PyASCIIObject_compact].bit_size != 1 ||
        layout->slots[PyASCIIObject_ascii].bit_size != 1 ||
        first_bit(layout, PyASCIIObject_compact) != kind + 3 ||
        first_bit(layout, PyASCIIObject_ascii) != kind + 4)
        return error_set(err, ERROR_PYTHON,
                         "PyASCIIObject.kind, compact and ascii are not the 3 bits and the bit and "
                         "the bit that follow each other in every CPython");
    return true;
}

/* Three times three counts lie between the last list and the flag; since 3.15 a pointer to them. */
static bool check_collecting(const struct layout *layout, struct error *err)
{
    if (!layout_has(layout, sizeof_gc_state))
        return true;
    int64_t between = (int64_t)layout_offset(layout, gc_state_collecting) -
                      layout_offset(layout, gc_state_permanent_generation) -
                      layout_size(layout, sizeof_gc_generation);
    if (between != 9 * 8 && between != 8)
        return error_set(err, ERROR_PYTHON,
                         "gc_state.collecting is %d bytes behind gc_state.permanent_generation, "
                         "which is 72 or 8 in every CPython",
                         (int)between);
    return true;
}

/* A list that is there twice is counted twice. */
static bool check_lists(const struct layout *layout, struct error *err)
{
    static const enum layout_slot_id lists[] = {gc_state_generations, gc_state_young, gc_state_old,
                                                gc_state_permanent_generation};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const struct layout_slot *one = &layout->slots[lists[i]];
        for (size_t j = 0; j < i; j++) {
            const struct layout_slot *other = &layout->slots[lists[j]];
            if (one->present && other->present && one->offset < other->offset + other->size &&
                other->offset < one->offset + one->size)
                return error_set(err, ERROR_PYTHON, "%s and %s overlap", layout_slot_name(lists[j]),
                                 layout_slot_name(lists[i]));
        }
    }
    return true;
}

bool layout_rules_hold(const struct layout *layout, struct error *err)
{
    return check_distances(layout, err) && check_constants(layout, err) &&
           check_twins(layout, err) && check_state(layout, err) && check_lists(layout, err) &&
           check_collecting(layout, err);
}
