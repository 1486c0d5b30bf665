// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing_text.h"

#include "inspector/analysis/nature.h"
#include "inspector/python/dict.h"
#include "inspector/python/frame.h"
#include "inspector/python/instance.h"
#include "inspector/python/names.h"
#include "inspector/python/printer.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPR = 40, MOST_WORDS = 80, MOST_NAME = 4096, MOST_ITEMS = 1 << 20 };

/* The bytes of the first 40 characters behind `start`. */
static size_t first_characters(const struct text *text, size_t start)
{
    size_t at, characters = 0;

    for (at = start; at < text->length; at++) {
        characters += ((unsigned char)text->bytes[at] & 0xC0) != 0x80;
        if (characters > MOST_REPR)
            break;
    }
    return at - start;
}

static void cut(struct text *text, size_t length)
{
    if (length < text->length) {
        text->length = length;
        text->bytes[length] = '\0';
    }
}

/* repr(value)[:40] */
static void add_repr(const struct reader *reader, uint64_t address, struct text *text)
{
    size_t start = text->length;

    /* What is longer by no more than the dots is not cut by them. */
    print_object(reader, address, MOST_REPR + 3, text);
    cut(text, start + first_characters(text, start));
}

static bool is_str(const struct reader *reader, uint64_t address)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS;
}

static bool add_str(const struct reader *reader, uint64_t address, struct text *text)
{
    return is_str(reader, address) &&
           unicode_read(reader->python, reader->image, address, MOST_NAME, text);
}

/* A __name__ that is a str, or else what it is instead. */
static bool add_name_object(const struct reader *reader, uint64_t name, uint64_t address,
                            struct text *text)
{
    if (!name)
        return false;
    if (!add_str(reader, name, text))
        add_repr(reader, address, text);
    return true;
}

static bool is_builtin(const struct type *type)
{
    return is_below(type, "builtin_function_or_method");
}

static void add_builtin_name(const struct reader *reader, const struct type *type, uint64_t address,
                             struct text *text)
{
    struct printer printer = {.reader = reader, .text = text, .left = MOST_NAME};

    if (!printer_add_builtin_name(&printer, type, address))
        add_repr(reader, address, text);
}

/* value.__name__, or its repr. */
static void add_name(const struct reader *reader, uint64_t address, struct text *text)
{
    const struct type *type = reader_type_of(reader, address);
    const struct type *self =
        type && type->flags & TPFLAGS_TYPE_SUBCLASS ? reader_type(reader, address) : NULL;

    if (self)
        text_add_bytes(text, self->short_name, self->short_length);
    else if (type && is_builtin(type))
        add_builtin_name(reader, type, address, text);
    else if (!type || !add_name_object(reader, name_of_object(reader, address), address, text))
        add_repr(reader, address, text);
}

/* The field that is 0 of what is false. */
static enum layout_slot_id size_field(const struct type *type)
{
    static const char *const sized[] = {"bytes", "bytearray", "collections.deque"};

    if (type->flags & TPFLAGS_DICT_SUBCLASS)
        return dict_ma_used;
    if (is_below(type, "set") || is_below(type, "frozenset"))
        return PySetObject_used;
    if (type->item_count == ITEMS_LV_TAG)
        return PyLongObject_lv_tag;
    if (type->flags & (TPFLAGS_LONG_SUBCLASS | TPFLAGS_LIST_SUBCLASS | TPFLAGS_TUPLE_SUBCLASS))
        return PyVarObject_ob_size;
    for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++) {
        if (is_below(type, sized[i]))
            return PyVarObject_ob_size;
    }
    return LAYOUT_SLOTS;
}

/* bool(value), as far as no class of a program's decides it. */
static bool is_true(const struct reader *reader, const struct type *type, uint64_t address)
{
    enum layout_slot_id field = size_field(type);
    struct characters found;
    uint64_t size;

    if (type->is_class)
        return true;
    if (type->flags & TPFLAGS_UNICODE_SUBCLASS)
        return !unicode_find(reader->python, reader->image, address, &found) || found.length;
    if (field == LAYOUT_SLOTS || !read_field(reader, address, field, &size))
        return !is_none_type(type);
    return field == PyLongObject_lv_tag ? size >> 3 : size;
}

