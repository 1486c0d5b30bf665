// SPDX-License-Identifier: MIT
/* What a layout says of kinds is what its build has, or nothing. */
#include "symbols/layout_kinds.h"
#include "tests/support/often.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct layout_table table; /* of 3.11.7 */
static struct bundled_choice choices[MOST_BUNDLED];
static size_t choice_count;

static void choose(int micro)
{
    struct python_version version = {.major = 3, .minor = 11};
    const struct layout_wanted wanted = {.version = &version};

    snprintf(version.text, sizeof(version.text), "3.11.%d", micro);
    choice_count = layout_bundled_find(choices, &wanted);
    cr_assert_eq(choice_count, 2);
}

static void make(void)
{
    struct error err;

    choose(7);
    const struct bundled_layout *bundled = choices[0].layout;
    cr_assert(layout_table_parse(&table, bundled->text, bundled->length, bundled->name, &err), "%s",
              err.text);
    cr_assert_str_eq(table.version.text, "3.11.7");
    cr_assert(layout_has(&table.layout, PyListObject_ob_item));
}

TestSuite(layout_kinds, .init = make, .timeout = 60);

static bool is_whole(const struct layout *layout, enum layout_slot_id structure)
{
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        if (layout_slot_structure(id) == structure &&
            !layout_slot_equal(&layout->slots[id], &table.layout.slots[id]))
            return false;
    }
    return true;
}

static bool is_gone(const struct layout *layout, enum layout_slot_id structure)
{
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        if (layout_slot_structure(id) == structure && layout_has(layout, id))
            return false;
    }
    return true;
}

/* Every structure is as it should be, but perhaps for one. */
static void expect_whole_but(const struct layout *layout, enum layout_slot_id structure)
{
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        if (layout_slot_structure(id) == id && id != structure)
            cr_expect(is_whole(layout, id), "%s", layout_slot_name(id));
    }
}

static struct layout settle(const struct layout *told, bool is_sure)
{
    struct layout layout = *told;
    struct error err;

    layout_kinds_settle(&layout, is_sure, choices, choice_count);
    cr_expect(layout_check(&layout, &err), "%s", err.text);
    return layout;
}

static struct layout lacking(enum layout_slot_id structure)
{
    struct layout layout = table.layout;

    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        if (layout_slot_structure(id) == structure)
            layout.slots[id] = (struct layout_slot){.present = false};
    }
    return layout;
}

Test(layout_kinds, what_is_right_stays)
{
    for (int is_sure = false; is_sure <= true; is_sure++) {
        struct layout layout = settle(&table.layout, is_sure);
        expect_whole_but(&layout, sizeof_type);
        cr_expect(is_whole(&layout, sizeof_type));
    }
}

Test(layout_kinds, what_is_lacking_comes_from_the_nearest_table)
{
    for (int is_sure = false; is_sure <= true; is_sure++) {
        struct layout told = lacking(sizeof_PyListObject);
        struct layout layout = settle(&told, is_sure);
        cr_expect(is_whole(&layout, sizeof_PyListObject));
        expect_whole_but(&layout, sizeof_PyListObject);
    }
}

/* Each of the choices is asked, the first one first. */
Test(layout_kinds, the_nearest_table_that_has_it)
{
    struct bundled_layout first = *choices[0].layout, second = *choices[1].layout;
    struct layout_table other = table;
    struct layout layout, told = lacking(sizeof_PyListObject);
    struct text without = {0}, with = {0};

    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++)
        other.layout.slots[id] = told.slots[id];
    layout_table_print(&other, &without);
    other = table;
    other.layout.slots[sizeof_PyListObject].size += 64;
    layout_table_print(&other, &with);
    choices[0].layout = &first;
    choices[1].layout = &second;

    first.text = without.bytes, first.length = without.length;
    layout = settle(&told, true);
    cr_expect(is_whole(&layout, sizeof_PyListObject), "nothing from the second");
    first.text = with.bytes, first.length = with.length;
    layout = settle(&told, true);
    cr_expect_eq(layout_size(&layout, sizeof_PyListObject),
                 layout_size(&table.layout, sizeof_PyListObject) + 64, "not from the first");
    first.length = 100;
    layout = settle(&told, true);
    cr_expect(is_whole(&layout, sizeof_PyListObject), "a text that is none stops it");
    text_free(&without);
    text_free(&with);
}

