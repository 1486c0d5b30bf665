// SPDX-License-Identifier: MIT
/* functools.partial and lru_cache, the getters of operator, and types.SimpleNamespace. */
#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    MOST_TP_NAME = 256,
    MOST_NAME = 256,
    MOST_SORTED = 1024, /* of a namespace: those behind are not shown */
};

/* ", 1, x=2": `first` is the first positional argument to be printed. */
static void add_arguments(struct printer *printer, uint64_t args, uint64_t first, uint64_t kwargs)
{
    uint64_t count = tuple_count(printer->reader, args);
    struct dict_walk walk;
    struct dict_entry entry;

    for (uint64_t i = first; i < count && !printer->full; i++) {
        printer_add(printer, ", ");
        printer_object(printer, tuple_item(printer->reader, args, i));
    }
    if (!kwargs || !dict_open(printer->reader, kwargs, &walk))
        return;
    while (!printer->full && dict_next(&walk, &entry)) {
        printer_add(printer, ", ");
        printer_add_str(printer, entry.key);
        printer_add(printer, "=");
        printer_object(printer, entry.value);
    }
}

static const struct kind_field partial_fields[] = {
    {"func", partialobject_fn, false},
    {"args", partialobject_args, false},
    {"keywords", partialobject_kw, false},
    {"__dict__", partialobject_dict, false},
    {.name = NULL},
};

static bool partial_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;

    if (!printer_enter(printer, address, "..."))
        return true;
    if (reader->python->shape.partial_is_qualified)
        printer_add_utf8(printer, type->name, type->name_length);
    else
        printer_add_tp_name(printer, type, MOST_TP_NAME);
    printer_add(printer, "(");
    printer_object(printer, read_pointer(reader, address, partialobject_fn));
    add_arguments(printer, read_pointer(reader, address, partialobject_args), 0,
                  read_pointer(reader, address, partialobject_kw));
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

static const struct kind_field cache_fields[] = {
    {"cache", lru_cache_object_cache, false},
    {"__wrapped__", lru_cache_object_func, false},
    {"kwd_mark", lru_cache_object_kwd_mark, false},
    {"lru_list_elem_type", lru_cache_object_lru_list_elem_type, false},
    {"cache_info_type", lru_cache_object_cache_info_type, false},
    {"maxsize", lru_cache_object_maxsize_O, false},
    {"__dict__", lru_cache_object_dict, false},
    {.name = NULL},
};

/*
 * The links of a bounded cache in the order of their use, a circle through the cache itself. Up to
 * 3.6 they were visited, since then what they hold is, and since 3.10 their type, a heap type.
 */
static void cache_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t root = address, link = read_pointer(reader, address, lru_cache_object_root_next);
    uint64_t cache = read_pointer(reader, address, lru_cache_object_cache), most, anchor = 0;

    (void)type;
    if (!read_field(reader, cache, dict_ma_used, &most))
        return;
    for (uint64_t i = 0; link && link != root && i < most && !references->ended; i++) {
        if (link == anchor)
            return; /* a circle that leaves the cache out */
        if ((i & (i - 1)) == 0)
            anchor = link;
        if (reader_has(reader, lru_cache_object_maxsize_O)) {
            reference_field(references, link, "link");
        } else {
            reference_owned(references, link, "link");
            reference_field(references, read_pointer(reader, link, lru_list_elem_key), "key");
            reference_field(references, read_pointer(reader, link, lru_list_elem_result), "result");
            if (reader_has(reader, lru_cache_object_lru_list_elem_type))
                reference_field(references, read_pointer(reader, link, PyObject_ob_type),
                                "lru_list_elem_type");
        }
        link = read_pointer(reader, link, lru_list_elem_next);
    }
}

/*
 * Functions that Cython has made: what follows on PyCFunctionObject is not the same in all its
 * versions, so whatever looks like an object is one. What it is certain of: m_self is the function
 * itself and not counted, what follows on the list of weak references is code and may be anything
 * before it is set, and the annotations are not told to the collector.
 */
enum {
    CYTHON_MODULE = 32,
    CYTHON_VECTORCALL = 48,
    CYTHON_DEFAULTS = 120, /* an array of references, and how many */
    CYTHON_DEFAULTS_COUNT = 128,
    CYTHON_ANNOTATIONS = 176,
    CYTHON_END = 184,
    CYTHON_FUSED_END = 208, /* __signatures__, the type, what it is bound to */
    MOST_DEFAULTS = 256,
};

static void tell_guess(const struct reader *reader, uint64_t place, struct references *references)
{
    uint64_t word = read_word(reader, place);

    reference_tell(references, &(struct reference){.to = object_is_there(reader, word) ? word : 0,
                                                   .label = LABEL_FIELD,
                                                   .name = "?",
                                                   .is_owned = true,
                                                   .is_guess = true});
}

