// SPDX-License-Identifier: MIT
#include "inspector/python/validate_check.h"

#include "inspector/python/dict.h"
#include "inspector/python/type.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>

enum {
    ENOUGH_OBJECTS = 128,   /* that lead to `type` */
    FEW_OBJECTS = 8,        /* if fewer do not, that says nothing */
    MOST_OBJECTS = 1 << 14, /* looked at until there are enough classes */
    ENOUGH_CLASSES = 3,
    MOST_ENTRIES = 64, /* of a class's dictionary */
    MOST_HOPS = 4,     /* from a type to its type, until `type` */
    MOST_NAME = 4096,
    SIZEOF_PYMEMBERDEF = 40
};

#define TPFLAGS_STATIC_BUILTIN (UINT64_C(1) << 1) /* 3.12 and later */

/* Tracked, and no collection is going on: Include/objimpl.h and pycore_gc.h up to 3.7. Shifted by
 * the bit that says whether the object was finalized. */
static const int64_t gc_reachable = -3;

/* ---- The types ---- */

static bool text_is(const struct text *text, const char *string)
{
    return !text->failed && text->length == strlen(string) &&
           memcmp(text->bytes, string, text->length) == 0;
}

static bool type_is_named(struct check *check, uint64_t type, const char *string)
{
    struct text name = {0};
    bool is = type_read_tp_name(check->python, check->image, type, &name) && name.length &&
              text_is(&name, string);

    text_free(&name);
    return is;
}

/* Is it `type`, of which everything is known? */
static bool is_type_itself(struct check *check, uint64_t address, struct error *err)
{
    const struct layout *layout = check->layout;
    uint64_t basic, item, flags;

    if (!check_field(check, address, PyTypeObject_tp_basicsize, &basic) ||
        !check_field(check, address, PyTypeObject_tp_itemsize, &item) ||
        !check_field(check, address, PyTypeObject_tp_flags, &flags))
        return error_set(err, ERROR_PYTHON, "PyObject.ob_type: `type` cannot be read");
    if (!type_is_named(check, address, "type"))
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_name: that of the type at 0x%" PRIx64 " is not \"type\"",
                         address);
    if (basic != layout_size(layout, sizeof_PyHeapTypeObject))
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_basicsize: that of `type` at 0x%" PRIx64 " is %" PRIu64
                         ", not sizeof(PyHeapTypeObject), %u",
                         address, basic, layout_size(layout, sizeof_PyHeapTypeObject));
    if (item != SIZEOF_PYMEMBERDEF)
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_itemsize: that of `type` at 0x%" PRIx64 " is %" PRIu64
                         ", not %d",
                         address, item, SIZEOF_PYMEMBERDEF);
    if (flags >> 32 || !(flags & TPFLAGS_TYPE_SUBCLASS) || !(flags & TPFLAGS_HAVE_GC) ||
        flags & TPFLAGS_HEAPTYPE)
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_flags: those of `type` at 0x%" PRIx64 " are 0x%" PRIx64,
                         address, flags);
    if (!(flags & TPFLAGS_STATIC_BUILTIN) == layout_has(layout, PyTypeObject_tp_watched))
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_watched: `type` at 0x%" PRIx64 " is of a CPython %s it",
                         address, flags & TPFLAGS_STATIC_BUILTIN ? "with" : "without");
    return true;
}

/* Is it an instance of a subclass of `type`, and does the type of its type, and so on, end there?
 */
static bool is_type(struct check *check, uint64_t address)
{
    uint64_t at = address, type;

    if (address && address == check->last_type)
        return true;
    for (int i = 0; i < MOST_HOPS; i++) {
        if (!is_pointer(at) || !check_field(check, at, PyObject_ob_type, &type))
            return false;
        if (type == at)
            break;
        at = type;
    }
    if (at != check->type) {
        struct error reason;
        if (check->type || !is_type_itself(check, at, &reason)) {
            if (!check->type)
                check->no_type = reason;
            return false;
        }
        check->type = at;
    }
    if (!has_type_flag(check->python, check->image, address, TPFLAGS_TYPE_SUBCLASS))
        return false;
    check->last_type = address;
    return true;
}

/* Is the word a pointer to an object of a type with this flag? */
static bool is_instance(struct check *check, uint64_t object, uint64_t flag)
{
    return is_pointer(object) && has_type_flag(check->python, check->image, object, flag);
}

/* Holds the size of a builtin type against its structure's, where the object is of this type. */
static bool check_size(struct check *check, uint64_t object, const char *name,
                       enum layout_slot_id structure)
{
    uint64_t type, basic;

    if (!check_field(check, object, PyObject_ob_type, &type) || !type_is_named(check, type, name) ||
        !check_field(check, type, PyTypeObject_tp_basicsize, &basic))
        return false;
    if (basic != layout_size(check->layout, structure))
        check_find(check, INVALID, "%s is %u bytes in the layout, but %" PRIu64 " in the target",
                   layout_slot_name(structure), layout_size(check->layout, structure), basic);
    return true;
}

