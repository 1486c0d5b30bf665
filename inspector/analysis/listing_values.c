// SPDX-License-Identifier: MIT
#include "inspector/analysis/listing_values.h"

#include "inspector/python/instance.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"

#include <string.h>

/* References that are looked through: attributes come before items, but for the fields of a struct
 * sequence. */
enum { MOST_TOLD = 4096 };

/* Attributes that are being looked for. */
struct search {
    struct listing *listing;
    uint64_t found[MOST_ATTRIBUTES]; /* 0: not yet */
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
    const struct listing *listing = search->listing;

    for (size_t i = 0; i < listing->options.attribute_count; i++) {
        if (!search->found[i] &&
            is_named(&listing->reader, reference, listing->options.attributes[i])) {
            search->found[i] = reference->to;
            search->missing--;
        }
    }
    return search->missing;
}

/* What Python code sees first: the instance's own attributes, then what C structures hold. */
static void search_attributes(struct search *search, const struct type *type, uint64_t address)
{
    const struct reader *reader = &search->listing->reader;
    struct references references = {.visit = try_reference, .context = search};

    instance_attributes(reader, type, address, &references);
    if (!search->missing)
        return;
    references = (struct references){.visit = try_reference, .context = search, .most = MOST_TOLD};
    object_references(reader, type, address, &references);
}

static void print_attributes(struct listing *listing, const struct type *type, uint64_t address)
{
    struct search search = {.listing = listing, .missing = listing->options.attribute_count};

    if (type->valid)
        search_attributes(&search, type, address);
    for (size_t i = 0; i < listing->options.attribute_count; i++) {
        text_clear(&listing->attributes[i]);
        if (search.found[i])
            print_object(&listing->reader, search.found[i], listing->options.repr_length,
                         &listing->attributes[i]);
    }
}

void listing_print_values(struct listing *listing, const struct type *type, uint64_t address)
{
    text_clear(&listing->repr);
    print_object(&listing->reader, address, listing->options.repr_length, &listing->repr);
    if (listing->options.attribute_count)
        print_attributes(listing, type, address);
}
