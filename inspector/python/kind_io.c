// SPDX-License-Identifier: MIT
/* The streams of io. */
#include "inspector/python/dict.h"
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/say.h"

#include <inttypes.h>

enum { STATE_REALIZED = 1, MOST_LAYERS = 4 };

/* BytesIO keeps a bytes object, which counts as long as nobody else has it. */
static bool bytesio_size(const struct reader *reader, const struct type *type, uint64_t address,
                         uint64_t *ret)
{
    uint64_t buf = read_pointer(reader, address, bytesio_buf), refcount, count;

    *ret = type->basicsize;
    if (!buf || !read_refcount(reader, buf, &refcount) || (uint32_t)refcount > 1)
        return true;
    const struct type *bytes = reader_type_of(reader, buf);
    if (!bytes || !read_count(reader, buf, buf, 1, &count))
        return false;
    *ret += bytes->basicsize + count;
    return true;
}

static bool buffered_size(const struct reader *reader, const struct type *type, uint64_t address,
                          uint64_t *ret)
{
    uint64_t buffer = read_pointer(reader, address, buffered_buffer), size;

    *ret = type->basicsize;
    if (!buffer)
        return true;
    if (!read_field(reader, address, buffered_buffer_size, &size) ||
        !reader_has_room(reader, buffer, size, 1))
        return false;
    *ret += size;
    return true;
}

static void buffered_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                             buffer_tell *tell, void *context)
{
    uint64_t size;

    if (buffered_size(reader, type, address, &size) && size > type->basicsize)
        tell(context, "buffer", read_pointer(reader, address, buffered_buffer),
             size - type->basicsize);
}

/* What is written is gathered before it becomes an array of characters. */
static void stringio_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                             buffer_tell *tell, void *context)
{
    uint64_t state, size, buf = read_pointer(reader, address, stringio_buf);

    (void)type;
    if (buf && read_field(reader, address, stringio_state, &state) && state == STATE_REALIZED &&
        read_field(reader, address, stringio_buf_size, &size) &&
        reader_has_room(reader, buf, size, 4))
        tell(context, "buf", buf, size * 4);
}

static void bytesio_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    tell_if_heap(references, type, read_pointer(reader, address, bytesio_buf), "buf");
}

static void stringio_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    tell_if_heap(references, type, read_pointer(reader, address, stringio_decoder), "decoder");
    tell_if_heap(references, type, read_pointer(reader, address, stringio_readnl), "readnl");
    tell_if_heap(references, type, read_pointer(reader, address, stringio_writenl), "writenl");
}

static void rwpair_references(const struct reader *reader, const struct type *type,
                              uint64_t address, struct references *references)
{
    tell_if_heap(references, type, read_pointer(reader, address, rwpair_reader), "reader");
    tell_if_heap(references, type, read_pointer(reader, address, rwpair_writer), "writer");
}

/* Does the object have nothing between it and the C type that looks up the attribute? */
static bool is_plainly(const struct type *type, const char *name)
{
    return type && type->kind_type == type && strcmp(type->name, name) == 0;
}

static bool is_buffered(const struct type *type)
{
    return is_plainly(type, "_io.BufferedReader") || is_plainly(type, "_io.BufferedWriter") ||
           is_plainly(type, "_io.BufferedRandom");
}

/*
 * The attribute `name` of a stream: its raw stream's, in the end what open() has put into the
 * __dict__ of a FileIO. *ret is 0 where it has none. False: only its own code knows.
 */
static bool find_name(const struct reader *reader, uint64_t stream, uint64_t *ret)
{
    enum layout_slot_id dict;

    for (unsigned i = 0; i < MOST_LAYERS; i++) {
        const struct type *type = stream ? reader_type_of(reader, stream) : NULL;
        *ret = 0;
        if (!stream)
            return true;
        if (is_buffered(type)) {
            stream = read_pointer(reader, stream, buffered_raw);
            continue;
        }
        if (is_plainly(type, "_io.TextIOWrapper")) {
            stream = read_pointer(reader, stream, textio_buffer);
            continue;
        }
        if (is_plainly(type, "_io.FileIO"))
            dict = fileio_dict;
        else if (is_plainly(type, "_io.BytesIO"))
            dict = bytesio_dict;
        else
            return false;
        uint64_t address = read_pointer(reader, stream, dict);
        if (!address || !dict_find(reader->python, reader->image, address, "name", ret))
            *ret = 0;
        return true;
    }
    return false;
}

