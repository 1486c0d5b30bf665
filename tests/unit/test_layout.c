// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"
#include "symbols/layout.h"
#include "symbols/layout_dwarf.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct scratch scratch;

static void make(void)
{
    scratch_make(&scratch);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(layout, .init = make, .fini = clean, .timeout = 60);

/* As CPython 3.12 has it, with less in it. */
static const char modern[] =
    "#include <stdint.h>\n"
    "typedef struct _object PyObject; typedef struct _typeobject PyTypeObject;\n"
    "struct _object { union { long ob_refcnt; unsigned split[2]; }; PyTypeObject *ob_type; };\n"
    "typedef struct { PyObject ob_base; long ob_size; } PyVarObject;\n"
    "typedef struct { uintptr_t _gc_next, _gc_prev; } PyGC_Head;\n"
    "struct gc_generation { PyGC_Head head; int threshold, count; };\n"
    "struct _gc_runtime_state { int on; struct gc_generation generations[3];\n"
    "    struct gc_generation permanent_generation; int collecting; };\n"
    "typedef struct _is PyInterpreterState;\n"
    "struct _is { PyInterpreterState *next; struct _gc_runtime_state gc; };\n"
    "typedef struct pyruntimestate { struct { int lock; PyInterpreterState *head; } interpreters;\n"
    "} _PyRuntimeState;\n"
    "struct _typeobject { PyVarObject ob_base; const char *tp_name; long tp_basicsize;\n"
    "    long tp_itemsize; unsigned long tp_flags; PyObject *tp_dict; unsigned char tp_watched; "
    "};\n"
    "typedef struct _heaptypeobject { PyTypeObject t; PyObject *ht_name, *ht_qualname;\n"
    "} PyHeapTypeObject;\n"
    "typedef struct _dictkeysobject PyDictKeysObject;\n"
    "typedef struct { PyObject ob_base; PyDictKeysObject *ma_keys; void *ma_values; } "
    "PyDictObject;\n"
    "struct _dictkeysobject { long refs; uint8_t dk_log2_size, dk_log2_index_bytes, dk_kind;\n"
    "    long dk_nentries; char dk_indices[]; };\n"
    "typedef struct { long me_hash; PyObject *me_key, *me_value; } PyDictKeyEntry;\n"
    "typedef struct { PyObject *me_key, *me_value; } PyDictUnicodeEntry;\n"
    "typedef struct { PyObject ob_base; long length; struct { unsigned interned : 2, kind : 3,\n"
    "    compact : 1, ascii : 1, : 25; } state; } PyASCIIObject;\n"
    "typedef struct { PyASCIIObject _base; char *utf8; } PyCompactUnicodeObject;\n"
    "typedef struct { PyCompactUnicodeObject _base; union { void *any; } data; } "
    "PyUnicodeObject;\n"
    "typedef struct _longobject { PyObject ob_base; struct { uintptr_t lv_tag; } long_value;\n"
    "} PyLongObject;\n"
    "typedef struct { PyVarObject ob_base; PyObject **ob_item; } PyListObject; PyListObject n;\n"
    "PyObject o; PyVarObject v; PyGC_Head g; _PyRuntimeState r; PyInterpreterState i;\n"
    "PyHeapTypeObject t; PyDictObject d; PyDictKeyEntry e; PyDictUnicodeEntry u;\n"
    "PyDictKeysObject *k; PyUnicodeObject s; PyLongObject l;\n";

static struct layout read_layout(const char *source)
{
    struct debug_file *debug;
    struct layout layout;
    struct error err;

    scratch_write(&scratch, "modern.c", source);
    scratch_run(&scratch, "$CC -g -shared -fPIC -o modern.so modern.c");
    struct elf_file *file = scratch_open(&scratch, "modern.so");
    cr_assert(debug_file_find(&debug, file, NULL, 0, &err), "%s", err.text);
    cr_assert(layout_from_dwarf(&layout, debug_file_dwarf(debug), &err), "%s", err.text);
    debug_file_close(debug);
    elf_file_close(file);
    return layout;
}

Test(layout, is_read_from_dwarf)
{
    struct layout layout = read_layout(modern);
    struct error err;

    cr_expect(layout_check(&layout, &err), "%s", err.text);
    cr_expect_eq(layout_offset(&layout, PyObject_ob_refcnt), 0);
    cr_expect_eq(layout_offset(&layout, PyObject_ob_type), 8);
    cr_expect_eq(layout_offset(&layout, gc_state_generations), 8);
    cr_expect_eq(layout_size(&layout, gc_state_generations), 72);
    cr_expect_eq(layout_size(&layout, sizeof_gc_generation), 24);
    cr_expect_eq(layout_offset(&layout, runtime_interpreters_head), 8);
    cr_expect_eq(layout_offset(&layout, PyTypeObject_tp_dict), 56);
    cr_expect_eq(layout_offset(&layout, PyDictKeysObject_dk_kind), 10);
    cr_expect_eq(layout_offset(&layout, PyDictKeysObject_dk_indices), 24);
    cr_expect_eq(layout_size(&layout, PyDictKeysObject_dk_indices), 0);
    cr_expect_eq(layout.slots[PyASCIIObject_kind].bit_offset, 2);
    cr_expect_eq(layout.slots[PyASCIIObject_kind].bit_size, 3);
    cr_expect_eq(layout_offset(&layout, PyLongObject_lv_tag), 16);
    cr_expect_not(layout_has(&layout, PyDictKeysObject_dk_size));
    cr_expect_not(layout_has(&layout, PyGC_Head_gc_refs));
    cr_expect_not(layout_has(&layout, PyObject_ob_tid));
}

Test(layout, of_something_else_is_refused)
{
    struct layout layout = read_layout("struct other { int x; } other;");
    struct error err;

    for (size_t i = 0; i < LAYOUT_SLOTS; i++)
        cr_expect_not(layout_has(&layout, i));
    cr_expect_not(layout_check(&layout, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "sizeof(PyObject)"), "%s", err.text);
}

Test(layout, knows_which_slots_are_of_kinds)
{
    cr_expect_not(layout_slot_is_of_kind(PyObject_ob_type));
    cr_expect_not(layout_slot_is_of_kind(PyFrameObject_ob_size));
    cr_expect(layout_slot_is_of_kind(sizeof_PyListObject));
    cr_expect(layout_slot_is_of_kind(PyTupleObject_ob_item));
    cr_expect_eq(layout_slot_structure(PyTupleObject_ob_item), sizeof_PyTupleObject);
    cr_expect_eq(layout_slot_structure(sizeof_PyTupleObject), sizeof_PyTupleObject);
    cr_expect_eq(layout_slot_structure(PyObject_ob_type), sizeof_PyObject);
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++)
        cr_expect_eq(layout_slot_is_of_kind(id), id >= sizeof_type);
}

