// SPDX-License-Identifier: MIT
#include "tests/support/fake_heap.h"

#include <stdlib.h>

/* Offsets inside the fake structures; only the code under test reads them through the layout. */
enum {
    TYPE_SIZE = 200,
    HEAP_TYPE_SIZE = 240,
    GENERATION_SIZE = 40,
    STATE_LISTS = 8,
    STATE_PERMANENT = STATE_LISTS + 3 * GENERATION_SIZE,
    STATE_COLLECTING = STATE_PERMANENT + GENERATION_SIZE + 9 * 8,
    STATE_SIZE = STATE_COLLECTING + 8,
    INTERPRETER_NEXT = 16,
    INTERPRETER_GC = 32,
    RUNTIME_HEAD = 24,
    RUNTIME_GC = 64,
};

const struct fake_style fake_newest = {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, false, false};

void fake_slot(struct fake_heap *heap, enum layout_slot_id id, uint32_t offset, uint32_t size)
{
    heap->python.layout.slots[id] =
        (struct layout_slot){.present = true, .offset = offset, .size = size};
}

static void bits(struct fake_heap *heap, enum layout_slot_id id, uint32_t offset, uint8_t start,
                 uint8_t width)
{
    heap->python.layout.slots[id] = (struct layout_slot){
        .present = true, .offset = offset, .size = 4, .bit_offset = start, .bit_size = width};
}

static void lay_out_lists(struct fake_heap *heap, const struct fake_style *style)
{
    fake_slot(heap, sizeof_PyGC_Head, 0, style->wide_heads ? 32 : 16);
    fake_slot(heap, PyGC_Head_gc_next, 0, 8);
    fake_slot(heap, PyGC_Head_gc_prev, 8, 8);
    if (style->wide_heads)
        fake_slot(heap, PyGC_Head_gc_refs, 16, 8);
    fake_slot(heap, sizeof_gc_generation, 0, GENERATION_SIZE);
    fake_slot(heap, gc_generation_head, 0, style->wide_heads ? 32 : 16);
    if (style->home == LISTS_STATIC)
        return;

    fake_slot(heap, sizeof_gc_state, 0, STATE_SIZE);
    fake_slot(heap, gc_state_collecting, STATE_COLLECTING, 4);
    fake_slot(heap, gc_state_permanent_generation, STATE_PERMANENT, GENERATION_SIZE);
    if (style->incremental) {
        fake_slot(heap, gc_state_young, STATE_LISTS, GENERATION_SIZE);
        fake_slot(heap, gc_state_old, STATE_LISTS + GENERATION_SIZE, 2 * GENERATION_SIZE);
    } else {
        fake_slot(heap, gc_state_generations, STATE_LISTS, 3 * GENERATION_SIZE);
    }
    fake_slot(heap, runtime_interpreters_head, RUNTIME_HEAD, 8);
    fake_slot(heap, interpreter_next, heap->faithful ? 0 : INTERPRETER_NEXT, 8);
    if (style->home == LISTS_RUNTIME)
        fake_slot(heap, runtime_gc, RUNTIME_GC, STATE_SIZE);
    else
        fake_slot(heap, interpreter_gc, INTERPRETER_GC, STATE_SIZE);
}

