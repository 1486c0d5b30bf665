// SPDX-License-Identifier: MIT
/* A layout is believed where it is the target's, and nowhere else. */
#include "inspector/python/validate.h"

#include "inspector/python/locate.h"
#include "inspector/target/mirror.h"
#include "symbols/base/clock.h"
#include "tests/support/target.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A process, what is known of its Python, and its memory. */
struct subject {
    struct process process;
    struct python python; /* with the layout of its debug information */
    struct maps maps;
    struct mirror mirror;
};

static void look(struct subject *subject)
{
    struct error err;

    cr_assert(process_maps(&subject->process, &subject->maps, &err), "%s", err.text);
    mirror_init(&subject->mirror, &subject->process, false, UINT64_MAX, NULL);
    for (size_t i = 0; i < subject->maps.count; i++) {
        const struct mapping *mapping = &subject->maps.items[i];
        if (mapping_is_memory(mapping))
            cr_assert(mirror_add(&subject->mirror, mapping, &err), "%s", err.text);
    }
    mirror_fetch(&subject->mirror);
}

static void forget(struct subject *subject)
{
    mirror_clear(&subject->mirror);
    maps_free(&subject->maps);
}

static void open_subject(struct subject *subject, pid_t pid)
{
    const struct layout_sources usual = {.layout_file = NULL};
    struct error err;

    cr_assert(process_open(&subject->process, pid, &err), "%s", err.text);
    cr_assert(python_locate(&subject->python, &subject->process, &usual, NULL, &err), "%s",
              err.text);
    look(subject);
}

static void close_subject(struct subject *subject)
{
    forget(subject);
    process_close(&subject->process);
}

/* What is said of the subject read with another layout; text is why. */
static enum validity judge(struct subject *subject, const struct layout *layout, struct error *err)
{
    struct python python = subject->python;

    python.layout = *layout;
    if (!layout_check(layout, err) || !shape_of(&python.shape, layout, err))
        return INVALID;
    return python_validate(&python, &subject->mirror.image, err);
}

/* One target of each interpreter, and its memory. */
struct crowd {
    struct interpreter pythons[PYTHONS_MAX];
    struct target targets[PYTHONS_MAX];
    struct subject *subjects;
    size_t count;
};

static void gather(struct crowd *crowd, const char *scene)
{
    crowd->count = pythons_find(crowd->pythons, PYTHON_SUPPORTED);
    crowd->subjects = calloc(crowd->count, sizeof(*crowd->subjects));
    cr_assert_not_null(crowd->subjects);
    for (size_t i = 0; i < crowd->count; i++) {
        target_start(&crowd->targets[i], &crowd->pythons[i], scene);
        open_subject(&crowd->subjects[i], crowd->targets[i].pid);
    }
}

static void disperse(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        close_subject(&crowd->subjects[i]);
        target_end(&crowd->targets[i]);
    }
    free(crowd->subjects);
}

/* What of a layout cannot make a wrong number, and why. */
enum part { PLACE = 1, EXTENT = 2, BITS = 4, PRESENCE = 8 };
static const struct {
    enum layout_slot_id slot;
    unsigned parts;
    const char *reason;
} harmless[] = {
    {sizeof_runtime, EXTENT, "is not read"},
    {sizeof_interpreter, EXTENT, "is not read"},
    {sizeof_PyLongObject, EXTENT | PRESENCE, "is not read"},
    {sizeof_PyFrameObject, EXTENT | PRESENCE, "is not read"},
    {PyTypeObject_tp_watched, PLACE | EXTENT, "only whether it is there is read"},
    {PyFrameObject_ob_size, PLACE | EXTENT, "only whether it is there is read"},
    {sizeof_PyTypeObject, EXTENT, "so many bytes have to be there, no others are looked at"},
    {sizeof_PyDictKeysObject, EXTENT, "so many bytes have to be there, no others are looked at"},
    {PyDictKeysObject_dk_indices, EXTENT, "an array without a bound"},
    {gc_state_collecting, EXTENT, "always read as an int"},
    {PyObject_ob_refcnt, EXTENT, "is not read"},
    {PyDictKeysObject_dk_log2_size, EXTENT, "always read as a byte"},
    {PyDictKeysObject_dk_kind, EXTENT, "always read as a byte"},
    {PyASCIIObject_kind, EXTENT, "the bits are the same in a wider word"},
    {PyASCIIObject_compact, EXTENT, "the bits are the same in a wider word"},
    {PyASCIIObject_ascii, EXTENT, "the bits are the same in a wider word"},
};

