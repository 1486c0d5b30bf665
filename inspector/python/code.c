// SPDX-License-Identifier: MIT
#include "inspector/python/code.h"

#include "inspector/python/kind.h"

enum {
    MOST_TABLE = 1 << 22, /* bytes of a table of lines */
    UNIT = 2,             /* bytes of an instruction */
};

/* What a walk through a table of lines looks for, and where it is. */
struct search {
    const uint8_t *at, *end;
    int64_t offset; /* of the instruction */
    int64_t line;   /* as the last entry says */
};

bool is_code(const struct reader *reader, uint64_t address)
{
    const struct type *type = reader_type_of(reader, address);

    return type && type->kind == &code_kinds[0];
}

/* Up to 3.9. An entry is of the code before the line that it steps to. */
static bool search_lnotab(struct search *search, uint32_t *ret_line)
{
    int64_t offset = 0;

    for (; search->end - search->at >= 2; search->at += 2) {
        offset += search->at[0];
        if (offset > search->offset)
            break;
        search->line += (int8_t)search->at[1];
    }
    *ret_line = (uint32_t)search->line;
    return true;
}

static bool search_linetable(struct search *search, uint32_t *ret_line)
{
    int64_t offset = 0;

    for (; search->end - search->at >= 2; search->at += 2) {
        int delta = (int8_t)search->at[1];
        offset += search->at[0];
        if (delta != -128)
            search->line += delta;
        if (offset > search->offset) {
            *ret_line = (uint32_t)search->line;
            return delta != -128;
        }
    }
    return false;
}

/* Six bits a byte, lowest first; bit 6 says that there are more. The lowest bit is the sign. */
static int64_t signed_varint(const uint8_t *at, const uint8_t *end)
{
    uint64_t value = 0;

    for (unsigned shift = 0; at < end && shift < 36; at++, shift += 6) {
        value |= (uint64_t)(*at & 63) << shift;
        if (!(*at & 64))
            break;
    }
    return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

static bool search_locations(struct search *search, uint32_t *ret_line)
{
    enum { ONE_LINE_0 = 10, ONE_LINE_2 = 12, NO_COLUMNS = 13, LONG = 14, NONE = 15 };
    int64_t offset = 0;

    while (search->at < search->end) {
        unsigned code = search->at[0] >> 3 & 15;
        offset += ((search->at[0] & 7) + 1) * UNIT;
        if (code == NO_COLUMNS || code == LONG)
            search->line += signed_varint(search->at + 1, search->end);
        else if (code >= ONE_LINE_0 && code <= ONE_LINE_2)
            search->line += code - ONE_LINE_0;
        if (offset > search->offset) {
            *ret_line = (uint32_t)search->line;
            return code != NONE;
        }
        do
            search->at++;
        while (search->at < search->end && !(search->at[0] & 0x80));
    }
    return false;
}

/* The content of the bytes object that a field refers to. */
static bool read_table(const struct reader *reader, uint64_t code, enum layout_slot_id field,
                       struct search *search)
{
    uint64_t table = read_pointer(reader, code, field);
    uint64_t first = field_address(reader, table, code_bytes_ob_sval), size;

    if (!table || !first || !read_count(reader, table, first, 1, &size) || size > MOST_TABLE)
        return false;
    search->at = size ? image_at(reader->image, first, size) : (const uint8_t *)"";
    search->end = search->at + (search->at ? size : 0);
    return search->at != NULL;
}

bool code_line(const struct reader *reader, uint64_t code, int64_t offset, uint32_t *ret_line)
{
    bool old = reader_has(reader, PyCodeObject_co_lnotab);
    struct search search = {.offset = offset};
    uint64_t first;

    if (!read_field(reader, code, PyCodeObject_co_firstlineno, &first))
        return false;
    search.line = (int32_t)first;
    if (offset < 0) {
        *ret_line = (uint32_t)first;
        return true;
    }
    if (!read_table(reader, code, old ? PyCodeObject_co_lnotab : PyCodeObject_co_linetable,
                    &search))
        return false;
    if (old)
        return search_lnotab(&search, ret_line);
    if (!reader_has(reader, PyCodeObject_co_code_adaptive))
        return search_linetable(&search, ret_line);
    return search_locations(&search, ret_line);
}

uint64_t code_first_instruction(const struct reader *reader, uint64_t code)
{
    return field_address(reader, code, PyCodeObject_co_code_adaptive);
}

bool code_instruction(const struct reader *reader, uint64_t code, int64_t offset, uint64_t *ret)
{
    uint64_t first = code_first_instruction(reader, code);

    if (!first)
        first = field_address(reader, read_pointer(reader, code, PyCodeObject_co_code),
                              code_bytes_ob_sval);
    return first && offset >= 0 && image_word(reader->image, first + (uint64_t)offset, UNIT, ret);
}

static void add_names(const struct reader *reader, uint64_t tuple, unsigned at,
                      struct code_names *names)
{
    uint64_t items = field_address(reader, tuple, PyTupleObject_ob_item), count;

    if (!tuple || !items || !read_count(reader, tuple, items, sizeof(uint64_t), &count))
        return;
    names->tuples[at].items = items;
    names->tuples[at].count = count;
    names->count += count;
}

struct code_names code_names_of(const struct reader *reader, uint64_t code)
{
    struct code_names names = {0};

    if (reader_has(reader, PyCodeObject_co_localsplusnames)) {
        add_names(reader, read_pointer(reader, code, PyCodeObject_co_localsplusnames), 0, &names);
        return names;
    }
    add_names(reader, read_pointer(reader, code, PyCodeObject_co_varnames), 0, &names);
    add_names(reader, read_pointer(reader, code, PyCodeObject_co_cellvars), 1, &names);
    add_names(reader, read_pointer(reader, code, PyCodeObject_co_freevars), 2, &names);
    return names;
}

uint64_t code_name(const struct reader *reader, const struct code_names *names, uint64_t index)
{
    for (unsigned i = 0; i < 3; i++) {
        if (index < names->tuples[i].count)
            return read_word(reader, names->tuples[i].items + index * sizeof(uint64_t));
        index -= names->tuples[i].count;
    }
    return 0;
}