static void lay_out_objects(struct fake_heap *heap, const struct fake_style *style)
{
    fake_slot(heap, sizeof_PyObject, 0, 16);
    fake_slot(heap, PyObject_ob_refcnt, 0, 8);
    fake_slot(heap, PyObject_ob_type, 8, 8);
    fake_slot(heap, sizeof_PyVarObject, 0, 24);
    fake_slot(heap, PyVarObject_ob_size, 16, 8);
    fake_slot(heap, sizeof_PyTypeObject, 0, TYPE_SIZE);
    fake_slot(heap, PyTypeObject_tp_name, 24, 8);
    fake_slot(heap, PyTypeObject_tp_basicsize, 32, 8);
    fake_slot(heap, PyTypeObject_tp_itemsize, 40, 8);
    fake_slot(heap, PyTypeObject_tp_flags, 168, 8);
    fake_slot(heap, PyTypeObject_tp_dict, 176, 8);
    fake_slot(heap, sizeof_PyHeapTypeObject, 0, HEAP_TYPE_SIZE);
    fake_slot(heap, PyHeapTypeObject_ht_name, 208, 8);
    fake_slot(heap, PyHeapTypeObject_ht_qualname, 224, 8);
    fake_slot(heap, sizeof_PyASCIIObject, 0, 48);
    fake_slot(heap, PyASCIIObject_length, 16, 8);
    bits(heap, PyASCIIObject_kind, 32, 2, 3);
    bits(heap, PyASCIIObject_compact, 32, 5, 1);
    bits(heap, PyASCIIObject_ascii, 32, 6, 1);
    fake_slot(heap, sizeof_PyCompactUnicodeObject, 0, 72);
    fake_slot(heap, sizeof_PyUnicodeObject, 0, 80);
    fake_slot(heap, PyUnicodeObject_data, 72, 8);
    if (style->ints == INT_LV_TAG)
        fake_slot(heap, PyLongObject_lv_tag, 16, 8);
    if (style->ints == INT_LV_TAG && heap->faithful)
        fake_slot(heap, PyTypeObject_tp_watched, 184, 1);
}

static void lay_out_dicts(struct fake_heap *heap, const struct fake_style *style)
{
    fake_slot(heap, sizeof_PyDictObject, 0, 48);
    fake_slot(heap, PyDictObject_ma_keys, 32, 8);
    fake_slot(heap, PyDictObject_ma_values, 40, 8);
    if (style->keys == KEYS_DK_SIZE) {
        fake_slot(heap, PyFrameObject_ob_size, 16, 8);
        fake_slot(heap, PyDictKeysObject_dk_size, 8, 8);
        fake_slot(heap, PyDictKeysObject_dk_nentries, 32, 8);
    } else {
        fake_slot(heap, PyDictKeysObject_dk_log2_size, 8, 1);
        fake_slot(heap, PyDictKeysObject_dk_log2_index_bytes, 9, 1);
        fake_slot(heap, PyDictKeysObject_dk_kind, 10, 1);
        fake_slot(heap, PyDictKeysObject_dk_nentries, 32, 8);
        fake_slot(heap, sizeof_PyDictUnicodeEntry, 0, 16);
        fake_slot(heap, PyDictUnicodeEntry_me_key, 0, 8);
        fake_slot(heap, PyDictUnicodeEntry_me_value, 8, 8);
    }
    fake_slot(heap, sizeof_PyDictKeysObject, 0, 40);
    fake_slot(heap, PyDictKeysObject_dk_indices, 40, 0);
    fake_slot(heap, sizeof_PyDictKeyEntry, 0, 24);
    fake_slot(heap, PyDictKeyEntry_me_key, 8, 8);
    fake_slot(heap, PyDictKeyEntry_me_value, 16, 8);
}

uint64_t fake_alloc(struct fake_heap *heap, uint64_t size)
{
    uint64_t address = FAKE_BASE + heap->used;

    heap->used += (size + 15) / 16 * 16;
    if (heap->used > FAKE_PAGES * IMAGE_PAGE)
        abort();
    return address;
}

void fake_put(struct fake_heap *heap, uint64_t address, uint64_t word)
{
    uint8_t *bytes = heap->now ? heap->now : heap->bytes;

    memcpy(bytes + (address - FAKE_BASE), &word, sizeof(word));
}

uint64_t fake_get(const struct fake_heap *heap, uint64_t address)
{
    const uint8_t *bytes = heap->now ? heap->now : heap->bytes;

    return load_u64(bytes + (address - FAKE_BASE));
}

