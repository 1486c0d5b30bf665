// SPDX-License-Identifier: MIT
/* list, tuple and struct sequences, which are tuples; range and slice. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

#include <string.h>

/* The items of a sequence, an array of pointers. */
struct items {
    uint64_t address;
    uint64_t count;
};

static struct items list_items(const struct reader *reader, uint64_t address)
{
    struct items items = {.address = read_pointer(reader, address, PyListObject_ob_item)};

    if (!items.address ||
        !read_count(reader, address, items.address, sizeof(uint64_t), &items.count))
        items.count = 0;
    return items;
}

static struct items tuple_items(const struct reader *reader, uint64_t address)
{
    struct items items = {.address = field_address(reader, address, PyTupleObject_ob_item)};

    if (!read_count(reader, address, items.address, sizeof(uint64_t), &items.count))
        items.count = 0;
    return items;
}

/* Lists and tuples are traversed from the last item on. */
static void tell_items(const struct reader *reader, struct items items, bool forwards,
                       struct references *references)
{
    uint64_t item;

    for (uint64_t n = 0; n < items.count && !references->ended; n++) {
        uint64_t i = forwards || references->as_iterated ? n : items.count - 1 - n;
        if (!image_word(reader->image, items.address + i * sizeof(item), sizeof(item), &item))
            item = 0;
        reference_index(references, item, i);
    }
}

static void print_items(struct printer *printer, struct items items)
{
    uint64_t item;

    for (uint64_t i = 0; i < items.count && !printer->full; i++) {
        if (i)
            printer_add(printer, ", ");
        if (image_word(printer->reader->image, items.address + i * sizeof(item), sizeof(item),
                       &item))
            printer_object(printer, item);
        else
            printer_add(printer, "<unreadable>");
    }
}

static bool list_size(const struct reader *reader, const struct type *type, uint64_t address,
                      uint64_t *ret)
{
    uint64_t allocated;

    *ret = type->basicsize;
    if (!read_field(reader, address, PyListObject_allocated, &allocated) ||
        !reader_has_room(reader, read_pointer(reader, address, PyListObject_ob_item), allocated,
                         sizeof(uint64_t)))
        return false;
    *ret += allocated * sizeof(uint64_t);
    return true;
}

static void list_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    (void)type;
    tell_items(reader, list_items(reader, address), false, references);
}

static bool list_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    if (!printer_enter(printer, address, "[...]"))
        return true;
    printer_add(printer, "[");
    print_items(printer, list_items(printer->reader, address));
    printer_add(printer, "]");
    printer_leave(printer);
    return true;
}

static void list_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                         buffer_tell *tell, void *context)
{
    uint64_t allocated, items = read_pointer(reader, address, PyListObject_ob_item);

    (void)type;
    if (read_field(reader, address, PyListObject_allocated, &allocated) && allocated &&
        reader_has_room(reader, items, allocated, sizeof(uint64_t)))
        tell(context, "ob_item", items, allocated * sizeof(uint64_t));
}

static void tuple_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    (void)type;
    tell_items(reader, tuple_items(reader, address), false, references);
}

static bool tuple_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct items items = tuple_items(printer->reader, address);

    (void)type;
    if (!printer_enter(printer, address, "(...)"))
        return true;
    printer_add(printer, "(");
    print_items(printer, items);
    printer_add(printer, items.count == 1 ? ",)" : ")");
    printer_leave(printer);
    return true;
}

/* A member of a struct sequence's type: the name of a field, and which it is. */
struct field {
    uint64_t name;   /* a C string in the target */
    uint64_t number; /* of the item */
};

enum { MOST_FIELDS = 256, LONGEST_NAME = 256 };

