// SPDX-License-Identifier: MIT
#include "inspector/python/static_type.h"

enum { MOST_INTERPRETERS = 4096 };

/* A place in the table belongs to the type that it names. */
static uint64_t state_in(const struct reader *reader, uint64_t interpreter,
                         enum layout_slot_id table, uint64_t address)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t first = field_address(reader, interpreter, table);
    uint64_t number = read_pointer(reader, address, type_tp_subclasses);
    uint64_t size = layout_size(layout, sizeof_static_type_state);

    if (!first || !number || number > layout_size(layout, table) / size)
        return 0;
    uint64_t state = first + (number - 1) * size;
    return read_pointer(reader, state, static_type_state_type) == address &&
                   read_pointer(reader, state, static_type_state_tp_dict)
               ? state
               : 0;
}

static uint64_t find_state(const struct reader *reader, uint64_t address)
{
    uint64_t ret = 0, flags, interpreter;

    if (!reader_has(reader, sizeof_static_type_state) || !reader->python->runtime ||
        !read_field(reader, address, PyTypeObject_tp_flags, &flags) || flags & TPFLAGS_HEAPTYPE)
        return 0;
    interpreter = read_pointer(reader, reader->python->runtime, runtime_interpreters_head);
    /* The newest comes first. */
    for (unsigned i = 0; interpreter && i < MOST_INTERPRETERS; i++) {
        uint64_t state = state_in(reader, interpreter, interp_builtin_types, address);
        if (!state)
            state = state_in(reader, interpreter, interp_extension_types, address);
        if (state)
            ret = state;
        interpreter = read_pointer(reader, interpreter, interpreter_next);
    }
    return ret;
}

uint64_t static_type_dict(const struct reader *reader, uint64_t address)
{
    return read_pointer(reader, find_state(reader, address), static_type_state_tp_dict);
}

uint64_t static_type_subclasses(const struct reader *reader, uint64_t address)
{
    return read_pointer(reader, find_state(reader, address), static_type_state_tp_subclasses);
}
