// SPDX-License-Identifier: MIT
/*
 * tracemalloc - the tables of CPython's tracemalloc, in an image: which memory blocks it traces,
 * how large they are and by which frames they were allocated.
 *
 * Up to 3.11 the tables hang on static variables of Modules/_tracemalloc.c, since 3.12 on
 * _PyRuntime.tracemalloc. Up to 3.8 one table has the traces of all domains, with the trace in the
 * entry; since 3.9 (bpo-37961) the traces of domain 0 are a table of their own, those of others
 * hang on a table of domains, and an entry points to its trace. File names are str objects up
 * to 3.14, C strings since 3.15.
 *
 * Equal tracebacks are one: tracemalloc interns them, so an address stands for a traceback.
 */
#ifndef PYINSPECT_TRACEMALLOC_H
#define PYINSPECT_TRACEMALLOC_H

#include "inspector/python/reader.h"

/* The state, as the functions of the same names tell it inside. */
struct tracemalloc {
    bool is_tracing;
    bool is_locked;           /* somebody was changing the tables (3.14 and later tell) */
    uint32_t traceback_limit; /* get_traceback_limit(): frames kept of a traceback */
    uint64_t traced_memory;   /* get_traced_memory()[0], bytes */
    uint64_t peak;            /* get_traced_memory()[1] */
    uint64_t own_memory;      /* get_tracemalloc_memory(), bytes */
    uint64_t traces;          /* that the tables say they have, in all domains */
    uint64_t traces_table, domains_table; /* addresses of _Py_hashtable_t; 0: none */
    bool uses_domain_keys;                /* up to 3.8: the keys are an address and a domain */
};

/* Can this Python's tables be found at all? Else ERROR_PYTHON, with what would help: a 3.6 to 3.11
 * without symbols needs its debug package. Nothing of the image is read. */
MUST_CHECK bool tracemalloc_check(const struct python *python, struct error *err);

/* Reads the state. ERROR_PYTHON as above, and where the memory is not there. Where it does not
 * trace only is_tracing says something; that much is told of a 3.8 to 3.11 without symbols, too. */
MUST_CHECK bool tracemalloc_read(const struct reader *reader, struct tracemalloc *ret,
                                 struct error *err);

struct traced_block {
    uint32_t domain; /* 0: Python's own allocators */
    uint64_t address;
    uint64_t size;      /* bytes that were asked for */
    uint64_t traceback; /* its address */
};

/* How much of the tables was seen. */
struct tracemalloc_verdict {
    uint64_t blocks; /* told */
    uint64_t bytes;  /* of those; saturates */
    uint64_t broken; /* chains that led nowhere or were longer than the table, entries unreadable */
};

/* All blocks were seen: nothing is broken, the counts are those of the tables, the bytes are those
 * that tracemalloc counted. */
bool tracemalloc_is_verified(const struct tracemalloc *state,
                             const struct tracemalloc_verdict *verdict);

/* Called with each block; false ends it. It must not let the image rest (image_rest). */
typedef bool traced_block_visit(void *context, const struct traced_block *block);

/* Tells all blocks, in no order. Never more than the tables say there are, whatever the chains. */
void tracemalloc_each(const struct reader *reader, const struct tracemalloc *state,
                      traced_block_visit *visit, void *context, struct tracemalloc_verdict *ret);

/* The block that begins at `address`, looked up as tracemalloc itself does. False: none. */
bool tracemalloc_find_block(const struct reader *reader, const struct tracemalloc *state,
                            uint32_t domain, uint64_t address, struct traced_block *ret);

/* Where the memory block of an object begins: under its key tracemalloc has filed it. In front of
 * an object are the collector's header, and words for a dict and weak references where its type has
 * them (3.11 and later). Up to 3.11 get_object_traceback() forgets the latter. */
uint64_t tracemalloc_block_of(const struct reader *reader, const struct type *type,
                              uint64_t object);

struct traced_stack {
    uint32_t frames;     /* that were kept, 1 or more; all within the image's mapping */
    uint32_t all_frames; /* that there were, at most 65535; up to 3.8 the same as `frames` */
    uint64_t address;    /* of the first, the most recent */
};

/* Reads the head of a traceback. False where it is not in the image or cannot be one. */
MUST_CHECK bool tracemalloc_read_stack(const struct reader *reader, uint64_t traceback,
                                       struct traced_stack *ret);

struct traced_frame {
    uint64_t file; /* the address of its name: equal names have one address, as a rule */
    uint32_t line; /* 0: unknown */
};

/* Reads frame `number`, 0 the most recent. */
MUST_CHECK bool tracemalloc_read_frame(const struct reader *reader,
                                       const struct traced_stack *stack, uint32_t number,
                                       struct traced_frame *ret);

/* Adds the name of a file, whatever kind of string it is, in UTF-8 with lone surrogates in
 * three-byte form; of one longer than 65,536 characters so many, and "...". False where it cannot
 * be read; nothing is added. */
MUST_CHECK bool tracemalloc_read_file(const struct reader *reader, uint64_t file,
                                      struct text *text);

#endif
