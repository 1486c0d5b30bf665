// SPDX-License-Identifier: MIT
/*
 * fake_heap - a hand-made image with interpreters, types and lists of objects in it, and a layout
 * to go with it. What a test puts in is what the code under test must find; what a test breaks, it
 * must survive.
 */
#ifndef PYINSPECT_FAKE_HEAP_H
#define PYINSPECT_FAKE_HEAP_H

#include "inspector/python/heap.h"

#define FAKE_BASE UINT64_C(0x7f0000000000)
enum { FAKE_PAGES = 256 };

struct fake_heap {
    uint8_t *bytes; /* FAKE_PAGES pages at FAKE_BASE */
    uint64_t present[(FAKE_PAGES + 63) / 64];
    uint64_t used;
    struct image image;
    struct python python;
    uint64_t type_type, str_type, dict_type; /* addresses of `type`, `str` and `dict` */
    uint64_t interpreter;                    /* of the newest interpreter */
    bool faithful;

    uint8_t *now;       /* what a refresh of the image reads; NULL: the heap stands still */
    uint64_t refreshed; /* how often it was read */
};

/* The ways in which CPython's versions differ; the layout and the shape follow. */
struct fake_style {
    enum lists_home home;
    enum keys_shape keys;
    enum int_shape ints;
    bool incremental; /* young and old[2] instead of generations[3] */
    bool wide_heads;  /* a PyGC_Head of 32 bytes, as up to 3.7 */
};

/* As CPython is today. */
extern const struct fake_style fake_newest;

void fake_heap_init(struct fake_heap *heap, const struct fake_style *style);
/* The same, with fields that are always found in certain places in those places (layout_rules.h).
 */
void fake_heap_init_faithful(struct fake_heap *heap, const struct fake_style *style);
void fake_heap_free(struct fake_heap *heap);

/* The layout has the field, or the structure, there. */
void fake_slot(struct fake_heap *heap, enum layout_slot_id id, uint32_t offset, uint32_t size);

/* `size` zeroed bytes, 16-aligned. Returns their address in the image. */
uint64_t fake_alloc(struct fake_heap *heap, uint64_t size);
void fake_put(struct fake_heap *heap, uint64_t address, uint64_t word);
uint64_t fake_get(const struct fake_heap *heap, uint64_t address);

/*
 * From now on the heap changes under the eyes of who looks at it: `fake_put` and `fake_get` are of
 * what it is by now, the image shows what it was until that is read again.
 */
void fake_move_on(struct fake_heap *heap);
/* Takes an object out of its list; what it points to stays. */
void fake_untrack(struct fake_heap *heap, uint64_t object);

/* The image has none of the pages from `first` on, `count` of them, until they are asked for. */
void fake_hide(struct fake_heap *heap, uint64_t first, uint64_t count);
/* How many of those pages were not asked for. */
uint64_t fake_count_hidden(const struct fake_heap *heap);

uint64_t fake_static_type(struct fake_heap *heap, const char *tp_name, uint64_t basic,
                          uint64_t item);
/* A compact str of characters 1, 2 or 4 bytes wide. */
uint64_t fake_str(struct fake_heap *heap, const uint32_t *characters, size_t length,
                  unsigned width);
uint64_t fake_ascii(struct fake_heap *heap, const char *text);
/* A combined table with the given keys and values. */
uint64_t fake_dict(struct fake_heap *heap, const uint64_t *keys, const uint64_t *values,
                   size_t count, bool general);
/* A heap type; `module` is the object under '__module__', 0: no such key. */
uint64_t fake_heap_type(struct fake_heap *heap, uint64_t module, uint64_t qualname, uint64_t name);

/* A class of __main__, with all that a class statement gives it. */
uint64_t fake_class(struct fake_heap *heap, const char *name);

/* One more interpreter (LISTS_INTERPRETER), with empty lists. */
uint64_t fake_interpreter(struct fake_heap *heap);
/* The address of a list's head, of the newest interpreter where each has its own. */
uint64_t fake_list(const struct fake_heap *heap, unsigned list);
/* A tracked object of `type` at the end of a list. Returns the object's address. */
uint64_t fake_object(struct fake_heap *heap, unsigned list, uint64_t type, uint64_t ob_size);

/* A tracked `list` of these items, and its type. The items are where its word at 24 says. */
uint64_t fake_list_object(struct fake_heap *heap, unsigned list, const uint64_t *items,
                          size_t count);

#endif
