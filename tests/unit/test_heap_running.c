// SPDX-License-Identifier: MIT
/* Lists that change while they are followed, and what is new of them. */
#include "inspector/python/heap.h"
#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>

/* A list of each kind of home and link. */
static const struct fake_style styles[] = {
    {LISTS_STATIC, KEYS_DK_SIZE, INT_OB_SIZE, false, true},       /* 3.6 */
    {LISTS_RUNTIME, KEYS_DK_SIZE, INT_OB_SIZE, false, false},     /* 3.8 */
    {LISTS_INTERPRETER, KEYS_DK_SIZE, INT_OB_SIZE, false, false}, /* 3.9, 3.10 */
    {LISTS_INTERPRETER, KEYS_LOG2, INT_LV_TAG, true, false},      /* 3.14.0 to 3.14.4 */
};
enum {
    STYLES = sizeof(styles) / sizeof(*styles),
    NEWEST = 2,
    MANY = 10000, /* objects: so many fit the fake heap */
    GC_HEAD = 16, /* of NEWEST */
};

/* How often each object of a list was met. */
struct meeting {
    uint64_t objects[MANY];
    uint8_t met[MANY];
    size_t count;
    uint64_t strangers; /* were met, and are none of them */
    struct types types;
    struct heap_verdict verdict;
};

/* The list, objects of which were made one after the other. */
static void make_list(struct fake_heap *heap, unsigned list, struct meeting *meeting, size_t count)
{
    uint64_t type = fake_static_type(heap, "Thing", 24, 0);

    cr_assert_leq(count, MANY);
    *meeting = (struct meeting){.count = count};
    for (size_t i = 0; i < count; i++)
        meeting->objects[i] = fake_object(heap, list, type, 0);
}

static void meet(void *context, const struct object *object)
{
    struct meeting *meeting = context;
    size_t low = 0, high = meeting->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (meeting->objects[middle] < object->address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < meeting->count && meeting->objects[low] == object->address)
        meeting->met[low] += meeting->met[low] < UINT8_MAX;
    else
        meeting->strangers++;
}

static void walk(struct fake_heap *heap, struct meeting *meeting)
{
    struct error err;

    types_init(&meeting->types, &heap->python);
    cr_assert(heap_walk(&heap->python, &heap->image, &meeting->types, meet, meeting,
                        &meeting->verdict, &err));
    types_free(&meeting->types);
}

/* How many of the objects from `first` on, below `end`, were met. */
static size_t count_met(const struct meeting *meeting, size_t first, size_t end)
{
    size_t met = 0;

    for (size_t i = first; i < end; i++)
        met += meeting->met[i] != 0;
    return met;
}

static struct meeting meeting; /* too large for a stack */

/* The heap goes on without objects [first, end), and the image has the first link to them still. */
static void vanish(struct fake_heap *heap, size_t first, size_t end, bool keeps_links)
{
    for (size_t i = first; i < end; i++) {
        fake_untrack(heap, meeting.objects[i]);
        if (keeps_links)
            continue;
        fake_put(heap, meeting.objects[i] - GC_HEAD, 0);
        fake_put(heap, meeting.objects[i] - GC_HEAD + 8, 0);
    }
}

/* The image sees what one object is by now, of which the walk does not know. */
static void leak(struct fake_heap *heap, size_t index)
{
    uint64_t at = meeting.objects[index] - GC_HEAD;

    memcpy(heap->bytes + (at - FAKE_BASE), heap->now + (at - FAKE_BASE), GC_HEAD);
}

/* What vanishes once `trigger` is met: the walk stands on an object that is in no list. */
struct change {
    struct fake_heap *heap;
    size_t trigger, first, end;
    bool keeps_links;  /* what vanished still points to its neighbours */
    bool without_head; /* nor is the list's head there any more */
    bool done;
};

