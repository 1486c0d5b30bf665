// SPDX-License-Identifier: MIT
/*
 * detail - all that is known of one object: what a page of `pyinspect show` is made of.
 *
 * What an object holds is told apart by where it has it:
 *
 *     attributes   what vars() and the slots of its classes have
 *     locals       of a frame, and of what has one: a generator, a coroutine, a task, a traceback.
 *                  Of a variable in a cell: what is in the cell
 *     fields       what its C structure refers to besides: "__func__", "tb_frame", "__class__"
 *     items        of a container
 *     bases        of a class
 */
#ifndef PYINSPECT_DETAIL_H
#define PYINSPECT_DETAIL_H

#include "inspector/analysis/allocation.h"
#include "inspector/analysis/lookup.h"
#include "inspector/analysis/traces.h"
#include "symbols/base/arena.h"

struct detail_options {
    uint64_t items; /* that are shown of a container; 0: all */
    uint64_t repr_length;
    bool no_values; /* nothing that the target has stored: only types, sizes and counts */
    const struct allocations *allocations; /* of the same image; NULL: nobody asks */
};

/* Something that an object holds. Texts are UTF-8 of the target's, NUL-terminated. */
struct member {
    const char *name;  /* of an attribute, a local or a field; of an item the key, as repr() has it;
                        * NULL: it has none, or values are not wanted */
    uint64_t number;   /* of an item: its place, from 0 on */
    uint64_t key;      /* the key's address; 0: it has none */
    uint64_t address;  /* of what is held */
    const char *type;  /* of that, owned by the types; "" where it is no object */
    const char *value; /* as repr() has it; NULL: values are not wanted */
};

struct members {
    struct member *items;
    size_t count, capacity;
    uint64_t total; /* those that are not among `items` too */
};

/* What its kind says of it (kind.describe). */
struct detail_fact {
    const char *key;
    const char *value;
};

/* Where it was allocated. */
struct detail_allocation {
    bool is_traced; /* false: nothing is known of it, and nothing else is said */
    uint64_t block, size;
    uint32_t domain;
    bool is_readable;           /* the traceback; else there are no frames */
    struct trace_file *files;   /* one a frame */
    struct trace_frame *frames; /* as stored, the most recent one first */
    uint32_t count;
    uint32_t all_frames; /* before tracemalloc cut them at its limit; 0: not told */
};

struct detail {
    uint64_t size;
    bool is_exact; /* the size is what sys.getsizeof says */
    uint64_t refcount;
    const char *repr; /* NULL: values are not wanted */
    struct detail_fact *facts;
    size_t fact_count, fact_capacity;
    struct members attributes, locals, fields, items, bases;
    struct detail_allocation allocation;
    bool has_keys; /* the items are a mapping's */
    struct arena arena;
};

/* Looks at the object that was found (finding_is_object). ERROR_SYSTEM for want of memory. */
MUST_CHECK bool detail_look(const struct reader *reader, const struct finding *finding,
                            const struct detail_options *options, struct detail *ret,
                            struct error *err);
void detail_free(struct detail *detail);

#endif
