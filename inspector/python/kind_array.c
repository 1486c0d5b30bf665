// SPDX-License-Identifier: MIT
/* array.array. */
#include "inspector/python/float_repr.h"
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

#include <inttypes.h>

/* Modules/arraymodule.c, descriptors[]. */
enum content {
    CONTENT_UNKNOWN,
    CONTENT_SIGNED,
    CONTENT_UNSIGNED,
    CONTENT_FLOAT,
    CONTENT_TEXT,
};

struct array {
    uint64_t items, count;
    uint64_t typecode; /* a character */
    uint64_t item_size;
    enum content content;
};

static enum content content_of(uint64_t typecode, uint64_t item_size)
{
    bool is_word = item_size == 1 || item_size == 2 || item_size == 4 || item_size == 8;

    if (!is_word || typecode == 0 || typecode > 'z')
        return CONTENT_UNKNOWN;
    if (strchr("bhilq", (char)typecode))
        return CONTENT_SIGNED;
    if (strchr("BHILQ", (char)typecode))
        return CONTENT_UNSIGNED;
    if ((typecode == 'f' && item_size == 4) || (typecode == 'd' && item_size == 8))
        return CONTENT_FLOAT;
    return (typecode == 'u' || typecode == 'w') && item_size == 4 ? CONTENT_TEXT : CONTENT_UNKNOWN;
}

static bool find_array(const struct reader *reader, uint64_t address, struct array *ret)
{
    uint64_t descr = read_pointer(reader, address, arrayobject_ob_descr);
    struct array array = {.items = read_pointer(reader, address, arrayobject_ob_item)};

    /* 3.15 has a string in place of the character. */
    if (!descr || !reader_has(reader, arraydescr_typecode) ||
        !image_word(reader->image, field_address(reader, descr, arraydescr_typecode), 1,
                    &array.typecode) ||
        !read_field(reader, descr, arraydescr_itemsize, &array.item_size) || !array.item_size ||
        !read_count(reader, address, array.items, array.item_size, &array.count))
        return false;
    array.content = content_of(array.typecode, array.item_size);
    *ret = array;
    return true;
}

static bool read_allocated(const struct reader *reader, uint64_t address, uint64_t *ret)
{
    uint64_t descr = read_pointer(reader, address, arrayobject_ob_descr), allocated, item_size;

    if (!descr || !read_field(reader, address, arrayobject_allocated, &allocated) ||
        !read_field(reader, descr, arraydescr_itemsize, &item_size) ||
        !reader_has_room(reader, read_pointer(reader, address, arrayobject_ob_item), allocated,
                         item_size))
        return false;
    *ret = allocated * item_size;
    return true;
}

static bool array_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    uint64_t allocated;

    *ret = type->basicsize;
    if (!read_allocated(reader, address, &allocated))
        return false;
    *ret += allocated;
    return true;
}

static void add_float(struct printer *printer, uint64_t word, uint64_t item_size)
{
    char text[32];
    double value;

    if (item_size == sizeof(float)) {
        uint32_t bits = (uint32_t)word;
        float narrow;
        memcpy(&narrow, &bits, sizeof(narrow));
        value = narrow;
    } else {
        memcpy(&value, &word, sizeof(value));
    }
    float_repr(value, text);
    printer_add(printer, text);
}

static void add_item(struct printer *printer, const struct array *array, uint64_t word)
{
    unsigned unused = (unsigned)(64 - 8 * array->item_size);

    if (array->content == CONTENT_FLOAT)
        add_float(printer, word, array->item_size);
    else if (array->content == CONTENT_SIGNED)
        printer_addf(printer, "%" PRId64, (int64_t)(word << unused) >> unused);
    else
        printer_addf(printer, "%" PRIu64, word);
}

static void add_items(struct printer *printer, const struct array *array)
{
    uint64_t word;

    printer_add(printer, "[");
    for (uint64_t i = 0; i < array->count && !printer->full; i++) {
        if (i)
            printer_add(printer, ", ");
        if (image_word(printer->reader->image, array->items + i * array->item_size,
                       (uint32_t)array->item_size, &word))
            add_item(printer, array, word);
        else
            printer_add(printer, "<unreadable>");
    }
    printer_add(printer, "]");
}

static bool array_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct array array;

    if (!find_array(printer->reader, address, &array) || array.content == CONTENT_UNKNOWN)
        return false;
    if (!printer->reader->python->shape.reprs_name_class)
        type = type->kind_type;
    printer_add_utf8(printer, type->short_name, type->short_length);
    printer_addf(printer, "('%c'", (char)array.typecode);
    if (array.count) {
        printer_add(printer, ", ");
        if (array.content != CONTENT_TEXT)
            add_items(printer, &array);
        else if (!printer_add_str_at(printer, array.items, array.count, 4))
            printer_add(printer, "<unreadable>");
    }
    printer_add(printer, ")");
    return true;
}

static void array_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    struct array array;

    (void)type;
    if (!find_array(reader, address, &array))
        return;
    char typecode = (char)array.typecode;
    tell(context, "typecode", &typecode, 1);
    say_number("itemsize", (int64_t)array.item_size, tell, context);
    say_number("length", (int64_t)array.count, tell, context);
}

static void array_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                          buffer_tell *tell, void *context)
{
    uint64_t allocated;

    (void)type;
    if (read_allocated(reader, address, &allocated) && allocated)
        tell(context, "ob_item", read_pointer(reader, address, arrayobject_ob_item), allocated);
}

static const struct kind_field iterator_fields[] = {
    {"ao", arrayiterobject_ao, false},
    {.name = NULL},
};

const struct kind array_kinds[] = {
    {.type = "array.array",
     .structure = sizeof_arrayobject,
     .size = array_size,
     .print = array_print,
     .describe = array_describe,
     .buffers = array_buffers},
    {.type = "array.arrayiterator", .structure = sizeof_arrayiterobject, .fields = iterator_fields},
    {.type = "arrayiterator", .structure = sizeof_arrayiterobject, .fields = iterator_fields},
    {.type = NULL},
};