static void meet_and_change(void *context, const struct object *object)
{
    struct change *change = context;

    meet(&meeting, object);
    if (change->done || object->address != meeting.objects[change->trigger])
        return;
    change->done = true;
    fake_move_on(change->heap);
    vanish(change->heap, change->first, change->end, change->keeps_links);
    if (change->without_head)
        fake_put(change->heap, fake_list(change->heap, 0), 0);
    for (size_t i = change->first; i <= change->end && i < meeting.count; i++)
        leak(change->heap, i);
}

static void walk_changing(struct fake_heap *heap, struct change *change)
{
    struct error err;

    change->heap = heap;
    types_init(&meeting.types, &heap->python);
    cr_assert(heap_walk(&heap->python, &heap->image, &meeting.types, meet_and_change, change,
                        &meeting.verdict, &err));
    types_free(&meeting.types);
    cr_assert(change->done);
}

Test(heap_running, goes_on_from_the_last_object_that_is_still_linked)
{
    /* Objects that were met vanish, and such that were not. */
    static const struct change changes[] = {
        {.trigger = 500, .first = 500, .end = 501, .keeps_links = true},
        {.trigger = 500, .first = 500, .end = 501},
        {.trigger = 500, .first = 501, .end = 502},
        {.trigger = 500, .first = 501, .end = 900},
        {.trigger = 500, .first = 400, .end = 600},
        {.trigger = 500, .first = 10, .end = 600},
        {.trigger = 5000, .first = 4500, .end = 5005},
        {.trigger = 5000, .first = 5001, .end = MANY},
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        struct change change = changes[i];
        struct fake_heap heap;

        fake_heap_init(&heap, &styles[NEWEST]);
        make_list(&heap, 0, &meeting, MANY);
        walk_changing(&heap, &change);
        cr_expect_eq(count_met(&meeting, 0, change.first), change.first, "change %zu", i);
        cr_expect_eq(count_met(&meeting, change.end, MANY), MANY - change.end, "change %zu", i);
        cr_expect_eq(meeting.strangers, 0);
        cr_expect_eq(meeting.verdict.lists_cut, 0, "change %zu", i);
        cr_expect_geq(meeting.verdict.links_broken, 1);
        cr_expect(heap_is_whole(&meeting.verdict));
        cr_expect_not(heap_is_verified(&meeting.verdict));
        cr_expect_gt(heap.refreshed, 0);
        cr_expect_lt(heap.refreshed, 200, "%zu", (size_t)heap.refreshed);
        fake_heap_free(&heap);
    }
}

/* The walk's guard against circles must not take for one that it has gone back. */
Test(heap_running, what_is_met_again_is_no_circle)
{
    for (size_t first = 900; first < 1450; first += 7) {
        struct change change = {.trigger = 1450, .first = first, .end = 1460};
        struct fake_heap heap;

        fake_heap_init(&heap, &styles[NEWEST]);
        make_list(&heap, 0, &meeting, 1600);
        walk_changing(&heap, &change);
        cr_expect_eq(meeting.verdict.lists_cut, 0, "%zu objects were left", first);
        cr_expect_eq(count_met(&meeting, 1460, 1600), 140, "%zu objects were left", first);
        fake_heap_free(&heap);
    }
}

Test(heap_running, early_in_a_list_its_head_is_where_to_go_on)
{
    struct change early = {.trigger = 1500, .first = 0, .end = 1600};
    struct change late = {.trigger = 3000, .first = 0, .end = 3100};
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 4000);
    walk_changing(&heap, &early);
    cr_expect_eq(count_met(&meeting, 1600, 4000), 2400);
    cr_expect_eq(meeting.verdict.lists_cut, 0);
    fake_heap_free(&heap);

    /* Far behind it too much would be met twice. */
    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 4000);
    walk_changing(&heap, &late);
    cr_expect_eq(count_met(&meeting, 3100, 4000), 0);
    cr_expect_eq(meeting.verdict.lists_cut, 1);
    cr_expect_not(heap_is_whole(&meeting.verdict));
    fake_heap_free(&heap);
}

