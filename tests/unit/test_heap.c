// SPDX-License-Identifier: MIT
#include "inspector/python/heap.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

/* One style for each way in which the versions differ. */
static const struct fake_style styles[] = {
    {LISTS_STATIC, KEYS_DK_SIZE, INT_OB_SIZE, false, true},       /* 3.6 */
    {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, true},      /* 3.7 */
    {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, false},     /* 3.8 */
    {LISTS_INTERPRETER, KEYS_DK_SIZE, INT_OB_SIZE, false, false}, /* 3.9, 3.10 */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, false, false},     /* 3.12 and later */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, true, false},      /* 3.14.0 to 3.14.4 */
};
enum { STYLES = sizeof(styles) / sizeof(*styles), NEWEST = 4, INCREMENTAL = 5, MOST_SEEN = 512 };

struct seen {
    struct object objects[MOST_SEEN];
    size_t count;
    struct types types;
    struct heap_verdict verdict;
};

static void see(void *context, const struct object *object)
{
    struct seen *seen = context;

    if (seen->count < MOST_SEEN)
        seen->objects[seen->count] = *object;
    seen->count++;
}

static bool walk(struct fake_heap *heap, struct seen *seen)
{
    struct error err;

    *seen = (struct seen){.count = 0};
    types_init(&seen->types, &heap->python);
    return heap_walk(&heap->python, &heap->image, &seen->types, see, seen, &seen->verdict, &err);
}

static const char *type_name(const struct seen *seen, size_t object)
{
    return seen->types.items[seen->objects[object].type]->name;
}

Test(heap, finds_every_object_of_every_list)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap heap;
        struct seen seen;
        uint64_t expected[4 * 5];
        size_t count = 0;

        fake_heap_init(&heap, &styles[style]);
        uint64_t type = fake_static_type(&heap, "mod.Thing", 24, 8);
        for (unsigned list = 0; list < heap.python.shape.list_count; list++) {
            for (unsigned i = 0; i <= list; i++)
                expected[count++] = fake_object(&heap, list, type, i);
        }
        cr_assert(walk(&heap, &seen));
        cr_assert_eq(seen.count, count, "style %zu: %zu objects", style, seen.count);
        for (size_t i = 0; i < count; i++)
            cr_assert_eq(seen.objects[i].address, expected[i]);
        uint64_t counted = 0;
        for (int generation = 0; generation < GENERATIONS; generation++)
            counted += seen.verdict.objects[generation];
        cr_assert_eq(counted, count);
        cr_assert_eq(seen.verdict.links_verified, count + heap.python.shape.list_count);
        cr_assert(heap_is_verified(&seen.verdict));
        cr_assert_str_eq(type_name(&seen, 0), "mod.Thing");
        types_free(&seen.types);
        fake_heap_free(&heap);
    }
}

