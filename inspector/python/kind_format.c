// SPDX-License-Identifier: MIT
/* json, csv, pickle, xml. */
#include "inspector/python/kind.h"

#include <inttypes.h>

enum {
    WORD = sizeof(uint64_t),
    EXPAT_HANDLERS = 22, /* Modules/pyexpat.c, handler_info[] */
    LONGEST_STRING = 1 << 20,
};

/* Do Pickler and Unpickler tell of their memos? Since 3.11.7 and 3.12.1 (bpo-41422), which no field
 * of theirs tells. */
static bool visits_memo(const struct reader *reader)
{
    const char *text = reader->python->version.text;
    struct python_version version;
    int micro;

    if (!python_version_parse(&version, &micro, text, strlen(text)))
        return reader->python->version.minor >= 12;
    return version.minor > 12 || (version.minor == 12 && micro >= 1) ||
           (version.minor == 11 && micro >= 7);
}

/* `count` references in a row. */
static void tell_words(const struct reader *reader, uint64_t words, uint64_t count, bool is_owned,
                       struct references *references)
{
    uint64_t word;

    if (!words || !reader_has_room(reader, words, count, WORD))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        if (!image_word(reader->image, words + i * WORD, WORD, &word))
            continue;
        struct reference reference = {
            .to = word, .label = LABEL_INDEX, .number = i, .is_owned = is_owned};
        reference_tell(references, &reference);
    }
}

static void json_scanner_references(const struct reader *reader, const struct type *type,
                                    uint64_t address, struct references *references)
{
    tell_if_heap(references, type, read_pointer(reader, address, PyScannerObject_memo), "memo");
}

/* Bytes of the children that do not fit into ElementObjectExtra itself. */
static bool children_of(const struct reader *reader, uint64_t extra, uint64_t *ret,
                        uint64_t *ret_size)
{
    uint64_t children = read_pointer(reader, extra, ElementObjectExtra_children), allocated;

    *ret = children;
    *ret_size = 0;
    if (children == field_address(reader, extra, ElementObjectExtra_own))
        return true;
    if (!read_field(reader, extra, ElementObjectExtra_allocated, &allocated) ||
        !reader_has_room(reader, children, allocated, WORD))
        return false;
    *ret_size = allocated * WORD;
    return true;
}

static bool element_size(const struct reader *reader, const struct type *type, uint64_t address,
                         uint64_t *ret)
{
    uint64_t extra = read_pointer(reader, address, ElementObject_extra), children, size;

    *ret = type->basicsize;
    if (!extra)
        return true;
    if (!reader_has(reader, sizeof_ElementObjectExtra) ||
        !children_of(reader, extra, &children, &size))
        return false;
    *ret += layout_size(&reader->python->layout, sizeof_ElementObjectExtra) + size;
    return true;
}

/* The lowest bit of text and tail says that it is a list to be joined. */
static void element_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    uint64_t extra = read_pointer(reader, address, ElementObject_extra), count;

    (void)type;
    reference_field(references, read_pointer(reader, address, ElementObject_text) & ~UINT64_C(1),
                    "text");
    reference_field(references, read_pointer(reader, address, ElementObject_tail) & ~UINT64_C(1),
                    "tail");
    if (!extra)
        return;
    reference_field(references, read_pointer(reader, extra, ElementObjectExtra_attrib), "attrib");
    if (read_field(reader, extra, ElementObjectExtra_length, &count))
        tell_words(reader, read_pointer(reader, extra, ElementObjectExtra_children), count, false,
                   references);
}

static bool element_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t tag = read_pointer(printer->reader, address, ElementObject_tag);

    (void)type;
    if (!tag)
        return false;
    printer_add(printer, "<Element ");
    printer_object(printer, tag);
    printer_addf(printer, " at 0x%" PRIx64 ">", address);
    return true;
}

static void element_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                            buffer_tell *tell, void *context)
{
    uint64_t extra = read_pointer(reader, address, ElementObject_extra), children, size;

    (void)type;
    if (!extra || !reader_has(reader, sizeof_ElementObjectExtra))
        return;
    tell(context, "extra", extra, layout_size(&reader->python->layout, sizeof_ElementObjectExtra));
    if (children_of(reader, extra, &children, &size) && size)
        tell(context, "children", children, size);
}

