// SPDX-License-Identifier: MIT
/*
 * instance - what a Python class adds to the C structure of its instances: __dict__ in all its
 * forms, and __slots__.
 *
 *     up to 3.10   a pointer to a dict at tp_dictoffset (from the end of the object if negative)
 *     3.11         two words before the GC header: the dict, and the values without a dict
 *     3.12         one word there: the dict, or, with its lowest bit set, the values
 *     3.13 on      the dict's word there, and the values inside the object (inline values)
 *
 * Objects/typeobject.c, subtype_traverse(); Objects/dictobject.c, PyObject_VisitManagedDict().
 */
#ifndef PYINSPECT_INSTANCE_H
#define PYINSPECT_INSTANCE_H

#include "inspector/python/reader.h"
#include "inspector/python/reference.h"

/* Where an instance's attributes are. All 0: it has none. */
struct instance_dict {
    uint64_t dict;   /* the address of its __dict__, if there is one */
    uint64_t values; /* the first of its values that are not in a dict (3.11 and later) */
    uint64_t keys;   /* PyDictKeysObject that names those values */
    uint64_t count;  /* of those values, checked against the memory that is there */
};

struct instance_dict instance_dict_of(const struct reader *reader, const struct type *type,
                                      uint64_t address);

/*
 * Tells what subtype_traverse visits: slots of the classes from the object's own up to the C type
 * below them, the __dict__ or the values in its place, the type. And owns: nothing.
 */
void instance_references(const struct reader *reader, const struct type *type, uint64_t address,
                         struct references *references);

/*
 * Tells the attributes that vars() and the slots have: LABEL_ATTRIBUTE for those of the __dict__,
 * whatever its form, LABEL_SLOT for slots. In the order of the __dict__, then the slots.
 */
void instance_attributes(const struct reader *reader, const struct type *type, uint64_t address,
                         struct references *references);

#endif
