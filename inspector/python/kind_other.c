// SPDX-License-Identifier: MIT
/* Types of the standard library that are a family each: _struct, _thread, _queue, mmap, ... */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/say.h"

#include <inttypes.h>

enum { WORD = sizeof(uint64_t), MOST_CODES = 1 << 20, MUTEX_LOCKED = 1 };

/* One code for each part of the format, and one without a definition at the end. */
static bool struct_size(const struct reader *reader, const struct type *type, uint64_t address,
                        uint64_t *ret)
{
    uint64_t codes = read_pointer(reader, address, PyStructObject_s_codes), definition;
    const struct layout *layout = &reader->python->layout;

    *ret = type->basicsize;
    if (!codes)
        return true;
    if (!layout_has(layout, sizeof_formatcode))
        return false;
    for (uint64_t i = 0; i < MOST_CODES; i++) {
        uint64_t size = layout_size(layout, sizeof_formatcode);
        if (!read_field(reader, codes + i * size, formatcode_fmtdef, &definition))
            return false;
        *ret += size;
        if (!definition)
            return true;
    }
    return false;
}

static void struct_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                           buffer_tell *tell, void *context)
{
    uint64_t size;

    if (struct_size(reader, type, address, &size) && size > type->basicsize)
        tell(context, "s_codes", read_pointer(reader, address, PyStructObject_s_codes),
             size - type->basicsize);
}

/* Up to 3.12 as object.__repr__. The format is a bytes object that prints as a str. */
static bool struct_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t format = read_pointer(reader, address, PyStructObject_s_format), count;
    uint64_t at = format ? field_address(reader, format, PyBytesObject_ob_sval) : 0;
    const struct type *format_type = format ? reader_type_of(reader, format) : NULL;
    bool is_str = format_type && format_type->flags & TPFLAGS_UNICODE_SUBCLASS; /* 3.15 */

    if (!reader->python->shape.streams_name_class || !at || !format_type ||
        (!is_str && !read_count(reader, format, at, 1, &count)))
        return false;
    printer_add_utf8(printer, type->short_name, type->short_length);
    printer_add(printer, "(");
    if (is_str)
        printer_object(printer, format);
    else if (!printer_add_str_at(printer, at, count, 1))
        printer_add(printer, "<unreadable>");
    printer_add(printer, ")");
    return true;
}

/* 3.13 and later: a ring of items. 3.15 counts it. */
static bool queue_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    uint64_t capacity;

    *ret = type->basicsize;
    if (!reader->python->shape.queues_count_items)
        return true;
    if (!read_field(reader, address, simplequeueobject_items_cap, &capacity) ||
        !reader_has_room(reader, read_pointer(reader, address, simplequeueobject_items), capacity,
                         WORD))
        return false;
    *ret += capacity * WORD;
    return true;
}

static void queue_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t items = read_pointer(reader, address, simplequeueobject_items);
    uint64_t capacity, first, count, item;

    (void)type;
    if (!items || !read_field(reader, address, simplequeueobject_items_cap, &capacity) ||
        !read_field(reader, address, simplequeueobject_get_idx, &first) ||
        !read_field(reader, address, simplequeueobject_num_items, &count) || count > capacity ||
        first >= capacity || !reader_has_room(reader, items, capacity, WORD))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        if (!image_word(reader->image, items + (first + i) % capacity * WORD, WORD, &item))
            item = 0;
        reference_index(references, item, i);
    }
}

/* "<locked _thread.lock object", or unlocked. */
static void add_lock(struct printer *printer, const struct type *type, bool is_locked)
{
    printer_add(printer, is_locked ? "<locked " : "<unlocked ");
    printer_add_tp_name(printer, type, 256);
    printer_add(printer, " object");
}

static bool lock_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t state;

    if (!read_field(printer->reader, address, lockobject_locked, &state) &&
        !read_field(printer->reader, address, lockobject_bits, &state))
        return false;
    add_lock(printer, type, state & MUTEX_LOCKED);
    printer_addf(printer, " at 0x%" PRIx64 ">", address);
    return true;
}

static bool rlock_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t owner, count, bits, level;

    if (!read_field(reader, address, rlockobject_owner, &owner))
        return false;
    if (!read_field(reader, address, rlockobject_count, &count)) {
        if (!read_field(reader, address, rlockobject_bits, &bits) ||
            !read_field(reader, address, rlockobject_level, &level))
            return false;
        count = bits & MUTEX_LOCKED ? level + 1 : 0;
    }
    add_lock(printer, type, count);
    printer_addf(printer, " owner=%" PRId64 " count=%" PRIu64 " at 0x%" PRIx64 ">", (int64_t)owner,
                 count, address);
    return true;
}

