// SPDX-License-Identifier: MIT
/* Weak references and proxies: what they refer to is no reference. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

#include <inttypes.h>

enum { MOST_TP_NAME = 256 };

static const struct kind_field fields[] = {
    {"__callback__", PyWeakReference_wr_callback, false},
    {.name = NULL},
};

/* The referent, while it lives: a dead one is None. 0: it is dead. */
static uint64_t referent_of(const struct reader *reader, uint64_t address, const struct type **ret)
{
    uint64_t object = read_pointer(reader, address, PyWeakReference_wr_object);

    *ret = object ? reader_type_of(reader, object) : NULL;
    return *ret && is_none_type(*ret) ? 0 : object;
}

static void add_referent(struct printer *printer, const struct type *of, uint64_t object)
{
    printer_add(printer, "to '");
    if (printer->reader->python->shape.weakrefs_qualify)
        printer_add_type_name(printer, of);
    else
        printer_add_tp_name(printer, of, MOST_TP_NAME);
    printer_add_address(printer, "' at ", object, "");
}

/* __name__ is shown where the referent has one, or its type: functions and types, these are. */
static void add_name(struct printer *printer, const struct type *of, uint64_t object)
{
    const struct reader *reader = printer->reader;
    const struct type *named =
        of->flags & TPFLAGS_TYPE_SUBCLASS ? reader_type(reader, object) : NULL;
    bool is_function = of->kind && strcmp(of->kind->type, "function") == 0;
    uint64_t name = 0;

    if (named) {
        printer_add(printer, " (");
        printer_add_utf8(printer, named->short_name, named->short_length);
        printer_add(printer, ")");
        return;
    }
    if (of->kind && strncmp(of->kind->type, "builtin_", 8) == 0) {
        printer_add(printer, " (");
        printer_add_builtin_name(printer, of, object);
        printer_add(printer, ")");
        return;
    }
    if (is_function || !reader->python->shape.weakrefs_ask_type)
        name = name_of_object(reader, object);
    const struct type *type = reader_type_of(reader, name);
    if (name && type && type->flags & TPFLAGS_UNICODE_SUBCLASS) {
        printer_add(printer, " (");
        printer_add_str(printer, name);
        printer_add(printer, ")");
    }
}

static bool weakref_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct type *of;
    uint64_t object = referent_of(printer->reader, address, &of);

    (void)type;
    if (object && !of)
        return false;
    printer_add_address(printer, "<weakref at ", address, "; ");
    if (object) {
        add_referent(printer, of, object);
        add_name(printer, of, object);
    } else {
        printer_add(printer, "dead");
    }
    printer_add(printer, ">");
    return true;
}

static bool proxy_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct type *of;
    uint64_t object = referent_of(printer->reader, address, &of);

    (void)type;
    printer_add_address(printer, "<weakproxy at ", address, "");
    if (printer->reader->python->shape.weakrefs_qualify) {
        printer_add(printer, "; ");
        if (object && of)
            add_referent(printer, of, object);
        else
            printer_add(printer, "dead");
    } else if (of) { /* of a dead one it says None */
        printer_add(printer, " to ");
        printer_add_tp_name(printer, of, MOST_TP_NAME);
        printer_add_address(printer, " at ",
                            read_pointer(printer->reader, address, PyWeakReference_wr_object), "");
    }
    printer_add(printer, ">");
    return true;
}

static void describe(const struct reader *reader, const struct type *type, uint64_t address,
                     fact_tell *tell, void *context)
{
    const struct type *of;
    uint64_t object = referent_of(reader, address, &of);
    struct text text = {0};

    (void)type;
    if (!object) {
        tell(context, "referent", "dead", 4);
        return;
    }
    text_addf(&text, "0x%" PRIx64 " ", object);
    print_object(reader, object, MOST_TP_NAME, &text);
    if (!text.failed)
        tell(context, "referent", text.bytes, text.length);
    text_free(&text);
}

/* The names without a module are those up to 3.9. */
const struct kind weakref_kinds[] = {
    {.type = "weakref",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = weakref_print,
     .describe = describe},
    {.type = "weakref.ReferenceType",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = weakref_print,
     .describe = describe},
    {.type = "weakproxy",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = proxy_print,
     .describe = describe},
    {.type = "weakref.ProxyType",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = proxy_print,
     .describe = describe},
    {.type = "weakcallableproxy",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = proxy_print,
     .describe = describe},
    {.type = "weakref.CallableProxyType",
     .structure = sizeof_PyWeakReference,
     .fields = fields,
     .print = proxy_print,
     .describe = describe},
    {.type = NULL},
};
