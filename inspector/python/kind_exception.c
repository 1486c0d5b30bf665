// SPDX-License-Identifier: MIT
/* Exceptions: BaseException, and the built-in ones that have a C structure of their own. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/say.h"

/* What all of them hold, besides the __dict__. */
static const struct kind_field base_fields[] = {
    {"__dict__", PyBaseExceptionObject_dict, false},
    {"args", PyBaseExceptionObject_args, false},
    {"__notes__", PyBaseExceptionObject_notes, false},
    {"__traceback__", PyBaseExceptionObject_traceback, false},
    {"__cause__", PyBaseExceptionObject_cause, false},
    {"__context__", PyBaseExceptionObject_context, false},
    {.name = NULL},
};

static const struct kind_field group_fields[] = {
    {"message", PyBaseExceptionGroupObject_msg, false},
    {"exceptions", PyBaseExceptionGroupObject_excs, false},
    {"exceptions_repr", PyBaseExceptionGroupObject_excs_str, true},
    {.name = NULL},
};

static const struct kind_field syntax_fields[] = {
    {"msg", PySyntaxErrorObject_msg, false},
    {"filename", PySyntaxErrorObject_filename, false},
    {"lineno", PySyntaxErrorObject_lineno, false},
    {"offset", PySyntaxErrorObject_offset, false},
    {"end_lineno", PySyntaxErrorObject_end_lineno, false},
    {"end_offset", PySyntaxErrorObject_end_offset, false},
    {"text", PySyntaxErrorObject_text, false},
    {"print_file_and_line", PySyntaxErrorObject_print_file_and_line, false},
    {"_metadata", PySyntaxErrorObject_metadata, false},
    {.name = NULL},
};

static const struct kind_field import_fields[] = {
    {"msg", PyImportErrorObject_msg, false},
    {"name", PyImportErrorObject_name, false},
    {"path", PyImportErrorObject_path, false},
    {"name_from", PyImportErrorObject_name_from, false},
    {.name = NULL},
};

static const struct kind_field os_fields[] = {
    {"errno", PyOSErrorObject_myerrno, false},
    {"strerror", PyOSErrorObject_strerror, false},
    {"filename", PyOSErrorObject_filename, false},
    {"filename2", PyOSErrorObject_filename2, false},
    {.name = NULL},
};

static const struct kind_field unicode_fields[] = {
    {"encoding", PyUnicodeErrorObject_encoding, false},
    {"object", PyUnicodeErrorObject_object, false},
    {"reason", PyUnicodeErrorObject_reason, false},
    {.name = NULL},
};

static const struct kind_field stop_fields[] = {
    {"value", PyStopIterationObject_value, false},
    {.name = NULL},
};

static const struct kind_field exit_fields[] = {
    {"code", PySystemExitObject_code, false},
    {.name = NULL},
};

static const struct kind_field name_fields[] = {
    {"name", PyNameErrorObject_name, false},
    {.name = NULL},
};

static const struct kind_field attribute_fields[] = {
    {"obj", PyAttributeErrorObject_obj, false},
    {"name", PyAttributeErrorObject_name, false},
    {.name = NULL},
};

/* Those with a structure of their own tell its fields first, then these. */
static void base_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    (void)type;
    for (const struct kind_field *field = base_fields; field->name; field++)
        reference_field(references, read_pointer(reader, address, field->field), field->name);
}

/* The arguments of an exception: a tuple. False: there is none, or it cannot be read. */
static bool read_args(const struct reader *reader, uint64_t args, uint64_t *ret_items,
                      uint64_t *ret_count)
{
    uint64_t items = field_address(reader, args, PyTupleObject_ob_item);

    if (!args || !items || !read_count(reader, args, items, sizeof(uint64_t), ret_count))
        return false;
    *ret_items = items;
    return true;
}

static uint64_t item(const struct reader *reader, uint64_t items, uint64_t index)
{
    return read_word(reader, items + index * sizeof(uint64_t));
}

static void add_short_name(struct printer *printer, const struct type *type)
{
    printer_add_utf8(printer, type->short_name, type->short_length);
}

/* One argument prints alone since 3.7: ValueError('x'). */
static bool base_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t args = read_pointer(reader, address, PyBaseExceptionObject_args), items, count;

    if (!read_args(reader, args, &items, &count))
        return false;
    if (!printer_nest(printer))
        return true;
    add_short_name(printer, type);
    if (count == 1 && !reader->python->shape.exceptions_print_tuple) {
        printer_add(printer, "(");
        printer_object(printer, item(reader, items, 0));
        printer_add(printer, ")");
    } else {
        printer_object(printer, args);
    }
    printer_leave(printer);
    return true;
}

static bool is_list(const struct reader *reader, uint64_t address)
{
    const struct type *type = reader_type_of(reader, address);

    return type && !strcmp(type->name, "list");
}

/* A group was given a list, and shows one, but of what it holds. */
static void print_as_list(struct printer *printer, uint64_t tuple)
{
    uint64_t items = 0, count = 0;

    if (!read_args(printer->reader, tuple, &items, &count))
        count = 0;
    printer_add(printer, "[");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        if (i)
            printer_add(printer, ", ");
        printer_object(printer, item(printer->reader, items, i));
    }
    printer_add(printer, "]");
}

