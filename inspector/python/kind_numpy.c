// SPDX-License-Identifier: MIT
/*
 * numpy.ndarray, ufuncs and the scalars. numpy's builds have no debug information; what is read
 * here is its ABI, the same since 1.7 (numpy/core/include/numpy/ndarraytypes.h:
 * PyArrayObject_fields). Of the dtype only the size of an element moved, in 2.0.
 */
#include "inspector/python/kind.h"
#include "inspector/python/object.h"
#include "inspector/python/say.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WORD = sizeof(uint64_t),
    MOST_DIMENSIONS = 64,
    OWNDATA = 4,
    CONTIGUOUS = 1 | 2, /* in C's order or Fortran's */
    LEAST_BASICSIZE = 80,
};

/* Offsets in an ndarray. */
enum {
    ARRAY_DATA = 16,
    ARRAY_ND = 24,
    ARRAY_DIMENSIONS = 32,
    ARRAY_BASE = 48,
    ARRAY_DESCR = 56,
    ARRAY_FLAGS = 64,
};

/* Offsets in a dtype. */
enum {
    DTYPE_KIND = 24,
    DTYPE_ELSIZE_1 = 32,    /* an int, before 2.0 */
    DTYPE_ELSIZE_2 = 40,    /* npy_intp, since */
    DTYPE_ALIGNMENT_2 = 48, /* before: a pointer to a dict, or None */
};

struct array {
    uint64_t data, dimensions, base, descr;
    uint64_t nd, flags;
    uint64_t kind, item_size;
    uint64_t count;  /* of elements */
    uint64_t nbytes; /* that they take */
};

static bool find_dtype(const struct reader *reader, struct array *array)
{
    uint64_t alignment;

    if (!image_word(reader->image, array->descr + DTYPE_KIND, 1, &array->kind) ||
        array->kind < ' ' || array->kind > '~' ||
        !image_word(reader->image, array->descr + DTYPE_ALIGNMENT_2, 8, &alignment))
        return false;
    if (alignment >= 1 && alignment <= 64)
        return image_word(reader->image, array->descr + DTYPE_ELSIZE_2, 8, &array->item_size);
    return image_word(reader->image, array->descr + DTYPE_ELSIZE_1, 4, &array->item_size);
}

static bool count_items(const struct reader *reader, struct array *array)
{
    uint64_t dimension;

    array->count = 1;
    for (uint64_t i = 0; i < array->nd; i++) {
        if (!image_word(reader->image, array->dimensions + i * WORD, WORD, &dimension) ||
            __builtin_mul_overflow(array->count, dimension, &array->count))
            return false;
    }
    return !__builtin_mul_overflow(array->count, array->item_size, &array->nbytes) &&
           (!(array->flags & OWNDATA) || reader_has_room(reader, array->data, array->nbytes, 1));
}

static bool find_array(const struct reader *reader, const struct type *type, uint64_t address,
                       struct array *ret)
{
    struct array array = {0};

    if (type->kind_type->basicsize < LEAST_BASICSIZE ||
        !image_word(reader->image, address + ARRAY_DATA, WORD, &array.data) ||
        !image_word(reader->image, address + ARRAY_ND, 4, &array.nd) ||
        array.nd > MOST_DIMENSIONS ||
        !image_word(reader->image, address + ARRAY_DIMENSIONS, WORD, &array.dimensions) ||
        !image_word(reader->image, address + ARRAY_BASE, WORD, &array.base) ||
        !image_word(reader->image, address + ARRAY_DESCR, WORD, &array.descr) ||
        !image_word(reader->image, address + ARRAY_FLAGS, 4, &array.flags) ||
        !find_dtype(reader, &array) || !count_items(reader, &array))
        return false;
    *ret = array;
    return true;
}

/* The elements count where they are the array's own. */
static bool array_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    struct array array;

    *ret = type->basicsize;
    if (!find_array(reader, type, address, &array))
        return false;
    *ret += array.nd * 2 * WORD;
    if (array.flags & OWNDATA)
        *ret += array.nbytes;
    return true;
}

static void array_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    struct array array;
    uint64_t item;

    if (!find_array(reader, type, address, &array))
        return;
    reference_owned(references, array.base, "base");
    reference_owned(references, array.descr, "dtype");
    if (array.kind != 'O' || array.item_size != WORD || !(array.flags & OWNDATA) ||
        !(array.flags & CONTIGUOUS))
        return;
    for (uint64_t i = 0; i < array.count && !references->ended; i++) {
        if (!image_word(reader->image, array.data + i * WORD, WORD, &item))
            item = 0;
        reference_index(references, item, i);
    }
}

/* Offsets in a ufunc (numpy/core/include/numpy/ufuncobject.h: PyUFuncObject). */
enum {
    UFUNC_IDENTITY = 28,
    UFUNC_OBJ = 88,
    UFUNC_USERLOOPS = 96,
    UFUNC_IDENTITY_VALUE = 208,
    UFUNC_LEAST_BASICSIZE = 216,
    HAS_IDENTITY_VALUE = -3, /* PyUFunc_IdentityValue */
};

