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

/* Where the values of a split dict are, and the order of their insertion. */
enum values_shape {
    VALUES_PLAIN,    /* up to 3.10: ma_values is the array, in the order of the keys */
    VALUES_PREFIXED, /* 3.11 and 3.12: bytes in front of the array, from its start downwards */
    VALUES_HEADED,   /* 3.13 and later: a header in front, the order behind the array */
};

/* How many digits an int has. */
enum int_shape {
    INT_OB_SIZE, /* up to 3.11: |ob_size|, whose sign is the number's */
    INT_LV_TAG,  /* 3.12 and later: lv_tag >> 3 */
};

/* Where the instances' attributes are whose type has Py_TPFLAGS_MANAGED_DICT. */
enum managed_dict {
    MANAGED_NONE,   /* up to 3.10: no such flag */
    MANAGED_TWO,    /* 3.11: two words, the dict and the values, either or both */
    MANAGED_TAGGED, /* 3.12: one word, the dict, or the values with the lowest bit set */
    MANAGED_INLINE, /* 3.13 and later: the dict's word, and the values inside the instance */
};

/* What sys.getsizeof counts before a type object that is static, and has no headers. */
enum static_type_size {
    STATIC_BARE,         /* up to 3.10: nothing */
    STATIC_AS_HEAP,      /* 3.11 and 3.12: as if it had a GC header */
    STATIC_BARE_OF_TYPE, /* 3.13 and later: nothing if its type is `type`, else as 3.12 */
};

/* Where a generator's frame is, and what its gi_frame_state says (from the lowest number on). */
enum generator_shape {
    GENERATORS_WITH_OBJECT, /* up to 3.10: in a frame object; no gi_frame_state */
    GENERATORS_MINUS_2,     /* 3.11, 3.12: inside; created, suspended, executing, completed */
    GENERATORS_MINUS_3,     /* 3.13, 3.14: created, suspended, suspended by yield from, executing */
    GENERATORS_FROM_0,      /* 3.15: created, suspended, yield from (two), executing, cleared */
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

    /* Sizes: an int has room for a digit even if it is zero (3.11, gh-68264). */
    bool zero_has_digit;
    enum values_shape values;
    bool collections_print_class; /* deque, bytearray print the name of a subclass (3.7) */
    bool odict_prints_dict;     /* "OrderedDict({'a': 1})" (3.12), not "OrderedDict([('a', 1)])" */
    bool odict_visits_weakrefs; /* its od_weakreflist (3.6) */
    /* structseq_traverse (3.8) visits fields that are no items; so long, its repr had no limit. */
    bool struct_sequences_visit_all;

    /* tp_traverse of C heap types visits the instance's type (3.9 and later, bpo-40217). */
    bool natives_visit_type;
    enum managed_dict managed_dict;
    enum static_type_size static_type_size;
    /* The names of type variables and aliases are visited (late in 3.14: that of 3.14.5 and later,
     * as far as structures tell). */
    bool typing_names_are_visited;
    /* How reprs call things. */
    bool partial_is_qualified;  /* functools.partial with the module of a subclass (3.13) */
    bool weakrefs_qualify;      /* weak references with the module of the referent's class (3.13) */
    bool object_is_silent;      /* descriptors of object's do not say whose they are (3.15) */
    bool namespace_has_path;    /* the repr of a module that is a namespace package (3.12) */
    bool weakrefs_ask_type;     /* for __name__ the referent's type, not the referent (3.11) */
    bool loaders_print_modules; /* by module_repr(), before the spec is asked (up to 3.9) */
    bool aliases_show_none;     /* type(None) among the arguments of list[...] as None (3.14) */
    bool namespaces_are_sorted; /* types.SimpleNamespace (up to 3.8) */
    enum generator_shape generators;
    bool generators_visit_code;    /* tp_traverse tells of the code when it has finished: 3.14 on */
    bool exceptions_print_tuple;   /* 3.6: ValueError('x',) */
    bool import_errors_print_name; /* ImportError('x', name='n') (3.15) */

    /* array.array, itertools.count print the name of their class, timedelta those of its parts
     * (3.7) */
    bool reprs_name_class;
    bool queues_count_items; /* sys.getsizeof() of _queue.SimpleQueue (3.15) */
    bool streams_name_class; /* _io.FileIO, TextIOWrapper print it, Struct prints its format (3.13)
                              */
    bool traced_files_are_bytes; /* tracemalloc keeps names of files as C strings (3.15) */
    bool has_immortals;          /* objects whose references are not counted (3.12) */
};

/* Bits of tp_flags that mean the same in 3.6 to 3.15, or nothing yet (Include/object.h). */
#define TPFLAGS_INLINE_VALUES (UINT64_C(1) << 2)   /* 3.13 and later */
#define TPFLAGS_MANAGED_WEAKREF (UINT64_C(1) << 3) /* 3.12 and later */
#define TPFLAGS_MANAGED_DICT (UINT64_C(1) << 4)    /* 3.11 and later */
#define TPFLAGS_HEAPTYPE (UINT64_C(1) << 9)
#define TPFLAGS_HAVE_GC (UINT64_C(1) << 14)
#define TPFLAGS_LONG_SUBCLASS (UINT64_C(1) << 24)
#define TPFLAGS_LIST_SUBCLASS (UINT64_C(1) << 25)
#define TPFLAGS_TUPLE_SUBCLASS (UINT64_C(1) << 26)
#define TPFLAGS_UNICODE_SUBCLASS (UINT64_C(1) << 28)
#define TPFLAGS_DICT_SUBCLASS (UINT64_C(1) << 29)
#define TPFLAGS_TYPE_SUBCLASS (UINT64_C(1) << 31)

/* `layout` has passed layout_check. Fails with ERROR_PYTHON where the lists are nowhere. */
MUST_CHECK bool shape_of(struct shape *ret, const struct layout *layout, struct error *err);

#endif
