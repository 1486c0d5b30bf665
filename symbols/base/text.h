// SPDX-License-Identifier: MIT
/*
 * text - a growing string, and the one place where text from a target is made harmless.
 *
 * Invariants: `bytes` is NUL-terminated once anything was added; a failed allocation sets `failed`
 * and makes every later addition a no-op, so that a report is built without a check a line and
 * asked once at its end.
 */
#ifndef PYINSPECT_TEXT_H
#define PYINSPECT_TEXT_H

#include "symbols/base/error.h"

#include <stdint.h>
#include <string.h>

/* Zero-initialised is empty and ready. */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
    bool failed;
};

/* text_add_bytes' long way round: there is no room yet. */
void text_grow(struct text *text, const char *bytes, size_t length);

/* `bytes` may be NULL where there are none. */
static inline void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
    if (text->failed || length >= text->capacity - text->length) {
        text_grow(text, bytes, length);
        return;
    }
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static inline void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

static inline void text_add_char(struct text *text, char c)
{
    text_add_bytes(text, &c, 1);
}

void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forgets the content, keeps the memory. */
void text_clear(struct text *text);
void text_free(struct text *text);

/*
 * Decodes one code point of `bytes`, which may be anything: UTF-8, UTF-8 with lone surrogates
 * (as CPython's strings can hold them), or garbage. Returns how many bytes it takes (at least 1)
 * and sets *code, to -1 where the bytes are not UTF-8 (one byte is then taken).
 */
size_t text_decode(const char *bytes, size_t length, int32_t *code);

/*
 * Adds `code` in UTF-8; a surrogate is written in the same three-byte form that text_decode reads,
 * and what is above U+10FFFF, which only damage can bring, as U+FFFD.
 */
void text_add_code(struct text *text, uint32_t code);

/*
 * Could this code point move a cursor, reorder its neighbours or hide? Controls are, and so are
 * lone surrogates, which UTF-8 has no place for.
 */
bool text_is_harmful(int32_t code);

/*
 * Adds text from a target for a person to read: control bytes (C0, DEL, C1), lone surrogates,
 * bidirectional and zero-width controls, line and paragraph separators and bytes that are not UTF-8
 * come out as \xNN, \uNNNN or \UNNNNNNNN, a backslash as \\. So nothing that is printed can
 * drive a terminal or break a line. At most `most` columns are added, and 16 bytes for each of them
 * where marks without a width pile up (0: no bound); where text was left out, "...(+N)" tells how
 * many bytes.
 */
void text_add_escaped(struct text *text, const char *bytes, size_t length, size_t most);

/* The same, but a backslash is left as it is: for text that has escapes of its own, like what
 * repr() says of an object. */
void text_add_source(struct text *text, const char *bytes, size_t length, size_t most);

/*
 * How many columns `bytes` takes on a terminal (wide characters take two, combining ones none).
 * Only a UTF-8 LC_CTYPE knows them: in the "C" locale every character takes one.
 */
size_t text_columns(const char *bytes, size_t length);

#endif
