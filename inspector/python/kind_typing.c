// SPDX-License-Identifier: MIT
/* Generic aliases, unions, type variables: what annotations are made of. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

static bool is_kind(const struct type *type, const char *name)
{
    return type && type->kind && strcmp(type->kind->type, name) == 0;
}

static bool is_builtins(const struct reader *reader, uint64_t str)
{
    struct text text = {0};
    struct printer printer = {.reader = reader, .text = &text, .left = 16};

    printer_add_str(&printer, str);
    bool found = text.length == 8 && memcmp(text.bytes, "builtins", 8) == 0;
    text_free(&text);
    return found;
}

static void add_module(struct printer *printer, uint64_t module)
{
    if (is_builtins(printer->reader, module))
        return;
    printer_add_str(printer, module);
    printer_add(printer, ".");
}

/* Objects/typevarobject.c, typealias_get_module(). */
static uint64_t module_of_alias(const struct reader *reader, uint64_t alias)
{
    uint64_t module = read_pointer(reader, alias, typealiasobject_module);
    uint64_t function = read_pointer(reader, alias, typealiasobject_compute_value);

    return module || !is_kind(reader_type_of(reader, function), "function")
               ? module
               : read_pointer(reader, function, PyFunctionObject_func_module);
}

/* A type as annotations show it, by its name alone: Objects/typevarobject.c,
 * _Py_typing_type_repr(); ga_repr_item() and union_repr_item() before. */
static void add_item(struct printer *printer, uint64_t item, bool none_type)
{
    const struct reader *reader = printer->reader;
    const struct type *type = reader_type_of(reader, item), *named;

    if (type && strcmp(type->name, "ellipsis") == 0) {
        printer_add(printer, "...");
    } else if (type && type->flags & TPFLAGS_TYPE_SUBCLASS && (named = reader_type(reader, item))) {
        if (none_type && is_none_type(named))
            printer_add(printer, "None");
        else
            printer_add_utf8(printer, named->name, named->name_length);
    } else if (is_kind(type, "function")) {
        add_module(printer, read_pointer(reader, item, PyFunctionObject_func_module));
        printer_add_qualname(printer, item);
    } else if (is_kind(type, "typing.TypeAliasType") &&
               reader_has(reader, typealiasobject_qualname)) {
        add_module(printer, module_of_alias(reader, item));
        printer_add_str(printer, read_pointer(reader, item, typealiasobject_qualname));
    } else {
        printer_object(printer, item);
    }
}

static const struct kind_field alias_fields[] = {
    {"__origin__", gaobject_origin, false},
    {"__args__", gaobject_args, false},
    {"__parameters__", gaobject_parameters, false},
    {.name = NULL},
};

/* A list among the arguments is one of ParamSpec's: its items are shown like arguments (3.12). */
static void add_argument(struct printer *printer, uint64_t item)
{
    const struct reader *reader = printer->reader;
    uint64_t at, count;

    if (!is_kind(reader_type_of(reader, item), "list") || !reader_has(reader, typevarobject_name)) {
        add_item(printer, item, reader->python->shape.aliases_show_none);
        return;
    }
    at = read_pointer(reader, item, PyListObject_ob_item);
    if (!read_count(reader, item, at, sizeof(at), &count))
        count = 0;
    printer_add(printer, "[");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        uint64_t word;
        printer_add(printer, i ? ", " : "");
        if (image_word(reader->image, at + i * sizeof(word), sizeof(word), &word))
            add_item(printer, word, reader->python->shape.aliases_show_none);
    }
    printer_add(printer, "]");
}

static bool alias_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t args = read_pointer(reader, address, gaobject_args);
    uint64_t count = tuple_count(reader, args), starred = 0;

    (void)type;
    if (!printer_enter(printer, address, "..."))
        return true;
    if (read_field(reader, address, gaobject_starred, &starred) && starred)
        printer_add(printer, "*");
    add_item(printer, read_pointer(reader, address, gaobject_origin),
             reader->python->shape.aliases_show_none);
    printer_add(printer, "[");
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        printer_add(printer, i ? ", " : "");
        add_argument(printer, tuple_item(reader, args, i));
    }
    printer_add(printer, count ? "]" : "()]");
    printer_leave(printer);
    return true;
}

static const struct kind_field union_fields[] = {
    {"__args__", unionobject_args, false},
    {"hashable_args", unionobject_hashable_args, false},
    {"unhashable_args", unionobject_unhashable_args, false},
    {"__parameters__", unionobject_parameters, false},
    {.name = NULL},
};

static bool union_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t args = read_pointer(printer->reader, address, unionobject_args);
    uint64_t count = tuple_count(printer->reader, args);

    (void)type;
    if (!printer_enter(printer, address, "..."))
        return true;
    for (uint64_t i = 0; i < count && !printer->full; i++) {
        printer_add(printer, i ? " | " : "");
        add_item(printer, tuple_item(printer->reader, args, i), true);
    }
    printer_leave(printer);
    return true;
}

static const struct kind_field variable_fields[] = {
    {"__bound__", typevarobject_bound, false},
    {"evaluate_bound", typevarobject_evaluate_bound, false},
    {"__constraints__", typevarobject_constraints, false},
    {"evaluate_constraints", typevarobject_evaluate_constraints, false},
    {"__default__", typevarobject_default_value, false},
    {"evaluate_default", typevarobject_evaluate_default, false},
    {.name = NULL},
};

static const struct kind_field specification_fields[] = {
    {"__bound__", paramspecobject_bound, false},
    {"__default__", paramspecobject_default_value, false},
    {"evaluate_default", paramspecobject_evaluate_default, false},
    {.name = NULL},
};