Test(heap, follows_all_interpreters)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    fake_object(&heap, 0, type, 0);
    fake_interpreter(&heap);
    fake_object(&heap, 2, type, 0);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.verdict.interpreters, 2);
    cr_assert_eq(seen.count, 2);
    types_free(&seen.types);

    /* A circle of interpreters must end. */
    fake_put(&heap, fake_get(&heap, heap.interpreter + 16) + 16, heap.interpreter);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.verdict.interpreters, 2);
    cr_assert_eq(seen.count, 2, "each is walked once");
    cr_assert_eq(seen.verdict.lists_cut, 1);
    cr_assert_not(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, the_incremental_collector_has_no_generation_1)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[INCREMENTAL]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    for (unsigned list = 0; list < 3; list++)
        fake_object(&heap, list, type, 0);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.verdict.objects[GENERATION_0], 1);
    cr_assert_eq(seen.verdict.objects[GENERATION_1], 0);
    cr_assert_eq(seen.verdict.objects[GENERATION_2], 2);
    cr_assert(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, sizes_follow_the_general_rule)
{
    struct fake_heap heap;
    struct seen seen;
    const uint64_t gc_head = 16;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t fixed = fake_static_type(&heap, "fixed", 40, 0);
    uint64_t items = fake_static_type(&heap, "items", 24, 8);
    uint64_t number = fake_static_type(&heap, "number", 24, 4);
    uint64_t managed = fake_static_type(&heap, "managed", 16, 0);
    uint64_t flags = heap.python.layout.slots[PyTypeObject_tp_flags].offset;
    fake_put(&heap, number + flags, fake_get(&heap, number + flags) | TPFLAGS_LONG_SUBCLASS);
    fake_put(&heap, managed + flags, fake_get(&heap, managed + flags) | 1 << 4);
    fake_object(&heap, 0, fixed, 7);
    fake_object(&heap, 0, items, 3);
    fake_object(&heap, 0, items, (uint64_t)-3);
    fake_object(&heap, 0, number, 5 << 3 | 2);
    fake_object(&heap, 0, number, 1);
    fake_object(&heap, 0, managed, 0);
    fake_object(&heap, 0, items, UINT64_C(1) << 62); /* overflows */
    fake_object(&heap, 0, items, UINT64_C(1) << 40); /* larger than its mapping */
    cr_assert(walk(&heap, &seen));

    static const uint64_t expected[] = {40,     24 + 3 * 8, 24 + 3 * 8, 24 + 5 * 4,
                                        24 + 4, 16 + 16,    24,         24};
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(seen.objects[i].size, expected[i] + gc_head, "object %zu: %lu bytes", i,
                     (unsigned long)seen.objects[i].size);
    cr_assert_eq(seen.verdict.bad_sizes, 2);
    cr_assert_not(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, names_types_as_cpython_writes_them)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap heap;
        struct seen seen;
        static const uint32_t latin[] = {0xe9, 't', 0xe9};
        static const uint32_t greek[] = {0x3b1, 0x3b2};
        static const uint32_t beyond[] = {0x1f40d, 0xd800};

        fake_heap_init(&heap, &styles[style]);
        uint64_t app = fake_ascii(&heap, "app.models"), builtins = fake_ascii(&heap, "builtins");
        uint64_t order = fake_ascii(&heap, "Order"), inner = fake_ascii(&heap, "f.<locals>.Order");
        uint64_t types[] = {
            fake_heap_type(&heap, app, order, order),
            fake_heap_type(&heap, app, inner, order),
            fake_heap_type(&heap, builtins, order, order),
            fake_heap_type(&heap, 0, order, order),             /* no '__module__' */
            fake_heap_type(&heap, heap.str_type, order, order), /* '__module__' is no str */
            fake_heap_type(&heap, fake_str(&heap, latin, 3, 1), order, order),
            fake_heap_type(&heap, app, fake_str(&heap, greek, 2, 2), order),
            fake_heap_type(&heap, app, fake_str(&heap, beyond, 2, 4), order),
            fake_static_type(&heap, "builtins.odd", 24, 0),
            fake_static_type(&heap, "a.b.c", 24, 0),
        };
        static const char *const names[] = {"app.models.Order",
                                            "app.models.f.<locals>.Order",
                                            "Order",
                                            "Order",
                                            "Order",
                                            "\xc3\xa9t\xc3\xa9.Order",
                                            "app.models.\xce\xb1\xce\xb2",
                                            "app.models.\xf0\x9f\x90\x8d\xed\xa0\x80",
                                            "odd",
                                            "a.b.c"};
        enum { COUNT = sizeof(types) / sizeof(*types) };
        for (size_t i = 0; i < COUNT; i++)
            fake_object(&heap, 0, types[i], 0);
        cr_assert(walk(&heap, &seen));
        cr_assert(heap_is_verified(&seen.verdict));
        for (size_t i = 0; i < COUNT; i++)
            cr_assert_str_eq(type_name(&seen, i), names[i]);
        cr_assert_str_eq(seen.types.items[seen.objects[1].type]->short_name, "Order");
        cr_assert_str_eq(seen.types.items[seen.objects[COUNT - 1].type]->short_name, "c");
        types_free(&seen.types);
        fake_heap_free(&heap);
    }
}

