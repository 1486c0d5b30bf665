// SPDX-License-Identifier: MIT
#include "symbols/layout_dwarf.h"

#include "symbols/dwarf_types.h"

/* Where CPython's own code uses the types, and so describes them; LTO builds name no sources. The
 * first line has all that counting needs. */
static const char likely_units[] =
    "dictobject.c|frameobject.c|gcmodule.c|gc.c|longobject.c|"
    "abstract.c|bltinmodule.c|boolobject.c|bytearrayobject.c|bytesobject.c|call.c|capsule.c|"
    "cellobject.c|ceval.c|classobject.c|codeobject.c|complexobject.c|context.c|descrobject.c|"
    "enumobject.c|exceptions.c|fileobject.c|floatobject.c|frame.c|funcobject.c|"
    "genericaliasobject.c|genobject.c|hamt.c|interpolationobject.c|iterobject.c|listobject.c|"
    "memoryobject.c|methodobject.c|moduleobject.c|namespaceobject.c|object.c|odictobject.c|"
    "picklebufobject.c|pylifecycle.c|pystate.c|rangeobject.c|setobject.c|sliceobject.c|"
    "structseq.c|templateobject.c|traceback.c|tracemalloc.c|tupleobject.c|typeobject.c|"
    "typevarobject.c|"
    "unicodeobject.c|unionobject.c|weakrefobject.c|"
    "_asynciomodule.c|_collectionsmodule.c|_ctypes.c|_datetimemodule.c|_decimal.c|"
    "_elementtree.c|_functoolsmodule.c|_iomodule.c|_operator.c|_pickle.c|_queuemodule.c|_sre.c|"
    "sre.c|_struct.c|_threadmodule.c|_tracemalloc.c|arraymodule.c|bufferedio.c|bytesio.c|fileio.c|"
    "iobase.c|"
    "itertoolsmodule.c|mmapmodule.c|posixmodule.c|stringio.c|textio.c";

enum structure_id {
#define STRUCT(id, names) STRUCTURE_##id,
#define FIELD(id, name, paths)
#include "symbols/fields.def"
    STRUCTURES
};

static const struct {
    enum structure_id structure;
    const char *paths; /* NULL: the structure itself */
} places[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = {STRUCTURE_##id, NULL},
#define FIELD(id, name, paths) [id##_##name] = {STRUCTURE_##id, paths},
#include "symbols/fields.def"
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

bool layout_from_dwarf(struct layout *ret, Dwarf *dwarf, struct error *err)
{
    struct dwarf_type types[] = {
#define STRUCT(id, its_names)                                                                      \
    [STRUCTURE_##id] = {.names = its_names, .optional = layout_slot_is_of_kind(sizeof_##id)},
#define FIELD(id, name, paths)
#include "symbols/fields.def"
    };

    if (!dwarf_types_find(dwarf, likely_units, types, STRUCTURES, err))
        return false;
    *ret = (struct layout){0};
    for (size_t i = 0; i < LAYOUT_SLOTS; i++) {
        if (places[i].paths)
            set_field(&ret->slots[i], &types[places[i].structure], places[i].paths);
        else
            set_structure(&ret->slots[i], &types[places[i].structure]);
    }
    return true;
}
