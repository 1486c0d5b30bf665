// SPDX-License-Identifier: MIT
#include "inspector/python/validate.h"

#include "symbols/layout_published.h"
#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

/* One style for each way in which the versions differ. */
static const struct fake_style styles[] = {
    {LISTS_STATIC, KEYS_DK_SIZE, INT_OB_SIZE, false, true},       /* 3.6 */
    {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, true},      /* 3.7 */
    {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, false},     /* 3.8 */
    {LISTS_INTERPRETER, KEYS_DK_SIZE, INT_OB_SIZE, false, false}, /* 3.9, 3.10 */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_OB_SIZE, false, false},    /* 3.11 */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, false, false},     /* 3.12 and later */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, true, false},      /* 3.14.0 to 3.14.4 */
};
enum { STYLES = sizeof(styles) / sizeof(*styles), OLDEST = 0, SHARED = 1, NEWEST = 5 };

/* Offsets in the fake structures. */
enum { TYPE = 8, NAME = 24, BASICSIZE = 32, ITEMSIZE = 40, FLAGS = 168, DICT = 176, MA_KEYS = 32 };

enum { CLASSES = 3, INSTANCES = 10 };

/* A heap in which there is something of everything. */
struct scene {
    struct fake_heap heap;
    struct python *python;
    uint64_t classes[CLASSES];
    uint64_t objects[4 * CLASSES * INSTANCES];
    size_t count;
};

static void set(struct scene *scene, size_t style)
{
    static const char *const names[CLASSES] = {"Order", "Customer", "Row"};

    fake_heap_init_faithful(&scene->heap, &styles[style]);
    scene->python = &scene->heap.python;
    scene->count = 0;
    for (int i = 0; i < CLASSES; i++)
        scene->classes[i] = fake_class(&scene->heap, names[i]);
    for (unsigned list = 0; list < scene->python->shape.list_count; list++) {
        for (int i = 0; i < CLASSES * INSTANCES; i++)
            scene->objects[scene->count++] =
                fake_object(&scene->heap, list, scene->classes[i % CLASSES], 0);
    }
}

static void put(struct scene *scene, uint64_t address, uint64_t word)
{
    fake_put(&scene->heap, address, word);
}

static uint64_t get(struct scene *scene, uint64_t address)
{
    return fake_get(&scene->heap, address);
}

static uint64_t place(struct scene *scene, enum layout_slot_id slot)
{
    return scene->python->runtime + layout_offset(&scene->python->layout, slot);
}

static void put_in_classes(struct scene *scene, uint64_t offset, uint64_t word)
{
    for (int i = 0; i < CLASSES; i++)
        put(scene, scene->classes[i] + offset, word);
}

/* A word of the table of keys of each class. */
static void put_in_keys(struct scene *scene, uint64_t offset, uint64_t word)
{
    for (int i = 0; i < CLASSES; i++)
        put(scene, get(scene, get(scene, scene->classes[i] + DICT) + MA_KEYS) + offset, word);
}

static uint64_t collecting(struct scene *scene)
{
    return scene->heap.interpreter + layout_offset(&scene->python->layout, interpreter_gc) +
           layout_offset(&scene->python->layout, gc_state_collecting);
}

/* ---- What may be wrong ---- */

static void rule(struct scene *scene)
{
    scene->python->layout.slots[PyHeapTypeObject_ht_qualname].offset += 8;
}

static void no_runtime(struct scene *scene)
{
    scene->python->runtime = 0;
}

static void no_generations(struct scene *scene)
{
    scene->python->generation0 = 0;
}

static void next_elsewhere(struct scene *scene)
{
    scene->python->layout.slots[interpreter_next].offset = 8;
}

static void head_is_no_interpreter(struct scene *scene)
{
    put(scene, place(scene, runtime_interpreters_head), 4711);
}

static void main_is_no_interpreter(struct scene *scene)
{
    put(scene, place(scene, runtime_interpreters_head) + 8, 4711);
}

static void main_is_followed(struct scene *scene)
{
    put(scene, scene->heap.interpreter, scene->heap.type_type);
}

static void collecting_seven(struct scene *scene)
{
    put(scene, collecting(scene), 7);
}

static void garbage_for_a_list(struct scene *scene)
{
    put(scene, fake_list(&scene->heap, 1), 4711);
}

static void no_list(struct scene *scene)
{
    for (unsigned i = 0; i < 4; i++)
        put(scene, fake_list(&scene->heap, i), scene->heap.type_type);
}

static void no_types(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        put(scene, scene->objects[i] + TYPE, scene->classes[0] + 16);
}