static void add_method(const struct reader *reader, uint64_t address, struct text *text)
{
    uint64_t self = read_pointer(reader, address, PyMethodObject_im_self);
    const struct type *type = self ? reader_type_of(reader, self) : NULL;

    add_name(reader, read_pointer(reader, address, PyMethodObject_im_func), text);
    if (type && is_true(reader, type, self))
        text_add(text, " (bound)");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* False: it is no lambda. */
static bool add_lambda(const struct reader *reader, uint64_t address, struct text *text)
{
    uint64_t name = read_pointer(reader, address, PyFunctionObject_func_name), line;
    uint64_t code = read_pointer(reader, address, PyFunctionObject_func_code);
    struct text file = {0};

    if (!is_str(reader, name) ||
        !unicode_equals(reader->python, reader->image, name, "<lambda>", strlen("<lambda>")) ||
        !read_field(reader, code, PyCodeObject_co_firstlineno, &line))
        return false;
    bool has_file =
        add_str(reader, read_pointer(reader, code, PyCodeObject_co_filename), &file) && file.bytes;
    text_addf(text, "lambda: %s:%d", has_file ? base_name(file.bytes) : "?", (int)line);
    text_free(&file);
    return true;
}

static bool add_frame(const struct reader *reader, uint64_t address, struct text *text)
{
    struct frame_view view;
    uint32_t line;

    if (!frame_view_of_object(reader, address, &view) || !view.code)
        return false;
    if (!add_str(reader, read_pointer(reader, view.code, PyCodeObject_co_filename), text))
        text_add(text, "?");
    if (frame_line(reader, &view, &line))
        text_addf(text, ":%" PRIu32, line);
    else
        text_add(text, ":None");
    return true;
}

/* len() of the four; false: it is none of them. */
static bool count_items(const struct reader *reader, const struct type *type, uint64_t address,
                        uint64_t *ret)
{
    if (type->flags & TPFLAGS_DICT_SUBCLASS)
        return read_field(reader, address, dict_ma_used, ret);
    if (is_below(type, "set"))
        return read_field(reader, address, PySetObject_used, ret);
    return type->flags & (TPFLAGS_LIST_SUBCLASS | TPFLAGS_TUPLE_SUBCLASS) &&
           read_field(reader, address, PyVarObject_ob_size, ret);
}

static bool is_named(const struct type *type)
{
    return type->flags & TPFLAGS_TYPE_SUBCLASS || is_below(type, "module") || is_builtin(type);
}

/* False: nothing was added. `is_repr`: what was is a repr, and longer than objgraph's. */
static bool add_value(const struct reader *reader, uint64_t address, bool no_values,
                      struct text *text, bool *is_repr)
{
    const struct type *type = reader_type_of(reader, address);
    uint64_t count;

    if (!type) {
        text_add(text, "?");
        return true;
    }
    if (count_items(reader, type, address, &count))
        text_addf(text, "%" PRIu64 " items", count);
    else if (no_values && !(type->flags & TPFLAGS_TYPE_SUBCLASS))
        return false;
    else if (is_named(type))
        add_name(reader, address, text);
    else if (is_below(type, "method"))
        add_method(reader, address, text);
    else if (!(is_below(type, "function") && add_lambda(reader, address, text)) &&
             !(is_below(type, "frame") && add_frame(reader, address, text))) {
        print_object(reader, address, MOST_WORDS, text);
        *is_repr = true;
    }
    return true;
}

bool draw_value(const struct reader *reader, uint64_t address, bool no_values, struct text *text,
                size_t *kept)
{
    size_t start = text->length;
    bool is_repr = false;

    if (!add_value(reader, address, no_values, text, &is_repr))
        return false;
    if (kept)
        *kept = is_repr ? first_characters(text, start) : text->length - start;
    return true;
}

/* Labels */

static int compare_labels(const void *left, const void *right)
{
    const struct drawn_label *a = left, *b = right;

    return (a->to > b->to) - (a->to < b->to);
}

void draw_find_keys(const struct reader *reader, const struct type *type, uint64_t address,
                    struct drawn_label *labels, size_t count)
{
    struct dict_walk walk;
    struct dict_entry entry;
    size_t left = count;

    if (!count || !(type->flags & TPFLAGS_DICT_SUBCLASS) || !dict_open(reader, address, &walk))
        return;
    while (left && dict_next(&walk, &entry)) {
        struct drawn_label *label = bsearch(&(struct drawn_label){.to = entry.value}, labels, count,
                                            sizeof(*labels), compare_labels);
        if (label && !label->key) {
            label->key = entry.key;
            left--;
        }
    }
}

static bool is_dict_of(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t to)
{
    const struct type *of = reader_type_of(reader, to);

    /* The __dict__ of a class is a view, not the dict itself; some C types show none. */
    return of && of->flags & TPFLAGS_DICT_SUBCLASS && !(type->flags & TPFLAGS_TYPE_SUBCLASS) &&
           instance_dict_of(reader, type, address).dict == to &&
           has_attribute(reader, type, "__dict__");
}

static const char *frame_label(const struct reader *reader, uint64_t address, uint64_t to)
{
    struct frame_view view;

    if (!frame_view_of_object(reader, address, &view))
        return NULL;
    if (view.dict == to)
        return "f_locals";
    uint64_t globals = reader_has(reader, frame_f_globals)
                           ? read_pointer(reader, address, frame_f_globals)
                           : read_pointer(reader, view.function, PyFunctionObject_func_globals);
    return globals == to ? "f_globals" : NULL;
}

static const char *method_label(const struct reader *reader, uint64_t address, uint64_t to)
{
    if (read_pointer(reader, address, PyMethodObject_im_self) == to)
        return "__self__";
    return read_pointer(reader, address, PyMethodObject_im_func) == to ? "__func__" : NULL;
}

/* In the order of dir(). What is not there reads as None in some. */
static const struct {
    const char *name;
    enum layout_slot_id field;
    bool is_none;
} function_attributes[] = {
    {"__annotate__", PyFunctionObject_func_annotate, true},
    {"__annotations__", PyFunctionObject_func_annotations, false},
    {"__builtins__", PyFunctionObject_func_builtins, false},
    {"__closure__", PyFunctionObject_func_closure, true},
    {"__code__", PyFunctionObject_func_code, false},
    {"__defaults__", PyFunctionObject_func_defaults, true},
    {"__dict__", PyFunctionObject_func_dict, false},
    {"__doc__", PyFunctionObject_func_doc, true},
    {"__globals__", PyFunctionObject_func_globals, false},
    {"__kwdefaults__", PyFunctionObject_func_kwdefaults, true},
    {"__module__", PyFunctionObject_func_module, true},
    {"__name__", PyFunctionObject_func_name, false},
    {"__qualname__", PyFunctionObject_func_qualname, false},
    {"__type_params__", PyFunctionObject_func_typeparams, false},
};

static const char *function_field(const struct reader *reader, uint64_t address, uint64_t to)
{
    const struct type *of = reader_type_of(reader, to);
    bool to_none = of && is_none_type(of);

    for (size_t i = 0; i < sizeof(function_attributes) / sizeof(*function_attributes); i++) {
        enum layout_slot_id field = function_attributes[i].field;
        if (!reader_has(reader, field))
            continue;
        uint64_t value = read_pointer(reader, address, field);
        if (value == to || (!value && to_none && function_attributes[i].is_none))
            return function_attributes[i].name;
    }
    return NULL;
}

/* The first name in the function's own __dict__ that comes before `name` (NULL: any), and has it.
 */
static bool function_attribute(const struct reader *reader, uint64_t address, uint64_t to,
                               const char *name, struct text *text)
{
    uint64_t dict = read_pointer(reader, address, PyFunctionObject_func_dict);
    size_t start = text->length;
    struct text key = {0};
    struct dict_walk walk;
    struct dict_entry entry;
    bool found = false;

    if (!dict || !dict_open(reader, dict, &walk))
        return false;
    for (uint64_t i = 0; i < MOST_ITEMS && dict_next(&walk, &entry); i++) {
        text_clear(&key);
        if (entry.value != to || !add_str(reader, entry.key, &key) || !key.bytes ||
            (name && strcmp(key.bytes, name) >= 0) ||
            (found && strcmp(key.bytes, text->bytes + start) >= 0))
            continue;
        text->length = start;
        text_add_bytes(text, key.bytes, key.length);
        found = true;
    }
    text_free(&key);
    return found;
}

static bool is_name(const char *bytes, size_t length)
{
    if (length && bytes[length - 1] == '\n') /* for which Python's $ matches too */
        length--;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return length;
}

/* The type of a key and itself, or, of a str that is a name, that. */
static void add_key(const struct reader *reader, const struct label_style *style,
                    struct drawn_label *label, struct text *text)
{
    const struct type *type = reader_type_of(reader, label->key);
    size_t start = text->length, kept = 0;

    if (!style->no_values && add_str(reader, label->key, text) && text->bytes &&
        is_name(text->bytes + start, text->length - start)) {
        label->weight = 2;
        return;
    }
    text->length = start;
    text_add(text, !type ? "?" : style->short_names ? type->short_name : type->name);
    if (style->no_values)
        return;
    text_add_char(text, '\n');
    start = text->length;
    draw_value(reader, label->key, false, text, &kept);
    cut(text, start + kept);
}

void draw_label(const struct reader *reader, const struct type *type, uint64_t address,
                const struct label_style *style, struct drawn_label *label, struct text *text)
{
    const char *name = NULL;
    bool is_function = is_below(type, "function"), added = false;

    if (is_dict_of(reader, type, address, label->to))
        name = "__dict__";
    else if (is_below(type, "frame"))
        name = frame_label(reader, address, label->to);
    else if (is_below(type, "method"))
        name = method_label(reader, address, label->to);
    else if (is_function)
        name = function_field(reader, address, label->to);
    if (is_function && !(name && strcmp(name, "__dict__") == 0) && !style->no_values)
        added = function_attribute(reader, address, label->to, name, text);
    if (name && !added)
        text_add(text, name);
    if (name || added)
        label->weight = 10;
    else if (label->key)
        add_key(reader, style, label, text);
}
