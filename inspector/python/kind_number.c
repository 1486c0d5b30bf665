// SPDX-License-Identifier: MIT
/* int, bool, float, complex, None, Ellipsis, NotImplemented. */
#include "inspector/python/float_repr.h"
#include "inspector/python/kind.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    MOST_DECIMALS = 4300, /* as sys.get_int_max_str_digits() has it: a longer int has no repr() */
    MOST_BITS = 14286,    /* beyond those it is longer for certain */
    DECIMALS_A_PART = 9,
    MOST_PARTS = MOST_DECIMALS / DECIMALS_A_PART + 2,
};

/* The magnitude of an int, least significant digit first. */
struct digits {
    uint64_t address;
    uint64_t count;
    unsigned width, bits; /* of a digit, in bytes and bits: Include/cpython/longintrepr.h */
    bool is_negative;
};

static bool find_digits(const struct reader *reader, const struct type *type, uint64_t address,
                        struct digits *ret)
{
    struct digits digits = {.address = field_address(reader, address, PyLongObject_digits_ob_digit),
                            .width = type->item_size == 2 ? 2 : 4};
    uint64_t word;

    digits.bits = digits.width == 2 ? 15 : 30;
    switch (reader->python->shape.ints) {
    case INT_LV_TAG:
        if (!read_field(reader, address, PyLongObject_lv_tag, &word))
            return false;
        digits.count = word >> 3;
        digits.is_negative = (word & 3) == 2;
        break;
    case INT_OB_SIZE:
        if (!read_field(reader, address, PyVarObject_ob_size, &word))
            return false;
        digits.is_negative = (int64_t)word < 0;
        digits.count = digits.is_negative ? -word : word;
        break;
    }
    if (!digits.address || !reader_has_room(reader, digits.address, digits.count, digits.width))
        return false;
    *ret = digits;
    return true;
}

/* Up to 3.11 int.__sizeof__ leaves out what a subclass adds. */
static bool int_size(const struct reader *reader, const struct type *type, uint64_t address,
                     uint64_t *ret)
{
    struct digits digits;

    *ret = reader->python->shape.ints == INT_LV_TAG
               ? type->basicsize
               : layout_offset(&reader->python->layout, PyLongObject_digits_ob_digit);
    if (!find_digits(reader, type, address, &digits))
        return false;
    if (!digits.count && reader->python->shape.zero_has_digit)
        digits.count = 1;
    *ret += digits.count * digits.width;
    return true;
}

/* Multiplies the number of `count` parts by 2^bits and adds `digit`; returns how many parts it has.
 */
static unsigned append_digit(uint32_t *parts, unsigned count, unsigned bits, uint64_t digit)
{
    uint64_t carry = digit;

    for (unsigned i = 0; i < count; i++) {
        carry += (uint64_t)parts[i] << bits;
        parts[i] = (uint32_t)(carry % 1000000000);
        carry /= 1000000000;
    }
    for (; carry; carry /= 1000000000)
        parts[count++] = (uint32_t)(carry % 1000000000);
    return count;
}

/* With zeros in front, if need be, that make it `least` digits. There are many ints: printf is
 * slow. */
static void print_part(struct printer *printer, uint32_t part, size_t least)
{
    char text[16], *first = text + sizeof(text);

    while (part || (size_t)(text + sizeof(text) - first) < least) {
        *--first = (char)('0' + part % 10);
        part /= 10;
    }
    printer_add_bytes(printer, first, (size_t)(text + sizeof(text) - first));
}

static void print_large(struct printer *printer, const struct digits *digits, const uint8_t *bytes)
{
    uint32_t parts[MOST_PARTS + 2];
    unsigned count = 0;

    for (uint64_t i = digits->count; i-- > 0;)
        count = append_digit(parts, count, digits->bits,
                             load_word(bytes + i * digits->width, digits->width));
    print_part(printer, count ? parts[count - 1] : 0, 1);
    for (unsigned i = count; i-- > 1 && !printer->full;)
        print_part(printer, parts[i - 1], 9);
}

static bool int_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct digits digits;

    if (!find_digits(printer->reader, type, address, &digits))
        return false;
    if (!digits.count) {
        printer_add(printer, "0");
        return true;
    }
    if (digits.count > (MOST_BITS + digits.bits - 1) / digits.bits) {
        printer_addf(printer, "<int of %" PRIu64 " digits of %u bits>", digits.count, digits.bits);
        return true;
    }
    const uint8_t *bytes =
        image_at(printer->reader->image, digits.address, digits.count * digits.width);
    if (!bytes)
        return false;
    if (digits.is_negative)
        printer_add(printer, "-");
    if (digits.count == 1)
        print_part(printer, (uint32_t)load_word(bytes, digits.width), 1);
    else
        print_large(printer, &digits, bytes);
    return true;
}

static bool bool_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct digits digits;

    if (!find_digits(printer->reader, type, address, &digits))
        return false;
    printer_add(printer, digits.count ? "True" : "False");
    return true;
}

static bool read_double(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                        double *ret)
{
    uint64_t bits;

    if (!read_field(reader, address, field, &bits))
        return false;
    memcpy(ret, &bits, sizeof(*ret));
    return true;
}

static bool float_print(struct printer *printer, const struct type *type, uint64_t address)
{
    char text[32];
    double value;

    (void)type;
    if (!read_double(printer->reader, address, PyFloatObject_ob_fval, &value))
        return false;
    float_repr(value, text);
    printer_add(printer, text);
    return true;
}

static bool complex_print(struct printer *printer, const struct type *type, uint64_t address)
{
    char text[96];
    double real, imag;

    (void)type;
    if (!read_double(printer->reader, address, PyComplexObject_real, &real) ||
        !read_double(printer->reader, address, PyComplexObject_imag, &imag))
        return false;
    complex_repr(real, imag, text);
    printer_add(printer, text);
    return true;
}

static bool none_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type, (void)address;
    printer_add(printer, "None");
    return true;
}

static bool ellipsis_print(struct printer *printer, const struct type *type, uint64_t address)
{
    (void)type, (void)address;
    printer_add(printer, "Ellipsis");
    return true;
}

static bool not_implemented_print(struct printer *printer, const struct type *type,
                                  uint64_t address)
{
    (void)type, (void)address;
    printer_add(printer, "NotImplemented");
    return true;
}

const struct kind number_kinds[] = {
    {.type = "int",
     .structure = sizeof_PyLongObject_digits,
     .unsized = 8, /* the first digit, and padding */
     .size = int_size,
     .print = int_print},
    {.type = "bool",
     .structure = sizeof_PyObject, /* its tp_basicsize has the padding or not; int's tells */
     .size = int_size,
     .print = bool_print},
    {.type = "float", .structure = sizeof_PyFloatObject, .print = float_print},
    {.type = "complex", .structure = sizeof_PyComplexObject, .print = complex_print},
    {.type = "NoneType", .structure = sizeof_PyObject, .print = none_print},
    {.type = "ellipsis", .structure = sizeof_PyObject, .print = ellipsis_print},
    {.type = "NotImplementedType", .structure = sizeof_PyObject, .print = not_implemented_print},
    {.type = NULL},
};
