// SPDX-License-Identifier: MIT
#include "inspector/python/names.h"

#include "inspector/python/instance.h"
#include "inspector/python/kind.h"
#include "inspector/python/unicode.h"

enum { MOST_C_STRING = 256, MOST_ATTRIBUTES = 4096 /* that are looked through for a name */ };

struct search {
    const struct reader *reader;
    const char *name;
    size_t length;
    uint64_t found;
};

static bool compare(void *context, const struct reference *reference)
{
    struct search *search = context;
    const struct reader *reader = search->reader;
    const struct type *type = reference->key && reference->label == LABEL_ATTRIBUTE
                                  ? reader_type_of(reader, reference->key)
                                  : NULL;

    if (type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
        unicode_equals(reader->python, reader->image, reference->key, search->name,
                       search->length)) {
        search->found = reference->to;
        return false;
    }
    return true;
}

uint64_t attribute_of(const struct reader *reader, uint64_t address, const char *name)
{
    const struct type *type = reader_type_of(reader, address);
    struct search search = {.reader = reader, .name = name, .length = strlen(name)};
    struct references references = {.visit = compare, .context = &search, .most = MOST_ATTRIBUTES};

    if (type)
        instance_attributes(reader, type, address, &references);
    return search.found;
}

bool is_none_type(const struct type *type)
{
    return strcmp(type->name, "NoneType") == 0;
}

bool is_given(const struct reader *reader, uint64_t address)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    return type && !is_none_type(type);
}

void printer_add_c_string(struct printer *printer, uint64_t address, unsigned most)
{
    char bytes[MOST_C_STRING];
    unsigned length = 0;

    while (address && length < most && length < sizeof(bytes)) {
        const char *c = image_at(printer->reader->image, address + length, 1);
        if (!c || !*c)
            break;
        bytes[length++] = *c;
    }
    if (address)
        printer_add_utf8(printer, bytes, length);
    else
        printer_add(printer, "?");
}

void printer_add_tp_name(struct printer *printer, const struct type *type, unsigned most)
{
    printer_add_c_string(printer,
                         read_pointer(printer->reader, type->address, PyTypeObject_tp_name), most);
}

void printer_add_type_name(struct printer *printer, const struct type *type)
{
    static const char main_module[] = "__main__.";
    const size_t prefix = sizeof(main_module) - 1;
    bool in_main = type->flags & TPFLAGS_HEAPTYPE && type->name_length > prefix &&
                   memcmp(type->name, main_module, prefix) == 0;
    size_t skipped = in_main ? prefix : 0;

    printer_add_utf8(printer, type->name + skipped, type->name_length - skipped);
}

static bool is_function(const struct type *type)
{
    return type->kind && strcmp(type->kind->type, "function") == 0;
}

static void add_type_qualname(struct printer *printer, const struct type *type)
{
    if (type->flags & TPFLAGS_HEAPTYPE)
        printer_add_str(printer,
                        read_pointer(printer->reader, type->address, PyHeapTypeObject_ht_qualname));
    else
        printer_add_utf8(printer, type->short_name, type->short_length);
}

static bool is_builtin(const struct type *type)
{
    return type->kind && (strcmp(type->kind->type, "builtin_function_or_method") == 0 ||
                          strcmp(type->kind->type, "builtin_method") == 0);
}

static bool is_descriptor(const struct type *type)
{
    return type->kind && (strcmp(type->kind->type, "method_descriptor") == 0 ||
                          strcmp(type->kind->type, "wrapper_descriptor") == 0 ||
                          strcmp(type->kind->type, "classmethod_descriptor") == 0);
}

bool printer_add_builtin_name(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;

    if (!is_builtin(type))
        return false;
    uint64_t method = read_pointer(reader, address, PyCFunctionObject_m_ml);
    printer_add_c_string(printer, read_pointer(reader, method, PyMethodDef_ml_name), MOST_C_STRING);
    return true;
}

/* Objects/methodobject.c, meth_get__qualname__(). */
static bool add_builtin_qualname(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;

    if (is_descriptor(type)) {
        const struct type *owner =
            reader_type(reader, read_pointer(reader, address, PyDescrObject_d_type));
        if (!owner)
            return false;
        add_type_qualname(printer, owner);
        printer_add(printer, ".");
        printer_add_str(printer, read_pointer(reader, address, PyDescrObject_d_name));
        return true;
    }
    if (!is_builtin(type))
        return false;
    uint64_t self = read_pointer(reader, address, PyCFunctionObject_m_self);
    const struct type *of = reader_type_of(reader, self);
    if (of && of->flags & TPFLAGS_TYPE_SUBCLASS)
        of = reader_type(reader, self);
    if (of && !(of->kind && strcmp(of->kind->type, "module") == 0)) {
        add_type_qualname(printer, of);
        printer_add(printer, ".");
    }
    return printer_add_builtin_name(printer, type, address);
}

bool printer_add_qualname(struct printer *printer, uint64_t address)
{
    const struct reader *reader = printer->reader;
    const struct type *type = reader_type_of(reader, address), *named;
    uint64_t name = 0;

    if (!type)
        return false;
    if (is_function(type)) {
        name = read_pointer(reader, address, PyFunctionObject_func_qualname);
    } else if (type->flags & TPFLAGS_TYPE_SUBCLASS) {
        named = reader_type(reader, address);
        if (!named)
            return false;
        add_type_qualname(printer, named);
        return true;
    } else if (type->kind && (strcmp(type->kind->type, "functools.partial") == 0 ||
                              strcmp(type->kind->type, "functools._lru_cache_wrapper") == 0)) {
        name = attribute_of(reader, address, "__qualname__");
        if (!name)
            name = attribute_of(reader, address, "__name__");
        if (!name)
            printer_add(printer, "?");
        if (!name)
            return true;
    }
    if (name)
        printer_add_str(printer, name);
    return name || add_builtin_qualname(printer, type, address);
}

uint64_t name_of_object(const struct reader *reader, uint64_t address)
{
    const struct type *type = reader_type_of(reader, address);

    if (!type)
        return 0;
    if (is_function(type))
        return read_pointer(reader, address, PyFunctionObject_func_name);
    if (type->flags & TPFLAGS_TYPE_SUBCLASS) {
        const struct type *named = reader_type(reader, address);
        return named && named->flags & TPFLAGS_HEAPTYPE
                   ? read_pointer(reader, address, PyHeapTypeObject_ht_name)
                   : 0;
    }
    return attribute_of(reader, address, "__name__");
}

uint64_t tuple_count(const struct reader *reader, uint64_t address)
{
    const struct type *type = reader_type_of(reader, address);
    uint64_t count;

    if (!type || !type->kind || strcmp(type->kind->type, "tuple") != 0 ||
        !read_count(reader, address, field_address(reader, address, PyTupleObject_ob_item),
                    sizeof(uint64_t), &count))
        return 0;
    return count;
}

uint64_t tuple_item(const struct reader *reader, uint64_t address, uint64_t number)
{
    return read_word(reader, field_address(reader, address, PyTupleObject_ob_item) +
                                 number * sizeof(uint64_t));
}