/* ufunc_traverse; what else it holds (its loops, a cache) the collector is not told of. */
static void ufunc_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t identity;

    if (type->kind_type->basicsize < UFUNC_LEAST_BASICSIZE ||
        !image_word(reader->image, address + UFUNC_IDENTITY, sizeof(int32_t), &identity))
        return;
    reference_field(references, read_word(reader, address + UFUNC_OBJ), "obj");
    if ((int32_t)identity == HAS_IDENTITY_VALUE)
        reference_field(references, read_word(reader, address + UFUNC_IDENTITY_VALUE), "identity");
    reference_owned(references, read_word(reader, address + UFUNC_USERLOOPS), "userloops");
    for (uint64_t at = UFUNC_LEAST_BASICSIZE; at + WORD <= type->kind_type->basicsize; at += WORD) {
        uint64_t word = read_word(reader, address + at);
        if (object_is_there(reader, word))
            reference_tell(references,
                           &(struct reference){
                               .to = word, .label = LABEL_FIELD, .name = "?", .is_owned = true});
    }
}

static void tell_shape(const struct reader *reader, const struct array *array, fact_tell *tell,
                       void *context)
{
    char text[MOST_DIMENSIONS * 24];
    uint64_t dimension;
    size_t length = 0;

    for (uint64_t i = 0; i < array->nd; i++) {
        if (!image_word(reader->image, array->dimensions + i * WORD, WORD, &dimension))
            return;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%" PRIu64,
                                   i ? ", " : "(", dimension);
    }
    length += (size_t)snprintf(text + length, sizeof(text) - length, "%s",
                               array->nd == 0   ? "()"
                               : array->nd == 1 ? ",)"
                                                : ")");
    tell(context, "shape", text, length);
}

static void array_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    struct array array;
    char text[32];

    if (!find_array(reader, type, address, &array))
        return;
    tell_shape(reader, &array, tell, context);
    int length = snprintf(text, sizeof(text), "%c%" PRIu64, (char)array.kind, array.item_size);
    tell(context, "dtype", text, (size_t)length);
    say_number("nbytes", (int64_t)array.nbytes, tell, context);
    if (array.flags & OWNDATA)
        tell(context, "owns its data", "yes", 3);
    else
        tell(context, "owns its data", "no", 2);
}

static void array_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                          buffer_tell *tell, void *context)
{
    struct array array;

    if (find_array(reader, type, address, &array) && array.flags & OWNDATA && array.nbytes)
        tell(context, "data", array.data, array.nbytes);
}

/* numpy/core/src/multiarray/scalartypes.c.src, gentype_sizeof(): the value counts twice. */
static const struct {
    const char *type;
    unsigned size; /* of the value */
} scalars[] = {{"numpy.bool_", 1},       {"numpy.bool", 1},         {"numpy.int8", 1},
               {"numpy.int16", 2},       {"numpy.int32", 4},        {"numpy.int64", 8},
               {"numpy.intc", 4},        {"numpy.longlong", 8},     {"numpy.uint8", 1},
               {"numpy.uint16", 2},      {"numpy.uint32", 4},       {"numpy.uint64", 8},
               {"numpy.uintc", 4},       {"numpy.ulonglong", 8},    {"numpy.float16", 2},
               {"numpy.float32", 4},     {"numpy.float64", 8},      {"numpy.float128", 16},
               {"numpy.longdouble", 16}, {"numpy.complex64", 8},    {"numpy.complex128", 16},
               {"numpy.complex256", 32}, {"numpy.clongdouble", 32}, {"numpy.datetime64", 8},
               {"numpy.timedelta64", 8}};

static bool scalar_size(const struct reader *reader, const struct type *type, uint64_t address,
                        uint64_t *ret)
{
    (void)reader, (void)address;
    *ret = type->basicsize;
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        if (strcmp(scalars[i].type, type->kind->type) == 0)
            *ret += scalars[i].size;
    }
    return true;
}

const struct kind numpy_kinds[] = {
    {.type = "numpy.ndarray",
     .structure = sizeof_PyObject, /* not in any layout */
     .size = array_size,
     .references = array_references,
     .describe = array_describe,
     .buffers = array_buffers},
    {.type = "numpy.ufunc", .structure = sizeof_PyObject, .references = ufunc_references},
    {.type = "numpy.bool_", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.bool", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.int8", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.int16", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.int32", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.int64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.intc", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.longlong", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.uint8", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.uint16", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.uint32", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.uint64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.uintc", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.ulonglong", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.float16", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.float32", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.float64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.float128", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.longdouble", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.complex64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.complex128", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.complex256", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.clongdouble", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.datetime64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = "numpy.timedelta64", .structure = sizeof_PyObject, .size = scalar_size},
    {.type = NULL},
};
