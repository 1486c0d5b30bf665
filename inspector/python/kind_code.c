// SPDX-License-Identifier: MIT
/* Code objects. The collector does not look into them: all that they hold, they own. */
#include "inspector/python/code.h"
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

/* Up to 3.10 a structure; since then one that the instructions follow. */
static bool code_fits(const struct layout *layout, uint64_t basicsize)
{
    if (layout_has(layout, PyCodeObject_co_code_adaptive))
        return basicsize == layout_offset(layout, PyCodeObject_co_code_adaptive);
    return layout_has(layout, sizeof_PyCodeObject) &&
           basicsize == layout_size(layout, sizeof_PyCodeObject);
}

static uint64_t pointers(uint64_t count)
{
    return count * sizeof(uint64_t);
}

/* Up to 3.10: the map of cells to arguments, and the cache of 3.8 and later. */
static bool size_of_extras(const struct reader *reader, uint64_t address, uint64_t *ret)
{
    uint64_t cells = read_pointer(reader, address, PyCodeObject_co_cellvars);
    uint64_t bytes = read_pointer(reader, address, PyCodeObject_co_code);
    uint64_t count;

    if (read_pointer(reader, address, PyCodeObject_co_cell2arg) && cells) {
        if (!read_count(reader, cells, cells, sizeof(uint64_t), &count))
            return false;
        *ret += pointers(count);
    }
    if (reader_has(reader, sizeof_PyOpcache) &&
        read_pointer(reader, address, PyCodeObject_co_opcache)) {
        if (!read_count(reader, bytes, bytes, 1, &count))
            return false;
        *ret += count / 2 + read_pointer(reader, address, PyCodeObject_co_opcache_size) *
                                layout_size(&reader->python->layout, sizeof_PyOpcache);
    }
    return true;
}

static bool code_size(const struct reader *reader, const struct type *type, uint64_t address,
                      uint64_t *ret)
{
    uint64_t extra = read_pointer(reader, address, PyCodeObject_co_extra), count;

    if (!type_general_size(reader->python, reader->image, type, address, ret))
        return false;
    *ret = (*ret + 7) & ~UINT64_C(7);
    if (!reader_has(reader, PyCodeObject_co_code_adaptive) && !size_of_extras(reader, address, ret))
        return false;
    if (extra) { /* struct _PyCodeObjectExtra: a count, and as many pointers, but one at least */
        if (!image_word(reader->image, extra, sizeof(count), &count) ||
            !reader_has_room(reader, extra, count, sizeof(uint64_t)))
            return false;
        *ret += pointers(count + 1);
    }
    return true;
}

static const struct kind_field code_fields[] = {
    {"co_code", PyCodeObject_co_code, true},
    {"co_consts", PyCodeObject_co_consts, true},
    {"co_names", PyCodeObject_co_names, true},
    {"co_varnames", PyCodeObject_co_varnames, true},
    {"co_freevars", PyCodeObject_co_freevars, true},
    {"co_cellvars", PyCodeObject_co_cellvars, true},
    {"co_localsplusnames", PyCodeObject_co_localsplusnames, true},
    {"co_localspluskinds", PyCodeObject_co_localspluskinds, true},
    {"co_filename", PyCodeObject_co_filename, true},
    {"co_name", PyCodeObject_co_name, true},
    {"co_qualname", PyCodeObject_co_qualname, true},
    {"co_lnotab", PyCodeObject_co_lnotab, true},
    {"co_linetable", PyCodeObject_co_linetable, true},
    {"co_exceptiontable", PyCodeObject_co_exceptiontable, true},
    {.name = NULL},
};

/* 3.12 and later make these when they are asked for, and keep them. */
static void code_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    uint64_t cached = read_pointer(reader, address, PyCodeObject_co_cached);

    (void)type;
    if (!cached)
        return;
    reference_owned(references, read_pointer(reader, cached, PyCoCached_co_code), "co_code");
    reference_owned(references, read_pointer(reader, cached, PyCoCached_co_varnames),
                    "co_varnames");
    reference_owned(references, read_pointer(reader, cached, PyCoCached_co_cellvars),
                    "co_cellvars");
    reference_owned(references, read_pointer(reader, cached, PyCoCached_co_freevars),
                    "co_freevars");
}

static bool code_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t filename = read_pointer(reader, address, PyCodeObject_co_filename);
    const struct type *name = reader_type_of(reader, filename);
    uint64_t line = 0;

    (void)type;
    if (!read_field(reader, address, PyCodeObject_co_firstlineno, &line) || line == 0)
        line = (uint64_t)-1;
    printer_add(printer, "<code object ");
    printer_add_str(printer, read_pointer(reader, address, PyCodeObject_co_name));
    printer_add_address(printer, " at ", address, ", file ");
    if (name && name->flags & TPFLAGS_UNICODE_SUBCLASS) {
        printer_add(printer, "\"");
        printer_add_str(printer, filename);
        printer_add(printer, "\"");
    } else {
        printer_add(printer, "???");
    }
    printer_addf(printer, ", line %d>", (int)(int32_t)line);
    return true;
}

static void code_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *tell, void *context)
{
    (void)type;
    say_place(reader, address, -1, tell, context);
}

static void code_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                         buffer_tell *tell, void *context)
{
    uint64_t first = code_first_instruction(reader, address), count;

    if (first && read_count(reader, address, first, 2, &count) && count)
        tell(context, "co_code_adaptive", first, count * 2);
    (void)type;
}

const struct kind code_kinds[] = {
    {.type = "code",
     .structure = sizeof_PyCodeObject,
     .fits = code_fits,
     .size = code_size,
     .fields = code_fields,
     .references = code_references,
     .print = code_print,
     .describe = code_describe,
     .buffers = code_buffers},
    {.type = NULL},
};