static void element_iterator_references(const struct reader *reader, const struct type *type,
                                        uint64_t address, struct references *references)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t stack = read_pointer(reader, address, ElementIterObject_parent_stack), count;

    (void)type;
    if (!layout_has(layout, sizeof_ParentLocator) ||
        !read_field(reader, address, ElementIterObject_parent_stack_used, &count) ||
        !reader_has_room(reader, stack, count, layout_size(layout, sizeof_ParentLocator)))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++)
        reference_index(references,
                        read_pointer(reader, stack + i * layout_size(layout, sizeof_ParentLocator),
                                     ParentLocator_parent),
                        i);
}

static void expat_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    (void)type;
    tell_words(reader, read_pointer(reader, address, xmlparseobject_handlers), EXPAT_HANDLERS,
               false, references);
}

static bool add_bytes(const struct reader *reader, uint64_t bytes, uint64_t *ret)
{
    uint64_t count;

    if (!bytes)
        return true;
    const struct type *type = reader_type_of(reader, bytes);
    if (!type || !read_count(reader, bytes, bytes, 1, &count))
        return false;
    *ret += type->basicsize + type->headers + count;
    return true;
}

static bool pickler_size(const struct reader *reader, const struct type *type, uint64_t address,
                         uint64_t *ret)
{
    uint64_t memo = read_pointer(reader, address, PicklerObject_memo), count;
    const struct layout *layout = &reader->python->layout;

    *ret = type->basicsize;
    if (memo) {
        if (!layout_has(layout, sizeof_PyMemoTable) || !layout_has(layout, sizeof_PyMemoEntry) ||
            !read_field(reader, memo, PyMemoTable_mt_allocated, &count) ||
            !reader_has_room(reader, read_pointer(reader, memo, PyMemoTable_mt_table), count,
                             layout_size(layout, sizeof_PyMemoEntry)))
            return false;
        *ret += layout_size(layout, sizeof_PyMemoTable) +
                count * layout_size(layout, sizeof_PyMemoEntry);
    }
    return add_bytes(reader, read_pointer(reader, address, PicklerObject_output_buffer), ret);
}

/* What has been pickled. */
static void pickler_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t memo = read_pointer(reader, address, PicklerObject_memo), count;
    uint64_t table = memo ? read_pointer(reader, memo, PyMemoTable_mt_table) : 0;
    bool visited = visits_memo(reader);

    (void)type;
    if (!table || !layout_has(layout, sizeof_PyMemoEntry) ||
        !read_field(reader, memo, PyMemoTable_mt_allocated, &count) ||
        !reader_has_room(reader, table, count, layout_size(layout, sizeof_PyMemoEntry)))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        struct reference reference = {
            .to = read_pointer(reader, table + i * layout_size(layout, sizeof_PyMemoEntry),
                               PyMemoEntry_me_key),
            .label = LABEL_INDEX,
            .number = i,
            .is_owned = !visited};
        reference_tell(references, &reference);
    }
}

static bool add_string(const struct reader *reader, uint64_t string, uint64_t *ret)
{
    uint64_t byte;

    for (uint64_t length = 0; string && length < LONGEST_STRING; length++) {
        if (!image_word(reader->image, string + length, 1, &byte))
            return false;
        if (!byte) {
            *ret += length + 1;
            return true;
        }
    }
    return !string;
}

static bool add_table(const struct reader *reader, uint64_t address, enum layout_slot_id table,
                      enum layout_slot_id count, uint64_t *ret)
{
    uint64_t at = read_pointer(reader, address, table), length;

    if (!at)
        return true;
    if (!read_field(reader, address, count, &length) || !reader_has_room(reader, at, length, WORD))
        return false;
    *ret += length * WORD;
    return true;
}

static bool unpickler_size(const struct reader *reader, const struct type *type, uint64_t address,
                           uint64_t *ret)
{
    *ret = type->basicsize;
    return add_table(reader, address, UnpicklerObject_memo, UnpicklerObject_memo_size, ret) &&
           add_table(reader, address, UnpicklerObject_marks, UnpicklerObject_marks_size, ret) &&
           add_string(reader, read_pointer(reader, address, UnpicklerObject_input_line), ret) &&
           add_string(reader, read_pointer(reader, address, UnpicklerObject_encoding), ret) &&
           add_string(reader, read_pointer(reader, address, UnpicklerObject_errors), ret);
}

