// SPDX-License-Identifier: MIT
/* decimal: Decimal, Context. Modules/_decimal/libmpdec. */
#include "inspector/python/kind.h"

#include <inttypes.h>
#include <stdio.h>

/* mpd_t.flags, and what fits into one word of its coefficient. */
enum {
    MPD_NEG = 1,
    MPD_INF = 2,
    MPD_NAN = 4,
    MPD_SNAN = 8,
    MPD_SPECIAL = MPD_INF | MPD_NAN | MPD_SNAN,
    MPD_DATAFLAGS = 0xe0, /* the coefficient is not a block of malloc */
    WORD = sizeof(uint64_t),
    WORD_DIGITS = 19,
};

/* The coefficient, words of 19 decimal digits, least significant first. */
struct decimal {
    uint64_t flags;
    int64_t exponent;
    uint64_t digits;
    uint64_t words, count;
};

static bool find_decimal(const struct reader *reader, uint64_t address, struct decimal *ret)
{
    struct decimal decimal = {.words = read_pointer(reader, address, PyDecObject_data)};
    uint64_t exponent;

    if (!read_field(reader, address, PyDecObject_flags, &decimal.flags) ||
        !read_field(reader, address, PyDecObject_exp, &exponent) ||
        !read_field(reader, address, PyDecObject_digits, &decimal.digits) ||
        !read_field(reader, address, PyDecObject_len, &decimal.count) ||
        !reader_has_room(reader, decimal.words, decimal.count, WORD) ||
        (decimal.digits + WORD_DIGITS - 1) / WORD_DIGITS != decimal.count)
        return false;
    decimal.exponent = (int64_t)exponent;
    *ret = decimal;
    return true;
}

static bool decimal_size(const struct reader *reader, const struct type *type, uint64_t address,
                         uint64_t *ret)
{
    uint64_t flags, alloc;

    *ret = type->basicsize;
    if (!read_field(reader, address, PyDecObject_flags, &flags))
        return false;
    if (flags & MPD_DATAFLAGS)
        return true;
    if (!read_field(reader, address, PyDecObject_alloc, &alloc) ||
        !reader_has_room(reader, read_pointer(reader, address, PyDecObject_data), alloc, WORD))
        return false;
    *ret += alloc * WORD;
    return true;
}

/* The digits of the coefficient, with a point after the first `point` of them. */
static bool add_digits(struct printer *printer, const struct decimal *decimal, uint64_t point)
{
    uint64_t shown = 0, word;
    char text[WORD_DIGITS + 2];

    for (uint64_t i = decimal->count; i-- > 0 && !printer->full;) {
        if (!image_word(printer->reader->image, decimal->words + i * WORD, WORD, &word))
            return false;
        uint64_t length = i + 1 == decimal->count ? decimal->digits - i * WORD_DIGITS : WORD_DIGITS;
        snprintf(text, sizeof(text), "%0*" PRIu64, (int)length,
                 word % UINT64_C(10000000000000000000));
        if (strlen(text) != length)
            return false;
        bool splits = point > shown && point < shown + length;
        uint64_t before = splits ? point - shown : length;
        printer_add_bytes(printer, text, before);
        shown += length;
        if (splits || (point == shown && i))
            printer_add(printer, ".");
        printer_add_bytes(printer, text + before, length - before);
    }
    return true;
}

/* to-scientific-string of the General Decimal Arithmetic Specification. */
static bool add_number(struct printer *printer, const struct decimal *decimal)
{
    int64_t point = 1, whole;

    if (__builtin_add_overflow(decimal->exponent, (int64_t)decimal->digits, &whole))
        return false;
    if (decimal->exponent <= 0 && whole > -6)
        point = whole;
    if (point <= 0) {
        printer_add(printer, "0.");
        for (; point < 0; point++)
            printer_add(printer, "0");
    }
    if (!add_digits(printer, decimal, (uint64_t)point))
        return false;
    if (decimal->exponent > 0 || whole <= -6)
        printer_addf(printer, "E%+" PRId64, (int64_t)((uint64_t)whole - 1));
    return true;
}

/* The exponent shows as "E" unless the context of the thread that prints has capitals=0. */
static bool decimal_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct decimal decimal;

    (void)type;
    if (!find_decimal(printer->reader, address, &decimal))
        return false;
    printer_add(printer, decimal.flags & MPD_NEG ? "Decimal('-" : "Decimal('");
    bool done = true;
    if (decimal.flags & MPD_INF)
        printer_add(printer, "Infinity");
    else if (decimal.flags & MPD_SPECIAL)
        printer_add(printer, decimal.flags & MPD_SNAN ? "sNaN" : "NaN");
    if (decimal.flags & (MPD_NAN | MPD_SNAN))
        done = add_digits(printer, &decimal, 0);
    else if (!(decimal.flags & MPD_SPECIAL))
        done = add_number(printer, &decimal);
    printer_add(printer, done ? "')" : "<unreadable>");
    return true;
}