/* ---- Classes: heap types ---- */

static bool read_str(struct check *check, uint64_t object, struct text *text)
{
    return is_instance(check, object, TPFLAGS_UNICODE_SUBCLASS) &&
           unicode_read(check->python, check->image, object, MOST_NAME, text);
}

/* ht_name is what tp_name ends in: that of C types may have their module's name before it. */
static bool names_agree(const struct text *ht_name, const struct text *tp_name)
{
    if (ht_name->failed || tp_name->failed || !ht_name->length || ht_name->length > tp_name->length)
        return false;
    size_t before = tp_name->length - ht_name->length;
    return memcmp(tp_name->bytes + before, ht_name->bytes, ht_name->length) == 0 &&
           (!before || tp_name->bytes[before - 1] == '.');
}

static bool check_names(struct check *check, uint64_t class, struct error *err)
{
    struct text ht_name = {0}, tp_name = {0}, qualname = {0};
    uint64_t name = 0, qualified = 0;
    bool done = true;

    if (!check_field(check, class, PyHeapTypeObject_ht_name, &name) ||
        !read_str(check, name, &ht_name) ||
        !type_read_tp_name(check->python, check->image, class, &tp_name) ||
        !names_agree(&ht_name, &tp_name))
        done = error_set(err, ERROR_PYTHON,
                         "PyHeapTypeObject.ht_name: that of the class at 0x%" PRIx64
                         " is no string that its tp_name ends in",
                         class);
    else if (!check_field(check, class, PyHeapTypeObject_ht_qualname, &qualified) ||
             !read_str(check, qualified, &qualname))
        done = error_set(
            err, ERROR_PYTHON,
            "PyHeapTypeObject.ht_qualname: that of the class at 0x%" PRIx64 " is no string", class);
    else
        check->met_str |= check_size(check, name, "str", sizeof_PyUnicodeObject);
    text_free(&ht_name);
    text_free(&tp_name);
    text_free(&qualname);
    return done;
}

/* Can a table of keys be so? */
static bool check_table(struct check *check, uint64_t keys, const struct dict_entries *entries)
{
    const struct layout *layout = check->layout;
    const uint8_t *at = image_at(check->image, keys, layout_size(layout, sizeof_PyDictKeysObject));
    uint64_t slots;

    if (!at)
        return false;
    if (check->python->shape.keys == KEYS_DK_SIZE) {
        slots = load_u64(at + layout_offset(layout, PyDictKeysObject_dk_size));
        if (slots & (slots - 1))
            return false;
    } else {
        unsigned log2 = at[layout_offset(layout, PyDictKeysObject_dk_log2_size)];
        unsigned width = log2 < 8 ? 0 : log2 < 16 ? 1 : log2 < 32 ? 2 : 3;
        if (log2 >= 40 || at[layout_offset(layout, PyDictKeysObject_dk_kind)] > 1 ||
            at[layout_offset(layout, PyDictKeysObject_dk_log2_index_bytes)] != log2 + width)
            return false;
        slots = UINT64_C(1) << log2;
    }
    return entries->count <= slots * 2 / 3;
}

/*
 * The entries of a class's dictionary: each key a string, each value an object, as far as there
 * are any. *ret_named: one is "__module__", whose value is a string; a C type may have none.
 */
static bool check_entries(struct check *check, const struct dict_entries *entries, bool *ret_named)
{
    bool named = false;

    for (uint64_t i = 0; i < entries->count && i < MOST_ENTRIES; i++) {
        const uint8_t *entry =
            image_at(check->image, entries->address + i * entries->size, entries->size);
        uint64_t type;
        if (!entry)
            return false;
        uint64_t key = load_u64(entry + entries->key), value = load_u64(entry + entries->value);
        if (!key && !value)
            continue; /* deleted */
        bool is_str = is_instance(check, key, TPFLAGS_UNICODE_SUBCLASS);
        if (!is_pointer(value) || !check_field(check, value, PyObject_ob_type, &type) ||
            !is_type(check, type) || !(is_str || entries->general))
            return false;
        if (is_str && !named && unicode_equals(check->python, check->image, key, "__module__", 10))
            named = is_instance(check, value, TPFLAGS_UNICODE_SUBCLASS);
    }
    *ret_named = named;
    return true;
}

static bool check_dict(struct check *check, uint64_t class, bool *ret_named, struct error *err)
{
    struct dict_entries entries;
    uint64_t dict = 0, keys = 0;

    if (!check_field(check, class, PyTypeObject_tp_dict, &dict) ||
        !is_instance(check, dict, TPFLAGS_DICT_SUBCLASS))
        return error_set(err, ERROR_PYTHON,
                         "PyTypeObject.tp_dict: that of the class at 0x%" PRIx64 " is no dict",
                         class);
    if (!check_field(check, dict, PyDictObject_ma_keys, &keys) || !is_pointer(keys) ||
        !dict_entries_of(check->python, check->image, keys, &entries) ||
        !check_table(check, keys, &entries))
        return error_set(
            err, ERROR_PYTHON,
            "PyDictObject.ma_keys: that of the dict at 0x%" PRIx64 " is no table of keys", dict);
    if (!check_entries(check, &entries, ret_named))
        return error_set(err, ERROR_PYTHON,
                         "PyDictKeysObject: in the table at 0x%" PRIx64
                         " there is an entry that is no name with an object",
                         keys);
    check->met_dict |= check_size(check, dict, "dict", sizeof_PyDictObject);
    return true;
}