static void cython_references(const struct reader *reader, const struct type *type,
                              uint64_t address, struct references *references)
{
    uint64_t size = type->kind_type->basicsize, count, defaults;

    for (uint64_t at = CYTHON_END; at < CYTHON_FUSED_END && at + 8 <= size; at += 8)
        tell_guess(reader, address + at, references);
    for (uint64_t at = CYTHON_MODULE; at < CYTHON_END && at + 8 <= size; at += 8) {
        if (at != type->weaklist_offset && at != CYTHON_VECTORCALL && at != CYTHON_ANNOTATIONS)
            tell_guess(reader, address + at, references);
    }
    defaults = read_word(reader, address + CYTHON_DEFAULTS);
    count = read_word(reader, address + CYTHON_DEFAULTS_COUNT) & UINT32_MAX;
    if (size < CYTHON_END || count > MOST_DEFAULTS || !reader_has_room(reader, defaults, count, 8))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++)
        tell_guess(reader, defaults + i * 8, references);
}

static void add_number(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                       const char *name, fact_tell *tell, void *context)
{
    char text[24];
    uint64_t number;

    if (!read_field(reader, address, field, &number))
        return;
    int length = snprintf(text, sizeof(text), "%" PRId64, (int64_t)number);
    tell(context, name, text, (size_t)length);
}

static void cache_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    (void)type;
    add_number(reader, address, lru_cache_object_hits, "hits", tell, context);
    add_number(reader, address, lru_cache_object_misses, "misses", tell, context);
    add_number(reader, address, lru_cache_object_maxsize, "maxsize", tell, context);
}

/* Up to 3.6 the collector knew links, since then it does not. */
static void link_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    uint64_t key = read_pointer(reader, address, lru_list_elem_key);
    uint64_t result = read_pointer(reader, address, lru_list_elem_result);

    if (type->flags & TPFLAGS_HAVE_GC) {
        reference_field(references, key, "key");
        reference_field(references, result, "result");
    } else {
        reference_owned(references, key, "key");
        reference_owned(references, result, "result");
    }
}

static const struct kind_field item_fields[] = {
    {"item", itemgetterobject_item, false},
    {.name = NULL},
};

/* "operator.itemgetter", unless it is being printed already: a getter may hold itself. */
static bool enter_getter(struct printer *printer, const struct type *type, uint64_t address)
{
    printer_add_tp_name(printer, type, MOST_TP_NAME);
    return printer_enter(printer, address, "(...)");
}

static bool item_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t count = read_pointer(reader, address, itemgetterobject_nitems);

    if (!enter_getter(printer, type, address))
        return true;
    if (count == 1)
        printer_add(printer, "(");
    printer_object(printer, read_pointer(reader, address, itemgetterobject_item));
    if (count == 1)
        printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

static const struct kind_field attribute_fields[] = {
    {"attr", attrgetterobject_attr, false},
    {.name = NULL},
};

/* A name, or the tuple of names that a dotted one was split into. */
static void add_dotted(struct printer *printer, uint64_t name)
{
    uint64_t count = tuple_count(printer->reader, name);

    if (!count) {
        printer_object(printer, name);
        return;
    }
    printer_add(printer, "'");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        if (i)
            printer_add(printer, ".");
        printer_add_str(printer, tuple_item(printer->reader, name, i));
    }
    printer_add(printer, "'");
}

static bool attribute_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t names = read_pointer(printer->reader, address, attrgetterobject_attr);
    uint64_t count = tuple_count(printer->reader, names);

    if (!enter_getter(printer, type, address))
        return true;
    printer_add(printer, "(");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        if (i)
            printer_add(printer, ", ");
        add_dotted(printer, tuple_item(printer->reader, names, i));
    }
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

static const struct kind_field caller_fields[] = {
    {"args", methodcallerobject_args, false},
    {"xargs", methodcallerobject_xargs, false}, /* 3.13: the name among them */
    {"kwds", methodcallerobject_kwds, false},
    {.name = NULL},
};

/* The name is visited since the type is a heap type (3.10). In 3.13 vectorcall_args is an array of
 * borrowed references, since then a tuple. */
static void caller_references(const struct reader *reader, const struct type *type,
                              uint64_t address, struct references *references)
{
    uint64_t name = read_pointer(reader, address, methodcallerobject_name);

    if (type->kind_type->flags & TPFLAGS_HEAPTYPE)
        reference_field(references, name, "name");
    else
        reference_owned(references, name, "name");
    if (reader_has(reader, methodcallerobject_xargs)) {
        if (!read_pointer(reader, address, methodcallerobject_vectorcall_args))
            return; /* the names are not set before the first call */
        reference_owned(references,
                        read_pointer(reader, address, methodcallerobject_vectorcall_kwnames),
                        "vectorcall_kwnames");
        return;
    }
    reference_field(references, read_pointer(reader, address, methodcallerobject_vectorcall_args),
                    "vectorcall_args");
    reference_field(references,
                    read_pointer(reader, address, methodcallerobject_vectorcall_kwnames),
                    "vectorcall_kwnames");
}