static void unpickler_references(const struct reader *reader, const struct type *type,
                                 uint64_t address, struct references *references)
{
    uint64_t count;
    bool visited = visits_memo(reader);

    (void)type;
    if (read_field(reader, address, UnpicklerObject_memo_size, &count))
        tell_words(reader, read_pointer(reader, address, UnpicklerObject_memo), count, !visited,
                   references);
}

static void pdata_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t data = read_pointer(reader, address, Pdata_data), count;

    (void)type;
    if (data && read_count(reader, address, data, WORD, &count))
        tell_words(reader, data, count, true, references);
}

static const struct kind_field json_scanner_fields[] = {
    {"strict", PyScannerObject_strict, false},
    {"object_hook", PyScannerObject_object_hook, false},
    {"object_pairs_hook", PyScannerObject_object_pairs_hook, false},
    {"array_hook", PyScannerObject_array_hook, false},
    {"parse_float", PyScannerObject_parse_float, false},
    {"parse_int", PyScannerObject_parse_int, false},
    {"parse_constant", PyScannerObject_parse_constant, false},
    {.name = NULL},
};

static const struct kind_field json_encoder_fields[] = {
    {"markers", PyEncoderObject_markers, false},
    {"defaultfn", PyEncoderObject_defaultfn, false},
    {"encoder", PyEncoderObject_encoder, false},
    {"indent", PyEncoderObject_indent, false},
    {"key_separator", PyEncoderObject_key_separator, false},
    {"item_separator", PyEncoderObject_item_separator, false},
    {"sort_keys", PyEncoderObject_sort_keys, false},
    {"skipkeys", PyEncoderObject_skipkeys, false},
    {.name = NULL},
};

static const struct kind_field csv_dialect_fields[] = {
    {"lineterminator", DialectObj_lineterminator, false},
    {.name = NULL},
};

static const struct kind_field csv_reader_fields[] = {
    {"dialect", ReaderObj_dialect, false},
    {"input_iter", ReaderObj_input_iter, false},
    {"fields", ReaderObj_fields, false},
    {.name = NULL},
};

static const struct kind_field csv_writer_fields[] = {
    {"dialect", WriterObj_dialect, false},
    {"write", WriterObj_write, false},
    {"error_obj", WriterObj_error_obj, false},
    {.name = NULL},
};

static const struct kind_field element_fields[] = {
    {"tag", ElementObject_tag, false},
    {.name = NULL},
};

static const struct kind_field element_iterator_fields[] = {
    {"root_element", ElementIterObject_root_element, false},
    {"sought_tag", ElementIterObject_sought_tag, false},
    {.name = NULL},
};

static const struct kind_field tree_builder_fields[] = {
    {"pi_event_obj", TreeBuilderObject_pi_event_obj, false},
    {"comment_event_obj", TreeBuilderObject_comment_event_obj, false},
    {"end_ns_event_obj", TreeBuilderObject_end_ns_event_obj, false},
    {"start_ns_event_obj", TreeBuilderObject_start_ns_event_obj, false},
    {"end_event_obj", TreeBuilderObject_end_event_obj, false},
    {"start_event_obj", TreeBuilderObject_start_event_obj, false},
    {"events_append", TreeBuilderObject_events_append, false},
    {"root", TreeBuilderObject_root, false},
    {"this", TreeBuilderObject_this, false},
    {"last", TreeBuilderObject_last, false},
    {"last_for_tail", TreeBuilderObject_last_for_tail, false},
    {"data", TreeBuilderObject_data, false},
    {"stack", TreeBuilderObject_stack, false},
    {"pi_factory", TreeBuilderObject_pi_factory, false},
    {"comment_factory", TreeBuilderObject_comment_factory, false},
    {"element_factory", TreeBuilderObject_element_factory, false},
    {.name = NULL},
};

static const struct kind_field xml_parser_fields[] = {
    {"handle_close", XMLParserObject_handle_close, false},
    {"handle_pi", XMLParserObject_handle_pi, false},
    {"handle_comment", XMLParserObject_handle_comment, false},
    {"handle_end", XMLParserObject_handle_end, false},
    {"handle_data", XMLParserObject_handle_data, false},
    {"handle_start", XMLParserObject_handle_start, false},
    {"handle_start_ns", XMLParserObject_handle_start_ns, false},
    {"handle_end_ns", XMLParserObject_handle_end_ns, false},
    {"handle_doctype", XMLParserObject_handle_doctype, false},
    {"target", XMLParserObject_target, false},
    {"entity", XMLParserObject_entity, false},
    {"names", XMLParserObject_names, false},
    {.name = NULL},
};

