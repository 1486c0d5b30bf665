// SPDX-License-Identifier: MIT
/* Functions, methods, their wrappers, and cells. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

enum { MOST_TP_NAME = 256, MOST_CELL_NAME = 80 };

/* func_traverse visits all but the builtins, which it does since 3.10. */
static const struct kind_field function_fields[] = {
    {"__code__", PyFunctionObject_func_code, false},
    {"__globals__", PyFunctionObject_func_globals, false},
    {"__builtins__", PyFunctionObject_func_builtins, false},
    {"__module__", PyFunctionObject_func_module, false},
    {"__defaults__", PyFunctionObject_func_defaults, false},
    {"__kwdefaults__", PyFunctionObject_func_kwdefaults, false},
    {"__doc__", PyFunctionObject_func_doc, false},
    {"__name__", PyFunctionObject_func_name, false},
    {"__dict__", PyFunctionObject_func_dict, false},
    {"__closure__", PyFunctionObject_func_closure, false},
    {"__annotations__", PyFunctionObject_func_annotations, false},
    {"__annotate__", PyFunctionObject_func_annotate, false},
    {"__type_params__", PyFunctionObject_func_typeparams, false},
    {"__qualname__", PyFunctionObject_func_qualname, false},
    {.name = NULL},
};

static bool function_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    printer_add(printer, "<function ");
    printer_add_str(printer,
                    read_pointer(printer->reader, address, PyFunctionObject_func_qualname));
    printer_add_address(printer, " at ", address, ">");
    return true;
}

static const struct kind_field builtin_fields[] = {
    {"__self__", PyCFunctionObject_m_self, false},
    {"__module__", PyCFunctionObject_m_module, false},
    {.name = NULL},
};

static const struct kind_field builtin_method_fields[] = {
    {"__objclass__", PyCMethodObject_mm_class, false},
    {"__self__", PyCFunctionObject_m_self, false},
    {"__module__", PyCFunctionObject_m_module, false},
    {.name = NULL},
};

static bool builtin_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t self = read_pointer(reader, address, PyCFunctionObject_m_self);
    uint64_t method = read_pointer(reader, address, PyCFunctionObject_m_ml);
    const struct type *owner = reader_type_of(reader, self);
    bool is_function = !self || (owner && owner->kind && strcmp(owner->kind->type, "module") == 0);

    (void)type;
    if (!is_function && !owner)
        return false;
    printer_add(printer, is_function ? "<built-in function " : "<built-in method ");
    printer_add_c_string(printer, read_pointer(reader, method, PyMethodDef_ml_name), MOST_TP_NAME);
    if (!is_function) {
        printer_add(printer, " of ");
        printer_add_tp_name(printer, owner, MOST_TP_NAME);
        printer_add_address(printer, " object at ", self, "");
    }
    printer_add(printer, ">");
    return true;
}

static const struct kind_field method_fields[] = {
    {"__func__", PyMethodObject_im_func, false},
    {"__self__", PyMethodObject_im_self, false},
    {.name = NULL},
};

/* Python bounds the nesting by its recursion limit alone. */
static bool method_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    struct text *text = printer->text;
    struct printer before = *printer;
    size_t length = text->length;

    (void)type;
    if (!printer_enter(printer, address, "..."))
        return true;
    printer_add(printer, "<bound method ");
    if (!printer_add_qualname(printer, read_pointer(reader, address, PyMethodObject_im_func))) {
        text->length = length;
        *printer = before;
        return false;
    }
    printer_add(printer, " of ");
    printer_object(printer, read_pointer(reader, address, PyMethodObject_im_self));
    printer_add(printer, ">");
    printer_leave(printer);
    return true;
}

static const struct kind_field instance_method_fields[] = {
    {"__func__", PyInstanceMethodObject_func, false},
    {.name = NULL},
};

static bool instance_method_print(struct printer *printer, const struct type *type,
                                  uint64_t address)
{
    uint64_t function = read_pointer(printer->reader, address, PyInstanceMethodObject_func);
    uint64_t name = name_of_object(printer->reader, function);

    (void)type;
    if (!name)
        return false;
    printer_add(printer, "<instancemethod ");
    printer_add_str(printer, name);
    printer_add_address(printer, " at ", address, ">");
    return true;
}

static const struct kind_field wrapper_fields[] = {
    {"__descr__", wrapperobject_descr, false},
    {"__self__", wrapperobject_self, false},
    {.name = NULL},
};

static bool wrapper_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t descriptor = read_pointer(reader, address, wrapperobject_descr);
    uint64_t self = read_pointer(reader, address, wrapperobject_self);
    const struct type *owner = reader_type_of(reader, self);

    (void)type;
    if (!owner)
        return false;
    printer_add(printer, "<method-wrapper '");
    printer_add_str(printer, read_pointer(reader, descriptor, PyDescrObject_d_name));
    printer_add(printer, "' of ");
    printer_add_tp_name(printer, owner, MOST_TP_NAME);
    printer_add_address(printer, " object at ", self, ">");
    return true;
}

static const struct kind_field cell_fields[] = {
    {"cell_contents", PyCellObject_ob_ref, false},
    {.name = NULL},
};

static bool cell_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t content = read_pointer(printer->reader, address, PyCellObject_ob_ref);
    const struct type *of = reader_type_of(printer->reader, content);

    (void)type;
    if (content && !of)
        return false;
    printer_add_address(printer, "<cell at ", address, ": ");
    if (content) {
        printer_add_tp_name(printer, of, MOST_CELL_NAME);
        printer_add_address(printer, " object at ", content, ">");
    } else {
        printer_add(printer, "empty>");
    }
    return true;
}

const struct kind function_kinds[] = {
    {.type = "function",
     .structure = sizeof_PyFunctionObject,
     .fields = function_fields,
     .print = function_print},
    {.type = "builtin_function_or_method",
     .structure = sizeof_PyCFunctionObject,
     .fields = builtin_fields,
     .print = builtin_print},
    {.type = "builtin_method",
     .structure = sizeof_PyCMethodObject,
     .fields = builtin_method_fields,
     .print = builtin_print},
    {.type = "method",
     .structure = sizeof_PyMethodObject,
     .fields = method_fields,
     .print = method_print},
    {.type = "instancemethod",
     .structure = sizeof_PyInstanceMethodObject,
     .fields = instance_method_fields,
     .print = instance_method_print},
    {.type = "method-wrapper",
     .structure = sizeof_wrapperobject,
     .fields = wrapper_fields,
     .print = wrapper_print},
    {.type = "cell", .structure = sizeof_PyCellObject, .fields = cell_fields, .print = cell_print},
    {.type = NULL},
};
