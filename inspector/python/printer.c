// SPDX-License-Identifier: MIT
#include "inspector/python/printer.h"

#include "inspector/python/kind.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LONGEST_FORMATTED = 256, MOST_STR = 4096 };

void printer_add_code(struct printer *printer, uint32_t code)
{
    if (printer->left == 0) {
        printer->full = true;
        return;
    }
    printer->left--;
    text_add_code(printer->text, code);
}

void printer_add_bytes(struct printer *printer, const char *bytes, size_t length)
{
    if (length > printer->left) {
        length = (size_t)printer->left;
        printer->full = true;
    }
    printer->left -= length;
    text_add_bytes(printer->text, bytes, length);
}

void printer_addf(struct printer *printer, const char *format, ...)
{
    char buffer[LONGEST_FORMATTED];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    printer_add(printer, buffer);
}

void printer_add_address(struct printer *printer, const char *before, uint64_t address,
                         const char *after)
{
    char digits[18], *first = digits + sizeof(digits);

    do {
        *--first = "0123456789abcdef"[address % 16];
        address /= 16;
    } while (address);
    *--first = 'x';
    *--first = '0';
    printer_add(printer, before);
    printer_add_bytes(printer, first, (size_t)(digits + sizeof(digits) - first));
    printer_add(printer, after);
}

static size_t ascii_length(const char *bytes, size_t length)
{
    size_t ascii = 0;

    while (ascii < length && (unsigned char)bytes[ascii] < 0x80)
        ascii++;
    return ascii;
}

void printer_add_utf8(struct printer *printer, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length && !printer->full;) {
        size_t ascii = ascii_length(bytes + at, length - at);
        int32_t code;

        printer_add_bytes(printer, bytes + at, ascii);
        at += ascii;
        if (at == length)
            return;
        at += text_decode(bytes + at, length - at, &code);
        printer_add_code(printer, code < 0 ? 0xFFFD : (uint32_t)code);
    }
}

/* Most names are ASCII, and need not be put together anywhere else. */
static bool add_ascii(struct printer *printer, uint64_t address)
{
    const struct reader *reader = printer->reader;
    struct characters found;

    if (!unicode_find(reader->python, reader->image, address, &found) || found.width != 1 ||
        !found.length || found.length > MOST_STR)
        return false;
    const char *bytes = image_at(reader->image, found.address, found.length);
    if (!bytes || ascii_length(bytes, found.length) < found.length)
        return false;
    printer_add_bytes(printer, bytes, found.length);
    return true;
}

void printer_add_str(struct printer *printer, uint64_t address)
{
    const struct reader *reader = printer->reader;
    const struct type *type = reader_type_of(reader, address);
    uint64_t most = printer->left < MOST_STR ? printer->left + 1 : MOST_STR;
    struct text str = {0};

    if (type && type->flags & TPFLAGS_UNICODE_SUBCLASS && add_ascii(printer, address))
        return;
    if (type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
        unicode_read(reader->python, reader->image, address, most, &str))
        printer_add_utf8(printer, str.bytes, str.length);
    else
        printer_add(printer, "?");
    text_free(&str);
}

bool printer_enter(struct printer *printer, uint64_t address, const char *again)
{
    bool open = printer->depth == PRINTER_DEPTH;

    for (unsigned i = 0; i < printer->depth && !open; i++)
        open = printer->open[i] == address;
    if (open) {
        printer_add(printer, again);
        return false;
    }
    printer->open[printer->depth++] = address;
    return true;
}

bool printer_nest(struct printer *printer)
{
    /* No object is at an odd address, and each depth has its own. */
    return printer_enter(printer, (uint64_t)printer->depth * 2 + 1, "...");
}

void printer_leave(struct printer *printer)
{
    printer->depth--;
}

/* A subclass that has another tp_repr than the kind's type prints by code of its own. */
static bool prints_as_kind(const struct type *type)
{
    return type->kind && type->kind->print && type->repr == type->kind_type->repr;
}

/* As object.__repr__. */
static void add_plain(struct printer *printer, const struct type *type, uint64_t address)
{
    printer_add(printer, "<");
    printer_add_utf8(printer, type->name, type->name_length);
    printer_add_address(printer, " object at ", address, ">");
}

void printer_object(struct printer *printer, uint64_t address)
{
    const struct type *type = reader_type_of(printer->reader, address);

    if (printer->full)
        return;
    if (printer->nested == PRINTER_NESTED) {
        printer_add(printer, "...");
        return;
    }
    printer->nested++;
    if (!address)
        printer_add(printer, "<NULL>");
    else if (!type)
        printer_addf(printer, "<unreadable object at 0x%" PRIx64 ">", address);
    else if (!prints_as_kind(type) || !type->kind->print(printer, type, address))
        add_plain(printer, type, address);
    printer->nested--;
}

/* Takes `count` characters off the end. */
static void drop_last(struct text *text, unsigned count)
{
    while (count && text->length) {
        text->length--;
        count -= ((unsigned char)text->bytes[text->length] & 0xC0) != 0x80;
    }
}

void print_object(const struct reader *reader, uint64_t address, uint64_t most, struct text *text)
{
    struct printer printer; /* `open` is large, and means nothing from `depth` on */

    printer.reader = reader;
    printer.text = text;
    printer.left = most;
    printer.full = false;
    printer.nested = 0;
    printer.depth = 0;
    printer_object(&printer, address);
    if (printer.full) {
        drop_last(text, 3);
        text_add(text, "...");
    }
}