static bool refresh(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct fake_heap *heap = context;

    (void)range;
    heap->refreshed++;
    memcpy(heap->bytes + (address - FAKE_BASE), heap->now + (address - FAKE_BASE), size);
    return true;
}

void fake_move_on(struct fake_heap *heap)
{
    heap->now = malloc(FAKE_PAGES * IMAGE_PAGE);
    if (!heap->now)
        abort();
    memcpy(heap->now, heap->bytes, FAKE_PAGES * IMAGE_PAGE);
    heap->image.refresh = refresh;
    heap->image.fill_context = heap;
}

void fake_untrack(struct fake_heap *heap, uint64_t object)
{
    uint64_t node = object - layout_size(&heap->python.layout, sizeof_PyGC_Head);
    uint64_t next = fake_get(heap, node), before = fake_get(heap, node + 8);

    fake_put(heap, before, next);
    fake_put(heap, next + 8, before);
}

static bool fill(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    uint64_t *present = ((struct fake_heap *)context)->present;

    for (uint64_t page = (address - range->start) / IMAGE_PAGE;
         page <= (address - range->start + size - 1) / IMAGE_PAGE; page++)
        present[page / 64] |= UINT64_C(1) << page % 64;
    return true;
}

void fake_hide(struct fake_heap *heap, uint64_t first, uint64_t count)
{
    for (uint64_t page = first; page < first + count; page++)
        heap->present[page / 64] &= ~(UINT64_C(1) << page % 64);
    heap->image.fill = fill;
    heap->image.fill_context = heap;
}

uint64_t fake_count_hidden(const struct fake_heap *heap)
{
    uint64_t hidden = FAKE_PAGES;

    for (size_t i = 0; i < sizeof(heap->present) / sizeof(*heap->present); i++)
        hidden -= (unsigned)__builtin_popcountll(heap->present[i]);
    return hidden;
}

static uint64_t new_type(struct fake_heap *heap, uint64_t metatype, uint64_t flags, uint64_t basic,
                         uint64_t item)
{
    uint64_t type = fake_alloc(heap, HEAP_TYPE_SIZE);

    fake_put(heap, type, 1);
    fake_put(heap, type + 8, metatype ? metatype : type);
    fake_put(heap, type + 32, basic);
    fake_put(heap, type + 40, item);
    fake_put(heap, type + 168, flags);
    return type;
}

static uint64_t c_string(struct fake_heap *heap, const char *text)
{
    uint64_t address = fake_alloc(heap, strlen(text) + 1);

    memcpy(heap->bytes + (address - FAKE_BASE), text, strlen(text) + 1);
    return address;
}

uint64_t fake_static_type(struct fake_heap *heap, const char *tp_name, uint64_t basic,
                          uint64_t item)
{
    uint64_t type = new_type(heap, heap->type_type, TPFLAGS_HAVE_GC, basic, item);

    fake_put(heap, type + 24, c_string(heap, tp_name));
    return type;
}

uint64_t fake_str(struct fake_heap *heap, const uint32_t *characters, size_t length, unsigned width)
{
    bool ascii = width == 1;

    for (size_t i = 0; i < length; i++)
        ascii = ascii && characters[i] < 0x80;
    uint64_t header = ascii ? 48 : 72;
    uint64_t str = fake_alloc(heap, header + (length + 1) * width);
    fake_put(heap, str, 1);
    fake_put(heap, str + 8, heap->str_type);
    fake_put(heap, str + 16, length);
    fake_put(heap, str + 32, (uint64_t)width << 2 | 1 << 5 | (uint64_t)ascii << 6);
    for (size_t i = 0; i < length; i++)
        memcpy(heap->bytes + (str - FAKE_BASE) + header + i * width, &characters[i], width);
    return str;
}

uint64_t fake_ascii(struct fake_heap *heap, const char *text)
{
    uint32_t characters[256];
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        characters[i] = (unsigned char)text[i];
    return fake_str(heap, characters, length, 1);
}