static const struct kind_field expat_parser_fields[] = {
    {"parent", xmlparseobject_parent, false},
    {"intern", xmlparseobject_intern, true},
    {.name = NULL},
};

static const struct kind_field pickler_fields[] = {
    {"write", PicklerObject_write, false},
    {"pers_func", PicklerObject_pers_func, false},
    {"persistent_id", PicklerObject_persistent_id, false},
    {"persistent_id_attr", PicklerObject_persistent_id_attr, false},
    {"dispatch_table", PicklerObject_dispatch_table, false},
    {"fast_memo", PicklerObject_fast_memo, false},
    {"reducer_override", PicklerObject_reducer_override, false},
    {"buffer_callback", PicklerObject_buffer_callback, false},
    {"output_buffer", PicklerObject_output_buffer, true},
    {.name = NULL},
};

static const struct kind_field unpickler_fields[] = {
    {"readline", UnpicklerObject_readline, false},
    {"readinto", UnpicklerObject_readinto, false},
    {"read", UnpicklerObject_read, false},
    {"peek", UnpicklerObject_peek, false},
    {"stack", UnpicklerObject_stack, false},
    {"pers_func", UnpicklerObject_pers_func, false},
    {"persistent_load", UnpicklerObject_persistent_load, false},
    {"persistent_load_attr", UnpicklerObject_persistent_load_attr, false},
    {"buffers", UnpicklerObject_buffers, false},
    {"memo_dict", UnpicklerObject_memo_dict, false},
    {"buffer.obj", UnpicklerObject_buffer_obj, true},
    {.name = NULL},
};

static const struct kind_field pickler_memo_fields[] = {
    {"pickler", PicklerMemoProxyObject_pickler, false},
    {.name = NULL},
};

static const struct kind_field unpickler_memo_fields[] = {
    {"unpickler", UnpicklerMemoProxyObject_unpickler, false},
    {.name = NULL},
};

const struct kind format_kinds[] = {
    {.type = "_json.Scanner",
     .structure = sizeof_PyScannerObject,
     .fields = json_scanner_fields,
     .references = json_scanner_references},
    {.type = "_json.Encoder", .structure = sizeof_PyEncoderObject, .fields = json_encoder_fields},
    {.type = "_csv.Dialect", .structure = sizeof_DialectObj, .fields = csv_dialect_fields},
    {.type = "_csv.reader", .structure = sizeof_ReaderObj, .fields = csv_reader_fields},
    {.type = "_csv.writer", .structure = sizeof_WriterObj, .fields = csv_writer_fields},
    {.type = "xml.etree.ElementTree.Element",
     .structure = sizeof_ElementObject,
     .fields = element_fields,
     .size = element_size,
     .references = element_references,
     .print = element_print,
     .buffers = element_buffers},
    {.type = "_elementtree._element_iterator",
     .structure = sizeof_ElementIterObject,
     .fields = element_iterator_fields,
     .references = element_iterator_references},
    {.type = "xml.etree.ElementTree.TreeBuilder",
     .structure = sizeof_TreeBuilderObject,
     .fields = tree_builder_fields},
    {.type = "xml.etree.ElementTree.XMLParser",
     .structure = sizeof_XMLParserObject,
     .fields = xml_parser_fields},
    {.type = "pyexpat.xmlparser",
     .structure = sizeof_xmlparseobject,
     .fields = expat_parser_fields,
     .references = expat_references},
    {.type = "_pickle.Pickler",
     .structure = sizeof_PicklerObject,
     .fields = pickler_fields,
     .size = pickler_size,
     .references = pickler_references},
    {.type = "_pickle.Unpickler",
     .structure = sizeof_UnpicklerObject,
     .fields = unpickler_fields,
     .size = unpickler_size,
     .references = unpickler_references},
    {.type = "_pickle.PicklerMemoProxy",
     .structure = sizeof_PicklerMemoProxyObject,
     .fields = pickler_memo_fields},
    {.type = "_pickle.UnpicklerMemoProxy",
     .structure = sizeof_UnpicklerMemoProxyObject,
     .fields = unpickler_memo_fields},
    {.type = "_pickle.Pdata", .structure = sizeof_Pdata, .references = pdata_references},
    {.type = NULL},
};
