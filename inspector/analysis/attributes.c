// SPDX-License-Identifier: MIT
#include "inspector/analysis/attributes.h"

#include "inspector/python/instance.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"

#include <string.h>

/* References that are looked through: attributes come before items, but for the fields of a struct
 * sequence. */
enum { MOST_TOLD = 4096 };

/* Attributes that are being looked for. */
struct search {
    const struct reader *reader;
    const char *const *names;
    size_t count;
    uint64_t *found; /* 0: not yet */
    size_t missing;
};

static bool is_ascii(const char *name)
{
    while (*name && (unsigned char)*name < 0x80)
        name++;
    return !*name;
}

/* Is it the str at `address`? */
static bool is_str(const struct reader *reader, uint64_t address, const char *name)
{
    size_t length = strlen(name);
    struct text text = {0};

    if (!has_type_flag(reader->python, reader->image, address, TPFLAGS_UNICODE_SUBCLASS))
        return false;
    if (is_ascii(name))
        return unicode_equals(reader->python, reader->image, address, name, length);
    bool same = unicode_read(reader->python, reader->image, address, length, &text) && text.bytes &&
                strcmp(text.bytes, name) == 0;
    text_free(&text);
    return same;
}

/* Is it the C string at `address`? */
static bool is_c_string(const struct reader *reader, uint64_t address, const char *name)
{
    for (size_t i = 0;; i++) {
        const char *c = image_at(reader->image, address + i, 1);
        if (!c || *c != name[i])
            return false;
        if (!*c)
            return true;
    }
}

static bool is_named(const struct reader *reader, const struct reference *reference,
                     const char *name)
{
    switch (reference->label) {
    case LABEL_FIELD:
        return reference->name && strcmp(reference->name, name) == 0;
    case LABEL_ATTRIBUTE:
        return reference->key && is_str(reader, reference->key, name);
    case LABEL_SLOT:
        return reference->key && is_c_string(reader, reference->key, name);
    case LABEL_INDEX:
    case LABEL_KEY:
    case LABEL_VALUE:
    case LABEL_LOCAL:
        break;
    }
    return false;
}

static bool try_reference(void *context, const struct reference *reference)
{
    struct search *search = context;

    for (size_t i = 0; i < search->count; i++) {
        if (!search->found[i] && is_named(search->reader, reference, search->names[i])) {
            search->found[i] = reference->to;
            search->missing--;
        }
    }
    return search->missing;
}

void attributes_find(const struct reader *reader, const struct type *type, uint64_t address,
                     const char *const *names, size_t count, uint64_t *found)
{
    struct search search = {
        .reader = reader, .names = names, .count = count, .found = found, .missing = count};
    struct references references = {.visit = try_reference, .context = &search};

    memset(found, 0, count * sizeof(*found));
    if (!type->valid || !count)
        return;
    instance_attributes(reader, type, address, &references);
    if (!search.missing)
        return;
    references = (struct references){.visit = try_reference, .context = &search, .most = MOST_TOLD};
    object_references(reader, type, address, &references);
}
