// SPDX-License-Identifier: MIT
/* Context variables: contexts, tokens, and the trie (HAMT) that a context is. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

static const struct kind_field context_fields[] = {
    {"prev", PyContext_ctx_prev, false},
    {"vars", PyContext_ctx_vars, false},
    {.name = NULL},
};

/* var_cached is borrowed. */
static const struct kind_field variable_fields[] = {
    {"name", PyContextVar_var_name, false},
    {"default", PyContextVar_var_default, false},
    {.name = NULL},
};

static const struct kind_field token_fields[] = {
    {"context", PyContextToken_tok_ctx, false},
    {"var", PyContextToken_tok_var, false},
    {"old_value", PyContextToken_tok_oldval, false},
    {.name = NULL},
};

static const struct kind_field hamt_fields[] = {
    {"root", PyHamtObject_h_root, false},
    {.name = NULL},
};

static const struct kind_field iterator_fields[] = {
    {"hamt", PyHamtIterator_hi_obj, false},
    {.name = NULL},
};

static void context_describe(const struct reader *reader, const struct type *type, uint64_t address,
                             fact_tell *tell, void *context)
{
    uint64_t variables = read_pointer(reader, address, PyContext_ctx_vars), count, entered;

    (void)type;
    if (variables && read_field(reader, variables, PyHamtObject_h_count, &count))
        say_number("variables", (int64_t)count, tell, context);
    if (read_field(reader, address, PyContext_ctx_entered, &entered))
        say_text("entered", entered ? "True" : "False", tell, context);
}

static bool variable_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t value = read_pointer(reader, address, PyContextVar_var_default);

    (void)type;
    if (!printer_nest(printer))
        return true;
    printer_add(printer, "<ContextVar name=");
    printer_object(printer, read_pointer(reader, address, PyContextVar_var_name));
    if (value) {
        printer_add(printer, " default=");
        printer_object(printer, value);
    }
    printer_add_address(printer, " at ", address, ">");
    printer_leave(printer);
    return true;
}

static bool token_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t used = 0;

    (void)type;
    if (!read_field(reader, address, PyContextToken_tok_used, &used))
        return false;
    printer_add(printer, used ? "<Token used var=" : "<Token var=");
    printer_object(printer, read_pointer(reader, address, PyContextToken_tok_var));
    printer_add_address(printer, " at ", address, ">");
    return true;
}

static bool missing_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type, (void)address;
    printer_add(printer, "<Token.MISSING>");
    return true;
}

static void tell_node(const struct reader *reader, uint64_t items, uint64_t i,
                      struct references *references)
{
    uint64_t item;

    if (!image_word(reader->image, items + i * sizeof(item), sizeof(item), &item))
        item = 0;
    reference_index(references, item, i);
}

/* The last one first. */
static void counted_nodes(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                          struct references *references)
{
    uint64_t items = field_address(reader, address, field), count;

    if (!items || !read_count(reader, address, items, sizeof(uint64_t), &count))
        return;
    while (count-- > 0 && !references->ended)
        tell_node(reader, items, count, references);
}

static void bitmap_references(const struct reader *reader, const struct type *type,
                              uint64_t address, struct references *references)
{
    (void)type;
    counted_nodes(reader, address, PyHamtNode_Bitmap_b_array, references);
}

static void collision_references(const struct reader *reader, const struct type *type,
                                 uint64_t address, struct references *references)
{
    (void)type;
    counted_nodes(reader, address, PyHamtNode_Collision_c_array, references);
}

static void array_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t items = field_address(reader, address, PyHamtNode_Array_a_array);
    uint64_t count =
        layout_size(&reader->python->layout, PyHamtNode_Array_a_array) / sizeof(uint64_t);

    (void)type;
    for (uint64_t i = 0; items && i < count && !references->ended; i++)
        tell_node(reader, items, i, references);
}

/* Later versions give the types of Python/context.c the name of a module. */
const struct kind context_kinds[] = {
    {.type = "Context",
     .structure = sizeof_PyContext,
     .fields = context_fields,
     .describe = context_describe},
    {.type = "_contextvars.Context",
     .structure = sizeof_PyContext,
     .fields = context_fields,
     .describe = context_describe},
    {.type = "ContextVar",
     .structure = sizeof_PyContextVar,
     .fields = variable_fields,
     .print = variable_print},
    {.type = "_contextvars.ContextVar",
     .structure = sizeof_PyContextVar,
     .fields = variable_fields,
     .print = variable_print},
    {.type = "Token",
     .structure = sizeof_PyContextToken,
     .fields = token_fields,
     .print = token_print},
    {.type = "_contextvars.Token",
     .structure = sizeof_PyContextToken,
     .fields = token_fields,
     .print = token_print},
    {.type = "Token.MISSING", .structure = sizeof_PyObject, .print = missing_print},
    {.type = "hamt", .structure = sizeof_PyHamtObject, .fields = hamt_fields},
    {.type = "hamt_bitmap_node",
     .structure = sizeof_PyHamtNode_Bitmap,
     .unsized = sizeof(uint64_t),
     .references = bitmap_references},
    {.type = "hamt_collision_node",
     .structure = sizeof_PyHamtNode_Collision,
     .unsized = sizeof(uint64_t),
     .references = collision_references},
    {.type = "hamt_array_node",
     .structure = sizeof_PyHamtNode_Array,
     .references = array_references},
    {.type = "keys", .structure = sizeof_PyHamtIterator, .fields = iterator_fields},
    {.type = "values", .structure = sizeof_PyHamtIterator, .fields = iterator_fields},
    {.type = "items", .structure = sizeof_PyHamtIterator, .fields = iterator_fields},
    {.type = NULL},
};