/* Before 3.9 nobody follows the interpreters, since they share the lists. */
static bool is_harmless(const struct layout *layout, enum layout_slot_id slot, enum part part)
{
    if (slot == interpreter_next && !layout_has(layout, interpreter_gc))
        return true;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (harmless[i].slot == slot && harmless[i].parts & part)
            return true;
    }
    return false;
}

/* What can be proved: the slots before those of the kinds (tests/unit/test_layout_kinds.c). */
enum { PROVABLE_SLOTS = sizeof_type };

/* Is the same read through both? */
static bool reads_the_same(const struct layout *a, const struct layout *b)
{
    for (int i = 0; i < PROVABLE_SLOTS; i++) {
        enum layout_slot_id id = (enum layout_slot_id)i;
        const struct layout_slot *one = &a->slots[id], *other = &b->slots[id];
        if (one->present != other->present ||
            (one->offset != other->offset && !is_harmless(a, id, PLACE)) ||
            (one->size != other->size && !is_harmless(a, id, EXTENT)) ||
            one->bit_offset != other->bit_offset || one->bit_size != other->bit_size)
            return false;
    }
    return true;
}

/* What 3.13 and later tell of themselves is compared even where nobody reads it. */
static bool tells_apart(const struct interpreter *python, const struct layout *a,
                        const struct layout *b)
{
    return python->minor >= 13 &&
           (a->slots[sizeof_runtime].size != b->slots[sizeof_runtime].size ||
            a->slots[sizeof_interpreter].size != b->slots[sizeof_interpreter].size);
}

Test(validate, believes_each_layout_of_its_own_target_only, .timeout = 300)
{
    struct crowd crowd;
    struct error err;

    gather(&crowd, "bare");
    for (size_t i = 0; i < crowd.count; i++) {
        for (size_t j = 0; j < crowd.count; j++) {
            const struct layout *own = &crowd.subjects[i].python.layout;
            const struct layout *layout = &crowd.subjects[j].python.layout;
            bool same = reads_the_same(own, layout) && !tells_apart(&crowd.pythons[i], own, layout);
            enum validity verdict = judge(&crowd.subjects[i], layout, &err);
            cr_expect_eq(verdict == VALID, same, "%s read as %s: verdict %d, %s",
                         crowd.pythons[i].name, crowd.pythons[j].name, (int)verdict,
                         verdict == VALID ? "" : err.text);
        }
    }
    disperse(&crowd);
}

/* Tries the layout with one slot that is not as it should be. */
static void expect_refusal(struct crowd *crowd, size_t index, const struct layout *layout,
                           enum layout_slot_id slot, enum part part, int by)
{
    static const char *const names[] = {[PLACE] = "offset", [EXTENT] = "size", [BITS] = "bits"};
    struct error err;

    if (is_harmless(layout, slot, part))
        return;
    cr_expect_neq(judge(&crowd->subjects[index], layout, &err), VALID,
                  "%s: %s with its %s off by %d", crowd->pythons[index].name,
                  layout_slot_name(slot), names[part], by);
}

