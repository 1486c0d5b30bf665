// SPDX-License-Identifier: MIT
/* Modules. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"

enum { MOST_STATE = 1 << 20 };

static const struct kind_field fields[] = {
    {"__dict__", PyModuleObject_md_dict, false},
    {"md_name", PyModuleObject_md_name, true},
    {.name = NULL},
};

/* Modules whose m_traverse passes over what can be part of no cycle. */
static bool leaves_out_leaves(const struct reader *reader, uint64_t address)
{
    static const char *const names[] = {"_datetime", "_elementtree", "_sqlite3", "_ssl", "array"};
    uint64_t name = read_pointer(reader, address, PyModuleObject_md_name);
    const struct type *type = name ? reader_type_of(reader, name) : NULL;

    if (!type || !(type->flags & TPFLAGS_UNICODE_SUBCLASS))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (unicode_equals(reader->python, reader->image, name, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

/*
 * What the module's C code keeps in its state, only m_traverse of the module knows. Whatever looks
 * like an object there is told; where there is an m_traverse it visits all of it, but for strings
 * and numbers of some modules.
 */
static void references(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *told)
{
    uint64_t state = read_pointer(reader, address, PyModuleObject_md_state);
    uint64_t definition = read_pointer(reader, address, PyModuleObject_md_def), word;
    uint64_t size = definition ? read_pointer(reader, definition, PyModuleDef_m_size)
                               : read_pointer(reader, address, PyModuleObject_md_state_size);

    uint64_t traverse = definition
                            ? read_pointer(reader, definition, PyModuleDef_m_traverse)
                            : read_pointer(reader, address, PyModuleObject_md_state_traverse);
    struct reference reference = {.label = LABEL_FIELD, .name = "state"};
    bool leaves_out = leaves_out_leaves(reader, address);

    (void)type;
    if (!state || size > MOST_STATE || !reader_has_room(reader, state, size, 1))
        return;
    for (uint64_t at = 0; at + sizeof(word) <= size && !told->ended; at += sizeof(word)) {
        reference_skip(told, 1);
        if (image_word(reader->image, state + at, sizeof(word), &word) &&
            object_is_there(reader, word)) {
            const struct type *its_type = reader_type_of(reader, word);
            bool may_be_left_out = !its_type || !(its_type->flags & TPFLAGS_HAVE_GC);
            reference.is_owned = !traverse || (may_be_left_out && leaves_out);
            reference.to = word;
            reference_tell(told, &reference);
        }
    }
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