static bool is_known(const struct check *check, uint64_t class)
{
    for (unsigned i = 0; i < check->class_count; i++) {
        if (check->classes[i] == class)
            return true;
    }
    return false;
}

static bool met_enough_classes(const struct check *check)
{
    return check->class_count == MOST_CLASSES ||
           (check->right >= ENOUGH_CLASSES && check->right > 2 * check->wrong && check->met_str &&
            check->met_dict);
}

static void check_class(struct check *check, uint64_t class)
{
    struct error reason;
    bool named = false;

    if (met_enough_classes(check) || is_known(check, class))
        return;
    check->classes[check->class_count++] = class;
    bool is_right = check_dict(check, class, &named, &reason) && check_names(check, class, &reason);
    check->right += is_right && named;
    if (!is_right && !check->wrong++)
        check->no_class = reason;
}

/* ---- The first objects ---- */

static void check_object(struct check *check, uint64_t object)
{
    uint64_t type, flags;

    check->objects++;
    if (!check_field(check, object, PyObject_ob_type, &type) || !is_type(check, type))
        return;
    check->typed++;
    if (!check_field(check, type, PyTypeObject_tp_flags, &flags))
        return;
    if (flags & TPFLAGS_HEAPTYPE)
        check_class(check, type);
    if (flags & TPFLAGS_TYPE_SUBCLASS &&
        check_field(check, object, PyTypeObject_tp_flags, &flags) && flags & TPFLAGS_HEAPTYPE)
        check_class(check, object);
}

static bool met_enough(const struct check *check)
{
    return check->objects >= MOST_OBJECTS ||
           (check->typed >= ENOUGH_OBJECTS && met_enough_classes(check));
}

static void check_objects(struct check *check, uint64_t head)
{
    const uint32_t head_size = layout_size(check->layout, sizeof_PyGC_Head);
    uint64_t before = head, at = check_link(check, head, PyGC_Head_gc_next), refs;

    while (at != head && !met_enough(check)) {
        if (!is_link(at) ||
            (check_link(check, at, PyGC_Head_gc_prev) != before && !check->collecting)) {
            check->unlinked++;
            return;
        }
        if (layout_has(check->layout, PyGC_Head_gc_refs) &&
            check_field(check, at, PyGC_Head_gc_refs, &refs))
            check->untracked += (int64_t)refs >> 1 != gc_reachable;
        check_object(check, at + head_size);
        before = at;
        at = check_link(check, at, PyGC_Head_gc_next);
    }
}

static void judge_objects(struct check *check)
{
    bool few = check->objects < FEW_OBJECTS;

    if (!check->type)
        check_find(check, few ? UNCERTAIN : INVALID, "%s",
                   check->no_type.kind ? check->no_type.text
                                       : "PyObject.ob_type: no object's type leads to `type`");
    else if (check->objects - check->typed > check->objects / 8)
        check_find(check, few || check->typed ? UNCERTAIN : INVALID,
                   "PyObject.ob_type: that of %u in %u objects does not lead to `type`",
                   check->objects - check->typed, check->objects);
    else if (check->untracked > check->objects / 2 && !check->collecting)
        check_find(check,
                   UNCERTAIN, /* a collection may have come and gone since its flag was read */
                   "PyGC_Head.gc_refs: that of %u in %u objects does not say that they are tracked",
                   check->untracked, check->objects);
    else if (check->unlinked && check->objects < ENOUGH_OBJECTS)
        check_find(check, UNCERTAIN, "PyGC_Head: after %u objects there was a broken link",
                   check->objects);
}

static void judge_classes(struct check *check)
{
    if (check->wrong && check->right <= 2 * check->wrong)
        check_find(check, !check->right && check->wrong >= ENOUGH_CLASSES ? INVALID : UNCERTAIN,
                   "%s", check->no_class.text);
    else if (!check->right)
        check_find(check, UNCERTAIN,
                   "PyTypeObject.tp_dict: no class with a \"__module__\" was met among %u objects",
                   check->objects);
    else if (!check->met_str || !check->met_dict)
        check_find(check, UNCERTAIN, "PyTypeObject: neither `str` nor `dict` was met");
}

void check_all_objects(struct check *check)
{
    const struct shape *shape = &check->python->shape;

    /* The oldest objects first: they change least. */
    for (unsigned i = shape->list_count; i-- > 0;)
        check_objects(check, check->main + shape->lists[i].offset);
    judge_objects(check);
    judge_classes(check);
}
