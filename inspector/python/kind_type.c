// SPDX-License-Identifier: MIT
/* Types, property, classmethod, staticmethod, super. */
#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/say.h"
#include "inspector/python/static_type.h"

enum { MOST_TP_NAME = 256 };

/* Of a static type nothing is counted but its structure. */
static bool type_size(const struct reader *reader, const struct type *type, uint64_t address,
                      uint64_t *ret)
{
    const struct layout *layout = &reader->python->layout;
    struct dict_entries keys;
    uint64_t flags;

    (void)type;
    *ret = layout_size(layout, sizeof_PyTypeObject);
    if (!read_field(reader, address, PyTypeObject_tp_flags, &flags))
        return false;
    if (!(flags & TPFLAGS_HEAPTYPE))
        return true;
    *ret = layout_size(layout, sizeof_PyHeapTypeObject);
    uint64_t cached_keys = read_pointer(reader, address, heap_type_ht_cached_keys);
    if (!cached_keys)
        return true;
    if (!dict_entries_of(reader->python, reader->image, cached_keys, &keys))
        return false;
    *ret += keys.extent;
    return true;
}

static void tell(struct references *references, uint64_t to, const char *name, bool is_owned)
{
    reference_tell(
        references,
        &(struct reference){.to = to, .label = LABEL_FIELD, .name = name, .is_owned = is_owned});
}

/* The keys that instances share, whose table is the type's. */
static void tell_cached_keys(const struct reader *reader, uint64_t table,
                             struct references *references)
{
    struct dict_entries keys;

    if (!table || !dict_entries_of(reader->python, reader->image, table, &keys) ||
        !reader_has_room(reader, keys.address, keys.count, keys.size))
        return;
    for (uint64_t i = 0; i < keys.count && !references->ended; i++)
        reference_tell(
            references,
            &(struct reference){.to = read_word(reader, keys.address + i * keys.size + keys.key),
                                .label = LABEL_KEY,
                                .number = i,
                                .is_owned = true});
}

/*
 * type_traverse visits heap types; of static ones the collector is told nothing. tp_subclasses is a
 * dict of weak references, and of the interpreter's own static types a number (3.12 and later).
 */
static void type_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    const struct type *self = reader_type(reader, address);
    bool owned = !self || !(self->flags & TPFLAGS_HEAPTYPE);
    uint64_t dict = read_pointer(reader, address, PyTypeObject_tp_dict);

    (void)type;
    tell(references, dict ? dict : static_type_dict(reader, address), "__dict__", owned);
    tell(references, read_pointer(reader, address, type_tp_cache), "tp_cache", owned);
    tell(references, read_pointer(reader, address, type_tp_mro), "__mro__", owned);
    tell(references, read_pointer(reader, address, type_tp_bases), "__bases__", owned);
    tell(references, read_pointer(reader, address, type_tp_base), "__base__", owned);
    uint64_t subclasses = read_pointer(reader, address, type_tp_subclasses);
    if (!object_likely_type(reader, subclasses)) /* of a static builtin it is a number (3.12) */
        subclasses = static_type_subclasses(reader, address);
    reference_owned(references, subclasses, "tp_subclasses");
    if (owned)
        return;
    tell(references, read_pointer(reader, address, heap_type_ht_module), "ht_module", false);
    reference_owned(references, read_pointer(reader, address, PyHeapTypeObject_ht_name),
                    "__name__");
    reference_owned(references, read_pointer(reader, address, PyHeapTypeObject_ht_qualname),
                    "__qualname__");
    reference_owned(references, read_pointer(reader, address, heap_type_ht_slots), "ht_slots");
    tell_cached_keys(reader, read_pointer(reader, address, heap_type_ht_cached_keys), references);
}

