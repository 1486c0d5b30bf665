// SPDX-License-Identifier: MIT
/* The descriptors in the dictionaries of C types, and of __slots__. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

enum { MOST_TP_NAME = 256 };

/* descr_traverse visits the type alone. */
static const struct kind_field fields[] = {
    {"__objclass__", PyDescrObject_d_type, false},
    {"__name__", PyDescrObject_d_name, true},
    {"__qualname__", PyDescrObject_d_qualname, true},
    {.name = NULL},
};

static bool print(struct printer *printer, uint64_t address, const char *what)
{
    const struct reader *reader = printer->reader;
    const struct type *of =
        reader_type(reader, read_pointer(reader, address, PyDescrObject_d_type));

    if (!of)
        return false;
    printer_addf(printer, "<%s '", what);
    printer_add_str(printer, read_pointer(reader, address, PyDescrObject_d_name));
    if (!of->base && reader->python->shape.object_is_silent) {
        printer_add(printer, "'>");
        return true;
    }
    printer_add(printer, "' of '");
    printer_add_tp_name(printer, of, MOST_TP_NAME);
    printer_add(printer, "' objects>");
    return true;
}

static bool method_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print(printer, address, "method");
}

static bool member_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print(printer, address, "member");
}

static bool getset_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print(printer, address, "attribute");
}

static bool wrapper_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print(printer, address, "slot wrapper");
}

const struct kind descriptor_kinds[] = {
    {.type = "method_descriptor",
     .structure = sizeof_PyMethodDescrObject,
     .fields = fields,
     .print = method_print},
    {.type = "classmethod_descriptor",
     .structure = sizeof_PyMethodDescrObject,
     .fields = fields,
     .print = method_print},
    {.type = "member_descriptor",
     .structure = sizeof_PyMemberDescrObject,
     .fields = fields,
     .print = member_print},
    {.type = "getset_descriptor",
     .structure = sizeof_PyGetSetDescrObject,
     .fields = fields,
     .print = getset_print},
    {.type = "wrapper_descriptor",
     .structure = sizeof_PyWrapperDescrObject,
     .fields = fields,
     .print = wrapper_print},
    {.type = NULL},
};
