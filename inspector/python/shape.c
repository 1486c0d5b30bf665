// SPDX-License-Identifier: MIT
#include "inspector/python/shape.h"

static void add_list(struct shape *shape, uint32_t offset, enum generation generation)
{
    shape->lists[shape->list_count++] =
        (struct list_head){.offset = offset, .generation = generation};
}

/* Heads of the lists in an array of struct gc_generation that starts at `offset`. */
static void add_generations(struct shape *shape, const struct layout *layout, uint32_t offset)
{
    uint32_t head = layout_offset(layout, gc_generation_head);
    uint32_t stride = layout_size(layout, sizeof_gc_generation);

    for (unsigned i = 0; i < 3; i++)
        add_list(shape, offset + i * stride + head, GENERATION_0 + i);
}

static void find_lists(struct shape *shape, const struct layout *layout)
{
    uint32_t head = layout_offset(layout, gc_generation_head);

    if (shape->lists_home == LISTS_STATIC) {
        add_generations(shape, layout, 0);
        return;
    }
    if (layout_has(layout, gc_state_generations)) {
        add_generations(shape, layout, layout_offset(layout, gc_state_generations));
    } else {
        uint32_t old = layout_offset(layout, gc_state_old);
        add_list(shape, layout_offset(layout, gc_state_young) + head, GENERATION_0);
        /* Both old lists are generation 2 and there is no 1: Python/gc.c, _PyGC_GetObjects(). */
        add_list(shape, old + head, GENERATION_2);
        add_list(shape, old + layout_size(layout, sizeof_gc_generation) + head, GENERATION_2);
    }
    if (layout_has(layout, gc_state_permanent_generation))
        add_list(shape, layout_offset(layout, gc_state_permanent_generation) + head,
                 GENERATION_PERMANENT);
}

bool shape_of(struct shape *ret, const struct layout *layout, struct error *err)
{
    struct shape shape = {0};

    if (layout_has(layout, interpreter_gc))
        shape.lists_home = LISTS_INTERPRETER;
    else if (layout_has(layout, runtime_gc))
        shape.lists_home = LISTS_RUNTIME;
    else
        shape.lists_home = LISTS_STATIC;

    bool has_state = layout_has(layout, sizeof_gc_state);
    if (has_state != (shape.lists_home != LISTS_STATIC))
        return error_set(err, ERROR_PYTHON,
                         "the debug information does not tell where this Python keeps the lists of "
                         "its garbage collector: it is incomplete, or this is no CPython 3.6 to "
                         "3.15");
    find_lists(&shape, layout);

    shape.link_mask = layout_has(layout, PyGC_Head_gc_refs) ? UINT64_MAX : ~UINT64_C(3);
    shape.keys = layout_has(layout, PyDictKeysObject_dk_log2_size) ? KEYS_LOG2 : KEYS_DK_SIZE;
    shape.ints = layout_has(layout, PyLongObject_lv_tag) ? INT_LV_TAG : INT_OB_SIZE;
    if (shape.keys == KEYS_LOG2)
        shape.preheader_flags = TPFLAGS_MANAGED_DICT;
    if (layout_has(layout, PyTypeObject_tp_watched))
        shape.preheader_flags |= TPFLAGS_MANAGED_WEAKREF;
    shape.frames_have_ob_size = layout_has(layout, PyFrameObject_ob_size);

    shape.zero_has_digit = shape.keys == KEYS_LOG2;
    shape.values = VALUES_PLAIN;
    if (layout_has(layout, sizeof_dict_values))
        shape.values = layout_has(layout, dict_values_capacity) ? VALUES_HEADED : VALUES_PREFIXED;
    shape.collections_print_class = shape.lists_home != LISTS_STATIC;
    shape.odict_visits_weakrefs = shape.lists_home == LISTS_STATIC;
    shape.odict_prints_dict = layout_has(layout, PyTypeObject_tp_watched);
    shape.struct_sequences_visit_all = !layout_has(layout, PyGC_Head_gc_refs);

    shape.natives_visit_type = layout_has(layout, heap_type_ht_module);
    if (shape.preheader_flags & TPFLAGS_MANAGED_WEAKREF)
        shape.managed_dict = shape.values == VALUES_HEADED ? MANAGED_INLINE : MANAGED_TAGGED;
    else if (shape.preheader_flags & TPFLAGS_MANAGED_DICT)
        shape.managed_dict = MANAGED_TWO;
    if (shape.managed_dict == MANAGED_INLINE)
        shape.static_type_size = STATIC_BARE_OF_TYPE;
    else if (shape.managed_dict != MANAGED_NONE)
        shape.static_type_size = STATIC_AS_HEAP;
    shape.typing_names_are_visited =
        layout_has(layout, unionobject_hashable_args) && !layout_has(layout, gc_state_young);
    shape.partial_is_qualified = shape.weakrefs_qualify = shape.managed_dict == MANAGED_INLINE;
    shape.object_is_silent = layout_has(layout, typealiasobject_qualname);
    shape.namespace_has_path = shape.preheader_flags & TPFLAGS_MANAGED_WEAKREF;
    shape.weakrefs_ask_type = shape.keys == KEYS_LOG2;
    shape.loaders_print_modules = !layout_has(layout, PyFunctionObject_func_builtins);
    shape.aliases_show_none = layout_has(layout, unionobject_hashable_args);
    shape.namespaces_are_sorted = !shape.natives_visit_type;
    if (layout_has(layout, thread_base_frame))
        shape.generators = GENERATORS_FROM_0;
    else if (layout_has(layout, interpreter_frame_instr_ptr))
        shape.generators = GENERATORS_MINUS_3;
    else if (layout_has(layout, PyGenObject_gi_iframe))
        shape.generators = GENERATORS_MINUS_2;
    shape.generators_visit_code = layout_has(layout, interpreter_frame_stackpointer);
    shape.import_errors_print_name = layout_has(layout, thread_base_frame);
    shape.exceptions_print_tuple = shape.lists_home == LISTS_STATIC;

    shape.reprs_name_class = shape.lists_home != LISTS_STATIC;
    shape.queues_count_items = layout_has(layout, PyByteArrayObject_ob_bytes_object);
    shape.streams_name_class = shape.managed_dict == MANAGED_INLINE;
    shape.traced_files_are_bytes = layout_has(layout, thread_base_frame);
    shape.has_immortals = layout_has(layout, PyTypeObject_tp_watched);
    *ret = shape;
    return true;
}
