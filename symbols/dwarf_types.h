// SPDX-License-Identifier: MIT
/*
 * dwarf_types - answers "where in structure S does member M lie" from DWARF.
 */
#ifndef PYINSPECT_DWARF_TYPES_H
#define PYINSPECT_DWARF_TYPES_H

#include "symbols/base/error.h"

#include <elfutils/libdw.h>
#include <stdint.h>

/* A structure (or union) to look for, and what was found. */
struct dwarf_type {
    const char *names; /* its tag or typedef names, the preferred first: "PyGC_Head|_gc_head" */
    bool optional;     /* not worth a long search */
    const char *name;  /* where in `names` the one begins that it was found by; NULL: not found */
    Dwarf_Die die;     /* of the definition: typedefs peeled, never a mere declaration */
    uint64_t size;     /* sizeof, in bytes */
};

/* A member's place inside its structure. */
struct dwarf_place {
    uint64_t offset;    /* bytes from the start of the structure */
    uint64_t size;      /* sizeof the member; for a bit-field, of its storage unit */
    uint8_t bit_offset; /* bit-fields: lowest bit, counted from bit 0 of the byte at `offset` */
    uint8_t bit_size;   /* 0: not a bit-field */
};

/*
 * Looks for all `types` in one pass over the units of `dwarf` and then of its dwz supplementary
 * file, if it has one attached; the pass ends with the unit by which all are found. Units of full,
 * partial and type kind are searched, at their top level. A type that is nowhere keeps no name:
 * absence is an answer, by which CPython's versions are told apart, so it is given only after every
 * unit was seen. Optional types do not hold up a search of a large program in which Python is a
 * small part: once all others were found, a million further DIEs are looked at.
 *
 * `likely_units` names source files ("dictobject.c|gc.c") whose units are searched before all
 * others; it changes how soon the pass ends, not what it finds. May be NULL. Types may share
 * names. How many there are costs next to nothing. Fails only for want of memory.
 */
MUST_CHECK bool dwarf_types_find(Dwarf *dwarf, const char *likely_units, struct dwarf_type *types,
                                 size_t count, struct error *err);

/*
 * Finds a member by its path: "tp_name", "interpreters.head", "state.kind". Members of anonymous
 * structures and unions are found as C finds them. `paths` may hold alternatives: "a.b|c".
 * Handles DW_AT_data_member_location as a constant or a DW_OP_plus_uconst expression, and
 * bit-fields as DW_AT_data_bit_offset (DWARF 4 and 5) and as DW_AT_bit_offset (DWARF 2 and 3,
 * counted from the high end of the storage unit). `die` is a structure's as dwarf_types_find gives
 * it.
 */
bool dwarf_member_find(Dwarf_Die *die, const char *paths, struct dwarf_place *ret);

#endif