static const struct kind_field tuple_fields[] = {
    {"__bound__", typevartupleobject_bound, false},
    {"__default__", typevartupleobject_default_value, false},
    {"evaluate_default", typevartupleobject_evaluate_default, false},
    {.name = NULL},
};

static void tell_name(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                      const char *name, struct references *references)
{
    uint64_t to = read_pointer(reader, address, field);

    if (reader->python->shape.typing_names_are_visited)
        reference_field(references, to, name);
    else
        reference_owned(references, to, name);
}

static void variable_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    (void)type;
    tell_name(reader, address, typevarobject_name, "__name__", references);
}

static void specification_references(const struct reader *reader, const struct type *type,
                                     uint64_t address, struct references *references)
{
    (void)type;
    tell_name(reader, address, paramspecobject_name, "__name__", references);
}

static void tuple_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    (void)type;
    tell_name(reader, address, typevartupleobject_name, "__name__", references);
}

static void statement_references(const struct reader *reader, const struct type *type,
                                 uint64_t address, struct references *references)
{
    (void)type;
    tell_name(reader, address, typealiasobject_name, "__name__", references);
    tell_name(reader, address, typealiasobject_qualname, "__qualname__", references);
}

/* "~T", "+T", "-T"; a variance that is inferred shows no sign. */
static void add_variable(struct printer *printer, uint64_t address, enum layout_slot_id name,
                         enum layout_slot_id infer, enum layout_slot_id co,
                         enum layout_slot_id contra)
{
    const struct reader *reader = printer->reader;
    uint64_t flag;

    if (!read_field(reader, address, infer, &flag) || !flag) {
        if (read_field(reader, address, co, &flag) && flag)
            printer_add(printer, "+");
        else if (read_field(reader, address, contra, &flag) && flag)
            printer_add(printer, "-");
        else
            printer_add(printer, "~");
    }
    printer_add_str(printer, read_pointer(reader, address, name));
}

static bool variable_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    add_variable(printer, address, typevarobject_name, typevarobject_infer_variance,
                 typevarobject_covariant, typevarobject_contravariant);
    return true;
}

static bool specification_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    add_variable(printer, address, paramspecobject_name, paramspecobject_infer_variance,
                 paramspecobject_covariant, paramspecobject_contravariant);
    return true;
}

static bool tuple_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    if (reader_has(printer->reader, typevartupleobject_infer_variance))
        add_variable(printer, address, typevartupleobject_name, typevartupleobject_infer_variance,
                     typevartupleobject_covariant, typevartupleobject_contravariant);
    else
        printer_add_str(printer, read_pointer(printer->reader, address, typevartupleobject_name));
    return true;
}

static const struct kind_field attribute_fields[] = {
    {"__origin__", paramspecattrobject___origin__, false},
    {.name = NULL},
};

static bool print_attribute(struct printer *printer, uint64_t address, const char *name)
{
    const struct reader *reader = printer->reader;
    uint64_t origin = read_pointer(reader, address, paramspecattrobject___origin__);

    if (is_kind(reader_type_of(reader, origin), "typing.ParamSpec"))
        printer_add_str(printer, read_pointer(reader, origin, paramspecobject_name));
    else
        printer_object(printer, origin);
    printer_add(printer, name);
    return true;
}

static bool args_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print_attribute(printer, address, ".args");
}

static bool kwargs_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    return print_attribute(printer, address, ".kwargs");
}

static const struct kind_field statement_fields[] = {
    {"__type_params__", typealiasobject_type_params, false},
    {"evaluate_value", typealiasobject_compute_value, false},
    {"__value__", typealiasobject_value, false},
    {"__module__", typealiasobject_module, false},
    {.name = NULL},
};

static bool statement_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    printer_add_str(printer, read_pointer(printer->reader, address, typealiasobject_name));
    return true;
}

static const struct kind_field evaluator_fields[] = {
    {"value", constevaluatorobject_value, false},
    {.name = NULL},
};

const struct kind typing_kinds[] = {
    {.type = "types.GenericAlias",
     .structure = sizeof_gaobject,
     .fields = alias_fields,
     .print = alias_print},
    {.type = "types.UnionType",
     .structure = sizeof_unionobject,
     .fields = union_fields,
     .print = union_print},
    {.type = "typing.Union", /* 3.14 */
     .structure = sizeof_unionobject,
     .fields = union_fields,
     .print = union_print},
    {.type = "typing.TypeVar",
     .structure = sizeof_typevarobject,
     .fields = variable_fields,
     .references = variable_references,
     .print = variable_print},
    {.type = "typing.ParamSpec",
     .structure = sizeof_paramspecobject,
     .fields = specification_fields,
     .references = specification_references,
     .print = specification_print},
    {.type = "typing.TypeVarTuple",
     .structure = sizeof_typevartupleobject,
     .fields = tuple_fields,
     .references = tuple_references,
     .print = tuple_print},
    {.type = "typing.ParamSpecArgs",
     .structure = sizeof_paramspecattrobject,
     .fields = attribute_fields,
     .print = args_print,
     .hides_type = true},
    {.type = "typing.ParamSpecKwargs",
     .structure = sizeof_paramspecattrobject,
     .fields = attribute_fields,
     .print = kwargs_print,
     .hides_type = true},
    {.type = "typing.TypeAliasType",
     .structure = sizeof_typealiasobject,
     .fields = statement_fields,
     .references = statement_references,
     .print = statement_print},
    {.type = "_typing._ConstEvaluator",
     .structure = sizeof_constevaluatorobject,
     .fields = evaluator_fields,
     .hides_type = true},
    {.type = NULL},
};