/* Where the group keeps how its exceptions printed when it was made, it shows what they are instead
 * of what became of the sequence that it was given. */
static bool group_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t args = read_pointer(reader, address, PyBaseExceptionObject_args), items, count;
    uint64_t printed = read_pointer(reader, address, PyBaseExceptionGroupObject_excs_str);
    uint64_t exceptions = read_pointer(reader, address, PyBaseExceptionGroupObject_excs);

    if (!reader_has(reader, PyBaseExceptionGroupObject_excs_str))
        return base_print(printer, type, address);
    if (!read_args(reader, args, &items, &count))
        return false;
    if (!printer_nest(printer))
        return true;
    add_short_name(printer, type);
    printer_add(printer, "(");
    printer_object(printer, read_pointer(reader, address, PyBaseExceptionGroupObject_msg));
    printer_add(printer, ", ");
    if (printed)
        printer_add_str(printer, printed);
    else if (count == 2 && is_list(reader, item(reader, items, 1)))
        print_as_list(printer, exceptions);
    else
        printer_object(printer, exceptions);
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

/* 3.15 also tells what could not be imported, and where: ImportError('x', name='n', path='p'). */
static bool import_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t args = read_pointer(reader, address, PyBaseExceptionObject_args), items, count;
    uint64_t name = read_pointer(reader, address, PyImportErrorObject_name);
    uint64_t path = read_pointer(reader, address, PyImportErrorObject_path);

    if (!reader->python->shape.import_errors_print_name ||
        (!is_given(reader, name) && !is_given(reader, path)))
        return base_print(printer, type, address);
    if (!read_args(reader, args, &items, &count))
        return false;
    if (!printer_nest(printer))
        return true;
    add_short_name(printer, type);
    printer_add(printer, "(");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        printer_object(printer, item(reader, items, i));
        printer_add(printer, ", ");
    }
    if (is_given(reader, name)) {
        printer_add(printer, "name=");
        printer_object(printer, name);
    }
    if (is_given(reader, path)) {
        printer_add(printer, is_given(reader, name) ? ", path=" : "path=");
        printer_object(printer, path);
    }
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

/* The message, as str() gives it of most: nothing, the argument, or all of them. */
static void base_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *tell, void *context)
{
    uint64_t args = read_pointer(reader, address, PyBaseExceptionObject_args), items, count;
    uint64_t suppressed = 0;

    (void)type;
    if (read_args(reader, args, &items, &count) && count) {
        uint64_t message = count == 1 ? item(reader, items, 0) : args;
        const struct type *of = reader_type_of(reader, message);
        if (of && of->flags & TPFLAGS_UNICODE_SUBCLASS)
            say_str(reader, "message", message, tell, context);
        else
            say_object(reader, "message", message, tell, context);
    }
    if (read_field(reader, address, PyBaseExceptionObject_suppress_context, &suppressed) &&
        suppressed & 1)
        say_text("__suppress_context__", "True", tell, context);
}

static void unicode_describe(const struct reader *reader, const struct type *type, uint64_t address,
                             fact_tell *tell, void *context)
{
    uint64_t number;

    base_describe(reader, type, address, tell, context);
    if (read_field(reader, address, PyUnicodeErrorObject_start, &number))
        say_number("start", (int64_t)number, tell, context);
    if (read_field(reader, address, PyUnicodeErrorObject_end, &number))
        say_number("end", (int64_t)number, tell, context);
}

const struct kind exception_kinds[] = {
    {.type = "BaseException",
     .structure = sizeof_PyBaseExceptionObject,
     .fields = base_fields,
     .print = base_print,
     .describe = base_describe},
    {.type = "BaseExceptionGroup",
     .structure = sizeof_PyBaseExceptionGroupObject,
     .fields = group_fields,
     .references = base_references,
     .print = group_print,
     .describe = base_describe},
    {.type = "SyntaxError",
     .structure = sizeof_PySyntaxErrorObject,
     .fields = syntax_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "ImportError",
     .structure = sizeof_PyImportErrorObject,
     .fields = import_fields,
     .references = base_references,
     .print = import_print,
     .describe = base_describe},
    {.type = "OSError",
     .structure = sizeof_PyOSErrorObject,
     .fields = os_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "StopIteration",
     .structure = sizeof_PyStopIterationObject,
     .fields = stop_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "SystemExit",
     .structure = sizeof_PySystemExitObject,
     .fields = exit_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "NameError",
     .structure = sizeof_PyNameErrorObject,
     .fields = name_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "AttributeError",
     .structure = sizeof_PyAttributeErrorObject,
     .fields = attribute_fields,
     .references = base_references,
     .print = base_print,
     .describe = base_describe},
    {.type = "UnicodeEncodeError",
     .structure = sizeof_PyUnicodeErrorObject,
     .fields = unicode_fields,
     .references = base_references,
     .print = base_print,
     .describe = unicode_describe},
    {.type = "UnicodeDecodeError",
     .structure = sizeof_PyUnicodeErrorObject,
     .fields = unicode_fields,
     .references = base_references,
     .print = base_print,
     .describe = unicode_describe},
    {.type = "UnicodeTranslateError",
     .structure = sizeof_PyUnicodeErrorObject,
     .fields = unicode_fields,
     .references = base_references,
     .print = base_print,
     .describe = unicode_describe},
    {.type = NULL},
};
