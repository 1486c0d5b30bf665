// SPDX-License-Identifier: MIT
/* Modules. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"

enum { MOST_STATE = 1 << 20, MOST_ZONES = 64, MOST_CONDITIONS = 32, WORD = sizeof(uint64_t) };

static const struct kind_field fields[] = {
    {"md_name", PyModuleObject_md_name, true},
    {.name = NULL},
};

static bool is_called(const struct reader *reader, uint64_t module, const char *name)
{
    uint64_t own = read_pointer(reader, module, PyModuleObject_md_name);
    const struct type *type = own ? reader_type_of(reader, own) : NULL;

    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_equals(reader->python, reader->image, own, name, strlen(name));
}

/* How m_traverse of a module differs from the rule below. */
enum habit {
    LEAVES_OUT_LEAVES = 1, /* what can be part of no cycle */
    VISITS_TYPES = 2,      /* and nothing else */
    VISITS_ITS_TYPE = 4,   /* module, too (since it visits heap types) */
};

static unsigned habits_of(const struct reader *reader, uint64_t address)
{
    static const struct {
        const char *module;
        unsigned habits;
    } rows[] = {
        {"_datetime", LEAVES_OUT_LEAVES},       {"_elementtree", LEAVES_OUT_LEAVES},
        {"_sqlite3", LEAVES_OUT_LEAVES},        {"_ssl", LEAVES_OUT_LEAVES},
        {"array", LEAVES_OUT_LEAVES},           {"_csv", LEAVES_OUT_LEAVES},
        {"_asyncio", LEAVES_OUT_LEAVES},        {"_decimal", LEAVES_OUT_LEAVES},
        {"_signal", LEAVES_OUT_LEAVES},         {"_random", VISITS_TYPES},
        {"_curses_panel", VISITS_ITS_TYPE},     {"_hmac", VISITS_ITS_TYPE},
        {"_multibytecodec", LEAVES_OUT_LEAVES},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (is_called(reader, address, rows[i].module))
            return rows[i].habits;
    }
    return 0;
}

/* Its m_traverse has forgotten the last word of the state: _curses_panel's up to 3.9, _pickle's in
 * 3.6. */
static bool forgets_last(const struct reader *reader, uint64_t address)
{
    return (reader->python->shape.loaders_print_modules &&
            is_called(reader, address, "_curses_panel")) ||
           (!reader->python->runtime && is_called(reader, address, "_pickle"));
}

static bool is_left_out(const struct reader *reader, uint64_t object, unsigned habits)
{
    const struct type *type = reader_type_of(reader, object);

    if (habits & VISITS_TYPES)
        return !type || !(type->flags & TPFLAGS_TYPE_SUBCLASS);
    return habits & LEAVES_OUT_LEAVES && (!type || !(type->flags & TPFLAGS_HAVE_GC));
}

/* atexit up to 3.9: an array of pointers to what was registered: func, args, kwargs. */
static void tell_callbacks(const struct reader *reader, uint64_t state,
                           struct references *references)
{
    static const char *const names[] = {"func", "args", "kwargs"};
    uint64_t callbacks = read_word(reader, state), count = read_word(reader, state + WORD);

    count &= INT32_MAX;
    if (!callbacks || !reader_has_room(reader, callbacks, count, WORD))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        uint64_t callback = read_word(reader, callbacks + i * WORD);
        for (unsigned j = 0; callback && j < sizeof(names) / sizeof(names[0]); j++)
            reference_field(references, read_word(reader, callback + j * WORD), names[j]);
    }
}

/* _zoneinfo since 3.12: a chain of nodes that keep the zones used last: next, previous, key, zone.
 */
static void tell_zones(const struct reader *reader, uint64_t node, struct references *references)
{
    for (unsigned i = 0; node && i < MOST_ZONES && !references->ended; i++) {
        uint64_t key = read_word(reader, node + 2 * WORD),
                 zone = read_word(reader, node + 3 * WORD);
        if (!object_is_there(reader, key) || !object_is_there(reader, zone))
            return;
        reference_field(references, key, "cached key");
        reference_field(references, zone, "cached zone");
        node = read_word(reader, node);
    }
}

