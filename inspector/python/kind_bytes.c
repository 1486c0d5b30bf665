// SPDX-License-Identifier: MIT
/* bytes, bytearray, memoryview. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

#include <inttypes.h>

enum { LOOKED_THROUGH = 4096, MEMORYVIEW_RELEASED = 1, MOST_FORMAT = 32 };

/* Objects/bytesobject.c, PyBytes_Repr(): the quotes follow from all of the bytes; of many only
 * those that are shown are looked through. */
static bool print_bytes(struct printer *printer, uint64_t address, uint64_t count, char escaped)
{
    const uint8_t *at = (const uint8_t *)"";

    if (count > LOOKED_THROUGH && count > printer->left)
        count = printer->left < LOOKED_THROUGH ? LOOKED_THROUGH : printer->left;
    if (count)
        at = image_at(printer->reader->image, address, count);
    if (!at)
        return false;
    char quote = count && memchr(at, '\'', count) && !memchr(at, '"', count) ? '"' : '\'';
    printer_addf(printer, "b%c", quote);
    for (uint64_t i = 0; i < count && !printer->full;) {
        uint64_t run = i;
        while (run < count && at[run] >= ' ' && at[run] < 0x7f && at[run] != quote &&
               at[run] != escaped && at[run] != '\\')
            run++;
        if (run > i) {
            printer_add_bytes(printer, (const char *)at + i, run - i);
            i = run;
            continue;
        }
        uint8_t byte = at[i++];
        if (byte == quote || byte == escaped || byte == '\\')
            printer_addf(printer, "\\%c", byte);
        else if (byte == '\t' || byte == '\n' || byte == '\r')
            printer_add(printer, byte == '\t' ? "\\t" : byte == '\n' ? "\\n" : "\\r");
        else
            printer_addf(printer, "\\x%02x", byte);
    }
    printer_addf(printer, "%c", quote);
    return true;
}

bool printer_add_bytes_at(struct printer *printer, uint64_t address, uint64_t count)
{
    return reader_has_room(printer->reader, address, count, 1) &&
           print_bytes(printer, address, count, '\\');
}

static bool bytes_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t at = field_address(printer->reader, address, PyBytesObject_ob_sval), count;

    (void)type;
    return read_count(printer->reader, address, at, 1, &count) &&
           print_bytes(printer, at, count, '\\');
}

/* 3.15: sys.getsizeof() counts the bytes object that holds the bytes, but for the empty one. */
static bool bytearray_size(const struct reader *reader, const struct type *type, uint64_t address,
                           uint64_t *ret)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t alloc;

    *ret = type->basicsize;
    if (!read_field(reader, address, PyByteArrayObject_ob_alloc, &alloc) ||
        !reader_has_room(reader, read_pointer(reader, address, PyByteArrayObject_ob_bytes), alloc,
                         1))
        return false;
    *ret += alloc;
    if (alloc && reader_has(reader, PyByteArrayObject_ob_bytes_object) &&
        reader_has(reader, PyBytesObject_ob_sval))
        *ret += layout_offset(layout, PyBytesObject_ob_sval) + 1;
    return true;
}

static bool bytearray_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t at = read_pointer(printer->reader, address, PyByteArrayObject_ob_start), count;

    if (!read_count(printer->reader, address, at, 1, &count))
        return false;
    if (printer->reader->python->shape.collections_print_class)
        printer_add_utf8(printer, type->short_name, type->short_length);
    else
        printer_add(printer, "bytearray");
    printer_add(printer, "(");
    /* Up to 3.14 single quotes are escaped even between double ones. */
    bool escapes = !reader_has(printer->reader, PyByteArrayObject_ob_bytes_object);
    if (!print_bytes(printer, at, count, escapes ? '\'' : '\\'))
        printer_add(printer, "<unreadable>");
    printer_add(printer, ")");
    return true;
}

static void bytearray_buffers(const struct reader *reader, const struct type *type,
                              uint64_t address, buffer_tell *tell, void *context)
{
    uint64_t alloc, bytes = read_pointer(reader, address, PyByteArrayObject_ob_bytes);

    (void)type;
    if (read_field(reader, address, PyByteArrayObject_ob_alloc, &alloc) && alloc &&
        reader_has_room(reader, bytes, alloc, 1))
        tell(context, "ob_bytes", bytes, alloc);
}

static bool is_released(const struct reader *reader, uint64_t address)
{
    uint64_t flags, mbuf = read_pointer(reader, address, PyMemoryViewObject_mbuf);

    return (read_field(reader, address, PyMemoryViewObject_flags, &flags) &&
            flags & MEMORYVIEW_RELEASED) ||
           !mbuf ||
           (read_field(reader, mbuf, PyManagedBufferObject_flags, &flags) &&
            flags & MEMORYVIEW_RELEASED);
}

static bool memoryview_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type;
    printer_addf(printer, "<%smemory at 0x%" PRIx64 ">",
                 is_released(printer->reader, address) ? "released " : "", address);
    return true;
}

static void memoryview_describe(const struct reader *reader, const struct type *type,
                                uint64_t address, fact_tell *tell, void *context)
{
    uint64_t number, format = read_pointer(reader, address, PyMemoryViewObject_view_format);
    char text[MOST_FORMAT];
    size_t length = 0;

    (void)type;
    if (is_released(reader, address)) {
        tell(context, "released", "yes", 3);
        return;
    }
    if (read_field(reader, address, PyMemoryViewObject_view_len, &number))
        say_number("nbytes", (int64_t)number, tell, context);
    if (read_field(reader, address, PyMemoryViewObject_view_itemsize, &number))
        say_number("itemsize", (int64_t)number, tell, context);
    if (read_field(reader, address, PyMemoryViewObject_view_ndim, &number))
        say_number("ndim", (int64_t)number, tell, context);
    while (format && length < sizeof(text) &&
           image_word(reader->image, format + length, 1, &number) && number)
        text[length++] = (char)number;
    if (length)
        tell(context, "format", text, length);
}

static const struct kind_field bytearray_fields[] = {
    {"ob_bytes_object", PyByteArrayObject_ob_bytes_object, true},
    {.name = NULL},
};

static const struct kind_field memoryview_fields[] = {
    {"mbuf", PyMemoryViewObject_mbuf, false},
    {.name = NULL},
};

static const struct kind_field managed_buffer_fields[] = {
    {"obj", PyManagedBufferObject_master_obj, false},
    {.name = NULL},
};

const struct kind bytes_kinds[] = {
    {.type = "bytes",
     .structure = sizeof_PyBytesObject,
     .unsized = 7, /* tp_basicsize ends with the NUL, without what the structure is padded by */
     .print = bytes_print},
    {.type = "bytearray",
     .structure = sizeof_PyByteArrayObject,
     .fields = bytearray_fields,
     .size = bytearray_size,
     .print = bytearray_print,
     .buffers = bytearray_buffers},
    {.type = "memoryview",
     .structure = sizeof_PyMemoryViewObject,
     .unsized = 8,
     .fields = memoryview_fields,
     .print = memoryview_print,
     .describe = memoryview_describe},
    {.type = "managedbuffer",
     .structure = sizeof_PyManagedBufferObject,
     .fields = managed_buffer_fields},
    {.type = NULL},
};
