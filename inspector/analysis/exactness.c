// SPDX-License-Identifier: MIT
#include "inspector/analysis/exactness.h"

#include <string.h>

void exactness_add(struct exactness *exactness, const struct type *type, uint64_t objects)
{
    if (!objects)
        return;
    switch (type->sizeof_by) {
    case SIZEOF_KNOWN:
        exactness->exact += objects;
        return;
    case SIZEOF_PYTHON:
        exactness->python_sizeof += objects;
        break;
    case SIZEOF_C:
        exactness->c_sizeof += objects;
        break;
    }
    exactness->type_count++;
    /* A name may hold a NUL, which would make two of it. */
    text_add_bytes(&exactness->types, type->name, strnlen(type->name, type->name_length));
    text_add_char(&exactness->types, '\0');
}

void exactness_free(struct exactness *exactness)
{
    text_free(&exactness->types);
}

void exactness_name_types(const struct exactness *exactness, size_t most, struct text *text)
{
    const struct text *types = &exactness->types;
    size_t named = 0;

    for (size_t at = 0; at < types->length && named < most; named++) {
        size_t length = strlen(types->bytes + at);
        text_add(text, named ? ", " : "");
        text_add_bytes(text, types->bytes + at, length);
        at += length + 1;
    }
    if (named < exactness->type_count)
        text_addf(text, " and %zu other%s", exactness->type_count - named,
                  exactness->type_count - named == 1 ? "" : "s");
}