/* _decimal since 3.14: arrays of conditions: two names in C, a flag, an exception. The
 * first condition stands for several and has its exception from the first signal. */
static void tell_conditions(const struct reader *reader, uint64_t row,
                            struct references *references)
{
    for (unsigned i = 0; i < MOST_CONDITIONS && !references->ended; i++, row += 4 * WORD) {
        uint64_t exception = read_word(reader, row + 3 * WORD);
        uint64_t flag = read_word(reader, row + 2 * WORD) & UINT32_MAX;
        if (!read_word(reader, row) || !read_word(reader, row + WORD) ||
            !has_type_flag(reader->python, reader->image, exception, TPFLAGS_TYPE_SUBCLASS))
            return;
        if (i || (flag & (flag - 1)) != 0)
            reference_field(references, exception, "exception");
    }
}

/* What hangs on a word of the state that is no object. */
static void tell_beyond(const struct reader *reader, uint64_t module, uint64_t word,
                        struct references *references)
{
    static const struct {
        const char *module;
        void (*tell)(const struct reader *reader, uint64_t at, struct references *references);
    } rows[] = {{"_zoneinfo", tell_zones}, {"_decimal", tell_conditions}};

    if (!word || word % WORD != 0 || !image_range_of(reader->image, word))
        return;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!is_called(reader, module, rows[i].module))
            continue;
        uint64_t missed = reader->image->missed;
        rows[i].tell(reader, word, references);
        reader->image->missed = missed; /* nobody said that there was anything */
    }
}

/*
 * What the module's C code keeps in its state, only m_traverse of the module knows. Whatever looks
 * like an object there is told; where there is an m_traverse it visits all of it, but for what some
 * modules leave out.
 */
static void tell_state(const struct reader *reader, uint64_t address, struct references *told)
{
    uint64_t state = read_pointer(reader, address, PyModuleObject_md_state);
    uint64_t definition = read_pointer(reader, address, PyModuleObject_md_def), word;
    uint64_t size = definition ? read_pointer(reader, definition, PyModuleDef_m_size)
                               : read_pointer(reader, address, PyModuleObject_md_state_size);

    uint64_t traverse = definition
                            ? read_pointer(reader, definition, PyModuleDef_m_traverse)
                            : read_pointer(reader, address, PyModuleObject_md_state_traverse);
    struct reference reference = {.label = LABEL_FIELD, .name = "state"};
    unsigned habits = habits_of(reader, address);

    if (habits & VISITS_ITS_TYPE && reader->python->shape.natives_visit_type)
        reference_field(told, read_pointer(reader, address, PyObject_ob_type), "__class__");
    if (!state || size > MOST_STATE || !reader_has_room(reader, state, size, 1))
        return;
    if (is_called(reader, address, "atexit") && size == 2 * WORD)
        tell_callbacks(reader, state, told);
    uint64_t end = forgets_last(reader, address) ? size - sizeof(word) : size;
    for (uint64_t at = 0; at + sizeof(word) <= size && !told->ended; at += sizeof(word)) {
        reference_skip(told, 1);
        if (!image_word(reader->image, state + at, sizeof(word), &word))
            continue;
        if (object_is_there(reader, word)) {
            reference.is_owned = !traverse || at >= end || is_left_out(reader, word, habits);
            reference.to = word;
            reference_tell(told, &reference);
        } else if (traverse) {
            tell_beyond(reader, address, word, told);
        }
    }
}

/* In the order of module_traverse: the state before the dict. */
static void references(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *told)
{
    (void)type;
    tell_state(reader, address, told);
    reference_field(told, read_pointer(reader, address, PyModuleObject_md_dict), "__dict__");
}