static void decimal_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                            buffer_tell *tell, void *context)
{
    uint64_t size;

    if (decimal_size(reader, type, address, &size) && size > type->basicsize)
        tell(context, "data", read_pointer(reader, address, PyDecObject_data),
             size - type->basicsize);
}

/* Modules/_decimal/_decimal.c: dec_signal_string, mpd_round_string. The order is that of the bits.
 */
static const char *const signals[] = {
    "Clamped",          "InvalidOperation", "DivisionByZero", "InvalidOperation",
    "InvalidOperation", "InvalidOperation", "Inexact",        "InvalidOperation",
    "InvalidOperation", "InvalidOperation", "FloatOperation", "Overflow",
    "Rounded",          "Subnormal",        "Underflow",
};

static const char *const roundings[] = {
    "ROUND_UP",        "ROUND_DOWN",      "ROUND_CEILING", "ROUND_FLOOR", "ROUND_HALF_UP",
    "ROUND_HALF_DOWN", "ROUND_HALF_EVEN", "ROUND_05UP",    "ROUND_TRUNC",
};

/* As mpd_lsnprint_signals: the conditions that are InvalidOperation show as one, at the first. */
static void add_signals(struct printer *printer, const char *name, uint64_t bits)
{
    const char *separator = "";
    bool was_invalid = false;

    printer_addf(printer, ", %s=[", name);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        bool is_invalid = strcmp(signals[i], "InvalidOperation") == 0;
        if (!(bits >> i & 1) || (is_invalid && was_invalid))
            continue;
        was_invalid = was_invalid || is_invalid;
        printer_addf(printer, "%s%s", separator, signals[i]);
        separator = ", ";
    }
    printer_add(printer, "]");
}

static bool context_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {
        PyDecContextObject_prec,      PyDecContextObject_emin,      PyDecContextObject_emax,
        PyDecContextObject_capitals,  PyDecContextObject_clamp,     PyDecContextObject_round,
        PyDecContextObject_ctx_traps, PyDecContextObject_ctx_status};
    uint64_t values[8];

    (void)type;
    for (unsigned i = 0; i < 8; i++) {
        if (!read_field(printer->reader, address, fields[i], &values[i]))
            return false;
    }
    if (values[5] >= sizeof(roundings) / sizeof(roundings[0]))
        return false;
    printer_addf(printer,
                 "Context(prec=%" PRId64 ", rounding=%s, Emin=%" PRId64 ", Emax=%" PRId64
                 ", capitals=%d, clamp=%d",
                 (int64_t)values[0], roundings[values[5]], (int64_t)values[1], (int64_t)values[2],
                 (int)values[3], (int)values[4]);
    add_signals(printer, "flags", values[7]);
    add_signals(printer, "traps", values[6]);
    printer_add(printer, ")");
    return true;
}

/* The order of signal_map[]. */
static bool signals_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } map[] = {{"InvalidOperation", 0x3ba}, {"FloatOperation", 0x400}, {"DivisionByZero", 4},
               {"Overflow", 0x800},         {"Underflow", 0x4000},     {"Subnormal", 0x2000},
               {"Inexact", 0x40},           {"Rounded", 0x1000},       {"Clamped", 1}};
    uint64_t flags, at = read_pointer(printer->reader, address, PyDecSignalDictObject_flags);

    (void)type;
    if (!at || !image_word(printer->reader->image, at, 4, &flags))
        return false;
    for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++)
        printer_addf(printer, "%s<class 'decimal.%s'>:%s", i ? ", " : "{", map[i].name,
                     flags & map[i].bits ? "True" : "False");
    printer_add(printer, "}");
    return true;
}

static const struct kind_field context_fields[] = {
    {"traps", PyDecContextObject_traps, false},
    {"flags", PyDecContextObject_flags, false},
    {.name = NULL},
};

static const struct kind_field manager_fields[] = {
    {"local", PyDecContextManagerObject_local, false},
    {"global", PyDecContextManagerObject_global, false},
    {.name = NULL},
};

const struct kind decimal_kinds[] = {
    {.type = "decimal.Decimal",
     .structure = sizeof_PyDecObject,
     .size = decimal_size,
     .print = decimal_print,
     .buffers = decimal_buffers},
    {.type = "decimal.Context",
     .structure = sizeof_PyDecContextObject,
     .fields = context_fields,
     .print = context_print},
    {.type = "decimal.ContextManager",
     .structure = sizeof_PyDecContextManagerObject,
     .fields = manager_fields},
    {.type = "decimal.SignalDictMixin",
     .structure = sizeof_PyDecSignalDictObject,
     .print = signals_print},
    {.type = NULL},
};
