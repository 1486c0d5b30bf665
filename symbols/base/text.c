// SPDX-License-Identifier: MIT
#include "symbols/base/text.h"

#include "symbols/base/vector.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* No script stacks so many marks on a letter; a hostile name does. */
enum { MOST_BYTES_A_COLUMN = 16 };

static bool make_room(struct text *text, size_t more)
{
    size_t wanted;

    if (text->failed || __builtin_add_overflow(text->length + 1, more, &wanted)) {
        text->failed = true;
        return false;
    }
    char *grown = vector_grow(text->bytes, &text->capacity, wanted, 1);
    if (!grown) {
        text->failed = true;
        return false;
    }
    text->bytes = grown;
    return true;
}

void text_grow(struct text *text, const char *bytes, size_t length)
{
    if (make_room(text, length))
        text_add_bytes(text, bytes, length);
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
    } else if (make_room(text, (size_t)length)) {
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

size_t text_decode(const char *bytes, size_t length, int32_t *code)
{
    const unsigned char *at = (const unsigned char *)bytes;
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size;
    int32_t value;

    if (at[0] < 0x80) {
        *code = at[0];
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        size = 2;
        value = at[0] & 0x1f;
    } else if ((at[0] & 0xf0) == 0xe0) {
        size = 3;
        value = at[0] & 0x0f;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        size = 4;
        value = at[0] & 0x07;
    } else {
        *code = -1;
        return 1;
    }
    *code = -1;
    if (size > length)
        return 1;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        value = (value << 6) | (at[i] & 0x3f);
    }
    if (value < least[size] || value > 0x10ffff)
        return 1;
    *code = value;
    return size;
}

void text_add_code(struct text *text, uint32_t code)
{
    char bytes[4];

    if (code > 0x10ffff)
        code = 0xfffd;
    if (code < 0x80) {
        text_add_char(text, (char)code);
    } else if (code < 0x800) {
        bytes[0] = (char)(0xc0 | (code >> 6));
        bytes[1] = (char)(0x80 | (code & 0x3f));
        text_add_bytes(text, bytes, 2);
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | (code >> 12));
        bytes[1] = (char)(0x80 | ((code >> 6) & 0x3f));
        bytes[2] = (char)(0x80 | (code & 0x3f));
        text_add_bytes(text, bytes, 3);
    } else {
        bytes[0] = (char)(0xf0 | ((code >> 18) & 0x07));
        bytes[1] = (char)(0x80 | ((code >> 12) & 0x3f));
        bytes[2] = (char)(0x80 | ((code >> 6) & 0x3f));
        bytes[3] = (char)(0x80 | (code & 0x3f));
        text_add_bytes(text, bytes, 4);
    }
}

bool text_is_harmful(int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
           code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           (code >= 0xd800 && code <= 0xdfff) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

/* Writes one code point of `size` bytes as a person may see it; returns the bytes written. */
static size_t escape(char escaped[16], const char *bytes, size_t size, int32_t code, bool is_source)
{
    if (code == '\\' && !is_source)
        return (size_t)snprintf(escaped, 16, "\\\\");
    if (code >= 0 && !text_is_harmful(code)) {
        memcpy(escaped, bytes, size);
        return size;
    }
    if (code < 0x100)
        return (size_t)snprintf(escaped, 16, "\\x%02x", (unsigned char)bytes[size - 1] & 0xff);
    if (code < 0x10000)
        return (size_t)snprintf(escaped, 16, "\\u%04x", (unsigned)code);
    return (size_t)snprintf(escaped, 16, "\\U%08x", (unsigned)code);
}

static size_t code_columns(int32_t code)
{
    int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);

    return columns < 0 ? 1 : (size_t)columns;
}

/* How many bytes, from the first on, are ASCII that stays as it is. */
static size_t plain_length(const char *bytes, size_t length, bool is_source)
{
    size_t at = 0;

    while (at < length && bytes[at] >= 0x20 && bytes[at] < 0x7f && (bytes[at] != '\\' || is_source))
        at++;
    return at;
}

static void add_harmless(struct text *text, const char *bytes, size_t length, size_t most,
                         bool is_source)
{
    size_t columns = 0;

    for (size_t at = 0; at < length;) {
        size_t plain = plain_length(bytes + at, length - at, is_source);
        if (plain &&
            (!most || (columns + plain <= most && (at + plain) / MOST_BYTES_A_COLUMN < most))) {
            text_add_bytes(text, bytes + at, plain);
            columns += plain;
            at += plain;
            continue;
        }
        char escaped[16];
        int32_t code;
        size_t size = text_decode(bytes + at, length - at, &code);
        size_t written = escape(escaped, bytes + at, size, code, is_source);
        bool as_it_is = written == size && memcmp(escaped, bytes + at, size) == 0;

        columns += as_it_is ? code_columns(code) : written;
        if (most && (columns > most || at / MOST_BYTES_A_COLUMN >= most)) {
            text_addf(text, "...(+%zu)", length - at);
            return;
        }
        text_add_bytes(text, escaped, written);
        at += size;
    }
}

void text_add_escaped(struct text *text, const char *bytes, size_t length, size_t most)
{
    add_harmless(text, bytes, length, most, false);
}

void text_add_source(struct text *text, const char *bytes, size_t length, size_t most)
{
    add_harmless(text, bytes, length, most, true);
}

size_t text_columns(const char *bytes, size_t length)
{
    size_t columns = 0;

    for (size_t at = 0; at < length;) {
        int32_t code = (signed char)bytes[at];
        at += code >= 0 ? 1 : text_decode(bytes + at, length - at, &code);
        columns += code < 0 ? 1 : code_columns(code);
    }
    return columns;
}
