// SPDX-License-Identifier: MIT
#include "symbols/layout_table.h"

#include <inttypes.h>
#include <string.h>

static const char first_line[] = "pyinspect layout 1";
static const char absent[] = "absent";

enum {
    PREFIX_LENGTH = sizeof("pyinspect layout ") - 1,
    TEXT_MOST = 1 << 20,
    LINE_MOST = 512,
    WORDS_MOST = 6,
};

static const struct {
    const char *structure;
    const char *field; /* NULL: the structure itself */
} names[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = {#id, NULL},
#define FIELD(id, name, paths) [id##_##name] = {#id, #name},
#include "symbols/fields.def"
};

enum key {
    VERSION,
    ABI,
    BUILD_ID,
    RUNTIME,
    GENERATION0,
    COLLECTING,
    TRACED, /* and so on, one for each variable */
    KEYS = TRACED + TRACED_VARIABLES
};

static const struct {
    const char *first;
    const char *second; /* NULL: the value follows at once */
} keys[KEYS] = {
    [VERSION] = {"version", NULL},
    [ABI] = {"abi", NULL},
    [BUILD_ID] = {"build-id", NULL},
    [RUNTIME] = {"address", "_PyRuntime"},
    [GENERATION0] = {"address", "_PyGC_generation0"},
    [COLLECTING] = {"address", "collecting"},
    [TRACED + TRACED_CONFIG] = {"address", "tracemalloc_config"},
    [TRACED + TRACED_TRACES] = {"address", "tracemalloc_traces"},
    [TRACED + TRACED_DOMAINS] = {"address", "tracemalloc_domains"},
    [TRACED + TRACED_TRACEBACKS] = {"address", "tracemalloc_tracebacks"},
    [TRACED + TRACED_FILENAMES] = {"address", "tracemalloc_filenames"},
    [TRACED + TRACED_MEMORY] = {"address", "tracemalloc_traced_memory"},
    [TRACED + TRACED_PEAK] = {"address", "tracemalloc_peak_traced_memory"},
};

const char *traced_variable_name(enum traced_variable variable)
{
    return keys[TRACED + variable].second;
}

struct word {
    const char *bytes;
    int length; /* at most LINE_MOST */
};

struct line {
    bool indented;
    struct word words[WORDS_MOST];
    size_t count;
};

struct parser {
    struct layout_table table;
    const char *structure; /* whose fields follow; NULL: nobody's */
    size_t expected;       /* the slot that the next line is about, in a text that was printed */
    bool seen[KEYS];
    bool told[LAYOUT_SLOTS]; /* slots of which the text says where they are, or that they are not */
};

static bool word_is(struct word word, const char *string)
{
    return strlen(string) == (size_t)word.length &&
           memcmp(word.bytes, string, (size_t)word.length) == 0;
}

static bool read_number(uint32_t *ret, struct word word, struct error *err)
{
    uint32_t number = 0;
    bool fits = word.length == 1 || word.bytes[0] != '0';

    for (int i = 0; i < word.length; i++) {
        if (word.bytes[i] < '0' || word.bytes[i] > '9')
            return error_set(err, ERROR_INPUT, "'%.*s' is no number", word.length, word.bytes);
        fits = fits && !__builtin_mul_overflow(number, 10U, &number) &&
               !__builtin_add_overflow(number, (uint32_t)(word.bytes[i] - '0'), &number);
    }
    if (!fits)
        return error_set(err, ERROR_INPUT, "'%.*s' is no number from 0 to 4294967295", word.length,
                         word.bytes);
    *ret = number;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_address(uint64_t *ret, struct word word, struct error *err)
{
    uint64_t address = 0;
    bool good = word.length > 2 && word.length <= 18 && memcmp(word.bytes, "0x", 2) == 0;

    for (int i = 2; good && i < word.length; i++) {
        good = digit_of(word.bytes[i]) >= 0;
        address = address << 4 | (uint64_t)(digit_of(word.bytes[i]) & 0xf);
    }
    if (!good || !address)
        return error_set(err, ERROR_INPUT, "'%.*s' is no address such as 0x5d6ab0", word.length,
                         word.bytes);
    *ret = address;
    return true;
}

static bool read_build_id(struct build_id *ret, struct word word, struct error *err)
{
    struct build_id id = {.size = (uint32_t)word.length / 2};
    bool good = word.length % 2 == 0 && id.size <= sizeof(id.bytes);

    for (int i = 0; good && i < word.length; i++) {
        good = digit_of(word.bytes[i]) >= 0;
        id.bytes[i / 2] = (uint8_t)(id.bytes[i / 2] << 4 | (digit_of(word.bytes[i]) & 0xf));
    }
    if (!good)
        return error_set(err, ERROR_INPUT,
                         "'%.*s' is no build-id: that is up to %d bytes in hexadecimal digits",
                         word.length, word.bytes, BUILD_ID_MAX);
    *ret = id;
    return true;
}

static bool read_value(struct layout_table *table, enum key key, struct word value,
                       struct error *err)
{
    int micro;

    if (key >= TRACED && key < KEYS)
        return read_address(&table->addresses.traced[key - TRACED], value, err);
    switch (key) {
    case VERSION:
        return python_version_parse(&table->version, &micro, value.bytes, (size_t)value.length) ||
               error_set(err, ERROR_INPUT, "'%.*s' is no version of Python 3 such as 3.11.7",
                         value.length, value.bytes);
    case ABI:
        table->debug_build = word_is(value, "debug");
        return table->debug_build || word_is(value, "release") ||
               error_set(err, ERROR_INPUT, "'%.*s' is no ABI: there are release and debug",
                         value.length, value.bytes);
    case BUILD_ID:
        return read_build_id(&table->build_id, value, err);
    case RUNTIME:
        return read_address(&table->addresses.runtime, value, err);
    case GENERATION0:
        return read_address(&table->addresses.generation0, value, err);
    case COLLECTING:
        return read_address(&table->addresses.collecting, value, err);
    case TRACED:
    case KEYS:
        break;
    }
    return false;
}

/* Returns LAYOUT_SLOTS where there is none. `field` is NULL for the structure itself. */
static size_t find_slot(struct parser *parser, struct word structure, const struct word *field)
{
    for (size_t i = 0, id = parser->expected; i < LAYOUT_SLOTS; i++, id++) {
        if (id >= LAYOUT_SLOTS)
            id = 0;
        if ((field != NULL) == (names[id].field != NULL) &&
            (!field || word_is(*field, names[id].field)) &&
            word_is(structure, names[id].structure)) {
            parser->expected = id + 1;
            return id;
        }
    }
    return LAYOUT_SLOTS;
}

/* For whoever reads the message, the most likely reason. */
static bool refuse_unknown(struct error *err, const char *what, struct word word)
{
    return error_set(err, ERROR_INPUT,
                     "this pyinspect does not know the %s '%.*s' (written by a newer one?)", what,
                     word.length, word.bytes);
}

static bool parse_key(struct parser *parser, enum key key, const struct line *line,
                      struct error *err)
{
    size_t place = keys[key].second ? 2 : 1;
    const char *name = keys[key].second ? keys[key].second : keys[key].first;

    if (line->count != place + 1)
        return error_set(err, ERROR_INPUT, "'%s' has one value, not %zu words", name,
                         line->count - place);
    if (parser->seen[key])
        return error_set(err, ERROR_INPUT, "'%s' comes twice", name);
    parser->seen[key] = true;
    return read_value(&parser->table, key, line->words[place], err);
}

static bool parse_structure(struct parser *parser, const struct line *line, struct error *err)
{
    size_t id = find_slot(parser, line->words[0], NULL);
    uint32_t size;

    if (id == LAYOUT_SLOTS)
        return refuse_unknown(err, "structure", line->words[0]);
    if (line->count != 2)
        return error_set(err, ERROR_INPUT, "'%s' has its size beside it and nothing else",
                         names[id].structure);
    if (parser->told[id])
        return error_set(err, ERROR_INPUT, "the structure '%s' comes twice", names[id].structure);
    parser->told[id] = true;
    if (word_is(line->words[1], absent))
        return true;
    if (!read_number(&size, line->words[1], err))
        return false;
    parser->table.layout.slots[id] = (struct layout_slot){.present = true, .size = size};
    parser->structure = names[id].structure;
    return true;
}

static bool parse_outer(struct parser *parser, const struct line *line, struct error *err)
{
    parser->structure = NULL;
    for (size_t i = 0; i < KEYS; i++) {
        if (word_is(line->words[0], keys[i].first) &&
            (!keys[i].second || (line->count > 1 && word_is(line->words[1], keys[i].second))))
            return parse_key(parser, (enum key)i, line, err);
    }
    if (line->count > 1 && word_is(line->words[0], "address"))
        return refuse_unknown(err, "address of", line->words[1]);
    return parse_structure(parser, line, err);
}

static bool read_bits(struct layout_slot *slot, const struct line *line, struct error *err)
{
    uint32_t lowest, width;

    if (!read_number(&lowest, line->words[4], err) || !read_number(&width, line->words[5], err))
        return false;
    if (width == 0 || width > UINT8_MAX || lowest > UINT8_MAX ||
        lowest + width > (uint64_t)slot->size * 8)
        return error_set(err, ERROR_INPUT, "%u bytes have no %u bits from bit %u on", slot->size,
                         width, lowest);
    slot->bit_offset = (uint8_t)lowest;
    slot->bit_size = (uint8_t)width;
    return true;
}

static bool parse_field(struct parser *parser, const struct line *line, struct error *err)
{
    struct word field = line->words[0];
    struct layout_slot slot = {.present = true};

    if (!parser->structure)
        return error_set(err, ERROR_INPUT, "the field '%.*s' is below no structure", field.length,
                         field.bytes);
    struct word structure = {parser->structure, (int)strlen(parser->structure)};
    size_t id = find_slot(parser, structure, &field);
    if (id == LAYOUT_SLOTS) {
        refuse_unknown(err, "field", field);
        return error_context(err, "%s", parser->structure);
    }
    if (parser->told[id])
        return error_set(err, ERROR_INPUT, "%s comes twice", layout_slot_name(id));
    parser->told[id] = true;
    if (line->count == 2 && word_is(line->words[1], absent))
        return true;
    if (line->count != 3 && (line->count != 6 || !word_is(line->words[3], "bits")))
        return error_set(err, ERROR_INPUT,
                         "%s has its offset, its size and, if it is a bit-field, \"bits\", its "
                         "lowest bit and its width beside it, or \"absent\"",
                         layout_slot_name(id));
    if (!read_number(&slot.offset, line->words[1], err) ||
        !read_number(&slot.size, line->words[2], err) ||
        (line->count == 6 && !read_bits(&slot, line, err)))
        return false;
    parser->table.layout.slots[id] = slot;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool split_line(struct line *ret, const char *bytes, size_t length, struct error *err)
{
    struct line line = {.indented = length > 0 && is_blank(bytes[0])};

    for (size_t at = 0, start; at < length;) {
        if (is_blank(bytes[at])) {
            at++;
            continue;
        }
        start = at;
        while (at < length && !is_blank(bytes[at]))
            at++;
        if (line.count == 0 && bytes[start] == '#')
            break;
        if (line.count == WORDS_MOST)
            return error_set(err, ERROR_INPUT, "it has more than %d words", WORDS_MOST);
        line.words[line.count++] = (struct word){bytes + start, (int)(at - start)};
    }
    *ret = line;
    return true;
}

static bool check_line(const char *bytes, size_t length, struct error *err)
{
    if (length > LINE_MOST)
        return error_set(err, ERROR_INPUT, "it has more than %d bytes", LINE_MOST);
    if (memchr(bytes, '\0', length))
        return error_set(err, ERROR_INPUT, "it holds a NUL byte, so the file is no text");
    if (length > 0 && bytes[length - 1] == '\r')
        return error_set(err, ERROR_INPUT,
                         "it ends in CR LF, as on Windows: lines of a layout end in LF alone");
    return true;
}

static bool check_first_line(const char *bytes, size_t length, struct error *err)
{
    if (length < PREFIX_LENGTH || memcmp(bytes, first_line, PREFIX_LENGTH) != 0)
        return error_set(err, ERROR_INPUT, "this is no layout, which begins with the line \"%s\"",
                         first_line);
    if (!check_line(bytes, length, err))
        return false;
    if (length == sizeof(first_line) - 1 && memcmp(bytes, first_line, length) == 0)
        return true;
    return error_set(err, ERROR_INPUT,
                     "the layout was written by another version of pyinspect, in form '%.*s'; this "
                     "one reads form 1",
                     (int)(length - PREFIX_LENGTH), bytes + PREFIX_LENGTH);
}

static bool parse_line(struct parser *parser, const char *bytes, size_t length, struct error *err)
{
    struct line line;

    if (!check_line(bytes, length, err) || !split_line(&line, bytes, length, err))
        return false;
    if (line.count == 0)
        return true;
    return line.indented ? parse_field(parser, &line, err) : parse_outer(parser, &line, err);
}

static bool parse_lines(struct parser *parser, const char *text, size_t length, size_t *line,
                        struct error *err)
{
    for (size_t from = 0; from < length || *line == 0;) {
        const char *at = text + from;
        const char *stop = memchr(at, '\n', length - from);
        size_t bytes = stop ? (size_t)(stop - at) : length - from;

        *line += 1;
        if (!(*line == 1 ? check_first_line(at, bytes, err) : parse_line(parser, at, bytes, err)))
            return false;
        if (!stop)
            return error_set(err, ERROR_INPUT, "it does not end, so the file was cut short");
        from += bytes + 1;
    }
    return true;
}

/* What is not there is told too: a field that did not exist when the text was made is another
 * matter than one that the build lacks. */
static bool check_whole(const struct parser *parser, struct error *err)
{
    bool inside = false;

    for (size_t id = 0; id < LAYOUT_SLOTS; id++) {
        if ((!names[id].field || inside) && !parser->told[id])
            return error_set(err, ERROR_INPUT,
                             "it does not tell of %s: it was cut short, or made by another version "
                             "of pyinspect; make it again with pyinspect layout",
                             layout_slot_name(id));
        if (!names[id].field)
            inside = parser->table.layout.slots[id].present;
    }
    return true;
}

static bool check_length(size_t length, const char *name, struct error *err)
{
    if (length <= TEXT_MOST)
        return true;
    error_set(err, ERROR_INPUT, "%zu bytes are no layout, which has 1 MiB at most", length);
    return error_context(err, "%s", name);
}

bool layout_table_parse(struct layout_table *ret, const char *text, size_t length, const char *name,
                        struct error *err)
{
    struct parser parser = {0};
    size_t line = 0;

    if (!check_length(length, name, err))
        return false;
    if (!parse_lines(&parser, length > 0 ? text : "", length, &line, err))
        return error_context(err, "%s: line %zu", name, line);
    if (!check_whole(&parser, err))
        return error_context(err, "%s", name);
    *ret = parser.table;
    return true;
}

bool layout_table_parse_head(struct layout_table *ret, const char *text, size_t length,
                             const char *name, struct error *err)
{
    struct parser parser = {0};
    size_t line = 0;

    if (!check_length(length, name, err))
        return false;
    const char *end = length > 0 ? memmem(text, length, "\n\n", 2) : NULL;
    if (end)
        length = (size_t)(end + 1 - text);
    if (!parse_lines(&parser, length > 0 ? text : "", length, &line, err))
        return error_context(err, "%s: line %zu", name, line);
    *ret = parser.table;
    return true;
}

static void print_address(struct text *text, enum key key, uint64_t address)
{
    if (address)
        text_addf(text, "%s %s 0x%" PRIx64 "\n", keys[key].first, keys[key].second, address);
}

static void print_field(const char *name, const struct layout_slot *slot, struct text *text)
{
    text_addf(text, "    %s ", name);
    if (!slot->present)
        text_add(text, absent);
    else
        text_addf(text, "%u %u", slot->offset, slot->size);
    if (slot->present && slot->bit_size)
        text_addf(text, " bits %u %u", slot->bit_offset, slot->bit_size);
    text_add_char(text, '\n');
}

static void print_layout(const struct layout *layout, struct text *text)
{
    bool inside = false;

    for (size_t id = 0; id < LAYOUT_SLOTS; id++) {
        const struct layout_slot *slot = &layout->slots[id];

        if (!names[id].field) {
            inside = slot->present;
            text_addf(text, "\n%s ", names[id].structure);
            if (inside)
                text_addf(text, "%u\n", slot->size);
            else
                text_addf(text, "%s\n", absent);
        } else if (inside) {
            print_field(names[id].field, slot, text);
        }
    }
}

void layout_table_print(const struct layout_table *table, struct text *text)
{
    char id[BUILD_ID_TEXT];

    text_addf(text, "%s\n", first_line);
    if (table->version.major)
        text_addf(text, "version %s\n", table->version.text);
    text_addf(text, "abi %s\n", table->debug_build ? "debug" : "release");
    if (table->build_id.size)
        text_addf(text, "build-id %s\n", build_id_print(id, &table->build_id));
    print_address(text, RUNTIME, table->addresses.runtime);
    print_address(text, GENERATION0, table->addresses.generation0);
    print_address(text, COLLECTING, table->addresses.collecting);
    for (int i = 0; i < TRACED_VARIABLES; i++)
        print_address(text, (enum key)(TRACED + i), table->addresses.traced[i]);
    print_layout(&table->layout, text);
}
