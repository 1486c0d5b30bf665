// SPDX-License-Identifier: MIT
/* re. Modules/_sre. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>

enum {
    SRE_FLAG_TEMPLATE = 1,
    SRE_FLAG_LOCALE = 4,
    SRE_FLAG_UNICODE = 32,
    SRE_FLAG_ASCII = 256,
    LONGEST_PATTERN = 200,
    LONGEST_MATCH = 50,
    WORD = sizeof(uint64_t),
};

/* What is printed in between is cut after `most` characters, as by "%.200R". */
struct cut {
    uint64_t kept; /* characters that the printer may add afterwards */
    uint64_t most;
};

static struct cut cut_begin(struct printer *printer, uint64_t most)
{
    struct cut cut = {.kept = printer->left, .most = printer->left < most ? printer->left : most};

    printer->left = cut.most;
    return cut;
}

static void cut_end(struct printer *printer, struct cut cut)
{
    if (cut.kept > cut.most)
        printer->full = false;
    printer->left += cut.kept - cut.most;
}

static void add_flags(struct printer *printer, uint64_t flags)
{
    static const struct {
        const char *name;
        uint64_t bit;
    } names[] = {{"TEMPLATE", SRE_FLAG_TEMPLATE},
                 {"IGNORECASE", 2},
                 {"LOCALE", SRE_FLAG_LOCALE},
                 {"MULTILINE", 8},
                 {"DOTALL", 16},
                 {"UNICODE", SRE_FLAG_UNICODE},
                 {"VERBOSE", 64},
                 {"DEBUG", 128},
                 {"ASCII", SRE_FLAG_ASCII}};
    const char *separator = ", ";

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        /* 3.13 forgot the flag, and has a field more than 3.12. */
        if (!(flags & names[i].bit) ||
            (names[i].bit == SRE_FLAG_TEMPLATE && reader_has(printer->reader, ScannerObject_debug)))
            continue;
        printer_addf(printer, "%sre.%s", separator, names[i].name);
        separator = "|";
        flags &= ~names[i].bit;
    }
    if (flags)
        printer_addf(printer, "%s0x%" PRIx64, separator, flags);
}

static bool pattern_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t flags, isbytes;

    (void)type;
    if (!read_field(printer->reader, address, PatternObject_flags, &flags) ||
        !read_field(printer->reader, address, PatternObject_isbytes, &isbytes))
        return false;
    if (!isbytes &&
        (flags & (SRE_FLAG_LOCALE | SRE_FLAG_UNICODE | SRE_FLAG_ASCII)) == SRE_FLAG_UNICODE)
        flags &= ~(uint64_t)SRE_FLAG_UNICODE;
    printer_add(printer, "re.compile(");
    struct cut cut = cut_begin(printer, LONGEST_PATTERN);
    printer_object(printer, read_pointer(printer->reader, address, PatternObject_pattern));
    cut_end(printer, cut);
    add_flags(printer, flags);
    printer_add(printer, ")");
    return true;
}

static void pattern_describe(const struct reader *reader, const struct type *type, uint64_t address,
                             fact_tell *tell, void *context)
{
    uint64_t number;

    (void)type;
    if (read_field(reader, address, PatternObject_groups, &number))
        say_number("groups", (int64_t)number, tell, context);
    if (read_field(reader, address, PatternObject_flags, &number))
        say_number("flags", (int64_t)number, tell, context);
}

/* Where the marks of group 0 are. */
static bool find_span(const struct reader *reader, uint64_t address, uint64_t *ret_start,
                      uint64_t *ret_end)
{
    uint64_t marks = field_address(reader, address, MatchObject_mark);

    return marks && image_word(reader->image, marks, WORD, ret_start) &&
           image_word(reader->image, marks + WORD, WORD, ret_end) &&
           (int64_t)*ret_start <= (int64_t)*ret_end && (int64_t)*ret_start >= 0;
}

