// SPDX-License-Identifier: MIT
#include "symbols/layout_kinds.h"

#include <string.h>

/* The slots of one structure, its own and its fields': [first, end). */
struct range {
    size_t first, end;
};

/* Goes on to the next structure of a kind; from one that is {0} to the first. */
static bool to_next(struct range *range)
{
    range->first = range->end ? range->end : (size_t)sizeof_type;
    range->end = range->first;
    while (range->end < LAYOUT_SLOTS &&
           layout_slot_structure((enum layout_slot_id)range->end) == range->first)
        range->end++;
    return range->first < LAYOUT_SLOTS;
}

static bool is_same(const struct layout *a, const struct layout *b, struct range range)
{
    for (size_t id = range.first; id < range.end; id++) {
        if (!layout_slot_equal(&a->slots[id], &b->slots[id]))
            return false;
    }
    return true;
}

size_t layout_kinds_add(struct layout *layout, const struct layout *more)
{
    struct range range = {0};
    size_t added = 0;

    while (to_next(&range)) {
        if (layout->slots[range.first].present || !more->slots[range.first].present)
            continue;
        memcpy(&layout->slots[range.first], &more->slots[range.first],
               (range.end - range.first) * sizeof(layout->slots[0]));
        added++;
    }
    return added;
}

/* Notes in `known` which structures the table has, and says the same of. */
static void compare(bool known[LAYOUT_SLOTS], const struct layout *layout,
                    const struct layout *table)
{
    struct range range = {0};

    while (to_next(&range)) {
        if (is_same(layout, table, range))
            known[range.first] = true;
    }
}

/* Of those that were told. */
static unsigned drop_unknown(struct layout *layout, const struct layout *told,
                             const bool known[LAYOUT_SLOTS])
{
    struct range range = {0};
    unsigned dropped = 0;

    while (to_next(&range)) {
        if (!told->slots[range.first].present || known[range.first])
            continue;
        memset(&layout->slots[range.first], 0,
               (range.end - range.first) * sizeof(layout->slots[0]));
        dropped++;
    }
    return dropped;
}

unsigned layout_kinds_settle(struct layout *layout, bool is_sure,
                             const struct bundled_choice *choices, size_t count)
{
    const struct layout told = *layout;
    bool known[LAYOUT_SLOTS] = {false};
    struct layout more = {0};

    for (size_t i = 0; i < count; i++) {
        const struct bundled_layout *bundled = choices[i].layout;
        struct layout_table table;
        struct error ignored;

        if (!layout_table_parse(&table, bundled->text, bundled->length, bundled->name, &ignored) ||
            !layout_check(&table.layout, &ignored))
            continue;
        compare(known, &told, &table.layout);
        layout_kinds_add(&more, &table.layout);
    }
    layout_kinds_add(layout, &more);
    /* What is dropped stays away: the source had something else in mind. */
    return is_sure ? 0 : drop_unknown(layout, &told, known);
}