Test(heap_running, gives_up_where_nothing_is_linked)
{
    struct change change = {.trigger = 1500, .first = 0, .end = 1600, .without_head = true};
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 2, &meeting, 10);
    make_list(&heap, 0, &meeting, 1600);
    walk_changing(&heap, &change);
    cr_expect_eq(count_met(&meeting, 0, 1501), 1501);
    cr_expect_eq(count_met(&meeting, 1501, 1600), 0);
    cr_expect_eq(meeting.verdict.lists_cut, 1);
    cr_expect_eq(meeting.verdict.objects[GENERATION_2], 10, "the other lists are followed");
    cr_expect_eq(meeting.strangers, 10);
    cr_expect_lt(heap.refreshed, 200, "%zu", (size_t)heap.refreshed);
    fake_heap_free(&heap);
}

/* Two objects that point to each other; what is read again is right, and spoils the other. */
static bool mock(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct fake_heap *heap = context;
    uint64_t one = meeting.objects[0] - GC_HEAD, two = meeting.objects[1] - GC_HEAD;

    (void)range, (void)size;
    heap->refreshed++;
    if (address != one && address != two)
        return false;
    fake_put(heap, address + 8, one + two - address);
    fake_put(heap, one + two - address + 8, 0);
    return true;
}

Test(heap_running, is_bounded_however_it_is_mocked, .timeout = 60)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 2);
    fake_put(&heap, meeting.objects[1] - GC_HEAD, meeting.objects[0] - GC_HEAD);
    heap.image.refresh = mock;
    heap.image.fill_context = &heap;
    walk(&heap, &meeting);
    cr_expect_eq(meeting.verdict.lists_cut, 1);
    cr_expect_not(heap_is_whole(&meeting.verdict));
    cr_expect_lt(heap.refreshed, 1 << 20, "%zu", (size_t)heap.refreshed);
    fake_heap_free(&heap);
}

/* Nothing was to be found by going back, so the walk goes on where it was. */
Test(heap_running, where_no_back_link_is_right_each_object_is_met_all_the_same)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 5000);
    for (size_t i = 0; i < 5000; i++)
        fake_put(&heap, meeting.objects[i] - GC_HEAD + 8, meeting.objects[i] - GC_HEAD);
    fake_move_on(&heap);
    walk(&heap, &meeting);
    cr_expect_eq(count_met(&meeting, 0, 5000), 5000);
    cr_expect_eq(meeting.verdict.objects[GENERATION_0], 5000);
    cr_expect_eq(meeting.strangers, 0);
    cr_expect_geq(meeting.verdict.links_broken, 5000);
    cr_expect_eq(meeting.verdict.lists_cut, 0);
    fake_heap_free(&heap);
}

/* Otherwise a few megabytes of a hostile process would keep us busy for hours. */
Test(heap_running, lists_that_share_their_objects_are_followed_so_far_only)
{
    const uint64_t most = UINT64_C(5) << 18; /* a million, and what there is room for */
    struct fake_heap heap;
    uint64_t met = 0;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 8000);
    for (int i = 0; i < 200; i++) {
        fake_interpreter(&heap);
        fake_put(&heap, fake_list(&heap, 0), meeting.objects[0] - GC_HEAD);
    }
    heap.image.bytes = FAKE_PAGES * IMAGE_PAGE;
    walk(&heap, &meeting);
    for (int i = 0; i < GENERATIONS; i++)
        met += meeting.verdict.objects[i];
    cr_expect(met >= 8000 && met < most, "%zu", (size_t)met);
    cr_expect_gt(meeting.verdict.lists_cut, 0);
    fake_heap_free(&heap);
}

