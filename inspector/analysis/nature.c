// SPDX-License-Identifier: MIT
#include "inspector/analysis/nature.h"

#include "inspector/python/dict.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/roots.h"
#include "inspector/python/static_type.h"
#include "inspector/python/unicode.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BASES = 128, MOST_NAME = 4096 };

bool is_below(const struct type *type, const char *name)
{
    for (; type; type = type->base) {
        if (strcmp(type->name, name) == 0)
            return true;
    }
    return false;
}

/* Does the type itself, not one of its bases, define it? */
static bool defines(const struct reader *reader, uint64_t type, const char *name)
{
    uint64_t dict = read_pointer(reader, type, PyTypeObject_tp_dict), value;

    if (!dict)
        dict = static_type_dict(reader, type);
    return dict && dict_find(reader->python, reader->image, dict, name, &value);
}

bool has_attribute(const struct reader *reader, const struct type *type, const char *name)
{
    uint64_t mro = read_pointer(reader, type->address, type_tp_mro);
    uint64_t count = tuple_count(reader, mro);

    for (uint64_t i = 0; i < count && i < MOST_BASES; i++) {
        if (defines(reader, tuple_item(reader, mro, i), name))
            return true;
    }
    for (; !count && type; type = type->base) {
        if (defines(reader, type->address, name))
            return true;
    }
    return false;
}

bool has_finalizer(const struct reader *reader, const struct type *type)
{
    const struct type *metatype = reader_type_of(reader, type->address);

    return has_attribute(reader, type, "__del__") ||
           (metatype && metatype != type && has_attribute(reader, metatype, "__del__"));
}

struct finding_modules {
    const struct reader *reader;
    struct proper_modules *modules;
    struct text key, name; /* scratch */
    bool failed;
};

static bool read_name(const struct reader *reader, uint64_t address, struct text *text)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    text_clear(text);
    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_read(reader->python, reader->image, address, MOST_NAME, text);
}

static bool has_own_name(struct finding_modules *finding, const struct dict_entry *entry)
{
    const struct reader *reader = finding->reader;
    const struct type *type = reader_type_of(reader, entry->value);

    if (!type || !is_below(type, "module"))
        return false;
    uint64_t name = attribute_of(reader, entry->value, "__name__");
    return name && (name == entry->key || (read_name(reader, name, &finding->name) &&
                                           read_name(reader, entry->key, &finding->key) &&
                                           finding->name.length == finding->key.length &&
                                           memcmp(finding->name.bytes ? finding->name.bytes : "",
                                                  finding->key.bytes ? finding->key.bytes : "",
                                                  finding->key.length) == 0));
}

static void add_module(struct finding_modules *finding, uint64_t address)
{
    struct proper_modules *modules = finding->modules;
    uint64_t *grown =
        vector_grow(modules->items, &modules->capacity, modules->count + 1, sizeof(*grown));

    if (!grown) {
        finding->failed = true;
        return;
    }
    modules->items = grown;
    grown[modules->count++] = address;
}

/* Of the roots only sys.modules is looked at, in each interpreter. */
static bool look_into_modules(void *context, const struct reference *reference)
{
    struct finding_modules *finding = context;
    struct dict_walk walk;
    struct dict_entry entry;

    if (reference->label != LABEL_FIELD || strcmp(reference->name, "modules") != 0 ||
        !dict_open(finding->reader, reference->to, &walk))
        return true;
    while (!finding->failed && dict_next(&walk, &entry)) {
        if (has_own_name(finding, &entry))
            add_module(finding, entry.value);
    }
    return !finding->failed;
}

static int compare_addresses(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

bool proper_modules_find(struct proper_modules *modules, const struct reader *reader,
                         struct error *err)
{
    struct finding_modules finding = {.reader = reader, .modules = modules};
    struct references references = {.visit = look_into_modules, .context = &finding};

    roots_tell(reader, &references);
    text_free(&finding.key);
    text_free(&finding.name);
    if (finding.failed)
        return error_memory(err);
    if (modules->count)
        qsort(modules->items, modules->count, sizeof(*modules->items), compare_addresses);
    return true;
}

void proper_modules_free(struct proper_modules *modules)
{
    free(modules->items);
    *modules = (struct proper_modules){0};
}

bool is_proper_module(const struct proper_modules *modules, uint64_t address)
{
    return modules->count && bsearch(&address, modules->items, modules->count,
                                     sizeof(*modules->items), compare_addresses);
}
