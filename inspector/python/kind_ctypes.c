// SPDX-License-Identifier: MIT
/*
 * The types of ctypes' types. What ctypes knows of a type is kept in a dict of a kind of its own
 * (StgDict, up to 3.12), or behind the type object (StgInfo, 3.13 and later).
 */
#include "inspector/python/kind.h"

enum { MOST_FORMAT = 1 << 16, MOST_DIMENSIONS = 1 << 16, ALIGNMENT = 16 };

/* Where a type's StgInfo is: PyObject_GetTypeData() for CType_Type, whose base is `type`. 0: there
 * is none, or it is not set. */
static uint64_t info_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t initialized;

    if (!layout_has(layout, sizeof_StgInfo))
        return 0;
    uint64_t start =
        (layout_size(layout, sizeof_PyHeapTypeObject) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (start + layout_size(layout, sizeof_StgInfo) > type->basicsize ||
        !read_field(reader, address + start, StgInfo_initialized, &initialized) || !initialized)
        return 0;
    return address + start;
}

static uint64_t format_size(const struct reader *reader, uint64_t text)
{
    for (uint64_t length = 0; text && length < MOST_FORMAT; length++) {
        const char *c = image_at(reader->image, text + length, 1);
        if (!c || !*c)
            return c ? length + 1 : 0;
    }
    return 0;
}

/* Modules/_ctypes/_ctypes.c, _ctypes_CType_Type___sizeof___impl(). */
static bool size(const struct reader *reader, const struct type *type, uint64_t address,
                 uint64_t *ret)
{
    uint64_t info = info_of(reader, type, address), dimensions, length;

    if (!type_general_size(reader->python, reader->image, type, address, ret))
        return false;
    if (!layout_has(&reader->python->layout, sizeof_StgInfo))
        return false;
    if (!info)
        return true;
    *ret += format_size(reader, read_pointer(reader, info, StgInfo_format));
    if (!read_field(reader, info, StgInfo_ndim, &dimensions) ||
        !read_field(reader, info, StgInfo_length, &length) || dimensions > MOST_DIMENSIONS)
        return false;
    if (read_pointer(reader, info, StgInfo_elements)) {
        if (!reader_has_room(reader, read_pointer(reader, info, StgInfo_elements), length + 1,
                             sizeof(uint64_t)))
            return false;
        *ret += (length + 1) * sizeof(uint64_t);
    }
    *ret += dimensions * sizeof(uint64_t);
    return true;
}

static void references(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *told)
{
    static const struct kind_field fields[] = {
        {"proto", StgInfo_proto, false},           {"argtypes", StgInfo_argtypes, false},
        {"converters", StgInfo_converters, false}, {"restype", StgInfo_restype, false},
        {"checker", StgInfo_checker, false},       {"pointer_type", StgInfo_pointer_type, false},
        {"module", StgInfo_module, false},         {.name = NULL},
    };
    uint64_t info = info_of(reader, type, address);

    for (const struct kind_field *field = fields; info && field->name; field++)
        reference_field(told, read_pointer(reader, info, field->field), field->name);
    type_kinds[0].references(reader, type, address, told);
}

/* CDataType_traverse, which only this one had. */
static void pointer_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *told)
{
    uint64_t dict = read_pointer(reader, address, PyTypeObject_tp_dict);
    const struct type *of = reader_type_of(reader, dict);

    if (of && strcmp(of->short_name, "StgDict") == 0)
        reference_field(told, read_pointer(reader, dict, StgDictObject_proto), "proto");
    references(reader, type, address, told);
}

static bool type_size(const struct reader *reader, const struct type *type, uint64_t address,
                      uint64_t *ret)
{
    return type_kinds[0].size(reader, type, address, ret);
}

static bool print(struct printer *printer, const struct type *type, uint64_t address)
{
    return type_kinds[0].print(printer, type, address);
}

static void describe(const struct reader *reader, const struct type *type, uint64_t address,
                     fact_tell *tell, void *context)
{
    type_kinds[0].describe(reader, type, address, tell, context);
}

const struct kind ctypes_kinds[] = {
    /* Of all others since 3.13, where the structure of none is one that a layout has. */
    {.type = "_ctypes.CType_Type",
     .structure = sizeof_PyObject,
     .size = size,
     .references = references,
     .print = print,
     .describe = describe},
    {.type = "_ctypes.PyCPointerType", /* up to 3.12 */
     .structure = sizeof_PyHeapTypeObject,
     .size = type_size,
     .references = pointer_references,
     .print = print,
     .describe = describe},
    {.type = NULL},
};