Test(heap_running, an_image_that_has_nothing_newer_is_not_gone_back_in)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 100);
    fake_put(&heap, meeting.objects[50] - GC_HEAD, 0);
    walk(&heap, &meeting);
    cr_expect_eq(count_met(&meeting, 0, 51), 51);
    cr_expect_eq(count_met(&meeting, 51, 100), 0);
    cr_expect_eq(meeting.verdict.lists_cut, 1);
    fake_heap_free(&heap);
}

Test(heap_running, another_lists_head_ends_the_walk)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap probe;
        fake_heap_init(&probe, &styles[style]);
        unsigned lists = probe.python.shape.list_count;
        fake_heap_free(&probe);

        for (unsigned pair = 0; pair < lists * lists; pair++) {
            unsigned from = pair / lists, to = pair % lists;
            struct fake_heap heap;

            if (from == to)
                continue;
            fake_heap_init(&heap, &styles[style]);
            uint64_t gc_head = layout_size(&heap.python.layout, sizeof_PyGC_Head);
            make_list(&heap, to, &meeting, 5);
            make_list(&heap, from, &meeting, 5);
            fake_put(&heap, meeting.objects[2] - gc_head, fake_list(&heap, to));
            walk(&heap, &meeting);
            cr_expect_eq(count_met(&meeting, 0, 5), 3, "style %zu, %u to %u", style, from, to);
            cr_expect_eq(meeting.strangers, 5, "style %zu, %u to %u: %zu", style, from, to,
                         (size_t)meeting.strangers);
            cr_expect_eq(meeting.verdict.lists_cut, 1);
            cr_expect_eq(meeting.verdict.links_broken, 1);
            cr_expect_not(heap_is_whole(&meeting.verdict));
            fake_heap_free(&heap);
        }
    }
}

/* The page of the fake heap in which an object lies. */
static uint64_t page_of(size_t index)
{
    return (meeting.objects[index] - GC_HEAD - FAKE_BASE) / IMAGE_PAGE;
}

/* Hides the pages between those of two objects, and returns how many. */
static uint64_t hide_between(struct fake_heap *heap, size_t first, size_t last)
{
    uint64_t begin = page_of(first) + 1;

    fake_hide(heap, begin, page_of(last) - begin);
    return page_of(last) - begin;
}

static void touch(struct fake_heap *heap, bool all_young)
{
    struct error err;

    cr_assert(heap_touch_new(&heap->python, &heap->image, all_young ? 1U << 20 : 8192, &err), "%s",
              err.text);
}

Test(heap_running, what_is_new_at_the_ends_is_touched)
{
    for (unsigned list = 0; list < 3; list++) {
        struct fake_heap heap;

        fake_heap_init(&heap, &styles[NEWEST]);
        make_list(&heap, list, &meeting, 2000);
        fake_hide(&heap, page_of(1500), FAKE_PAGES - page_of(1500));
        uint64_t beyond = FAKE_PAGES - 1 - page_of(1999);
        touch(&heap, false);
        cr_expect_eq(fake_count_hidden(&heap), beyond, "list %u", list);
        fake_heap_free(&heap);
    }
}

Test(heap_running, all_lists_of_all_interpreters_are_touched)
{
    for (size_t style = 0; style < STYLES; style++) {
        struct fake_heap heap;
        uint64_t pages[8], count = 0;

        fake_heap_init(&heap, &styles[style]);
        for (int interpreter = 0; interpreter < 2; interpreter++) {
            for (unsigned list = 0; list < heap.python.shape.list_count; list++) {
                fake_alloc(&heap, 2 * IMAGE_PAGE); /* to lie apart */
                pages[count++] = (fake_object(&heap, list, 0, 0) - FAKE_BASE) / IMAGE_PAGE;
            }
            if (styles[style].home != LISTS_INTERPRETER)
                break;
            fake_alloc(&heap, 2 * IMAGE_PAGE);
            if (!interpreter)
                fake_interpreter(&heap);
        }
        for (uint64_t i = 0; i < count; i++)
            fake_hide(&heap, pages[i], 1);
        cr_assert_eq(fake_count_hidden(&heap), count);
        touch(&heap, false);
        cr_expect_eq(fake_count_hidden(&heap), 0, "style %zu", style);
        fake_heap_free(&heap);
    }
}

