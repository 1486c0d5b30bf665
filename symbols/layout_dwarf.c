// SPDX-License-Identifier: MIT
#include "symbols/layout_dwarf.h"

#include "symbols/dwarf_types.h"

/* Where CPython's own code uses the types, and so describes them; LTO builds name no sources. */
static const char likely_units[] = "dictobject.c|frameobject.c|gcmodule.c|gc.c|longobject.c";

enum structure_id {
#define STRUCT(id, names) STRUCTURE_##id,
#define FIELD(id, name, paths)
#include "symbols/fields.def"
    STRUCTURES
};

static void set_structure(struct layout_slot *slot, const struct dwarf_type *type)
{
    if (!type->name || type->size > UINT32_MAX)
        return;
    *slot = (struct layout_slot){.present = true, .size = (uint32_t)type->size};
}

static void set_field(struct layout_slot *slot, struct dwarf_type *type, const char *paths)
{
    struct dwarf_place place;

    if (!type->name || !dwarf_member_find(&type->die, paths, &place) || place.offset > UINT32_MAX ||
        place.size > UINT32_MAX)
        return;
    *slot = (struct layout_slot){
        .present = true,
        .bit_offset = place.bit_offset,
        .bit_size = place.bit_size,
        .offset = (uint32_t)place.offset,
        .size = (uint32_t)place.size,
    };
}

void layout_from_dwarf(struct layout *ret, Dwarf *dwarf)
{
    struct dwarf_type types[] = {
#define STRUCT(id, its_names) [STRUCTURE_##id] = {.names = its_names},
#define FIELD(id, name, paths)
#include "symbols/fields.def"
    };

    *ret = (struct layout){0};
    dwarf_types_find(dwarf, likely_units, types, STRUCTURES);
#define STRUCT(id, names) set_structure(&ret->slots[sizeof_##id], &types[STRUCTURE_##id]);
#define FIELD(id, name, paths) set_field(&ret->slots[id##_##name], &types[STRUCTURE_##id], paths);
#include "symbols/fields.def"
}