/* Up to 3.12 a subclass prints as the C type does. */
static void add_stream(struct printer *printer, const struct type *type)
{
    if (!printer->reader->python->shape.streams_name_class)
        type = type->kind_type;
    printer_add(printer, "<");
    printer_add_tp_name(printer, type, 100);
}

static uint64_t bit(const struct reader *reader, uint64_t address, enum layout_slot_id field)
{
    uint64_t ret;

    return read_field(reader, address, field, &ret) ? ret : 0;
}

/* Modules/_io/fileio.c, mode_string(). */
static const char *mode_of(const struct reader *reader, uint64_t address)
{
    bool reads = bit(reader, address, fileio_readable);

    if (bit(reader, address, fileio_created))
        return reads ? "xb+" : "xb";
    if (bit(reader, address, fileio_appending))
        return reads ? "ab+" : "ab";
    if (!reads)
        return "wb";
    if (!bit(reader, address, fileio_writable))
        return "rb";
    return bit(reader, address, fileio_truncate) ? "wb+" : "rb+";
}

static bool fileio_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t fd, name;

    if (!read_field(reader, address, fileio_fd, &fd))
        return false;
    if ((int32_t)(uint32_t)fd < 0) {
        add_stream(printer, type);
        printer_add(printer, " [closed]>");
        return true;
    }
    if (!find_name(reader, address, &name))
        return false;
    add_stream(printer, type);
    if (name) {
        printer_add(printer, " name=");
        printer_object(printer, name);
    } else {
        printer_addf(printer, " fd=%d", (int)fd);
    }
    printer_addf(printer, " mode='%s' closefd=%s>", mode_of(reader, address),
                 bit(reader, address, fileio_closefd) ? "True" : "False");
    return true;
}

static bool buffered_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t name;

    if (!find_name(printer->reader, address, &name))
        return false;
    printer_add(printer, "<");
    printer_add_tp_name(printer, type, 256);
    if (name) {
        printer_add(printer, " name=");
        printer_object(printer, name);
    }
    printer_add(printer, ">");
    return true;
}

static bool textio_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t name, ok, mode, dict = read_pointer(reader, address, textio_dict);

    if (!read_field(reader, address, textio_ok, &ok) || !ok || !find_name(reader, address, &name))
        return false;
    add_stream(printer, type);
    if (name) {
        printer_add(printer, " name=");
        printer_object(printer, name);
    }
    if (dict && dict_find(reader->python, reader->image, dict, "mode", &mode)) {
        printer_add(printer, " mode=");
        printer_object(printer, mode);
    }
    printer_add(printer, " encoding=");
    printer_object(printer, read_pointer(reader, address, textio_encoding));
    printer_add(printer, ">");
    return true;
}

/* The attribute of an open file that says where it leads. */
static void tell_name(const struct reader *reader, uint64_t address, fact_tell *tell, void *context)
{
    struct text text = {0};
    uint64_t name;

    if (find_name(reader, address, &name) && name) {
        print_object(reader, name, 200, &text);
        if (text.bytes)
            tell(context, "name", text.bytes, text.length);
    }
    text_free(&text);
}

static void tell_field(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                       const char *key, fact_tell *tell, void *context)
{
    uint64_t number;

    if (read_field(reader, address, field, &number))
        say_number(key, (int64_t)number, tell, context);
}

static void fileio_describe(const struct reader *reader, const struct type *type, uint64_t address,
                            fact_tell *tell, void *context)
{
    const char *mode = mode_of(reader, address);
    uint64_t fd;

    (void)type;
    tell_name(reader, address, tell, context);
    if (!read_field(reader, address, fileio_fd, &fd))
        return;
    if ((int32_t)(uint32_t)fd < 0) {
        tell(context, "closed", "yes", 3);
        return;
    }
    say_number("fd", (int32_t)(uint32_t)fd, tell, context);
    tell(context, "mode", mode, strlen(mode));
}

static void buffered_describe(const struct reader *reader, const struct type *type,
                              uint64_t address, fact_tell *tell, void *context)
{
    (void)type;
    tell_name(reader, address, tell, context);
    tell_field(reader, address, buffered_buffer_size, "buffer_size", tell, context);
}

static void textio_describe(const struct reader *reader, const struct type *type, uint64_t address,
                            fact_tell *tell, void *context)
{
    (void)type;
    tell_name(reader, address, tell, context);
    tell_field(reader, address, textio_chunk_size, "chunk_size", tell, context);
}

