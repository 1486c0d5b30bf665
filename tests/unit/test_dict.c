// SPDX-License-Identifier: MIT
#include "inspector/python/dict.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

static const struct fake_style old = {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, false};

static void put_byte(struct fake_heap *heap, uint64_t address, uint8_t byte)
{
    uint64_t word = address & ~UINT64_C(7);
    unsigned shift = (unsigned)(address & 7) * 8;

    fake_put(heap, word,
             (fake_get(heap, word) & ~(UINT64_C(0xff) << shift)) | (uint64_t)byte << shift);
}

/* Makes the dict split: its entries keep the keys, the values are at `values`. */
static void split(struct fake_heap *heap, uint64_t dict, uint64_t values)
{
    fake_put(heap, dict + layout_offset(&heap->python.layout, PyDictObject_ma_values), values);
}

/* Compares the values that a walk finds with `expected`, which ends with 0. */
static void expect(struct fake_heap *heap, uint64_t dict, const uint64_t *expected)
{
    const struct reader reader = {.python = &heap->python, .image = &heap->image};
    struct dict_walk walk;
    struct dict_entry entry;

    cr_assert(dict_open(&reader, dict, &walk));
    for (uint64_t i = 0; expected[i]; i++) {
        cr_assert(dict_next(&walk, &entry), "entry %u is missing", (unsigned)i);
        cr_assert_eq(entry.value, expected[i]);
        cr_assert_eq(entry.number, i);
    }
    cr_assert_not(dict_next(&walk, &entry));
}

static const uint64_t keys[] = {0x100, 0x200, 0x300};
static const uint64_t nothing[] = {0, 0, 0};

Test(dict, deleted_entries_are_left_out)
{
    static const uint64_t values[] = {0x10, 0, 0x30};
    struct fake_heap heap;

    fake_heap_init(&heap, &fake_newest);
    uint64_t unicode = fake_dict(&heap, keys, values, 3, false);
    uint64_t general = fake_dict(&heap, keys, values, 3, true);
    expect(&heap, unicode, (const uint64_t[]){0x10, 0x30, 0});
    expect(&heap, general, (const uint64_t[]){0x10, 0x30, 0});
    fake_heap_free(&heap);
}

Test(dict, values_of_a_split_table_in_the_order_of_the_keys)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &old);
    heap.python.shape.values = VALUES_PLAIN;
    uint64_t dict = fake_dict(&heap, keys, nothing, 3, true);
    uint64_t values = fake_alloc(&heap, 24);
    fake_put(&heap, values, 0x10);
    fake_put(&heap, values + 16, 0x30);
    split(&heap, dict, values);
    expect(&heap, dict, (const uint64_t[]){0x10, 0x30, 0});
    fake_heap_free(&heap);
}

/* Two values of three, the last one first; `order` is where the bytes begin, `step` apart. */
static void put_values(struct fake_heap *heap, uint64_t values, uint64_t order, int step)
{
    fake_put(heap, values, 0x10);
    fake_put(heap, values + 16, 0x30);
    put_byte(heap, order, 2);
    put_byte(heap, order + (uint64_t)step, 0);
}

Test(dict, order_of_insertion_in_front_of_the_values)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &fake_newest);
    heap.python.shape.values = VALUES_PREFIXED;
    fake_slot(&heap, dict_values_values, 0, 8);
    uint64_t dict = fake_dict(&heap, keys, nothing, 3, false);
    uint64_t values = fake_alloc(&heap, 8 + 24) + 8;
    put_byte(&heap, values - 1, 8);
    put_byte(&heap, values - 2, 2);
    put_values(&heap, values, values - 3, -1);
    split(&heap, dict, values);
    expect(&heap, dict, (const uint64_t[]){0x30, 0x10, 0});

    put_byte(&heap, values - 3, 3); /* there is no such entry */
    expect(&heap, dict, (const uint64_t[]){0});
    fake_heap_free(&heap);
}

Test(dict, order_of_insertion_behind_the_values)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &fake_newest);
    heap.python.shape.values = VALUES_HEADED;
    fake_slot(&heap, dict_values_capacity, 0, 1);
    fake_slot(&heap, dict_values_size, 1, 1);
    fake_slot(&heap, dict_values_values, 8, 8);
    uint64_t dict = fake_dict(&heap, keys, nothing, 3, false);
    uint64_t header = fake_alloc(&heap, 8 + 4 * 8 + 8);
    fake_put(&heap, header, 4 | 2 << 8);
    put_values(&heap, header + 8, header + 8 + 32, 1);
    split(&heap, dict, header);
    expect(&heap, dict, (const uint64_t[]){0x30, 0x10, 0});
    fake_heap_free(&heap);
}

Test(dict, more_entries_than_memory_are_not_believed)
{
    struct fake_heap heap;
    struct dict_walk walk;

    fake_heap_init(&heap, &fake_newest);
    const struct reader reader = {.python = &heap.python, .image = &heap.image};
    uint64_t dict = fake_dict(&heap, keys, keys, 3, false);
    uint64_t table =
        fake_get(&heap, dict + layout_offset(&heap.python.layout, PyDictObject_ma_keys));
    uint64_t count = table + layout_offset(&heap.python.layout, PyDictKeysObject_dk_nentries);
    cr_assert(dict_open(&reader, dict, &walk));
    fake_put(&heap, count, UINT64_MAX);
    cr_assert_not(dict_open(&reader, dict, &walk));
    fake_put(&heap, count, UINT64_C(1) << 40);
    cr_assert_not(dict_open(&reader, dict, &walk));
    fake_heap_free(&heap);
}
