// SPDX-License-Identifier: MIT
/* str. */
#include "inspector/python/kind.h"
#include "inspector/python/printable.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdio.h>

/* So many characters are looked through for the quotes that repr() chooses by; of a longer str only
 * those that are shown. */
enum { LOOKED_THROUGH = 1024, WCHAR_SIZE = 4 };

static bool add_separate(const struct reader *reader, uint64_t at, uint64_t count, uint64_t width,
                         uint64_t *ret)
{
    if (!reader_has_room(reader, at, count, width) ||
        __builtin_add_overflow(count, 1, &count)) /* the NUL */
        return false;
    *ret += count * width;
    return true;
}

/* Objects/unicodeobject.c, unicode___sizeof__(): a subclass's fields do not count. */
static bool str_size(const struct reader *reader, const struct type *type, uint64_t address,
                     uint64_t *ret)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t wstr = 0, utf8 = 0, length = 0;
    struct characters found = {0};
    bool is_ready = unicode_find(reader->python, reader->image, address, &found);

    *ret = layout_size(layout, sizeof_PyUnicodeObject);
    if (is_ready && found.is_compact)
        *ret = layout_size(layout,
                           found.is_ascii ? sizeof_PyASCIIObject : sizeof_PyCompactUnicodeObject);
    if (is_ready && found.address &&
        !add_separate(reader, found.address, found.length, found.width, ret))
        return false;

    wstr = read_pointer(reader, address, PyUnicodeObject_caches_wstr);
    if (wstr && wstr != found.address) {
        length = found.length;
        if (!(found.is_compact && found.is_ascii) &&
            !read_field(reader, address, PyUnicodeObject_caches_wstr_length, &length))
            return false;
        if (!add_separate(reader, wstr, length, WCHAR_SIZE, ret))
            return false;
    }
    if (found.is_compact && found.is_ascii)
        return true;
    utf8 = read_pointer(reader, address, PyUnicodeObject_caches_utf8);
    if (!utf8 || utf8 == found.address)
        return true;
    (void)type;
    return read_field(reader, address, PyUnicodeObject_caches_utf8_length, &length) &&
           add_separate(reader, utf8, length, 1, ret);
}

static void str_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                        buffer_tell *tell, void *context)
{
    struct characters found;
    uint64_t at, length;

    (void)type;
    if (!unicode_find(reader->python, reader->image, address, &found))
        return;
    if (!found.is_compact && found.address &&
        reader_has_room(reader, found.address, found.length, found.width))
        tell(context, "characters", found.address, (found.length + 1) * found.width);
    if (found.is_compact && found.is_ascii)
        return;
    at = read_pointer(reader, address, PyUnicodeObject_caches_utf8);
    if (at && at != found.address &&
        read_field(reader, address, PyUnicodeObject_caches_utf8_length, &length) &&
        reader_has_room(reader, at, length, 1))
        tell(context, "utf8", at, length + 1);
}

static char choose_quote(const uint8_t *at, uint64_t count, unsigned width)
{
    bool has_single = false;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t code = load_word(at + i * width, width);
        if (code == '"')
            return '\'';
        has_single = has_single || code == '\'';
    }
    return has_single ? '"' : '\'';
}

static void add_escaped(struct printer *printer, uint32_t code, char quote)
{
    if (code == (uint8_t)quote || code == '\\')
        printer_addf(printer, "\\%c", (char)code);
    else if (code == '\t' || code == '\n' || code == '\r')
        printer_add(printer, code == '\t' ? "\\t" : code == '\n' ? "\\n" : "\\r");
    else if (code < ' ' || code == 0x7f)
        printer_addf(printer, "\\x%02" PRIx32, code);
    else if (code < 0x7f || code_is_printable(printer->reader->python->version.minor, code))
        printer_add_code(printer, code);
    else
        printer_addf(printer,
                     code <= 0xff     ? "\\x%02" PRIx32
                     : code <= 0xffff ? "\\u%04" PRIx32
                                      : "\\U%08" PRIx32,
                     code);
}

static bool is_plain(uint8_t byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '\'' && byte != '"' && byte != '\\';
}

static void add_characters(struct printer *printer, const uint8_t *at, uint64_t count,
                           unsigned width, char quote)
{
    for (uint64_t i = 0; i < count && !printer->full;) {
        uint64_t run = i;
        while (width == 1 && run < count && is_plain(at[run]))
            run++;
        if (run > i) {
            printer_add_bytes(printer, (const char *)at + i, run - i);
            i = run;
        } else {
            add_escaped(printer, (uint32_t)load_word(at + i * width, width), quote);
            i++;
        }
    }
}

void printer_add_quoted(struct printer *printer, const void *characters, uint64_t count,
                        unsigned width)
{
    char quote = choose_quote(characters, count, width);

    printer_add_bytes(printer, &quote, 1);
    add_characters(printer, characters, count, width, quote);
    printer_add_bytes(printer, &quote, 1);
}

bool printer_add_str_at(struct printer *printer, uint64_t address, uint64_t count, unsigned width)
{
    const void *characters = "";

    if (count > LOOKED_THROUGH && count > printer->left)
        count = printer->left < LOOKED_THROUGH ? LOOKED_THROUGH : printer->left + 1;
    if (count) {
        characters = reader_has_room(printer->reader, address, count, width)
                         ? image_at(printer->reader->image, address, count * width)
                         : NULL;
        if (!characters)
            return false;
    }
    printer_add_quoted(printer, characters, count, width);
    return true;
}

static bool str_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    struct characters found;

    (void)type;
    return unicode_find(reader->python, reader->image, address, &found) &&
           printer_add_str_at(printer, found.address, found.length, found.width);
}

static void str_describe(const struct reader *reader, const struct type *type, uint64_t address,
                         fact_tell *tell, void *context)
{
    static const char *const kinds[] = {[1] = "1 byte a character (Latin-1)",
                                        [2] = "2 bytes a character (UCS-2)",
                                        [4] = "4 bytes a character (UCS-4)"};
    struct characters found;
    uint64_t interned;
    char text[32];

    (void)type;
    if (!unicode_find(reader->python, reader->image, address, &found))
        return;
    int length = snprintf(text, sizeof(text), "%" PRIu64, found.length);
    tell(context, "length", text, (size_t)length);
    const char *kind = found.is_ascii ? "1 byte a character (ASCII)" : kinds[found.width];
    tell(context, "stored_as", kind, strlen(kind));
    if (read_field(reader, address, PyUnicodeObject_caches_interned, &interned) && interned)
        tell(context, "interned", "yes", 3);
}

const struct kind str_kinds[] = {
    {.type = "str",
     .structure = sizeof_PyUnicodeObject_caches,
     .size = str_size,
     .print = str_print,
     .describe = str_describe,
     .buffers = str_buffers},
    {.type = NULL},
};