static bool type_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct type *self = reader_type(printer->reader, address);

    (void)type;
    if (!self)
        return false;
    printer_add(printer, "<class '");
    if (self->flags & TPFLAGS_HEAPTYPE && !memchr(self->name, '.', self->name_length))
        printer_add_utf8(printer, self->short_name, self->short_length);
    else
        printer_add_utf8(printer, self->name, self->name_length);
    printer_add(printer, "'>");
    return true;
}

static void type_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *fact, void *context)
{
    const struct type *self = reader_type(reader, address);

    (void)type;
    if (!self)
        return;
    if (self->name_length > self->short_length + 1 &&
        !memcmp(self->name + self->name_length - self->short_length, self->short_name,
                self->short_length))
        fact(context, "module", self->name, self->name_length - self->short_length - 1);
    if (self->is_class)
        say_number("slots", self->slot_count, fact, context);
}

static const struct kind_field property_fields[] = {
    {"fget", propertyobject_prop_get, false},      {"fset", propertyobject_prop_set, false},
    {"fdel", propertyobject_prop_del, false},      {"__doc__", propertyobject_prop_doc, false},
    {"__name__", propertyobject_prop_name, false}, {.name = NULL},
};

static const struct kind_field classmethod_fields[] = {
    {"__func__", classmethod_cm_callable, false},
    {"__dict__", classmethod_cm_dict, false},
    {.name = NULL},
};

static const struct kind_field staticmethod_fields[] = {
    {"__func__", staticmethod_sm_callable, false},
    {"__dict__", staticmethod_sm_dict, false},
    {.name = NULL},
};

/* Up to 3.9 they print as object.__repr__ does. */
static bool print_wrapped(struct printer *printer, const struct type *type, uint64_t address,
                          const char *name, uint64_t wrapped)
{
    const struct type *base = type->kind_type->base;

    if (!base || base->repr == type->repr)
        return false;
    if (!printer_enter(printer, address, "..."))
        return true;
    printer_addf(printer, "<%s(", name);
    printer_object(printer, wrapped);
    printer_add(printer, ")>");
    printer_leave(printer);
    return true;
}

static bool classmethod_print(struct printer *printer, const struct type *type, uint64_t address)
{
    return print_wrapped(printer, type, address, "classmethod",
                         read_pointer(printer->reader, address, classmethod_cm_callable));
}

static bool staticmethod_print(struct printer *printer, const struct type *type, uint64_t address)
{
    return print_wrapped(printer, type, address, "staticmethod",
                         read_pointer(printer->reader, address, staticmethod_sm_callable));
}

static const struct kind_field super_fields[] = {
    {"__self__", superobject_obj, false},
    {"__thisclass__", superobject_type, false},
    {"__self_class__", superobject_obj_type, false},
    {.name = NULL},
};

static bool super_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t object = read_pointer(reader, address, superobject_obj_type);
    const struct type *self = reader_type(reader, object);
    const struct type *this = reader_type(reader, read_pointer(reader, address, superobject_type));

    (void)type;
    if (!this || (object && !self))
        return false;
    printer_add(printer, "<super: <class '");
    printer_add_tp_name(printer, this, MOST_TP_NAME);
    if (self) {
        printer_add(printer, "'>, <");
        printer_add_tp_name(printer, self, MOST_TP_NAME);
        printer_add(printer, " object>>");
    } else {
        printer_add(printer, "'>, NULL>");
    }
    return true;
}

const struct kind type_kinds[] = {
    {.type = "type",
     .structure = sizeof_PyHeapTypeObject,
     .size = type_size,
     .references = type_references,
     .print = type_print,
     .describe = type_describe},
    {.type = "property", .structure = sizeof_propertyobject, .fields = property_fields},
    {.type = "classmethod",
     .structure = sizeof_classmethod,
     .fields = classmethod_fields,
     .print = classmethod_print},
    {.type = "staticmethod",
     .structure = sizeof_staticmethod,
     .fields = staticmethod_fields,
     .print = staticmethod_print},
    {.type = "super",
     .structure = sizeof_superobject,
     .fields = super_fields,
     .print = super_print},
    {.type = NULL},
};
