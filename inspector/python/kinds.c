// SPDX-License-Identifier: MIT
#include "inspector/python/kind.h"

#include <string.h>

static const struct kind *const families[] = {
    sequence_kinds,  number_kinds,    str_kinds,       bytes_kinds,      dict_kinds,
    set_kinds,       deque_kinds,     type_kinds,      descriptor_kinds, typing_kinds,
    ctypes_kinds,    function_kinds,  callable_kinds,  module_kinds,     weakref_kinds,
    code_kinds,      frame_kinds,     generator_kinds, asyncio_kinds,    context_kinds,
    exception_kinds, array_kinds,     datetime_kinds,  decimal_kinds,    io_kinds,
    iterator_kinds,  itertools_kinds, foreign_kinds,   format_kinds,     database_kinds,
    codec_kinds,     library_kinds,   re_kinds,        numpy_kinds,      other_kinds,
};

const struct kind *kind_find(const char *type_name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (const struct kind *kind = families[i]; kind->type; kind++) {
            if (*kind->type == *type_name && strcmp(kind->type, type_name) == 0)
                return kind;
        }
    }
    return NULL;
}

void tell_if_heap(struct references *references, const struct type *type, uint64_t to,
                  const char *name)
{
    if (type->kind_type->flags & TPFLAGS_HEAPTYPE)
        reference_field(references, to, name);
    else
        reference_owned(references, to, name);
}