static bool is_true(const struct reader *reader, uint64_t object)
{
    const struct type *type = reader_type_of(reader, object);
    bool tagged = type && type->item_count == ITEMS_LV_TAG;
    uint64_t size;

    if (!type || !(type->flags & TPFLAGS_LONG_SUBCLASS) ||
        !read_field(reader, object, tagged ? PyLongObject_lv_tag : PyVarObject_ob_size, &size))
        return false;
    return tagged ? size >> 3 : size;
}

static void add_item(struct printer *printer, const char *before, uint64_t object,
                     const char *after)
{
    printer_add(printer, before);
    printer_object(printer, object);
    printer_add(printer, after);
}

/* Of a package without an __init__.py. */
static bool add_namespace(struct printer *printer, uint64_t loader)
{
    const struct type *type = reader_type_of(printer->reader, loader);

    if (!printer->reader->python->shape.namespace_has_path || !type ||
        strcmp(type->short_name, "NamespaceLoader") != 0)
        return false;
    uint64_t path = attribute_of(printer->reader, loader, "_path");
    add_item(printer, " (namespace) from ", attribute_of(printer->reader, path, "_path"), "");
    return true;
}

static void add_loader(struct printer *printer, uint64_t loader)
{
    if (is_given(printer->reader, loader) && !add_namespace(printer, loader))
        add_item(printer, " (", loader, ")");
}

/* Lib/importlib/_bootstrap.py, _module_repr_from_spec(). */
static void add_spec(struct printer *printer, uint64_t spec)
{
    const struct reader *reader = printer->reader;
    uint64_t name = attribute_of(reader, spec, "name");
    uint64_t origin = attribute_of(reader, spec, "origin");

    if (!is_given(reader, name))
        printer_add(printer, "'?'");
    else
        printer_object(printer, name);
    if (!is_given(reader, origin)) {
        add_loader(printer, attribute_of(reader, spec, "loader"));
    } else if (is_true(reader, attribute_of(reader, spec, "_set_fileattr"))) {
        add_item(printer, " from ", origin, "");
    } else {
        printer_add(printer, " (");
        printer_add_str(printer, origin);
        printer_add(printer, ")");
    }
}

/* What module_repr() of importlib's own loaders calls modules; NULL: the loader has none. */
static const char *by_loader(const struct reader *reader, uint64_t module)
{
    uint64_t loader = attribute_of(reader, module, "__loader__");
    const struct type *type = reader_type_of(reader, loader), *self;

    if (!reader->python->shape.loaders_print_modules || !type)
        return NULL;
    if (strcmp(type->short_name, "_NamespaceLoader") == 0)
        return " (namespace)>";
    self = type->flags & TPFLAGS_TYPE_SUBCLASS ? reader_type(reader, loader) : NULL;
    if (self && strcmp(self->short_name, "BuiltinImporter") == 0)
        return " (built-in)>";
    return self && strcmp(self->short_name, "FrozenImporter") == 0 ? " (frozen)>" : NULL;
}

/* _module_repr(), as far as it needs no code of the loader. */
static bool print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t spec = attribute_of(reader, address, "__spec__");
    uint64_t name = attribute_of(reader, address, "__name__");
    const char *ending = by_loader(reader, address);

    (void)type;
    if (!printer_enter(printer, address, "<module ...>"))
        return true;
    printer_add(printer, "<module ");
    if (ending && name) {
        printer_object(printer, name);
        printer_add(printer, ending);
        printer_leave(printer);
        return true;
    }
    if (is_given(reader, spec)) {
        add_spec(printer, spec);
    } else {
        uint64_t file = attribute_of(reader, address, "__file__");
        if (name)
            printer_object(printer, name);
        else
            printer_add(printer, "'?'");
        if (file)
            add_item(printer, " from ", file, "");
        else
            add_loader(printer, attribute_of(reader, address, "__loader__"));
    }
    printer_add(printer, ">");
    printer_leave(printer);
    return true;
}

const struct kind module_kinds[] = {
    {.type = "module",
     .structure = sizeof_PyModuleObject,
     .fields = fields,
     .references = references,
     .print = print},
    {.type = NULL},
};
