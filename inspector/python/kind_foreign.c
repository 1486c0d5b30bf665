// SPDX-License-Identifier: MIT
/* The objects of ctypes; its types: kind_ctypes.c. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

#include <inttypes.h>

enum { LONGEST_FORMAT = 1 << 20, MOST_DIMENSIONS = 64, WORD = sizeof(uint64_t) };

/* A C string and its NUL. False: it does not end. */
static bool add_string(const struct reader *reader, uint64_t string, uint64_t *ret)
{
    uint64_t byte;

    for (uint64_t length = 0; length < LONGEST_FORMAT; length++) {
        if (!image_word(reader->image, string + length, 1, &byte))
            return false;
        if (!byte) {
            *ret += length + 1;
            return true;
        }
    }
    return false;
}

/* A format, an array of element types, an array of dimensions. */
static bool add_description(const struct reader *reader, uint64_t address, uint64_t *ret)
{
    uint64_t format = read_pointer(reader, address, stg_dict_format);
    uint64_t elements = read_pointer(reader, address, stg_dict_elements), ndim, length;

    if (!read_field(reader, address, stg_dict_ndim, &ndim) || ndim > MOST_DIMENSIONS ||
        (format && !add_string(reader, format, ret)))
        return false;
    *ret += ndim * WORD;
    if (!elements)
        return true;
    if (!read_field(reader, address, stg_dict_length, &length) ||
        !reader_has_room(reader, elements, length, WORD))
        return false;
    *ret += (length + 1) * WORD;
    return true;
}

/* Up to 3.12 the __dict__ of a ctypes type is a dict of its own. 3.6 does not count what it adds;
 * later ones count that twice. */
static bool stg_dict_size(const struct reader *reader, const struct type *type, uint64_t address,
                          uint64_t *ret)
{
    const struct layout *layout = &reader->python->layout;
    const struct kind *dict = kind_find("dict");

    *ret = type->basicsize;
    if (!dict || !dict->size || !dict->size(reader, type, address, ret))
        return false;
    if (!reader->python->shape.reprs_name_class)
        return true;
    *ret += layout_size(layout, sizeof_stg_dict) - layout_size(layout, sizeof_PyDictObject);
    return add_description(reader, address, ret);
}

static void stg_dict_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    const struct kind *dict = kind_find("dict");

    if (dict && dict->references)
        dict->references(reader, type, address, references);
}

static bool stg_dict_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct kind *dict = kind_find("dict");

    return dict && dict->print && dict->print(printer, type, address);
}

static bool function_print(struct printer *printer, const struct type *type, uint64_t address)
{
    printer_add(printer, "<");
    printer_add_tp_name(printer, type, 256);
    printer_addf(printer, " object at 0x%" PRIx64 ">", address);
    return true;
}

static const struct kind_field data_fields[] = {
    {"b_objects", CDataObject_b_objects, false},
    {"b_base", CDataObject_b_base, false},
    {.name = NULL},
};

static const struct kind_field function_fields[] = {
    {"callable", PyCFuncPtrObject_callable, false},
    {"restype", PyCFuncPtrObject_restype, false},
    {"checker", PyCFuncPtrObject_checker, false},
    {"errcheck", PyCFuncPtrObject_errcheck, false},
    {"argtypes", PyCFuncPtrObject_argtypes, false},
    {"converters", PyCFuncPtrObject_converters, false},
    {"paramflags", PyCFuncPtrObject_paramflags, false},
    {"thunk", PyCFuncPtrObject_thunk, false},
    {"b_objects", PyCFuncPtrObject_b_objects, false},
    {"b_base", PyCFuncPtrObject_b_base, false},
    {.name = NULL},
};

static const struct kind_field field_fields[] = {
    {"proto", CFieldObject_proto, false},
    {"name", CFieldObject_name, true},
    {.name = NULL},
};

static const struct kind_field thunk_fields[] = {
    {"converters", CThunkObject_converters, false},
    {"callable", CThunkObject_callable, false},
    {"restype", CThunkObject_restype, false},
    {.name = NULL},
};

static const struct kind_field argument_fields[] = {
    {"obj", PyCArgObject_obj, false},
    {.name = NULL},
};

static const struct kind_field dict_remover_fields[] = {
    {"key", DictRemoverObject_key, false},
    {"dict", DictRemoverObject_dict, false},
    {.name = NULL},
};

static const struct kind_field struct_param_fields[] = {
    {"keep", StructParamObject_keep, false},
    {.name = NULL},
};

/* Its tp_traverse is that of dict. */
static const struct kind_field stg_dict_fields[] = {
    {"proto", stg_dict_proto, true},           {"argtypes", stg_dict_argtypes, true},
    {"converters", stg_dict_converters, true}, {"restype", stg_dict_restype, true},
    {"checker", stg_dict_checker, true},       {.name = NULL},
};

const struct kind foreign_kinds[] = {
    {.type = "_ctypes._CData", .structure = sizeof_CDataObject, .fields = data_fields},
    {.type = "_ctypes.CFuncPtr",
     .structure = sizeof_PyCFuncPtrObject,
     .fields = function_fields,
     .print = function_print},
    {.type = "_ctypes.PyCFuncPtr",
     .structure = sizeof_PyCFuncPtrObject,
     .fields = function_fields,
     .print = function_print},
    {.type = "_ctypes.CField", .structure = sizeof_CFieldObject, .fields = field_fields},
    {.type = "ctypes.CField", .structure = sizeof_CFieldObject, .fields = field_fields},
    {.type = "_ctypes.CThunkObject", .structure = sizeof_CThunkObject, .fields = thunk_fields},
    {.type = "CArgObject", .structure = sizeof_PyCArgObject, .fields = argument_fields},
    {.type = "_ctypes.CArgObject", .structure = sizeof_PyCArgObject, .fields = argument_fields},
    {.type = "_ctypes.DictRemover",
     .structure = sizeof_DictRemoverObject,
     .fields = dict_remover_fields},
    {.type = "_ctypes.StructParam_Type",
     .structure = sizeof_StructParamObject,
     .fields = struct_param_fields},
    {.type = "_ctypes.StructParam",
     .structure = sizeof_StructParamObject,
     .fields = struct_param_fields},
    {.type = "StgDict",
     .structure = sizeof_stg_dict,
     .fields = stg_dict_fields,
     .size = stg_dict_size,
     .references = stg_dict_references,
     .print = stg_dict_print},
    {.type = NULL},
};
