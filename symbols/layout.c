// SPDX-License-Identifier: MIT
#include "symbols/layout.h"

#include <string.h>

const char *layout_slot_name(enum layout_slot_id id)
{
    static const char *const names[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = "sizeof(" #id ")",
#define FIELD(id, name, paths) [id##_##name] = #id "." #name,
#include "symbols/fields.def"
    };

    return names[id];
}

enum layout_slot_id layout_slot_structure(enum layout_slot_id id)
{
    static const enum layout_slot_id structures[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = sizeof_##id,
#define FIELD(id, name, paths) [id##_##name] = sizeof_##id,
#include "symbols/fields.def"
    };

    return structures[id];
}

bool layout_slot_equal(const struct layout_slot *a, const struct layout_slot *b)
{
    if (!a->present || !b->present)
        return a->present == b->present;
    return a->offset == b->offset && a->size == b->size && a->bit_offset == b->bit_offset &&
           a->bit_size == b->bit_size;
}

void layout_normalise(struct layout *layout)
{
    for (int i = 0; i < LAYOUT_SLOTS; i++) {
        unsigned char byte;
        memcpy(&byte, &layout->slots[i].present, sizeof(byte));
        layout->slots[i].present = byte != 0;
    }
}
