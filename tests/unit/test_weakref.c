// SPDX-License-Identifier: MIT
#include "inspector/python/kind.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

enum { WR_OBJECT = 16, SIZE = 48, PAGE = 4096 };

Test(weakref, does_not_read_the_referent_as_a_type, .timeout = 60)
{
    struct fake_heap heap;
    struct types types;
    struct text text = {0};

    fake_heap_init(&heap, &fake_newest);
    fake_slot(&heap, sizeof_PyWeakReference, 0, SIZE);
    fake_slot(&heap, PyWeakReference_wr_object, WR_OBJECT, 8);
    uint64_t type = fake_static_type(&heap, "weakref.ReferenceType", SIZE, 0);
    uint64_t thing = fake_static_type(&heap, "mod.Thing", 16, 0);
    uint64_t reference = fake_alloc(&heap, SIZE);
    /* The last thing of its page. */
    uint64_t referent = fake_alloc(&heap, 2 * PAGE) / PAGE * PAGE + PAGE - 16;
    fake_put(&heap, reference, 1);
    fake_put(&heap, reference + 8, type);
    fake_put(&heap, reference + WR_OBJECT, referent);
    fake_put(&heap, referent, 1);
    fake_put(&heap, referent + 8, thing);
    fake_hide(&heap, (referent - FAKE_BASE) / PAGE + 1, 1);
    types_init(&types, &heap.python);
    const struct reader reader = {&heap.python, &heap.image, &types};
    print_object(&reader, reference, 200, &text);
    cr_expect(strstr(text.bytes, "Thing' at "), "%s", text.bytes);
    cr_expect_eq(fake_count_hidden(&heap), 1);
    cr_expect_eq(heap.image.missed, 0);
    text_free(&text);
    types_free(&types);
    fake_heap_free(&heap);
}