static void bytesio_describe(const struct reader *reader, const struct type *type, uint64_t address,
                             fact_tell *tell, void *context)
{
    (void)type;
    tell_field(reader, address, bytesio_string_size, "length", tell, context);
    tell_field(reader, address, bytesio_pos, "position", tell, context);
}

static void stringio_describe(const struct reader *reader, const struct type *type,
                              uint64_t address, fact_tell *tell, void *context)
{
    (void)type;
    tell_field(reader, address, stringio_string_size, "length", tell, context);
    tell_field(reader, address, stringio_pos, "position", tell, context);
}

static const struct kind_field iobase_fields[] = {
    {"__dict__", iobase_dict, false},
    {.name = NULL},
};

static const struct kind_field bytesio_fields[] = {
    {"__dict__", bytesio_dict, false},
    {.name = NULL},
};

static const struct kind_field bytesiobuf_fields[] = {
    {"source", bytesiobuf_source, false},
    {.name = NULL},
};

static const struct kind_field stringio_fields[] = {
    {"__dict__", stringio_dict, false},
    {"accu.large", stringio_accu_large, true},
    {"accu.small", stringio_accu_small, true},
    {"writer.buffer", stringio_writer_buffer, true},
    {.name = NULL},
};

static const struct kind_field fileio_fields[] = {
    {"__dict__", fileio_dict, false},
    {.name = NULL},
};

static const struct kind_field buffered_fields[] = {
    {"raw", buffered_raw, false},
    {"__dict__", buffered_dict, false},
    {.name = NULL},
};

static const struct kind_field rwpair_fields[] = {
    {"__dict__", rwpair_dict, false},
    {.name = NULL},
};

static const struct kind_field textio_fields[] = {
    {"buffer", textio_buffer, false},
    {"encoding", textio_encoding, false},
    {"encoder", textio_encoder, false},
    {"decoder", textio_decoder, false},
    {"readnl", textio_readnl, false},
    {"decoded_chars", textio_decoded_chars, false},
    {"pending_bytes", textio_pending_bytes, false},
    {"snapshot", textio_snapshot, false},
    {"errors", textio_errors, false},
    {"raw", textio_raw, false},
    {"__dict__", textio_dict, false},
    {.name = NULL},
};

static const struct kind_field newline_decoder_fields[] = {
    {"decoder", nldecoder_object_decoder, false},
    {"errors", nldecoder_object_errors, false},
    {.name = NULL},
};

const struct kind io_kinds[] = {
    {.type = "_io._IOBase", .structure = sizeof_iobase, .fields = iobase_fields},
    {.type = "_io.BytesIO",
     .structure = sizeof_bytesio,
     .size = bytesio_size,
     .fields = bytesio_fields,
     .references = bytesio_references,
     .describe = bytesio_describe},
    {.type = "_io._BytesIOBuffer", .structure = sizeof_bytesiobuf, .fields = bytesiobuf_fields},
    {.type = "_io.StringIO",
     .structure = sizeof_stringio,
     .fields = stringio_fields,
     .references = stringio_references,
     .describe = stringio_describe,
     .buffers = stringio_buffers},
    {.type = "_io.FileIO",
     .structure = sizeof_fileio,
     .fields = fileio_fields,
     .print = fileio_print,
     .describe = fileio_describe},
    {.type = "_io.BufferedReader",
     .structure = sizeof_buffered,
     .size = buffered_size,
     .fields = buffered_fields,
     .print = buffered_print,
     .describe = buffered_describe,
     .buffers = buffered_buffers},
    {.type = "_io.BufferedWriter",
     .structure = sizeof_buffered,
     .size = buffered_size,
     .fields = buffered_fields,
     .print = buffered_print,
     .describe = buffered_describe,
     .buffers = buffered_buffers},
    {.type = "_io.BufferedRandom",
     .structure = sizeof_buffered,
     .size = buffered_size,
     .fields = buffered_fields,
     .print = buffered_print,
     .describe = buffered_describe,
     .buffers = buffered_buffers},
    {.type = "_io.BufferedRWPair",
     .structure = sizeof_rwpair,
     .fields = rwpair_fields,
     .references = rwpair_references},
    {.type = "_io.TextIOWrapper",
     .structure = sizeof_textio,
     .fields = textio_fields,
     .print = textio_print,
     .describe = textio_describe},
    {.type = "_io.IncrementalNewlineDecoder",
     .structure = sizeof_nldecoder_object,
     .fields = newline_decoder_fields},
    {.type = NULL},
};