/* Is its tp_repr its base's? Types came to have their own in some version. */
static bool prints_as_base(const struct type *type)
{
    return !type->base || type->repr == type->base->repr;
}

/* 3.9 and later. */
static bool mmap_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const char *const accesses[] = {"ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE",
                                           "ACCESS_COPY"};
    const struct reader *reader = printer->reader;
    uint64_t size, position, offset, access;

    if (prints_as_base(type) || !read_field(reader, address, mmap_object_size, &size) ||
        !read_field(reader, address, mmap_object_pos, &position) ||
        !read_field(reader, address, mmap_object_offset, &offset) ||
        !read_field(reader, address, mmap_object_access, &access) || access > 3)
        return false;
    printer_add(printer, "<");
    printer_add_tp_name(printer, type, 256);
    if (!read_pointer(reader, address, mmap_object_data))
        printer_add(printer, " closed=True>");
    else
        printer_addf(printer,
                     " closed=False, access=%s, length=%" PRIu64 ", pos=%" PRIu64
                     ", offset=%" PRIu64 ">",
                     accesses[access], size, position, offset);
    return true;
}

static void mmap_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                         buffer_tell *tell, void *context)
{
    uint64_t size, data = read_pointer(reader, address, mmap_object_data);

    (void)type;
    if (data && read_field(reader, address, mmap_object_size, &size) && size)
        tell(context, "mapping", data, size);
}

static const enum layout_slot_id socket_fields[] = {
    PySocketSockObject_sock_fd, PySocketSockObject_sock_family, PySocketSockObject_sock_type,
    PySocketSockObject_sock_proto};

static bool read_socket(const struct reader *reader, uint64_t address, int32_t ret[4])
{
    uint64_t word;

    for (unsigned i = 0; i < 4; i++) {
        if (!read_field(reader, address, socket_fields[i], &word))
            return false;
        ret[i] = (int32_t)(uint32_t)word;
    }
    return true;
}

static bool socket_print(struct printer *printer, const struct type *type, uint64_t address)
{
    int32_t numbers[4];

    (void)type;
    if (!read_socket(printer->reader, address, numbers))
        return false;
    printer_addf(printer, "<socket object, fd=%d, family=%d, type=%d, proto=%d>", numbers[0],
                 numbers[1], numbers[2], numbers[3]);
    return true;
}

static void socket_describe(const struct reader *reader, const struct type *type, uint64_t address,
                            fact_tell *tell, void *context)
{
    static const char *const names[] = {"fd", "family", "type", "proto"};
    int32_t numbers[4];

    (void)type;
    for (unsigned i = 0; read_socket(reader, address, numbers) && i < 4; i++)
        say_number(names[i], numbers[i], tell, context);
}

static bool dir_entry_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t name = read_pointer(printer->reader, address, DirEntry_name);

    (void)type;
    if (!name)
        return false;
    printer_add(printer, "<DirEntry ");
    printer_object(printer, name);
    printer_add(printer, ">");
    return true;
}

static void add_parts(struct printer *printer, uint64_t address, const enum layout_slot_id *fields,
                      const char *const *names, unsigned count)
{
    printer_add(printer, "(");
    for (unsigned i = 0; i < count; i++) {
        printer_addf(printer, "%s%s", i ? ", " : "", names[i]);
        printer_object(printer, read_pointer(printer->reader, address, fields[i]));
    }
    printer_add(printer, ")");
}

static bool interpolation_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {
        interpolationobject_value, interpolationobject_expression, interpolationobject_conversion,
        interpolationobject_format_spec};
    static const char *const names[] = {"", "", "", ""};

    printer_add_utf8(printer, type->short_name, type->short_length);
    add_parts(printer, address, fields, names, 4);
    return true;
}

static bool template_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {templateobject_strings,
                                                 templateobject_interpolations};
    static const char *const names[] = {"strings=", "interpolations="};

    printer_add_utf8(printer, type->short_name, type->short_length);
    add_parts(printer, address, fields, names, 2);
    return true;
}