static void objects_for_types(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        put(scene, scene->objects[i] + TYPE, get(scene, scene->classes[0] + DICT));
}

static void type_of_another_name(struct scene *scene)
{
    put(scene, scene->heap.type_type + NAME, get(scene, scene->heap.str_type + NAME));
}

static void type_of_another_size(struct scene *scene)
{
    put(scene, scene->heap.type_type + BASICSIZE, 232);
}

static void type_of_other_items(struct scene *scene)
{
    put(scene, scene->heap.type_type + ITEMSIZE, 0);
}

static void type_of_other_flags(struct scene *scene)
{
    put(scene, scene->heap.type_type + FLAGS,
        get(scene, scene->heap.type_type + FLAGS) & ~TPFLAGS_HAVE_GC);
}

static void type_before_watchers(struct scene *scene)
{
    put(scene, scene->heap.type_type + FLAGS, TPFLAGS_HAVE_GC | TPFLAGS_TYPE_SUBCLASS);
}

static void untracked(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        put(scene, scene->objects[i] - 16, (uint64_t)-4);
}

static void no_dict(struct scene *scene)
{
    put_in_classes(scene, DICT, scene->heap.type_type);
}

static void no_keys(struct scene *scene)
{
    for (int i = 0; i < CLASSES; i++)
        put(scene, get(scene, scene->classes[i] + DICT) + MA_KEYS, 4711);
}

static void index_too_small(struct scene *scene)
{
    put_in_keys(scene, 8, 9 | 3 << 8 | 1 << 16);
}

static void too_many_entries(struct scene *scene)
{
    put_in_keys(scene, 32, UINT64_C(1) << 40);
}

static void huge_dict(struct scene *scene)
{
    put_in_keys(scene, 8, 37 | 40 << 8 | 1 << 16);
    put_in_keys(scene, 32, UINT64_C(1) << 36);
}

/* Many deleted entries, and behind them one that cannot be so. */
static void long_dict(struct scene *scene)
{
    fake_alloc(&scene->heap, 256 * 1024);
    put_in_keys(scene, 8, 15 | 16 << 8 | 1 << 16);
    put_in_keys(scene, 32, 1000);
    put_in_keys(scene, 40 + 65536 + 900 * 16, 4711);
}

static void no_module(struct scene *scene)
{
    put_in_keys(scene, 64, fake_ascii(&scene->heap, "other"));
}

static void key_is_no_str(struct scene *scene)
{
    put_in_keys(scene, 48, scene->heap.type_type);
}

static void value_is_no_object(struct scene *scene)
{
    put_in_keys(scene, 56, 4711);
}

static void another_name(struct scene *scene)
{
    put_in_classes(scene, 208, fake_ascii(&scene->heap, "Other"));
}

static void no_qualname(struct scene *scene)
{
    put_in_classes(scene, 224, scene->heap.type_type);
}

static void str_of_another_size(struct scene *scene)
{
    put(scene, scene->heap.str_type + BASICSIZE, 72);
}

static void dict_of_another_size(struct scene *scene)
{
    put(scene, scene->heap.dict_type + BASICSIZE, 40);
}

static void no_interpreter(struct scene *scene)
{
    put(scene, place(scene, runtime_interpreters_head), 0);
    put(scene, place(scene, runtime_interpreters_head) + 8, 0);
}

static void circle_of_interpreters(struct scene *scene)
{
    put(scene, scene->heap.interpreter, fake_interpreter(&scene->heap));
    put(scene, place(scene, runtime_interpreters_head) + 8, scene->heap.type_type);
}

static void list_without_end(struct scene *scene)
{
    put(scene, fake_list(&scene->heap, 0) + 8, scene->objects[0] - 16);
}

static void bent_lists(struct scene *scene)
{
    for (size_t i = 1; i < scene->count; i++) /* but where lists begin */
        put(scene, scene->objects[i] - 16 + 8, get(scene, scene->objects[i] - 16 + 8) ^ 64);
    for (unsigned list = 0; list < 4; list++)
        put(scene, get(scene, fake_list(&scene->heap, list)) + 8, fake_list(&scene->heap, list));
}

static void collecting_without_types(struct scene *scene)
{
    put(scene, collecting(scene), 1);
    no_types(scene);
}

static void one_wrong_class(struct scene *scene)
{
    put(scene, scene->classes[0] + DICT, scene->heap.type_type);
    put(scene, scene->classes[1] + 224, scene->heap.type_type);
}

static void no_classes(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        put(scene, scene->objects[i] + TYPE, scene->heap.dict_type);
}

static void nothing(struct scene *scene)
{
    (void)scene;
}