uint64_t fake_dict(struct fake_heap *heap, const uint64_t *keys, const uint64_t *values,
                   size_t count, bool general)
{
    bool log2 = heap->python.shape.keys == KEYS_LOG2;
    uint64_t entry = log2 && !general ? 16 : 24;
    uint64_t indices = 8;
    uint64_t dict = fake_alloc(heap, 48);
    uint64_t table = fake_alloc(heap, 40 + indices + count * entry);

    fake_put(heap, dict, 1);
    fake_put(heap, dict + 8, heap->dict_type);
    fake_put(heap, dict + 32, table);
    fake_put(heap, table + 8, log2 ? 3 | 3 << 8 | (uint64_t)!general << 16 : indices);
    fake_put(heap, table + 32, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t at = table + 40 + indices + i * entry + (entry == 24 ? 8 : 0);
        fake_put(heap, at, keys[i]);
        fake_put(heap, at + 8, values[i]);
    }
    return dict;
}

uint64_t fake_heap_type(struct fake_heap *heap, uint64_t module, uint64_t qualname, uint64_t name)
{
    uint64_t type = new_type(heap, heap->type_type, TPFLAGS_HAVE_GC | TPFLAGS_HEAPTYPE, 32, 0);
    uint64_t keys[] = {fake_ascii(heap, "__doc__"), fake_ascii(heap, "__module__")};
    uint64_t values[] = {heap->str_type, module};

    fake_put(heap, type + 176, fake_dict(heap, keys, values, module ? 2 : 1, false));
    fake_put(heap, type + 208, name);
    fake_put(heap, type + 224, qualname);
    return type;
}

uint64_t fake_class(struct fake_heap *heap, const char *name)
{
    uint64_t string = fake_ascii(heap, name);
    uint64_t type = fake_heap_type(heap, fake_ascii(heap, "__main__"), string, string);

    fake_put(heap, type + 24, c_string(heap, name));
    return type;
}

static void empty_lists(struct fake_heap *heap, uint64_t home)
{
    for (unsigned i = 0; i < heap->python.shape.list_count; i++) {
        uint64_t head = home + heap->python.shape.lists[i].offset;
        fake_put(heap, head, head);
        fake_put(heap, head + 8, head);
    }
}

static uint64_t home(const struct fake_heap *heap)
{
    switch (heap->python.shape.lists_home) {
    case LISTS_STATIC:
        return fake_get(heap, heap->python.generation0);
    case LISTS_RUNTIME:
        return heap->python.runtime + RUNTIME_GC;
    case LISTS_INTERPRETER:
        break;
    }
    return heap->interpreter + INTERPRETER_GC;
}

uint64_t fake_interpreter(struct fake_heap *heap)
{
    uint64_t interpreter = fake_alloc(heap, INTERPRETER_GC + STATE_SIZE);

    if (heap->python.shape.lists_home != LISTS_STATIC)
        fake_put(heap, interpreter + layout_offset(&heap->python.layout, interpreter_next),
                 heap->interpreter);
    fake_put(heap, heap->python.runtime + RUNTIME_HEAD, interpreter);
    if (!heap->interpreter)
        fake_put(heap, heap->python.runtime + RUNTIME_HEAD + 8, interpreter);
    heap->interpreter = interpreter;
    if (heap->python.shape.lists_home == LISTS_INTERPRETER)
        empty_lists(heap, home(heap));
    return interpreter;
}

uint64_t fake_list(const struct fake_heap *heap, unsigned list)
{
    return home(heap) + heap->python.shape.lists[list].offset;
}