static bool tuplegetter_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t index, doc = read_pointer(printer->reader, address, tuplegetterobject_doc);

    if (prints_as_base(type) || !doc ||
        !read_field(printer->reader, address, tuplegetterobject_index, &index))
        return false;
    printer_add_utf8(printer, type->short_name, type->short_length);
    printer_addf(printer, "(%" PRId64 ", ", (int64_t)index);
    printer_object(printer, doc);
    printer_add(printer, ")");
    return true;
}

static bool capsule_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t name = read_pointer(printer->reader, address, PyCapsule_name);

    (void)type;
    printer_add(printer, name ? "<capsule object \"" : "<capsule object NULL");
    if (name) {
        printer_add_c_string(printer, name, 256);
        printer_add(printer, "\"");
    }
    printer_addf(printer, " at 0x%" PRIx64 ">", address);
    return true;
}

/* 3.13 and later. Those of the standard library that have a traverse function begin with the type
 * that it tells of. */
static void capsule_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    uint64_t object, pointer = read_pointer(reader, address, PyCapsule_pointer);

    (void)type;
    if (read_pointer(reader, address, PyCapsule_traverse_func) && pointer &&
        image_word(reader->image, pointer, WORD, &object) && object_is_there(reader, object))
        reference_field(references, object, "pointer");
}

static bool placeholder_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type, (void)address;
    printer_add(printer, "Placeholder");
    return true;
}

/* A str, shown without quotes. */
static bool sentinel_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t repr = read_pointer(printer->reader, address, sentinelobject_repr);

    (void)type;
    printer_add_str(printer,
                    repr ? repr : read_pointer(printer->reader, address, sentinelobject_name));
    return true;
}

static const struct kind_field tuplegetter_fields[] = {
    {"__doc__", tuplegetterobject_doc, false},
    {.name = NULL},
};

static const struct kind_field ast_fields[] = {
    {"__dict__", AST_object_dict, false},
    {.name = NULL},
};

static const struct kind_field sentinel_fields[] = {
    {"name", sentinelobject_name, false},
    {"module", sentinelobject_module, false},
    {"repr", sentinelobject_repr, false},
    {.name = NULL},
};

static const struct kind_field lazy_import_fields[] = {
    {"builtins", PyLazyImportObject_lz_builtins, false},
    {"from", PyLazyImportObject_lz_from, false},
    {"attr", PyLazyImportObject_lz_attr, false},
    {"code", PyLazyImportObject_lz_code, false},
    {.name = NULL},
};

static const struct kind_field struct_fields[] = {
    {"s_format", PyStructObject_s_format, false},
    {.name = NULL},
};

static const struct kind_field unpack_iterator_fields[] = {
    {"so", unpackiterobject_so, false},
    {"buf.obj", unpackiterobject_buf_obj, false},
    {.name = NULL},
};

static const struct kind_field simple_queue_fields[] = {
    {"lst", simplequeueobject_lst, false},
    {.name = NULL},
};

static const struct kind_field local_fields[] = {
    {"args", localobject_args, false},
    {"kw", localobject_kw, false},
    {"dummies", localobject_dummies, false},
    {"localdicts", localobject_localdicts, false},
    {"thread_watchdogs", localobject_thread_watchdogs, false},
    {"key", localobject_key, true},
    {"wr_callback", localobject_wr_callback, true},
    {.name = NULL},
};

static const struct kind_field localdummy_fields[] = {
    {"localdict", localdummyobject_localdict, false},
    {.name = NULL},
};

static const struct kind_field abc_data_fields[] = {
    {"_abc_registry", abc_data_registry, false},
    {"_abc_cache", abc_data_cache, false},
    {"_abc_negative_cache", abc_data_negative_cache, false},
    {.name = NULL},
};

static const struct kind_field dir_entry_fields[] = {
    {"name", DirEntry_name, true},
    {"path", DirEntry_path, true},
    {"stat", DirEntry_stat, true},
    {"lstat", DirEntry_lstat, true},
    {.name = NULL},
};

static const struct kind_field scandir_fields[] = {
    {"path.object", ScandirIterator_path_object, true},
    {"path.cleanup", ScandirIterator_path_cleanup, true},
    {.name = NULL},
};

static const struct kind_field poll_fields[] = {
    {"dict", pollObject_dict, true},
    {.name = NULL},
};

static const struct kind_field profiler_fields[] = {
    {"externalTimer", ProfilerObject_externalTimer, false},
    {"missing", ProfilerObject_missing, true},
    {.name = NULL},
};