static void only_collecting(struct scene *scene)
{
    put(scene, collecting(scene), 1);
}

static void empty_lists(struct scene *scene)
{
    for (unsigned list = 0; list < 3; list++) {
        uint64_t head = fake_list(&scene->heap, list);
        put(scene, head, head);
        put(scene, head + 8, head);
    }
}

/* Back links are counts of references while the collector is at work, but those of the heads. */
static void counts_for_links(struct scene *scene)
{
    put(scene, collecting(scene), 1);
    for (size_t i = 0; i < scene->count; i++)
        put(scene, scene->objects[i] - 16 + 8, i << 2 | 2);
}

static void one_in_eight_untyped(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i += 10)
        put(scene, scene->objects[i] + TYPE, 0);
}

/* Before 3.9 nobody needs it. */
static void without_next(struct scene *scene)
{
    scene->python->layout.slots[interpreter_next].present = false;
}

static void next_out_of_sight(struct scene *scene)
{
    uint64_t page = fake_alloc(&scene->heap, 2 * IMAGE_PAGE);

    /* The newest interpreter lies astride a page's end that cannot be read. */
    uint64_t at = (page + IMAGE_PAGE) / IMAGE_PAGE * IMAGE_PAGE - 8;
    uint64_t absent = (at - FAKE_BASE) / IMAGE_PAGE;
    put(scene, place(scene, runtime_interpreters_head), at);
    put(scene, place(scene, runtime_interpreters_head) + 8, at);
    scene->heap.present[absent / 64] ^= UINT64_C(1) << absent % 64;
}

static void more_interpreters(struct scene *scene)
{
    uint64_t main = scene->heap.interpreter;

    for (int i = 0; i < 100; i++)
        fake_interpreter(&scene->heap);
    scene->heap.interpreter = main;
}

static const struct {
    const char *what;
    void (*damage)(struct scene *scene);
    size_t style;
    enum validity verdict;
    const char *text; /* in the error's */
} cases[] = {
    {"right", nothing, NEWEST, VALID, ""},
    {"a collector at work", only_collecting, NEWEST, VALID, ""},
    {"counts for links", counts_for_links, NEWEST, VALID, ""},
    {"lists that are empty", empty_lists, NEWEST, VALID, ""},
    {"some types that are none", one_in_eight_untyped, NEWEST, VALID, ""},
    {"no next", without_next, SHARED, VALID, ""},
    {"a hundred interpreters", more_interpreters, NEWEST, VALID, ""},

    {"a rule", rule, NEWEST, INVALID, "bytes behind PyHeapTypeObject.ht_name"},
    {"no _PyRuntime", no_runtime, NEWEST, INVALID, "no such symbol"},
    {"no generations", no_generations, OLDEST, INVALID, "no such symbol"},
    {"next", next_elsewhere, NEWEST, INVALID, "interpreter.next"},
    {"interpreters.head", head_is_no_interpreter, NEWEST, INVALID, "runtime.interpreters_head"},
    {"interpreters.main", main_is_no_interpreter, NEWEST, INVALID, "runtime.interpreters_head"},
    {"more than all", main_is_followed, NEWEST, INVALID, "interpreter.next"},
    {"the flag", collecting_seven, NEWEST, INVALID, "gc_state.collecting"},
    {"a head", garbage_for_a_list, NEWEST, INVALID, "there is no list"},
    {"all heads", no_list, NEWEST, INVALID, "none of the 4 lists"},
    {"ob_type", no_types, NEWEST, INVALID, "PyObject.ob_type"},
    {"ob_type, of objects", objects_for_types, NEWEST, INVALID, "PyObject.ob_type"},
    {"tp_name", type_of_another_name, NEWEST, INVALID, "PyTypeObject.tp_name"},
    {"tp_basicsize", type_of_another_size, NEWEST, INVALID, "PyTypeObject.tp_basicsize"},
    {"tp_itemsize", type_of_other_items, NEWEST, INVALID, "PyTypeObject.tp_itemsize"},
    {"tp_flags", type_of_other_flags, NEWEST, INVALID, "PyTypeObject.tp_flags"},
    {"tp_watched", type_before_watchers, NEWEST, INVALID, "PyTypeObject.tp_watched"},
    {"gc_refs", untracked, SHARED, UNCERTAIN, "PyGC_Head.gc_refs"},
    {"tp_dict", no_dict, NEWEST, INVALID, "PyTypeObject.tp_dict"},
    {"ma_keys", no_keys, NEWEST, INVALID, "PyDictObject.ma_keys"},
    {"the index", index_too_small, NEWEST, INVALID, "no table of keys"},
    {"2^40 entries", too_many_entries, NEWEST, INVALID, "no table of keys"},
    {"2^36 entries in as many slots", huge_dict, NEWEST, INVALID, "PyDictKeysObject"},
    {"keys", key_is_no_str, NEWEST, INVALID, "PyDictKeysObject"},
    {"values", value_is_no_object, NEWEST, INVALID, "PyDictKeysObject"},
    {"ht_name", another_name, NEWEST, INVALID, "PyHeapTypeObject.ht_name"},
    {"ht_qualname", no_qualname, NEWEST, INVALID, "PyHeapTypeObject.ht_qualname"},
    {"str", str_of_another_size, NEWEST, INVALID, "sizeof(PyUnicodeObject)"},
    {"dict", dict_of_another_size, NEWEST, INVALID, "sizeof(PyDictObject)"},

    {"no interpreter", no_interpreter, NEWEST, UNCERTAIN, "interpreter"},
    {"next out of sight", next_out_of_sight, SHARED, UNCERTAIN, "interpreter.next"},
    {"a circle", circle_of_interpreters, NEWEST, UNCERTAIN, "interpreter.next"},
    {"a list without an end", list_without_end, NEWEST, UNCERTAIN, "does not close"},
    {"links within", bent_lists, NEWEST, UNCERTAIN, "broken link"},
    {"a collector, and no types", collecting_without_types, NEWEST, UNCERTAIN, "ob_type"},
    {"two classes of three", one_wrong_class, NEWEST, UNCERTAIN, "PyTypeObject.tp_dict"},
    {"a long dict", long_dict, NEWEST, UNCERTAIN, "no class"},
    {"no __module__", no_module, NEWEST, UNCERTAIN, "no class"},
    {"no class", no_classes, NEWEST, UNCERTAIN, "no class"},
};