Test(layout, has_names_for_all_slots)
{
    cr_expect_str_eq(layout_slot_name(PyTypeObject_tp_name), "PyTypeObject.tp_name");
    cr_expect_str_eq(layout_slot_name(sizeof_PyGC_Head), "sizeof(PyGC_Head)");
    for (size_t i = 0; i < LAYOUT_SLOTS; i++)
        cr_expect(layout_slot_name(i));
}

/* One slot of a good layout is set so; the check has to name it. */
static const struct {
    const char *name;
    enum layout_slot_id id;
    struct layout_slot slot;
    const char *says; /* NULL: it is fine */
} changes[] = {
    {"as it is", PyObject_ob_type, {true, 0, 0, 8, 8}, NULL},
    {"outside", PyObject_ob_type, {true, 0, 0, 16, 8}, "PyObject.ob_type"},
    {"far outside", PyObject_ob_type, {true, 0, 0, UINT32_MAX - 7, 8}, "PyObject.ob_type"},
    {"unaligned", PyTypeObject_tp_name, {true, 0, 0, 28, 8}, "PyTypeObject.tp_name"},
    {"half a word", PyVarObject_ob_size, {true, 0, 0, 16, 4}, "PyVarObject.ob_size"},
    {"half a count", PyObject_ob_refcnt, {true, 0, 0, 0, 4}, NULL},
    {"a count of 3 bytes", PyObject_ob_refcnt, {true, 0, 0, 0, 3}, "PyObject.ob_refcnt"},
    {"too many bits", PyASCIIObject_kind, {true, 30, 3, 24, 4}, "PyASCIIObject.kind"},
    {"no bit-field", PyASCIIObject_kind, {true, 0, 0, 24, 1}, NULL},
    {"a huge structure", sizeof_interpreter, {true, 0, 0, 0, (1 << 20) + 8}, "interpreter"},
    {"an empty structure", sizeof_PyGC_Head, {true, 0, 0, 0, 0}, "sizeof(PyGC_Head)"},
    {"no structure", sizeof_PyGC_Head, {false, 0, 0, 0, 0}, "PyGC_Head"},
    {"no link", PyGC_Head_gc_next, {false, 0, 0, 0, 0}, "PyGC_Head.gc_next"},
    {"no collecting", gc_state_collecting, {false, 0, 0, 0, 0}, "gc_state.collecting"},
    {"no lists", gc_state_generations, {false, 0, 0, 0, 0}, "gc_state.generations"},
    {"two lists", gc_state_generations, {true, 0, 0, 8, 48}, "gc_state.generations"},
    {"no size of tables", PyDictKeysObject_dk_log2_size, {false, 0, 0, 0, 0}, "dk_log2_size"},
    {"no kind of tables", PyDictKeysObject_dk_kind, {false, 0, 0, 0, 0}, "dk_kind"},
    {"no indices", PyDictKeysObject_dk_log2_index_bytes, {false, 0, 0, 0, 0}, "dk_log2_index"},
    {"no key", PyDictUnicodeEntry_me_key, {false, 0, 0, 0, 0}, "PyDictUnicodeEntry.me_key"},
    {"no value", PyDictUnicodeEntry_me_value, {false, 0, 0, 0, 0}, "PyDictUnicodeEntry.me_value"},
    {"no interpreters", runtime_interpreters_head, {false, 0, 0, 0, 0}, "interpreters_head"},
    {"one interpreter", interpreter_next, {false, 0, 0, 0, 0}, "interpreter.next"},
    {"a large type", sizeof_PyTypeObject, {true, 0, 0, 0, 4096}, "sizeof(PyTypeObject)"},
    {"a large str", sizeof_PyASCIIObject, {true, 0, 0, 0, 4096}, "sizeof(PyASCIIObject)"},
    {"a large compact str",
     sizeof_PyCompactUnicodeObject,
     {true, 0, 0, 0, 4096},
     "sizeof(PyCompactUnicodeObject)"},
    {"many bits", PyASCIIObject_kind, {true, 0, 9, 24, 4}, "PyASCIIObject.kind"},
    {"a kind outside", PyDictKeysObject_dk_kind, {true, 0, 0, 24, 1}, "dk_kind"},
    {"young alone", gc_state_young, {true, 0, 0, 8, 24}, NULL},
    {"a list", PyListObject_ob_item, {true, 0, 0, 16, 8}, NULL},
    {"no list", sizeof_PyListObject, {false, 0, 0, 0, 0}, "sizeof(PyListObject)"},
    {"no items", PyListObject_ob_item, {false, 0, 0, 0, 0}, NULL},
    {"items of a packed list", PyListObject_ob_item, {true, 0, 0, 17, 8}, NULL},
    {"items that are a place", PyListObject_ob_item, {true, 0, 0, 0, 32}, NULL},
    {"three bytes of a list", PyListObject_ob_item, {true, 0, 0, 5, 3}, NULL},
    {"no byte of a list", PyListObject_ob_item, {true, 0, 0, 32, 0}, NULL},
    {"bits of a list", PyListObject_ob_item, {true, 60, 4, 0, 8}, NULL},
    {"too many bits of a list", PyListObject_ob_item, {true, 61, 4, 0, 8}, "PyListObject.ob_item"},
    {"bits of a place", PyListObject_ob_item, {true, 0, 4, 0, 16}, "PyListObject.ob_item"},
    {"items outside a list", PyListObject_ob_item, {true, 0, 0, 25, 8}, "PyListObject.ob_item"},
    {"an empty list", sizeof_PyListObject, {true, 0, 0, 0, 0}, "sizeof(PyListObject)"},
    {"free-threaded", PyObject_ob_tid, {true, 0, 0, 0, 8}, "this is a free-threaded build"},
};