/* Member `i` of tp_members: fields without a name are left out, others come in order. */
static bool read_member(const struct python *python, struct image *image, const struct type *type,
                        unsigned i, struct field *ret)
{
    const struct layout *layout = &python->layout;
    uint32_t items = layout_offset(layout, PyTupleObject_ob_item);
    uint32_t size = layout_size(layout, sizeof_struct_sequence_member);
    uint64_t members, name, offset;

    if (!layout_has(layout, struct_sequence_type_tp_members) ||
        !layout_has(layout, struct_sequence_member_offset) || i >= MOST_FIELDS ||
        !image_word(image, type->address + layout_offset(layout, struct_sequence_type_tp_members),
                    sizeof(members), &members) ||
        !members)
        return false;
    members += i * size;
    if (!image_word(image, members + layout_offset(layout, struct_sequence_member_name),
                    sizeof(name), &name) ||
        !image_word(image, members + layout_offset(layout, struct_sequence_member_offset),
                    sizeof(offset), &offset) ||
        !name || offset < items || (offset - items) % sizeof(uint64_t) != 0)
        return false;
    *ret = (struct field){name, (offset - items) / sizeof(uint64_t)};
    return true;
}

bool is_struct_sequence(const struct python *python, struct image *image, const struct type *type)
{
    const uint64_t basetype = UINT64_C(1) << 10; /* Py_TPFLAGS_BASETYPE: Python's classes have it */
    const struct type *base = type->base;
    struct field ignored;

    /* 3.13 counts the fields that are no items in tp_basicsize. */
    return base && strcmp(base->name, "tuple") == 0 && base->kind && !(type->flags & basetype) &&
           type->basicsize >= base->basicsize && read_member(python, image, type, 0, &ignored);
}

/* Its items, and the fields behind them, which len() does not count. */
static void struct_sequence_references(const struct reader *reader, const struct type *type,
                                       uint64_t address, struct references *references)
{
    struct items items = tuple_items(reader, address);
    struct reference reference = {.label = LABEL_SLOT,
                                  .is_owned = !reader->python->shape.struct_sequences_visit_all};
    struct field field;

    tell_items(reader, items, reader->python->shape.struct_sequences_visit_all, references);
    for (unsigned i = 0;
         !references->ended && read_member(reader->python, reader->image, type, i, &field); i++) {
        reference.key = field.name;
        if (field.number >= items.count &&
            image_word(reader->image, items.address + field.number * sizeof(reference.to),
                       sizeof(reference.to), &reference.to))
            reference_tell(references, &reference);
    }
}

static void add_c_string(struct printer *printer, uint64_t address)
{
    const char *c;

    for (unsigned i = 0; i < LONGEST_NAME && (c = image_at(printer->reader->image, address + i, 1));
         i++) {
        if (!*c)
            return;
        printer_add_bytes(printer, *c >= ' ' && *c <= '~' ? c : "?", 1);
    }
}

/* Up to 3.7 the repr was put together in 512 bytes: is there no room for the field that was printed
 * last, where `begin` is where the whole text does? */
static bool overflows(const struct printer *printer, size_t begin)
{
    enum { MOST_BYTES = 512 - 5, SEPARATOR = 2 };

    return !printer->reader->python->shape.struct_sequences_visit_all && !printer->full &&
           printer->text->length - begin + SEPARATOR > MOST_BYTES;
}

/* "time.struct_time(tm_year=2026, ...)": the i-th item with the i-th name, even where one before
 * has none. */