static const struct kind_field interpolation_fields[] = {
    {"value", interpolationobject_value, false},
    {"expression", interpolationobject_expression, false},
    {"conversion", interpolationobject_conversion, false},
    {"format_spec", interpolationobject_format_spec, false},
    {.name = NULL},
};

static const struct kind_field template_fields[] = {
    {"strings", templateobject_strings, false},
    {"interpolations", templateobject_interpolations, false},
    {.name = NULL},
};

const struct kind other_kinds[] = {
    {.type = "_struct.Struct",
     .structure = sizeof_PyStructObject,
     .fields = struct_fields,
     .size = struct_size,
     .print = struct_print,
     .buffers = struct_buffers},
    {.type = "Struct",
     .structure = sizeof_PyStructObject,
     .fields = struct_fields,
     .size = struct_size,
     .print = struct_print,
     .buffers = struct_buffers},
    {.type = "_struct.unpack_iterator",
     .structure = sizeof_unpackiterobject,
     .fields = unpack_iterator_fields},
    {.type = "unpack_iterator",
     .structure = sizeof_unpackiterobject,
     .fields = unpack_iterator_fields},
    {.type = "_queue.SimpleQueue",
     .structure = sizeof_simplequeueobject,
     .fields = simple_queue_fields,
     .size = queue_size,
     .references = queue_references},
    {.type = "_thread.lock", .structure = sizeof_lockobject, .print = lock_print},
    {.type = "_thread.RLock", .structure = sizeof_rlockobject, .print = rlock_print},
    {.type = "_thread._local", .structure = sizeof_localobject, .fields = local_fields},
    {.type = "_thread._localdummy",
     .structure = sizeof_localdummyobject,
     .fields = localdummy_fields},
    {.type = "_thread._ThreadHandle", .structure = sizeof_PyThreadHandleObject},
    {.type = "_abc._abc_data", .structure = sizeof_abc_data, .fields = abc_data_fields},
    {.type = "_abc_data", .structure = sizeof_abc_data, .fields = abc_data_fields},
    {.type = "mmap.mmap",
     .structure = sizeof_mmap_object,
     .print = mmap_print,
     .buffers = mmap_buffers},
    {.type = "_socket.socket",
     .structure = sizeof_PySocketSockObject,
     .print = socket_print,
     .describe = socket_describe},
    {.type = "_random.Random", .structure = sizeof_RandomObject},
    {.type = "posix.DirEntry",
     .structure = sizeof_DirEntry,
     .fields = dir_entry_fields,
     .print = dir_entry_print},
    {.type = "posix.ScandirIterator",
     .structure = sizeof_ScandirIterator,
     .fields = scandir_fields},
    {.type = "select.epoll", .structure = sizeof_pyEpoll_Object},
    {.type = "select.poll", .structure = sizeof_pollObject, .fields = poll_fields},
    {.type = "unicodedata.UCD", .structure = sizeof_PreviousDBVersion},
    {.type = "_lsprof.Profiler", .structure = sizeof_ProfilerObject, .fields = profiler_fields},
    {.type = "string.templatelib.Interpolation",
     .structure = sizeof_interpolationobject,
     .fields = interpolation_fields,
     .print = interpolation_print},
    {.type = "string.templatelib.Template",
     .structure = sizeof_templateobject,
     .fields = template_fields,
     .print = template_print},
    {.type = "collections._tuplegetter",
     .structure = sizeof_tuplegetterobject,
     .fields = tuplegetter_fields,
     .print = tuplegetter_print},
    {.type = "_collections._tuplegetter",
     .structure = sizeof_tuplegetterobject,
     .fields = tuplegetter_fields,
     .print = tuplegetter_print},
    {.type = "ast.AST", .structure = sizeof_AST_object, .fields = ast_fields},
    {.type = "_ast.AST", .structure = sizeof_AST_object, .fields = ast_fields},
    {.type = "PyCapsule",
     .structure = sizeof_PyCapsule,
     .references = capsule_references,
     .print = capsule_print},
    {.type = "sentinel",
     .structure = sizeof_sentinelobject,
     .fields = sentinel_fields,
     .print = sentinel_print},
    {.type = "lazy_import", .structure = sizeof_PyLazyImportObject, .fields = lazy_import_fields},
    {.type = "functools._PlaceholderType",
     .structure = sizeof_PyObject,
     .print = placeholder_print},
    {.type = "stderrprinter", .structure = sizeof_PyObject},
    {.type = NULL},
};