uint64_t fake_object(struct fake_heap *heap, unsigned list, uint64_t type, uint64_t ob_size)
{
    uint64_t head_size = layout_size(&heap->python.layout, sizeof_PyGC_Head);
    uint64_t head = fake_list(heap, list);
    uint64_t node = fake_alloc(heap, head_size + 32);
    uint64_t last = fake_get(heap, head + 8);

    fake_put(heap, node, head);
    fake_put(heap, node + 8, last);
    fake_put(heap, last, node);
    fake_put(heap, head + 8, node);
    if (head_size == 32)
        fake_put(heap, node + 16, (uint64_t)-6); /* tracked */
    fake_put(heap, node + head_size, 1);
    fake_put(heap, node + head_size + 8, type);
    fake_put(heap, node + head_size + 16, ob_size);
    return node + head_size;
}

uint64_t fake_list_object(struct fake_heap *heap, unsigned list, const uint64_t *items,
                          size_t count)
{
    fake_slot(heap, sizeof_PyListObject, 0, 40);
    fake_slot(heap, PyListObject_ob_item, 24, 8);
    fake_slot(heap, PyListObject_allocated, 32, 8);
    uint64_t object = fake_object(heap, list, fake_static_type(heap, "list", 40, 0), count);
    fake_alloc(heap, 16); /* what it takes beyond a plain object */
    uint64_t buffer = fake_alloc(heap, count * 8);
    fake_put(heap, object + 24, buffer);
    fake_put(heap, object + 32, count);
    for (size_t i = 0; i < count; i++)
        fake_put(heap, buffer + i * 8, items[i]);
    return object;
}

static void init(struct fake_heap *heap, const struct fake_style *style, bool faithful)
{
    struct error err;

    *heap = (struct fake_heap){.faithful = faithful};
    heap->bytes = calloc(FAKE_PAGES, IMAGE_PAGE);
    memset(heap->present, 0xff, sizeof(heap->present));
    lay_out_lists(heap, style);
    lay_out_objects(heap, style);
    lay_out_dicts(heap, style);
    image_init(&heap->image);
    struct image_range range = {.start = FAKE_BASE,
                                .size = FAKE_PAGES * IMAGE_PAGE,
                                .bytes = heap->bytes,
                                .present = heap->present};
    if (!heap->bytes || !shape_of(&heap->python.shape, &heap->python.layout, &err) ||
        !image_add(&heap->image, &range, &err))
        abort();

    heap->python.runtime = fake_alloc(heap, RUNTIME_GC + STATE_SIZE);
    heap->python.collecting = fake_alloc(heap, 8);
    heap->python.generation0 = fake_alloc(heap, 8);
    fake_put(heap, heap->python.generation0, fake_alloc(heap, 3 * GENERATION_SIZE));
    bool has_watched = layout_has(&heap->python.layout, PyTypeObject_tp_watched);
    heap->type_type = new_type(
        heap, 0, TPFLAGS_HAVE_GC | TPFLAGS_TYPE_SUBCLASS | (has_watched ? 1 << 1 : 0), 240, 40);
    fake_put(heap, heap->type_type + 24, c_string(heap, "type"));
    heap->str_type = new_type(heap, heap->type_type, TPFLAGS_UNICODE_SUBCLASS, 80, 0);
    fake_put(heap, heap->str_type + 24, c_string(heap, "str"));
    heap->dict_type =
        new_type(heap, heap->type_type, TPFLAGS_HAVE_GC | TPFLAGS_DICT_SUBCLASS, 48, 0);
    fake_put(heap, heap->dict_type + 24, c_string(heap, "dict"));
    fake_interpreter(heap);
    if (style->home != LISTS_INTERPRETER)
        empty_lists(heap, home(heap));
}

void fake_heap_init(struct fake_heap *heap, const struct fake_style *style)
{
    init(heap, style, false);
}

void fake_heap_init_faithful(struct fake_heap *heap, const struct fake_style *style)
{
    init(heap, style, true);
}

void fake_heap_free(struct fake_heap *heap)
{
    image_free(&heap->image);
    free(heap->bytes);
    free(heap->now);
}
