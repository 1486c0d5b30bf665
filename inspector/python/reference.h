// SPDX-License-Identifier: MIT
/*
 * reference - what one object holds of another, and how it is called.
 */
#ifndef PYINSPECT_REFERENCE_H
#define PYINSPECT_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

enum reference_label {
    LABEL_FIELD,     /* of the C structure: `name`, as Python calls it: "__func__", "tb_frame" */
    LABEL_ATTRIBUTE, /* of an instance: `key` is the str that names it */
    LABEL_SLOT,      /* of __slots__: `key` is the address of a C string in the target */
    LABEL_INDEX,     /* [number] */
    LABEL_KEY,       /* the key of entry `number` of a mapping, or an element of a set */
    LABEL_VALUE,     /* the value of that entry: `key` is the key's address */
    LABEL_LOCAL,     /* a local variable or a cell of a frame: `key` is the str that names it */
};

struct reference {
    uint64_t to; /* an address, not 0 */
    enum reference_label label;
    /*
     * It counts in the refcount, but the type's tp_traverse does not tell of it (and so
     * gc.get_referents does not), since it can be part of no cycle: the str keys of a dict, the
     * names of a function, the constants of a code object.
     */
    bool is_owned;
    bool is_guess;    /* a word that looks like one, of a type that no kind knows; owned too */
    const char *name; /* LABEL_FIELD: a literal */
    uint64_t key;     /* see the labels; 0: unknown */
    uint64_t number;
};

/* False: enough. */
typedef bool reference_visit(void *context, const struct reference *reference);

/* Who is told of references. */
struct references {
    reference_visit *visit;
    void *context;
    bool ended;    /* the visitor has had enough: long loops look at it */
    uint64_t told; /* how many there were, those that are 0 too */
    uint64_t most; /* told: then it ends, whatever a damaged target seems to hold; 0: no bound */
    /* The type that tells has no tp_traverse in this version: all its references are `is_owned`. */
    bool is_untracked;
    /* Items come as Python code iterates over them; else in the order of tp_traverse, which begins
     * with the last one of a list or tuple, and tells all keys of an OrderedDict first. */
    bool as_iterated;
};

/* So many places were looked at that hold nothing. */
static inline void reference_skip(struct references *references, uint64_t count)
{
    references->told += count;
    if (references->most && references->told > references->most)
        references->ended = true;
}

/* A reference `to` that is 0 is passed over by all of these, but counts. */
void reference_tell(struct references *references, const struct reference *reference);
void reference_field(struct references *references, uint64_t to, const char *name);
void reference_owned(struct references *references, uint64_t to, const char *name);
void reference_index(struct references *references, uint64_t to, uint64_t number);

#endif