Test(validate, tells_what_is_wrong, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {.kind = ERROR_NONE};
        struct scene scene;

        set(&scene, cases[i].style);
        cases[i].damage(&scene);
        enum validity verdict = python_validate(scene.python, &scene.heap.image, &err);
        cr_expect_eq(verdict, cases[i].verdict, "%s: %d: %s", cases[i].what, (int)verdict,
                     err.text);
        cr_expect(strstr(err.text, cases[i].text), "%s: %s", cases[i].what, err.text);
        cr_expect_eq(err.kind, cases[i].verdict == VALID ? ERROR_NONE : ERROR_PYTHON);
        fake_heap_free(&scene.heap);
    }
}

Test(validate, believes_each_version)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct error err = {.kind = ERROR_NONE};
        struct scene scene;

        set(&scene, style);
        cr_expect_eq(python_validate(scene.python, &scene.heap.image, &err), VALID, "%zu: %s",
                     style, err.text);
        cr_expect_eq(err.kind, ERROR_NONE);
        fake_heap_free(&scene.heap);
    }
}

/* What one slot alone cannot tell: it has to fit the others. */
Test(validate, knows_what_belongs_together)
{
    static const struct {
        size_t style;
        struct {
            enum layout_slot_id slot;
            int offset, size; /* added; both 0: the slot is missing */
        } changes[3];
        unsigned count;
        const char *text;
    } wrong[] = {
        {NEWEST, {{PyLongObject_lv_tag, 0, 0}}, 1, "lv_tag"},
        {NEWEST, {{gc_state_permanent_generation, 0, 0}}, 1, "permanent_generation"},
        {OLDEST, {{PyFrameObject_ob_size, 0, 0}}, 1, "PyFrameObject.ob_size"},
        {SHARED, {{PyGC_Head_gc_refs, 0, 0}}, 1, "PyGC_Head.gc_refs"},
        {NEWEST,
         {{PyDictKeyEntry_me_key, 8, 0},
          {PyDictKeyEntry_me_value, 8, 0},
          {sizeof_PyDictKeyEntry, 0, 8}},
         3,
         "PyDictKeyEntry.me_key"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error err = {.kind = ERROR_NONE};
        struct scene scene;

        set(&scene, wrong[i].style);
        for (unsigned j = 0; j < wrong[i].count; j++) {
            int offset = wrong[i].changes[j].offset, size = wrong[i].changes[j].size;
            struct layout_slot *slot = &scene.python->layout.slots[wrong[i].changes[j].slot];
            slot->offset += (uint32_t)offset;
            slot->size += (uint32_t)size;
            slot->present = offset || size;
        }
        cr_expect_eq(python_validate(scene.python, &scene.heap.image, &err), INVALID, "%zu", i);
        cr_expect(strstr(err.text, wrong[i].text), "%s", err.text);
        fake_heap_free(&scene.heap);
    }
}

/* Whichever page is missing, it is not believed and not called wrong, or was not needed. */
Test(validate, is_uncertain_where_memory_is_missing, .timeout = 60)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct error err;
        struct scene scene;
        unsigned uncertain = 0;

        set(&scene, style);
        for (uint64_t page = 0; page <= scene.heap.used / IMAGE_PAGE; page++) {
            scene.heap.present[page / 64] ^= UINT64_C(1) << page % 64;
            enum validity verdict = python_validate(scene.python, &scene.heap.image, &err);
            cr_expect_neq(verdict, INVALID, "style %zu, page %d: %s", style, (int)page, err.text);
            uncertain += verdict == UNCERTAIN;
            scene.heap.present[page / 64] ^= UINT64_C(1) << page % 64;
        }
        cr_expect_gt(uncertain, 0);
        memset(scene.heap.present, 0, sizeof(scene.heap.present));
        cr_expect_eq(python_validate(scene.python, &scene.heap.image, &err), UNCERTAIN);
        fake_heap_free(&scene.heap);
    }
}