Test(heap_running, it_ends_early_where_nothing_is_new)
{
    struct fake_heap heap;

    /* Old objects: a few hundred are enough. */
    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 2, &meeting, 2000);
    uint64_t hidden = hide_between(&heap, 500, 1200);
    fake_hide(&heap, page_of(1999), 1);
    touch(&heap, false);
    cr_expect_eq(fake_count_hidden(&heap), hidden);
    touch(&heap, true);
    cr_expect_eq(fake_count_hidden(&heap), hidden, "these are not young");
    fake_heap_free(&heap);

    /* A gap among new objects does not end it, as long as it is small. */
    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 2, &meeting, 2000);
    for (uint64_t page = page_of(1000); page < page_of(1999); page += 3)
        fake_hide(&heap, page, 1);
    touch(&heap, false);
    cr_expect_eq(fake_count_hidden(&heap), 0);
    fake_heap_free(&heap);
}

Test(heap_running, all_that_is_young_is_touched_where_that_is_asked_for)
{
    for (unsigned list = 0; list < 2; list++) {
        struct fake_heap heap;

        fake_heap_init(&heap, &styles[NEWEST]);
        make_list(&heap, list, &meeting, MANY);
        uint64_t hidden = hide_between(&heap, 200, 900);
        touch(&heap, false);
        cr_expect_eq(fake_count_hidden(&heap), hidden, "list %u: more than 8192 are known", list);
        touch(&heap, true);
        cr_expect_eq(fake_count_hidden(&heap), 0, "list %u", list);
        fake_heap_free(&heap);
    }
}

/* An image that has no more than the pages that were asked for last. */
static bool fill_and_forget(void *context, struct image_range *range, uint64_t address,
                            uint64_t size)
{
    struct fake_heap *heap = context;

    memset(heap->present, 0, sizeof(heap->present));
    for (uint64_t page = (address - range->start) / IMAGE_PAGE;
         page <= (address - range->start + size - 1) / IMAGE_PAGE; page++)
        heap->present[page / 64] |= UINT64_C(1) << page % 64;
    return true;
}

Test(heap_running, touching_ends_on_damage, .timeout = 60)
{
    struct fake_heap heap;

    fake_heap_init(&heap, &styles[NEWEST]);
    make_list(&heap, 0, &meeting, 1000);
    fake_put(&heap, meeting.objects[500] - GC_HEAD + 8, meeting.objects[900] - GC_HEAD);
    touch(&heap, true); /* a circle */
    touch(&heap, false);
    fake_hide(&heap, 0, FAKE_PAGES);
    heap.image.fill = fill_and_forget;
    touch(&heap, false); /* in which there is always something new */
    fake_put(&heap, meeting.objects[500] - GC_HEAD + 8, 0x1000);
    touch(&heap, true);
    fake_put(&heap, fake_list(&heap, 0) + 8, UINT64_MAX - 7);
    touch(&heap, true);
    fake_heap_free(&heap);
}

Test(heap_running, a_walk_is_whole_when_all_lists_were_followed_to_their_ends)
{
    struct heap_verdict verdict = {.links_verified = 1};

    cr_expect(heap_is_whole(&verdict) && heap_is_verified(&verdict));
    verdict.links_broken = verdict.bad_types = verdict.bad_sizes = 1;
    cr_expect(heap_is_whole(&verdict));
    cr_expect_not(heap_is_verified(&verdict));
    verdict = (struct heap_verdict){.lists_cut = 1};
    cr_expect_not(heap_is_whole(&verdict) || heap_is_verified(&verdict));
    verdict = (struct heap_verdict){.collecting = true};
    cr_expect_not(heap_is_whole(&verdict) || heap_is_verified(&verdict));
}