/* Of what is searched: `width` is 0 of bytes. False: neither str nor bytes nor bytearray. */
static bool find_subject(const struct reader *reader, uint64_t string, struct characters *ret)
{
    const struct type *type = string ? reader_type_of(reader, string) : NULL;
    const char *native = type && type->kind_type ? type->kind_type->name : "";

    if (type && type->flags & TPFLAGS_UNICODE_SUBCLASS)
        return unicode_find(reader->python, reader->image, string, ret);
    *ret = (struct characters){0};
    if (strcmp(native, "bytes") == 0)
        ret->address = field_address(reader, string, PyBytesObject_ob_sval);
    else if (strcmp(native, "bytearray") == 0)
        ret->address = read_pointer(reader, string, PyByteArrayObject_ob_start);
    return ret->address && read_count(reader, string, ret->address, 1, &ret->length);
}

static bool match_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    struct characters subject;
    uint64_t start, end;

    if (!find_span(reader, address, &start, &end) ||
        !find_subject(reader, read_pointer(reader, address, MatchObject_string), &subject))
        return false;
    uint64_t from = start < subject.length ? start : subject.length;
    uint64_t to = end < subject.length ? end : subject.length;
    printer_add(printer, "<");
    printer_add_utf8(printer, type->name, type->name_length);
    printer_addf(printer, " object; span=(%" PRIu64 ", %" PRIu64 "), match=", start, end);
    struct cut cut = cut_begin(printer, LONGEST_MATCH);
    bool done = subject.width ? printer_add_str_at(printer, subject.address + from * subject.width,
                                                   to - from, subject.width)
                              : printer_add_bytes_at(printer, subject.address + from, to - from);
    cut_end(printer, cut);
    printer_add(printer, done ? ">" : "<unreadable>>");
    return true;
}

static void match_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    uint64_t start, end;

    (void)type;
    if (!find_span(reader, address, &start, &end))
        return;
    say_number("start", (int64_t)start, tell, context);
    say_number("end", (int64_t)end, tell, context);
}

/* 3.12 and later: what re.sub() makes of its replacement. */
static void template_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    uint64_t items = field_address(reader, address, TemplateObject_items), count, literal;
    uint64_t item_size = type->kind_type->item_size;

    if (item_size < 2 * WORD || !read_count(reader, address, items, item_size, &count))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        if (image_word(reader->image, items + i * item_size + WORD, WORD, &literal))
            reference_index(references, literal, i);
    }
}

static const struct kind_field pattern_fields[] = {
    {"groupindex", PatternObject_groupindex, false},
    {"indexgroup", PatternObject_indexgroup, false},
    {"pattern", PatternObject_pattern, false},
    {.name = NULL},
};

static const struct kind_field match_fields[] = {
    {"string", MatchObject_string, false},
    {"regs", MatchObject_regs, false},
    {"pattern", MatchObject_pattern, false},
    {.name = NULL},
};

static const struct kind_field scanner_fields[] = {
    {"pattern", ScannerObject_pattern, false},
    {"string", ScannerObject_string, true},
    {"buffer.obj", ScannerObject_buffer_obj, true},
    {.name = NULL},
};

static const struct kind_field template_fields[] = {
    {"literal", TemplateObject_literal, false},
    {.name = NULL},
};

const struct kind re_kinds[] = {
    {.type = "re.Pattern",
     .structure = sizeof_PatternObject,
     .fields = pattern_fields,
     .print = pattern_print,
     .describe = pattern_describe},
    {.type = "_sre.SRE_Pattern", /* 3.6 */
     .structure = sizeof_PatternObject,
     .fields = pattern_fields,
     .print = pattern_print,
     .describe = pattern_describe},
    {.type = "re.Match",
     .structure = sizeof_MatchObject,
     .fields = match_fields,
     .print = match_print,
     .describe = match_describe},
    {.type = "_sre.SRE_Match", /* 3.6 */
     .structure = sizeof_MatchObject,
     .fields = match_fields,
     .print = match_print,
     .describe = match_describe},
    {.type = "_sre.SRE_Scanner", .structure = sizeof_ScannerObject, .fields = scanner_fields},
    {.type = "_sre.SRE_Template",
     .structure = sizeof_TemplateObject,
     .fields = template_fields,
     .references = template_references},
    {.type = NULL},
};