Test(heap, an_endless_name_is_cut)
{
    struct fake_heap heap;
    struct seen seen;
    static uint32_t endless[5000];

    for (size_t i = 0; i < 5000; i++)
        endless[i] = 'A';
    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t name = fake_str(&heap, endless, 5000, 1);
    fake_object(&heap, 0, fake_heap_type(&heap, 0, name, name), 0);
    cr_assert(walk(&heap, &seen));
    cr_assert(heap_is_verified(&seen.verdict));
    cr_assert_eq(seen.types.items[0]->name_length, 4096 + 3);
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, a_module_is_found_in_a_table_of_any_keys)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t name = fake_ascii(&heap, "C");
    uint64_t type = fake_heap_type(&heap, 0, name, name);
    uint64_t keys[] = {heap.type_type, fake_ascii(&heap, "__module__")};
    uint64_t values[] = {name, fake_ascii(&heap, "m")};
    fake_put(&heap, type + 176, fake_dict(&heap, keys, values, 2, true));
    fake_object(&heap, 0, type, 0);
    cr_assert(walk(&heap, &seen));
    cr_assert_str_eq(type_name(&seen, 0), "m.C");
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, a_broken_back_link_is_counted_and_walked_over)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    for (int i = 0; i < 5; i++)
        fake_object(&heap, 1, type, 0);
    uint64_t second = fake_get(&heap, fake_get(&heap, fake_list(&heap, 1)));
    fake_put(&heap, second + 8, second);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.count, 5);
    cr_assert_eq(seen.verdict.links_broken, 1);
    cr_assert_not(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, flags_in_the_links_are_masked)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    for (int i = 0; i < 3; i++) {
        uint64_t node = fake_object(&heap, 0, type, 0) - 16;
        fake_put(&heap, node + 8, fake_get(&heap, node + 8) | 1); /* finalized */
    }
    cr_assert(walk(&heap, &seen));
    cr_assert(heap_is_verified(&seen.verdict));
    cr_assert_eq(seen.count, 3);
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, a_circle_ends)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    uint64_t third = 0, last = 0;
    for (int i = 0; i < 20; i++) {
        last = fake_object(&heap, 0, type, 0) - 16;
        third = i == 2 ? last : third;
    }
    fake_put(&heap, last, third);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.verdict.lists_cut, 1);
    cr_assert_lt(seen.count, 100);
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, a_link_out_of_the_image_cuts_the_list)
{
    struct fake_heap heap;
    struct seen seen;

    fake_heap_init(&heap, &styles[NEWEST]);
    uint64_t type = fake_static_type(&heap, "Thing", 24, 0);
    uint64_t first = fake_object(&heap, 0, type, 0) - 16;
    fake_object(&heap, 0, type, 0);
    fake_put(&heap, first, 0x1000);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.verdict.lists_cut, 1);
    cr_assert_not(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

Test(heap, an_object_without_a_type_is_still_counted)
{
    struct fake_heap heap;
    struct seen seen;
    static const uint64_t wild[] = {0, 1, 0xdeadbeef, FAKE_BASE + 3, UINT64_MAX - 7};

    fake_heap_init(&heap, &styles[NEWEST]);
    for (size_t i = 0; i < 5; i++)
        fake_object(&heap, 0, wild[i], 0);
    cr_assert(walk(&heap, &seen));
    cr_assert_eq(seen.count, 5);
    cr_assert_eq(seen.verdict.bad_types, 5);
    cr_assert_str_eq(type_name(&seen, 2), "<unreadable type at 0xdeadbeef>");
    cr_assert_not(heap_is_verified(&seen.verdict));
    types_free(&seen.types);
    fake_heap_free(&heap);
}

static bool keep_flag(void *context, uint64_t address, struct error *err)
{
    (void)err;
    *(uint64_t *)context = address;
    return true;
}

Test(heap, a_collector_at_work_is_reported)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap heap;
        struct seen seen;
        struct error err;
        uint64_t flag = 0;

        fake_heap_init(&heap, &styles[style]);
        cr_assert(heap_collecting_flags(&heap.python, &heap.image, keep_flag, &flag, &err));
        cr_assert_neq(flag, 0);
        fake_put(&heap, flag, 1);
        cr_assert(walk(&heap, &seen));
        cr_assert(seen.verdict.collecting);
        cr_assert_not(heap_is_verified(&seen.verdict));
        types_free(&seen.types);
        fake_heap_free(&heap);
    }
}

/* Each word of a small heap, made bad in each of several ways: the walk must end and stay in
 * bounds. */
Test(heap, survives_any_damaged_word)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap heap;
        struct seen seen;

        fake_heap_init(&heap, &styles[style]);
        uint64_t name = fake_ascii(&heap, "Order");
        uint64_t type = fake_heap_type(&heap, fake_ascii(&heap, "app"), name, name);
        uint64_t items = fake_static_type(&heap, "items", 24, 8);
        for (unsigned list = 0; list < heap.python.shape.list_count; list++) {
            for (unsigned i = 0; i < 4; i++)
                fake_object(&heap, list, i % 2 ? type : items, i);
        }
        for (uint64_t at = FAKE_BASE; at < FAKE_BASE + heap.used; at += 8) {
            uint64_t good = fake_get(&heap, at);
            const uint64_t bad[] = {
                0, UINT64_MAX, UINT64_C(1) << 62, at, FAKE_BASE + heap.used, good ^ 8, good + 16};
            for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                fake_put(&heap, at, bad[i]);
                walk(&heap, &seen);
                cr_assert_lt(seen.count, 100000);
                types_free(&seen.types);
            }
            fake_put(&heap, at, good);
        }
        fake_heap_free(&heap);
    }
}
