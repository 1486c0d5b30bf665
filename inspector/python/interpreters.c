// SPDX-License-Identifier: MIT
#include "inspector/python/interpreters.h"

#include "inspector/python/object.h"

enum { MOST_STATIC = 1 << 20 /* bytes of variables of the interpreter that are searched (3.6) */ };

static bool is_dict(const struct reader *reader, uint64_t address)
{
    const struct type *type =
        object_is_there(reader, address) ? reader_type_of(reader, address) : NULL;

    return type && type->flags & TPFLAGS_DICT_SUBCLASS;
}

/* The modules, sys and builtins are dicts, and a thread says that it is the interpreter's. */
static bool is_interpreter(const struct reader *reader, uint64_t address)
{
    uint64_t thread = read_pointer(reader, address, interp_threads);

    return thread && thread % 8 == 0 && read_pointer(reader, thread, thread_interp) == address &&
           is_dict(reader, read_pointer(reader, address, interp_modules)) &&
           is_dict(reader, read_pointer(reader, address, interp_sysdict)) &&
           is_dict(reader, read_pointer(reader, address, interp_builtins));
}

/* Looks for a pointer to an interpreter in `size` bytes at `address`. */
static uint64_t find_interpreter(const struct reader *reader, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; i < size && i < MOST_STATIC; i += sizeof(uint64_t)) {
        uint64_t word = read_word(reader, address + i);
        if (word && word % 8 == 0 && is_interpreter(reader, word))
            return word;
    }
    return 0;
}

/*
 * 3.6 has the head of its list in a static variable without an address of ours, but next to one: it
 * is among the variables with a value (the mapping of _PyGC_generation0) or those without one,
 * behind them. Of more than one interpreter the first that is found, and those after it.
 */
static uint64_t search_interpreter(const struct reader *reader)
{
    const struct image_range *range = image_range_of(reader->image, reader->python->generation0);
    uint64_t missed = reader->image->missed, found = 0;

    for (unsigned i = 0; range && i < 2 && !found; i++) {
        uint64_t end = range->start + range->size;
        found = find_interpreter(reader, range->start, range->size);
        range = image_range_of(reader->image, end);
    }
    reader->image->missed = missed; /* most of the words are no addresses */
    return found;
}

uint64_t interpreters_first(const struct reader *reader)
{
    if (!reader->python->runtime)
        return reader->python->generation0 ? search_interpreter(reader) : 0;
    return read_pointer(reader, reader->python->runtime, runtime_interpreters_head);
}

uint64_t interpreters_next(const struct reader *reader, uint64_t interpreter)
{
    return read_pointer(reader, interpreter, interpreter_next);
}
