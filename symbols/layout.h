// SPDX-License-Identifier: MIT
/*
 * layout - where the fields of CPython's structures lie in one particular build.
 *
 * The table has a slot for each STRUCT and FIELD of fields.def, named as CPython names them:
 * `PyObject_ob_type`, `sizeof_PyGC_Head`. A slot that is not present has no offset worth reading;
 * layout_offset asserts that nobody does.
 */
#ifndef PYINSPECT_LAYOUT_H
#define PYINSPECT_LAYOUT_H

#include "symbols/base/error.h"

#include <assert.h>
#include <stdint.h>

enum layout_slot_id {
#define STRUCT(id, names) sizeof_##id,
#define FIELD(id, name, paths) id##_##name,
#include "symbols/fields.def"
    LAYOUT_SLOTS
};

struct layout_slot {
    bool present;
    uint8_t bit_offset; /* bit-fields: lowest bit, counted from bit 0 of the byte at `offset` */
    uint8_t bit_size;   /* 0: not a bit-field */
    uint32_t offset;    /* bytes from the start of the structure; 0 for a structure's own slot */
    uint32_t size;      /* sizeof the field or the structure, in bytes */
};

struct layout {
    struct layout_slot slots[LAYOUT_SLOTS];
};

/* What a slot is, for messages and printing: "PyTypeObject.tp_name", "sizeof(PyGC_Head)". */
const char *layout_slot_name(enum layout_slot_id id);

/*
 * Is it one of kind_fields.def? Those are needed to look into objects, not to count them: no build
 * has to have them, and the running target proves none of them but by the size of a structure.
 */
static inline bool layout_slot_is_of_kind(enum layout_slot_id id)
{
    return id >= sizeof_type;
}

/* The slot of the structure that a slot belongs to; of a structure's own slot, itself. */
enum layout_slot_id layout_slot_structure(enum layout_slot_id id);

/* Do they say the same? Two that are absent do. */
bool layout_slot_equal(const struct layout_slot *a, const struct layout_slot *b);

static inline bool layout_has(const struct layout *layout, enum layout_slot_id id)
{
    return layout->slots[id].present;
}

static inline uint32_t layout_offset(const struct layout *layout, enum layout_slot_id id)
{
    assert(layout->slots[id].present);
    return layout->slots[id].offset;
}

static inline uint32_t layout_size(const struct layout *layout, enum layout_slot_id id)
{
    assert(layout->slots[id].present);
    return layout->slots[id].size;
}

/* Makes plain values of slots that may be any bytes: flags are 0 or 1. */
void layout_normalise(struct layout *layout);

/*
 * Validates a table once, so that it can be trusted from then on: each present field lies inside
 * its structure, structures are at most 1 MiB and no larger than those that begin with them,
 * pointers and sizes are eight bytes wide and aligned, bit-fields up to eight bits, all that every
 * supported CPython has is there, and so is what a version has together with what is there. Of the
 * kinds' fields only that they lie inside their structures, and bit-fields inside their storage of
 * up to eight bytes: of other fields any size will do, and packed structures align nothing. Fails
 * with ERROR_PYTHON, naming the slot.
 */
MUST_CHECK bool layout_check(const struct layout *layout, struct error *err);

/* Sets the refusal of a build without the GIL. Returns false. */
bool layout_free_threaded(struct error *err);

#endif