static bool struct_sequence_print(struct printer *printer, const struct type *type,
                                  uint64_t address)
{
    struct items items = tuple_items(printer->reader, address);
    size_t begin = printer->text->length;
    struct field field;

    if (!printer_enter(printer, address, "(...)"))
        return true;
    printer_add_utf8(printer, type->name, type->name_length);
    printer_add(printer, "(");
    for (unsigned i = 0; i < items.count && !printer->full; i++) {
        size_t length = printer->text->length;
        uint64_t left = printer->left;
        uint64_t item = 0;

        if (i)
            printer_add(printer, ", ");
        if (read_member(printer->reader->python, printer->reader->image, type, i, &field))
            add_c_string(printer, field.name);
        printer_add(printer, "=");
        (void)image_word(printer->reader->image, items.address + i * sizeof(item), sizeof(item),
                         &item);
        printer_object(printer, item);
        if (overflows(printer, begin)) {
            printer->text->length = length;
            printer->left = left;
            printer_add(printer, i ? ", ..." : "...");
            break;
        }
    }
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

/* Below tuple, whose structure was looked at. */
const struct kind struct_sequence_kind = {.type = "struct sequence",
                                          .structure = sizeof_PyObject,
                                          .references = struct_sequence_references,
                                          .print = struct_sequence_print};

/* Is the int at `address` 1? */
static bool is_one(const struct reader *reader, uint64_t address)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t size, digit;

    if (!layout_has(layout, range_number_ob_digit) ||
        !image_word(reader->image, address + layout_offset(layout, range_number_ob_digit), 4,
                    &digit) ||
        digit != 1)
        return false;
    if (reader->python->shape.ints == INT_LV_TAG) /* the sign is below the number of digits */
        return read_field(reader, address, PyLongObject_lv_tag, &size) && size >> 3 == 1 &&
               (size & 3) == 0;
    return read_field(reader, address, PyVarObject_ob_size, &size) && size == 1;
}

static void print_arguments(struct printer *printer, uint64_t address, const char *name,
                            const enum layout_slot_id *fields, unsigned count)
{
    if (!printer_enter(printer, address, "..."))
        return; /* within itself: in no real target */
    printer_add(printer, name);
    for (unsigned i = 0; i < count && !printer->full; i++) {
        printer_add(printer, i ? ", " : "(");
        printer_object(printer, read_pointer(printer->reader, address, fields[i]));
    }
    printer_add(printer, ")");
    printer_leave(printer);
}

static bool range_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {rangeobject_start, rangeobject_stop,
                                                 rangeobject_step};
    uint64_t step = read_pointer(printer->reader, address, rangeobject_step);

    (void)type;
    print_arguments(printer, address, "range", fields, is_one(printer->reader, step) ? 2 : 3);
    return true;
}

static bool slice_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {PySliceObject_start, PySliceObject_stop,
                                                 PySliceObject_step};

    (void)type;
    print_arguments(printer, address, "slice", fields, 3);
    return true;
}

static const struct kind_field range_fields[] = {
    {.name = "start", .field = rangeobject_start, .is_owned = true},
    {.name = "stop", .field = rangeobject_stop, .is_owned = true},
    {.name = "step", .field = rangeobject_step, .is_owned = true},
    {.name = "length", .field = rangeobject_length, .is_owned = true},
    {.name = NULL},
};

static const struct kind_field slice_fields[] = {
    {.name = "start", .field = PySliceObject_start},
    {.name = "stop", .field = PySliceObject_stop},
    {.name = "step", .field = PySliceObject_step},
    {.name = NULL},
};

static void list_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *tell, void *context)
{
    uint64_t used, allocated;

    (void)type;
    if (read_field(reader, address, PyVarObject_ob_size, &used) &&
        read_field(reader, address, PyListObject_allocated, &allocated)) {
        say_number("used", (int64_t)used, tell, context);
        say_number("allocated", (int64_t)allocated, tell, context);
    }
}

const struct kind sequence_kinds[] = {
    {.type = "list",
     .structure = sizeof_PyListObject,
     .size = list_size,
     .references = list_references,
     .print = list_print,
     .describe = list_describe,
     .buffers = list_buffers},
    {.type = "tuple",
     .structure = sizeof_PyTupleObject,
     .unsized = sizeof(uint64_t),
     .references = tuple_references,
     .print = tuple_print},
    {.type = "range",
     .structure = sizeof_rangeobject,
     .fields = range_fields,
     .print = range_print},
    {.type = "slice",
     .structure = sizeof_PySliceObject,
     .fields = slice_fields,
     .print = slice_print},
    {.type = NULL},
};
