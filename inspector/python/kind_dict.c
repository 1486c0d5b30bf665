// SPDX-License-Identifier: MIT
/* Dict in all its shapes, its views, OrderedDict, defaultdict, frozendict, mappingproxy. */
#include "inspector/python/kind.h"
#include "inspector/python/odict.h"
#include "inspector/python/say.h"

/* What is printed of each entry, and between what. */
enum entry_style {
    STYLE_DICT,   /* {key: value, ...} */
    STYLE_ITEMS,  /* [(key, value), ...] */
    STYLE_KEYS,   /* [key, ...] */
    STYLE_VALUES, /* [value, ...] */
};

static bool is_odict(const struct type *type)
{
    return type->kind && type->kind->structure == sizeof_PyODictObject;
}

static bool dict_size(const struct reader *reader, const struct type *type, uint64_t address,
                      uint64_t *ret)
{
    struct dict_memory memory;

    *ret = type->basicsize;
    if (!dict_memory_of(reader, address, &memory))
        return false;
    *ret += memory.sizeof_extra;
    return true;
}

static void tell_key(struct references *references, const struct dict_entry *entry, bool is_owned)
{
    reference_tell(references, &(struct reference){.to = entry->key,
                                                   .label = LABEL_KEY,
                                                   .number = entry->number,
                                                   .is_owned = is_owned});
}

/* The value first, as dict_traverse does. */
static void tell_entry(struct references *references, const struct dict_entry *entry,
                       bool key_is_owned, bool value_is_owned)
{
    reference_tell(references, &(struct reference){.to = entry->value,
                                                   .label = LABEL_VALUE,
                                                   .key = entry->key,
                                                   .number = entry->number,
                                                   .is_owned = value_is_owned});
    tell_key(references, entry, key_is_owned);
}

static void dict_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    struct dict_walk walk;
    struct dict_entry entry;

    if (!dict_open(reader, address, &walk))
        return;
    bool keys_are_owned = !dict_visits_keys(reader, type, address, &walk);
    bool values_are_owned = walk.values && dict_hides_embedded_values(reader, address);
    while (!references->ended && dict_next(&walk, &entry))
        tell_entry(references, &entry, keys_are_owned, values_are_owned);
    reference_skip(references, walk.next - walk.number);
}

/* The nodes hold the keys once more, and are always visited. */
static void odict_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    struct odict_walk nodes;
    struct dict_walk walk;
    struct dict_entry entry;

    if (reader->python->shape.odict_visits_weakrefs)
        reference_field(references, read_pointer(reader, address, PyODictObject_od_weakreflist),
                        "__weakref__");
    if (odict_open(reader, address, &nodes)) {
        while (!references->ended && odict_next(&nodes, &entry)) {
            if (references->as_iterated)
                tell_entry(references, &entry, false, false);
            else
                tell_key(references, &entry, false);
        }
        reference_skip(references, nodes.probes);
    }
    if (!dict_open(reader, address, &walk))
        return;
    bool keys_are_owned = !dict_visits_keys(reader, type, address, &walk);
    while (!references->ended && dict_next(&walk, &entry)) {
        if (references->as_iterated)
            tell_key(references, &entry, keys_are_owned);
        else
            tell_entry(references, &entry, keys_are_owned, false);
    }
    reference_skip(references, walk.next - walk.number);
}

static void print_entry(struct printer *printer, enum entry_style style,
                        const struct dict_entry *entry)
{
    if (entry->number)
        printer_add(printer, ", ");
    if (style == STYLE_ITEMS)
        printer_add(printer, "(");
    if (style != STYLE_VALUES)
        printer_object(printer, entry->key);
    if (style == STYLE_DICT)
        printer_add(printer, ": ");
    if (style == STYLE_ITEMS)
        printer_add(printer, ", ");
    if (style != STYLE_KEYS)
        printer_object(printer, entry->value);
    if (style == STYLE_ITEMS)
        printer_add(printer, ")");
}

/* The entries of the dict at `address`, which is open already; `ordered`: as an OrderedDict has
 * them. */