static void damage_slot(struct crowd *crowd, size_t index, enum layout_slot_id slot)
{
    static const int steps[] = {8, -8, 16, -16, 24, -24, 4, -4, 1, -1};
    const struct layout *right = &crowd->subjects[index].python.layout;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct layout layout = *right;
        layout.slots[slot].offset += (uint32_t)steps[i];
        if (layout_slot_structure(slot) != slot)
            expect_refusal(crowd, index, &layout, slot, PLACE, steps[i]);
        layout = *right;
        layout.slots[slot].size += (uint32_t)steps[i];
        expect_refusal(crowd, index, &layout, slot, EXTENT, steps[i]);
        layout = *right;
        layout.slots[slot].bit_offset = (uint8_t)(layout.slots[slot].bit_offset + steps[i]);
        if (layout.slots[slot].bit_size)
            expect_refusal(crowd, index, &layout, slot, BITS, steps[i]);
    }
}

Test(validate, believes_no_layout_with_a_slot_that_is_wrong, .timeout = 300)
{
    struct crowd crowd;

    gather(&crowd, "bare");
    for (size_t i = 0; i < crowd.count; i++) {
        const struct layout *layout = &crowd.subjects[i].python.layout;
        for (int slot = 0; slot < PROVABLE_SLOTS; slot++) {
            if (layout_has(layout, (enum layout_slot_id)slot))
                damage_slot(&crowd, i, (enum layout_slot_id)slot);
        }
    }
    disperse(&crowd);
}

Test(validate, believes_no_layout_that_lacks_a_slot, .timeout = 300)
{
    struct crowd crowd;
    struct error err;

    gather(&crowd, "bare");
    for (size_t i = 0; i < crowd.count; i++) {
        for (int slot = 0; slot < PROVABLE_SLOTS; slot++) {
            struct layout layout = crowd.subjects[i].python.layout;
            if (!layout.slots[slot].present ||
                is_harmless(&layout, (enum layout_slot_id)slot, PRESENCE))
                continue;
            layout.slots[slot] = (struct layout_slot){.present = false};
            cr_expect_neq(judge(&crowd.subjects[i], &layout, &err), VALID, "%s without %s",
                          crowd.pythons[i].name, layout_slot_name((enum layout_slot_id)slot));
        }
    }
    disperse(&crowd);
}

/* All its threads have something to say, and so do the lists of more interpreters than one. */
Test(validate, believes_the_layout_whatever_the_heap_is_like, .timeout = 300)
{
    static const char *const scenes[] = {"stdlib", "subinterpreters", "names"};

    for (size_t scene = 0; scene < sizeof(scenes) / sizeof(scenes[0]); scene++) {
        struct crowd crowd;
        struct error err;

        gather(&crowd, scenes[scene]);
        for (size_t i = 0; i < crowd.count; i++) {
            struct subject *subject = &crowd.subjects[i];
            enum validity verdict = judge(subject, &subject->python.layout, &err);
            cr_expect_eq(verdict, VALID, "%s, %s: %s", crowd.pythons[i].name, scenes[scene],
                         verdict == VALID ? "" : err.text);
        }
        disperse(&crowd);
    }
}

/* From the first look at it on; then again, with what the first one left in the mirror forgotten.
 */
Test(validate, believes_the_layout_of_a_program_that_allocates, .timeout = 300)
{
    enum { TIMES = 20, WITHIN_MS = 1000 };
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        struct subject subject;
        struct ticker ticker;

        ticker_start(&ticker, &pythons[i], "busy");
        open_subject(&subject, ticker.pid);
        for (int time = 0; time < TIMES; time++) {
            struct error err = {.kind = ERROR_NONE};
            enum validity verdict = UNCERTAIN;
            double begun = clock_milliseconds();
            while (verdict == UNCERTAIN && clock_milliseconds() < begun + WITHIN_MS) {
                forget(&subject);
                look(&subject);
                verdict = judge(&subject, &subject.python.layout, &err);
            }
            cr_expect_eq(verdict, VALID, "%s: %s", pythons[i].name, err.text);
        }
        close_subject(&subject);
        ticker_end(&ticker);
    }
}