/* What 3.13 and later say of themselves; see validate.c for the words. */
/* What _Py_DebugOffsets of 3.14 tells, and in which word. */
static const struct {
    unsigned word;
    enum layout_slot_id slot;
} told[] = {
    {3, sizeof_runtime},         {5, runtime_interpreters_head}, {6, sizeof_interpreter},
    {8, interpreter_next},       {11, interpreter_gc},           {50, sizeof_PyObject},
    {51, PyObject_ob_type},      {52, sizeof_PyTypeObject},      {53, PyTypeObject_tp_name},
    {55, PyTypeObject_tp_flags}, {58, PyVarObject_ob_size},      {66, sizeof_PyDictObject},
    {67, PyDictObject_ma_keys},  {68, PyDictObject_ma_values},   {71, sizeof_PyLongObject},
    {72, PyLongObject_lv_tag},   {77, sizeof_PyUnicodeObject},   {78, PyASCIIObject_kind},
    {79, PyASCIIObject_length},  {80, sizeof_PyASCIIObject},     {81, sizeof_gc_state},
    {82, gc_state_collecting},
};

Test(validate, believes_what_the_interpreter_says_of_itself)
{
    static const struct {
        unsigned word;
        uint64_t added;
        const char *text;
    } lies[] = {
        {2, 1, "interpreter.gc"},       {5, 8, "runtime.interpreters_head"},
        {8, 8, "interpreter.next"},     {11, 8, "interpreter.gc"},
        {81, 24, "sizeof(gc_state)"}, /* 3.14.4 and 3.14.5 differ in that */
        {82, 4, "gc_state.collecting"}, {1, UINT64_C(2) << 16, "not known"},
    };
    struct error err = {.kind = ERROR_NONE};
    struct scene scene;

    set(&scene, NEWEST);
    struct layout *layout = &scene.python->layout;
    uint64_t runtime = fake_alloc(&scene.heap, PUBLISHED_MAX);
    put(&scene, runtime + 800, scene.heap.interpreter);
    put(&scene, runtime + 808, scene.heap.interpreter);
    layout->slots[runtime_interpreters_head].offset = 800;
    scene.python->runtime = runtime;
    memcpy(scene.heap.bytes + (runtime - FAKE_BASE), "xdebugpy", 8);
    put(&scene, runtime + 1 * 8, 0x030e0af0);
    layout->slots[sizeof_runtime].size = PUBLISHED_MAX;
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        struct layout_slot *slot = &layout->slots[told[i].slot];
        bool is_structure = strncmp(layout_slot_name(told[i].slot), "sizeof", 6) == 0;
        if (is_structure && !slot->present) /* no test heap needs to know it */
            *slot = (struct layout_slot){.present = true, .size = PUBLISHED_MAX};
        put(&scene, runtime + told[i].word * 8, is_structure ? slot->size : slot->offset);
    }
    cr_assert_eq(python_validate(scene.python, &scene.heap.image, &err), VALID, "%s", err.text);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint64_t at = runtime + lies[i].word * 8, truth = get(&scene, at);
        put(&scene, at, truth + lies[i].added);
        cr_expect_eq(python_validate(scene.python, &scene.heap.image, &err), INVALID, "word %u",
                     lies[i].word);
        cr_expect(strstr(err.text, lies[i].text), "word %u: %s", lies[i].word, err.text);
        put(&scene, at, truth);
    }
    fake_heap_free(&scene.heap);
}