static void print_entries(struct printer *printer, uint64_t address, enum entry_style style,
                          bool ordered)
{
    struct odict_walk walk = {0};
    struct dict_entry entry;

    printer_add(printer, style == STYLE_DICT ? "{" : "[");
    if (ordered ? odict_open(printer->reader, address, &walk)
                : dict_open(printer->reader, address, &walk.dict)) {
        while (!printer->full &&
               (ordered ? odict_next(&walk, &entry) : dict_next(&walk.dict, &entry)))
            print_entry(printer, style, &entry);
    }
    printer_add(printer, style == STYLE_DICT ? "}" : "]");
}

static bool dict_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    if (printer_enter(printer, address, "{...}")) {
        print_entries(printer, address, STYLE_DICT, false);
        printer_leave(printer);
    }
    return true;
}

static bool is_empty(const struct printer *printer, uint64_t address)
{
    uint64_t used;

    return read_field(printer->reader, address, dict_ma_used, &used) && used == 0;
}

static void add_name(struct printer *printer, const struct type *type)
{
    printer_add_utf8(printer, type->short_name, type->short_length);
    printer_add(printer, "(");
}

/* "frozendict({'a': 1})", within itself "frozendict({...})". */
static bool frozendict_print(struct printer *printer, const struct type *type, uint64_t address)
{
    add_name(printer, type);
    if (!is_empty(printer, address))
        dict_print(printer, type, address);
    printer_add(printer, ")");
    return true;
}

/* The factory counts as being printed while it is, which those that look for it can tell. */
static bool defaultdict_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t factory = read_pointer(printer->reader, address, defdictobject_default_factory);

    if (printer->reader->python->shape.collections_print_class)
        add_name(printer, type);
    else
        printer_add(printer, "defaultdict(");
    if (!factory) {
        printer_add(printer, "None");
    } else if (printer_enter(printer, factory, "...")) {
        printer_object(printer, factory);
        printer_leave(printer);
    }
    printer_add(printer, ", ");
    dict_print(printer, type, address);
    printer_add(printer, ")");
    return true;
}

static bool odict_print(struct printer *printer, const struct type *type, uint64_t address)
{
    bool empty = is_empty(printer, address);

    if (!empty && !printer_enter(printer, address, "..."))
        return true;
    add_name(printer, type);
    if (!empty) {
        print_entries(printer, address,
                      printer->reader->python->shape.odict_prints_dict ? STYLE_DICT : STYLE_ITEMS,
                      true);
        printer_leave(printer);
    }
    printer_add(printer, ")");
    return true;
}

/* Those of an OrderedDict (odict_keys, ...) are of types below these. */
static bool view_print(struct printer *printer, const struct type *type, uint64_t address,
                       enum entry_style style)
{
    uint64_t dict = read_pointer(printer->reader, address, PyDictViewObject_dv_dict);
    const struct type *dict_type = reader_type_of(printer->reader, dict);

    if (!dict_type)
        return false;
    if (printer_enter(printer, address, "...")) {
        add_name(printer, type);
        print_entries(printer, dict, style, type != type->kind_type && is_odict(dict_type));
        printer_add(printer, ")");
        printer_leave(printer);
    }
    return true;
}

static bool keys_print(struct printer *printer, const struct type *type, uint64_t address)
{
    return view_print(printer, type, address, STYLE_KEYS);
}

static bool values_print(struct printer *printer, const struct type *type, uint64_t address)
{
    return view_print(printer, type, address, STYLE_VALUES);
}

static bool items_print(struct printer *printer, const struct type *type, uint64_t address)
{
    return view_print(printer, type, address, STYLE_ITEMS);
}

/* Python has no mark for one within itself; ours ends what would not end. */
static bool mappingproxy_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t mapping = read_pointer(printer->reader, address, mappingproxyobject_mapping);

    (void)type;
    if (printer_enter(printer, address, "mappingproxy(...)")) {
        printer_add(printer, "mappingproxy(");
        printer_object(printer, mapping);
        printer_add(printer, ")");
        printer_leave(printer);
    }
    return true;
}

static void dict_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *tell, void *context)
{
    struct dict_walk walk;
    uint64_t used;

    (void)type;
    if (!read_field(reader, address, dict_ma_used, &used) || !dict_open(reader, address, &walk))
        return;
    say_number("used", (int64_t)used, tell, context);
    if (!walk.entries.room)
        return; /* the table that all empty dicts share */
    say_number("allocated", (int64_t)walk.entries.room, tell, context);
    const char *shape = walk.values ? "split keys" : "combined";
    tell(context, "table", shape, strlen(shape));
}

