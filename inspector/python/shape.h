// SPDX-License-Identifier: MIT
/*
 * shape - what this CPython is like: the one place where the differences between versions become a
 * choice. Everything else switches on a shape.
 *
 * A choice is made by which fields the build has, never by its version number: patch releases of
 * one minor version differ (3.14 carries two collectors), and distributions patch theirs.
 */
#ifndef PYINSPECT_SHAPE_H
#define PYINSPECT_SHAPE_H

#include "symbols/layout.h"

/* Where the heads of the collector's lists are kept. */
enum lists_home {
    LISTS_STATIC,      /* 3.6: the array `generations` of Modules/gcmodule.c */
    LISTS_RUNTIME,     /* 3.7 and 3.8: in _PyRuntime, one set for all interpreters */
    LISTS_INTERPRETER, /* 3.9 and later: in each interpreter */
};

/* How a dictionary's table of keys tells its size. */
enum keys_shape {
    KEYS_DK_SIZE, /* up to 3.10: dk_size slots; the index width follows from it; one kind of entry
                   */
    KEYS_LOG2,    /* 3.11 and later: dk_log2_index_bytes; dk_kind tells the kind of entry */
};

/* How many digits an int has. */
enum int_shape {
    INT_OB_SIZE, /* up to 3.11: |ob_size|, whose sign is the number's */
    INT_LV_TAG,  /* 3.12 and later: lv_tag >> 3 */
};

enum generation {
    GENERATION_0,
    GENERATION_1,
    GENERATION_2,
    GENERATION_PERMANENT, /* gc.freeze(); 3.12 keeps objects there without being asked to */
    GENERATIONS
};

/* One list of the collector. */
struct list_head {
    uint32_t offset; /* of the list's PyGC_Head from the start of the GC state (or `generations`) */
    enum generation generation; /* as gc.get_objects(generation=n) counts them */
};

enum { MOST_LIST_HEADS = 4 };

struct shape {
    enum lists_home lists_home;
    struct list_head lists[MOST_LIST_HEADS];
    unsigned list_count;

    /* A link of a list is a pointer after this mask: 3.8 and later keep flags in the low bits. */
    uint64_t link_mask;

    enum keys_shape keys;
    enum int_shape ints;

    /* tp_flags bits of which any says that two words stand before the GC head. */
    uint64_t preheader_flags;
    /* Frames are PyVarObjects: their ob_size counts tp_itemsize. */
    bool frames_have_ob_size;
};

/* Bits of tp_flags that mean the same in 3.6 to 3.15 (Include/object.h). */
#define TPFLAGS_HEAPTYPE (UINT64_C(1) << 9)
#define TPFLAGS_HAVE_GC (UINT64_C(1) << 14)
#define TPFLAGS_LONG_SUBCLASS (UINT64_C(1) << 24)
#define TPFLAGS_UNICODE_SUBCLASS (UINT64_C(1) << 28)
#define TPFLAGS_DICT_SUBCLASS (UINT64_C(1) << 29)
#define TPFLAGS_TYPE_SUBCLASS (UINT64_C(1) << 31)

/* `layout` has passed layout_check. Fails with ERROR_PYTHON where the lists are nowhere. */
MUST_CHECK bool shape_of(struct shape *ret, const struct layout *layout, struct error *err);

#endif