/* Only kinds are filled in: what else a layout lacks tells versions apart. */
Test(layout_kinds, nothing_else_is_added)
{
    struct layout told = lacking(sizeof_PyLongObject);
    struct layout layout = settle(&told, true);

    cr_expect(is_gone(&layout, sizeof_PyLongObject));
    expect_whole_but(&layout, sizeof_PyLongObject);
}

Test(layout_kinds, nothing_is_mixed_in_one_structure)
{
    struct layout told = table.layout;

    told.slots[PyListObject_ob_item] = (struct layout_slot){.present = false};
    struct layout layout = settle(&told, true);
    cr_expect_not(layout_has(&layout, PyListObject_ob_item));
    cr_expect(layout_has(&layout, PyListObject_allocated));
    layout = settle(&told, false);
    cr_expect(is_gone(&layout, sizeof_PyListObject));
}

/* A structure of the other table is as good: it is of some build of this version. */
Test(layout_kinds, what_any_table_of_the_version_says_is_believed)
{
    choose(2);
    struct layout layout = settle(&table.layout, false);
    cr_expect(is_whole(&layout, sizeof_PyListObject));

    choice_count = 0;
    layout = settle(&table.layout, false);
    for (enum layout_slot_id id = sizeof_type; id < LAYOUT_SLOTS; id++)
        cr_expect_not(layout_has(&layout, id), "%s", layout_slot_name(id));
    cr_expect(is_whole(&layout, sizeof_PyTypeObject));
    layout = settle(&table.layout, true);
    cr_expect(is_whole(&layout, sizeof_PyListObject));
}

/* One slot that is wrong, in any way: its structure goes, and nothing else. */
static void damage(struct layout_slot *slot, int how)
{
    switch (how) {
    case 0:
        slot->offset += 8;
        break;
    case 1:
        slot->size += 1;
        break;
    case 2:
        slot->bit_size ^= 1;
        break;
    default:
        *slot = (struct layout_slot){.present = !slot->present, .size = 1};
    }
}

Test(layout_kinds, a_structure_with_a_wrong_slot_goes)
{
    for (enum layout_slot_id id = sizeof_type; id < LAYOUT_SLOTS; id += ENOUGH) {
        enum layout_slot_id structure = layout_slot_structure(id);
        for (int how = 0; how < 4; how++) {
            struct layout told = table.layout, layout;
            struct error err;

            if (!layout_has(&told, structure) || (id == structure && how != 1))
                continue;
            damage(&told.slots[id], how);
            if (!layout_has(&told, id) && !layout_has(&table.layout, id))
                continue;
            if (!layout_check(&told, &err))
                continue; /* such a file is refused at once */
            layout = settle(&told, false);
            cr_expect(is_gone(&layout, structure) || is_whole(&layout, structure), "%s, damage %d",
                      layout_slot_name(id), how);
            expect_whole_but(&layout, structure);
        }
    }
}

Test(layout_kinds, all_of_a_module_is_added_that_was_not_there)
{
    struct layout module = lacking(sizeof_PyTupleObject), layout = lacking(sizeof_PyListObject);

    module.slots[sizeof_type].size += 64;
    layout.slots[sizeof_PyTupleObject].size += 64;
    size_t added = layout_kinds_add(&layout, &module);
    cr_expect_eq(added, 1);
    cr_expect(is_whole(&layout, sizeof_PyListObject));
    cr_expect(is_whole(&layout, sizeof_type), "what was there counts");
    cr_expect_eq(layout_size(&layout, sizeof_PyTupleObject),
                 layout_size(&table.layout, sizeof_PyTupleObject) + 64);
}
