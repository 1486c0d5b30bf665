// SPDX-License-Identifier: MIT
/*
 * Python classes of the standard library whose objects stand for a value: uuid.UUID, pathlib's
 * paths, fractions.Fraction. Their __repr__ is Python code, and none is run: what it says follows
 * from attributes and has been the same in all versions. Objects of subclasses are passed over, for
 * those may have a __repr__ of their own.
 */
#include "inspector/python/instance.h"
#include "inspector/python/kind.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>

enum {
    LONGEST_PATH = 4096, /* PATH_MAX; so many characters are looked at */
    MOST_PARTS = 1024,
    WORD = sizeof(uint64_t),
};

struct search {
    const struct reader *reader;
    const char *name;
    size_t length;
    uint64_t found;
};

static bool is_named(const struct search *search, const struct reference *reference)
{
    const struct reader *reader = search->reader;

    if (!reference->key)
        return false;
    if (reference->label == LABEL_SLOT) {
        const void *name = image_at(reader->image, reference->key, search->length + 1);
        return name && memcmp(name, search->name, search->length + 1) == 0;
    }
    const struct type *type = reader_type_of(reader, reference->key);
    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_equals(reader->python, reader->image, reference->key, search->name,
                          search->length);
}

static bool compare(void *context, const struct reference *reference)
{
    struct search *search = context;

    if (is_named(search, reference))
        search->found = reference->to;
    return !search->found;
}

/* An attribute in the __dict__ or in a slot; 0: it has none of that name. */
static uint64_t find(const struct reader *reader, const struct type *type, uint64_t address,
                     const char *name)
{
    struct search search = {.reader = reader, .name = name, .length = strlen(name)};
    struct references references = {.visit = compare, .context = &search};

    instance_attributes(reader, type, address, &references);
    return search.found;
}

static bool has_flag(const struct reader *reader, uint64_t object, uint64_t flag)
{
    const struct type *type = object ? reader_type_of(reader, object) : NULL;

    return type && type->flags & flag;
}

/* A non-negative int below 2^128, as two halves. */
static bool read_number(const struct reader *reader, uint64_t number, uint64_t ret[2])
{
    bool tagged = reader->python->shape.ints == INT_LV_TAG;
    uint64_t count, digit, at = field_address(reader, number, PyLongObject_digits_ob_digit);
    unsigned __int128 value = 0;

    if (!has_flag(reader, number, TPFLAGS_LONG_SUBCLASS) || !at ||
        !read_field(reader, number, tagged ? PyLongObject_lv_tag : PyVarObject_ob_size, &count))
        return false;
    const struct type *type = reader_type_of(reader, number);
    unsigned width = type->item_size == 2 ? 2 : 4, bits = width == 2 ? 15 : 30;
    if (tagged)
        count = (count & 3) == 2 ? UINT64_MAX : count >> 3;
    if (count > (128 + bits - 1) / bits)
        return false;
    for (uint64_t i = count; i-- > 0;) {
        if (!image_word(reader->image, at + i * width, width, &digit))
            return false;
        value = value << bits | digit;
    }
    ret[0] = (uint64_t)(value >> 64);
    ret[1] = (uint64_t)value;
    return true;
}

static bool uuid_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t half[2];

    if (type != type->kind_type ||
        !read_number(printer->reader, find(printer->reader, type, address, "int"), half))
        return false;
    printer_addf(printer,
                 "UUID('%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64 "')",
                 half[0] >> 32, half[0] >> 16 & 0xffff, half[0] & 0xffff, half[1] >> 48,
                 half[1] & 0xffffffffffff);
    return true;
}

static bool fraction_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t numerator = find(printer->reader, type, address, "_numerator");
    uint64_t denominator = find(printer->reader, type, address, "_denominator");

    if (type != type->kind_type || !has_flag(printer->reader, numerator, TPFLAGS_LONG_SUBCLASS) ||
        !has_flag(printer->reader, denominator, TPFLAGS_LONG_SUBCLASS))
        return false;
    printer_add(printer, "Fraction(");
    printer_object(printer, numerator);
    printer_add(printer, ", ");
    printer_object(printer, denominator);
    printer_add(printer, ")");
    return true;
}

/* A path that is being put together. */
struct path {
    const struct reader *reader;
    uint32_t codes[LONGEST_PATH];
    size_t length;
};

static bool append_code(struct path *path, uint32_t code)
{
    if (path->length == LONGEST_PATH)
        return false;
    path->codes[path->length++] = code;
    return true;
}

static bool append_str(struct path *path, uint64_t str)
{
    const struct reader *reader = path->reader;
    struct characters found;

    if (!has_flag(reader, str, TPFLAGS_UNICODE_SUBCLASS) ||
        !unicode_find(reader->python, reader->image, str, &found) || found.length > LONGEST_PATH)
        return false;
    const uint8_t *at = found.length
                            ? image_at(reader->image, found.address, found.length * found.width)
                            : (const uint8_t *)"";
    for (uint64_t i = 0; at && i < found.length; i++) {
        if (!append_code(path, (uint32_t)load_word(at + i * found.width, found.width)))
            return false;
    }
    return at;
}