Test(layout, is_checked)
{
    const struct layout good = read_layout(modern);

    for (size_t row = 0; row < COUNT(changes); row++) {
        struct layout layout = good;
        struct error err;

        layout.slots[changes[row].id] = changes[row].slot;
        bool fine = layout_check(&layout, &err);
        cr_expect_eq(fine, !changes[row].says, "%s: %s", changes[row].name,
                     fine ? "accepted" : err.text);
        if (!fine && changes[row].says)
            cr_expect(strstr(err.text, changes[row].says), "%s: %s", changes[row].name, err.text);
    }
}

Test(layout, with_young_and_old_is_fine)
{
    struct layout layout = read_layout(modern);
    struct error err;

    layout.slots[gc_state_generations].present = false;
    layout.slots[gc_state_young] = (struct layout_slot){true, 0, 0, 8, 24};
    cr_expect_not(layout_check(&layout, &err));
    layout.slots[gc_state_old] = (struct layout_slot){true, 0, 0, 32, 48};
    cr_expect(layout_check(&layout, &err), "%s", err.text);
}

Test(layout, with_the_collector_in_the_runtime_needs_the_interpreters_too)
{
    struct layout layout = read_layout(modern);
    struct error err;

    layout.slots[interpreter_gc].present = false;
    layout.slots[runtime_gc] = layout.slots[interpreter_gc];
    layout.slots[runtime_gc].present = true;
    layout.slots[sizeof_runtime].size = 4096;
    cr_expect(layout_check(&layout, &err), "%s", err.text);
    layout.slots[runtime_interpreters_head].present = false;
    cr_expect_not(layout_check(&layout, &err));
    cr_expect(strstr(err.text, "runtime.interpreters_head"), "%s", err.text);
}

Test(layout, with_log2_sizes_needs_unicode_entries)
{
    struct layout layout = read_layout(modern);
    struct error err;

    layout.slots[sizeof_PyDictUnicodeEntry].present = false;
    layout.slots[PyDictUnicodeEntry_me_key].present = false;
    layout.slots[PyDictUnicodeEntry_me_value].present = false;
    cr_expect_not(layout_check(&layout, &err));
    cr_expect(strstr(err.text, "sizeof(PyDictUnicodeEntry)"), "%s", err.text);
}

Test(layout, of_a_free_threaded_build_is_refused_first)
{
    struct layout layout = {0};
    struct error err;

    layout.slots[PyObject_ob_tid] = (struct layout_slot){.present = true, .size = 8};
    cr_expect_not(layout_check(&layout, &err));
    cr_expect_str_eq(err.text,
                     "this is a free-threaded build of CPython (Py_GIL_DISABLED): it keeps no "
                     "garbage-collector lists, which is what pyinspect reads; use a build with "
                     "the GIL");
}
