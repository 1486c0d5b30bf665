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

void layout_normalise(struct layout *layout)
{
    for (int i = 0; i < LAYOUT_SLOTS; i++) {
        unsigned char byte;
        memcpy(&byte, &layout->slots[i].present, sizeof(byte));
        layout->slots[i].present = byte != 0;
    }
}