/* Where the items of a list or a tuple are. */
static bool find_items(const struct reader *reader, uint64_t sequence, uint64_t *ret,
                       uint64_t *ret_count)
{
    uint64_t items = 0;

    if (has_flag(reader, sequence, TPFLAGS_LIST_SUBCLASS))
        items = read_pointer(reader, sequence, PyListObject_ob_item);
    else if (has_flag(reader, sequence, TPFLAGS_TUPLE_SUBCLASS))
        items = field_address(reader, sequence, PyTupleObject_ob_item);
    else
        return false;
    if (!read_count(reader, sequence, items, WORD, ret_count) || *ret_count > MOST_PARTS)
        return false;
    *ret = items;
    return true;
}

/* Appends the parts from `first` on, with "/" between them. */
static bool append_parts(struct path *path, uint64_t sequence, uint64_t first)
{
    uint64_t items, count, item;

    if (!find_items(path->reader, sequence, &items, &count))
        return false;
    for (uint64_t i = first; i < count; i++) {
        if ((i > first && !append_code(path, '/')) ||
            !image_word(path->reader->image, items + i * WORD, WORD, &item) ||
            !append_str(path, item))
            return false;
    }
    return true;
}

static void drop(struct path *path, size_t from, size_t count)
{
    memmove(path->codes + from, path->codes + from + count,
            (path->length - from - count) * sizeof(path->codes[0]));
    path->length -= count;
}

/* Takes out empty parts and "." (pathlib, _parse_path); one or two leading slashes stay. */
static void normalise(struct path *path)
{
    size_t root = 0, at;

    while (root < path->length && path->codes[root] == '/')
        root++;
    if (root != 2 && root > 1)
        drop(path, 1, root - 1);
    at = root == 2 ? 2 : root != 0;
    while (at < path->length) {
        size_t end = at;
        while (end < path->length && path->codes[end] != '/')
            end++;
        bool is_empty = end == at || (end == at + 1 && path->codes[at] == '.');
        if (is_empty)
            drop(path, at, end - at + (end < path->length));
        else
            at = end + 1;
    }
    if (path->length > (root == 2 ? 2 : 1) && path->codes[path->length - 1] == '/')
        path->length--;
}

/* As os.path.join does: what begins with a slash replaces what was before it. */
static bool join(struct path *path, uint64_t raw_paths)
{
    uint64_t items, count, item;

    if (!find_items(path->reader, raw_paths, &items, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        size_t before = path->length;
        if (!image_word(path->reader->image, items + i * WORD, WORD, &item))
            return false;
        bool has_slash = before && path->codes[before - 1] == '/';
        if (before && !has_slash && !append_code(path, '/'))
            return false;
        size_t start = path->length;
        if (!append_str(path, item))
            return false;
        if (path->length > start && path->codes[start] == '/')
            drop(path, 0, start);
    }
    return true;
}

/* What str() of the path is: kept once it was asked for; else from what it was parsed into, or from
 * what it was made of (3.12 and later parse late). */
static bool find_path(struct path *path, const struct type *type, uint64_t address)
{
    const struct reader *reader = path->reader;
    uint64_t str = find(reader, type, address, "_str");

    if (str && append_str(path, str))
        return true;
    path->length = 0;
    uint64_t raw = find(reader, type, address, "_raw_paths");
    if (!raw)
        raw = find(reader, type, address, "_raw_path");
    if (has_flag(reader, raw, TPFLAGS_UNICODE_SUBCLASS)) {
        if (!append_str(path, raw))
            return false;
        normalise(path);
    } else if (raw) {
        if (!join(path, raw))
            return false;
        normalise(path);
    } else {
        uint64_t root = find(reader, type, address, "_root");
        uint64_t parts = find(reader, type, address, "_parts");
        if (!root || !parts || !append_str(path, root) ||
            !append_parts(path, parts, path->length != 0))
            return false;
    }
    return path->length || append_code(path, '.');
}

static bool path_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct path path;

    path.reader = printer->reader;
    path.length = 0;
    if (type != type->kind_type || !find_path(&path, type, address))
        return false;
    printer_add_utf8(printer, type->short_name, type->short_length);
    printer_add(printer, "(");
    printer_add_quoted(printer, path.codes, path.length, sizeof(path.codes[0]));
    printer_add(printer, ")");
    return true;
}

const struct kind library_kinds[] = {
    {.type = "uuid.UUID", .structure = sizeof_PyObject, .print = uuid_print},
    {.type = "fractions.Fraction", .structure = sizeof_PyObject, .print = fraction_print},
    {.type = "pathlib.PosixPath", .structure = sizeof_PyObject, .print = path_print},
    {.type = "pathlib.PurePosixPath", .structure = sizeof_PyObject, .print = path_print},
    {.type = "pathlib._local.PosixPath", .structure = sizeof_PyObject, .print = path_print},
    {.type = "pathlib._local.PurePosixPath", .structure = sizeof_PyObject, .print = path_print},
    {.type = NULL},
};