static bool caller_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    bool named = reader_has(reader, methodcallerobject_xargs);
    uint64_t args =
        read_pointer(reader, address, named ? methodcallerobject_xargs : methodcallerobject_args);

    if (!enter_getter(printer, type, address))
        return true;
    printer_add(printer, "(");
    printer_object(printer, read_pointer(reader, address, methodcallerobject_name));
    add_arguments(printer, args, named, read_pointer(reader, address, methodcallerobject_kwds));
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

static const struct kind_field namespace_fields[] = {
    {"__dict__", _PyNamespaceObject_ns_dict, false},
    {.name = NULL},
};

static bool read_name(const struct reader *reader, uint64_t str, struct text *name)
{
    const struct type *type = reader_type_of(reader, str);

    text_clear(name);
    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_read(reader->python, reader->image, str, MOST_NAME, name) && name->length;
}

static int compare(const struct text *a, const struct text *b)
{
    size_t length = a->length < b->length ? a->length : b->length;
    int order = length ? memcmp(a->bytes, b->bytes, length) : 0;

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* The entry with the least name after `last`: names are sorted by code points, as UTF-8 is. */
static bool next_sorted(const struct reader *reader, uint64_t dict, struct text *last,
                        struct dict_entry *ret)
{
    struct text name = {0}, best = {0};
    struct dict_walk walk;
    struct dict_entry entry;
    bool found = false;

    if (!dict_open(reader, dict, &walk))
        return false;
    if (walk.end > MOST_SORTED)
        walk.end = MOST_SORTED;
    while (dict_next(&walk, &entry)) {
        if (!read_name(reader, entry.key, &name) || compare(&name, last) <= 0 ||
            (found && compare(&name, &best) >= 0))
            continue;
        struct text swapped = best;
        best = name;
        name = swapped;
        *ret = entry;
        found = true;
    }
    text_free(&name);
    text_free(last);
    *last = best;
    return found;
}

static void add_named(struct printer *printer, const struct dict_entry *entry, bool first)
{
    if (!first)
        printer_add(printer, ", ");
    printer_add_str(printer, entry->key);
    printer_add(printer, "=");
    printer_object(printer, entry->value);
}

static bool namespace_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t dict = read_pointer(reader, address, _PyNamespaceObject_ns_dict);
    struct text last = {0};
    struct dict_walk walk;
    struct dict_entry entry;
    bool first = true;

    if (type == type->kind_type)
        printer_add(printer, "namespace");
    else
        printer_add_tp_name(printer, type, MOST_TP_NAME);
    if (!printer_enter(printer, address, "(...)"))
        return true;
    printer_add(printer, "(");
    if (reader->python->shape.namespaces_are_sorted) {
        while (!printer->full && next_sorted(reader, dict, &last, &entry)) {
            add_named(printer, &entry, first);
            first = false;
        }
    } else if (dict_open(reader, dict, &walk)) {
        while (!printer->full && dict_next(&walk, &entry)) {
            add_named(printer, &entry, first);
            first = false;
        }
    }
    text_free(&last);
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

const struct kind callable_kinds[] = {
    {.type = "functools.partial",
     .structure = sizeof_partialobject,
     .fields = partial_fields,
     .print = partial_print},
    {.type = "cython_function_or_method",
     .structure = sizeof_PyObject,
     .references = cython_references},
    {.type = "fused_cython_function",
     .structure = sizeof_PyObject,
     .references = cython_references},
    {.type = "functools._lru_cache_wrapper",
     .structure = sizeof_lru_cache_object,
     .fields_last = true,
     .fields = cache_fields,
     .references = cache_references,
     .describe = cache_describe},
    {.type = "functools._lru_list_elem",
     .structure = sizeof_lru_list_elem,
     .references = link_references},
    {.type = "operator.itemgetter",
     .structure = sizeof_itemgetterobject,
     .fields = item_fields,
     .print = item_print},
    {.type = "operator.attrgetter",
     .structure = sizeof_attrgetterobject,
     .fields = attribute_fields,
     .print = attribute_print},
    {.type = "operator.methodcaller",
     .structure = sizeof_methodcallerobject,
     .fields = caller_fields,
     .references = caller_references,
     .print = caller_print},
    {.type = "types.SimpleNamespace",
     .structure = sizeof__PyNamespaceObject,
     .fields = namespace_fields,
     .print = namespace_print},
    {.type = NULL},
};