static void dict_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                         buffer_tell *tell, void *context)
{
    struct dict_memory_block values;
    struct dict_memory memory;

    (void)type;
    if (!dict_memory_of(reader, address, &memory))
        return;
    if (!memory.keys_shared)
        tell(context, "ma_keys", memory.keys.address, memory.keys.size);
    if (dict_values_memory_of(reader, address, &memory, &values) && values.size)
        tell(context, "ma_values", values.address, values.size);
}

/* od_fast_nodes: a pointer to its node for each entry of the dict. */
static bool read_fast_nodes(const struct reader *reader, uint64_t address, uint64_t *nodes,
                            uint64_t *size)
{
    return read_field(reader, address, PyODictObject_od_fast_nodes, nodes) &&
           read_field(reader, address, PyODictObject_od_fast_nodes_size, size) &&
           (*size == 0 || reader_has_room(reader, *nodes, *size, sizeof(uint64_t)));
}

static bool odict_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    uint64_t nodes, slots, used;

    if (!dict_size(reader, type, address, ret) ||
        !read_fast_nodes(reader, address, &nodes, &slots) ||
        !read_field(reader, address, dict_ma_used, &used) || used > slots)
        return false;
    *ret += slots * sizeof(uint64_t);
    if (read_pointer(reader, address, PyODictObject_od_first))
        *ret += used * layout_size(&reader->python->layout, sizeof_odict_node);
    return true;
}

static void odict_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                          buffer_tell *tell, void *context)
{
    uint64_t nodes, slots;

    dict_buffers(reader, type, address, tell, context);
    if (read_fast_nodes(reader, address, &nodes, &slots) && slots)
        tell(context, "od_fast_nodes", nodes, slots * sizeof(uint64_t));
}

static const struct kind_field odict_fields[] = {
    {.name = "__dict__", .field = PyODictObject_od_inst_dict},
    {.name = NULL},
};

static const struct kind_field defaultdict_fields[] = {
    {.name = "default_factory", .field = defdictobject_default_factory},
    {.name = NULL},
};

static const struct kind_field view_fields[] = {
    {.name = "mapping", .field = PyDictViewObject_dv_dict},
    {.name = NULL},
};

static const struct kind_field mappingproxy_fields[] = {
    {.name = "mapping", .field = mappingproxyobject_mapping},
    {.name = NULL},
};

const struct kind dict_kinds[] = {
    {.type = "dict",
     .structure = sizeof_PyDictObject,
     .size = dict_size,
     .references = dict_references,
     .print = dict_print,
     .describe = dict_describe,
     .buffers = dict_buffers},
    {.type = "frozendict",
     .structure = sizeof_PyFrozenDictObject,
     .size = dict_size,
     .references = dict_references,
     .print = frozendict_print,
     .describe = dict_describe,
     .buffers = dict_buffers},
    {.type = "collections.defaultdict",
     .structure = sizeof_defdictobject,
     .size = dict_size,
     .fields = defaultdict_fields,
     .references = dict_references,
     .print = defaultdict_print,
     .describe = dict_describe,
     .buffers = dict_buffers},
    {.type = "collections.OrderedDict",
     .structure = sizeof_PyODictObject,
     .size = odict_size,
     .fields = odict_fields,
     .references = odict_references,
     .print = odict_print,
     .describe = dict_describe,
     .buffers = odict_buffers},
    {.type = "dict_keys",
     .structure = sizeof_PyDictViewObject,
     .fields = view_fields,
     .print = keys_print},
    {.type = "dict_values",
     .structure = sizeof_PyDictViewObject,
     .fields = view_fields,
     .print = values_print},
    {.type = "dict_items",
     .structure = sizeof_PyDictViewObject,
     .fields = view_fields,
     .print = items_print},
    {.type = "mappingproxy",
     .structure = sizeof_mappingproxyobject,
     .fields = mappingproxy_fields,
     .print = mappingproxy_print},
    {.type = NULL},
};
