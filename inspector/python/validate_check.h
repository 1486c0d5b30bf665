// SPDX-License-Identifier: MIT
/*
 * validate_check - what the two halves of python_validate share: validate.c looks at the runtime,
 * the interpreters and their lists, validate_objects.c at the objects on them. For no one else.
 */
#ifndef PYINSPECT_VALIDATE_CHECK_H
#define PYINSPECT_VALIDATE_CHECK_H

#include "inspector/python/validate.h"

enum { MOST_CLASSES = 16 };

struct check {
    const struct python *python;
    const struct layout *layout;
    struct image *image;

    enum validity verdict;
    struct error reason; /* of the verdict */
    /* Nothing that is seen meanwhile proves that something is wrong: */
    bool collecting; /* a collector is at work */
    bool fleeting;   /* the interpreter that is looked at may just end */

    uint64_t main; /* the home of the lists of the first interpreter */
    unsigned lists_held;
    bool unseen; /* a list could not be looked at, or is still to be set up */

    uint64_t type;           /* `type`; 0: not met yet */
    uint64_t last_type;      /* leads to `type` */
    struct error no_type;    /* why the first object's type does not lead to it */
    unsigned objects, typed; /* looked at; of these lead to `type` */
    unsigned unlinked;       /* lists that could not be followed so far */
    unsigned untracked;      /* by their gc_refs */

    uint64_t classes[MOST_CLASSES];
    unsigned class_count, right, wrong;
    bool met_str, met_dict;
    struct error no_class; /* why the first wrong one is */
};

/* Notes what was found; the first of the worst is kept. */
void check_find(struct check *check, enum validity what, const char *format, ...) PRINTF_LIKE(3, 4);

/* Looks at the first objects of the main interpreter's lists. */
void check_all_objects(struct check *check);

static inline bool is_address(uint64_t word, unsigned alignment)
{
    return word >= UINT64_C(1) << 16 && word < UINT64_C(1) << 56 && word % alignment == 0;
}

/* Can the word be a pointer to an object or an interpreter? */
static inline bool is_pointer(uint64_t word)
{
    return is_address(word, 8);
}

/* And to a list's node? Debian's 3.13.5 has the heads of its lists at addresses aligned to 4. */
static inline bool is_link(uint64_t word)
{
    return is_address(word, 4);
}

static inline bool check_field(struct check *check, uint64_t address, enum layout_slot_id field,
                               uint64_t *ret)
{
    return image_word(check->image, address + layout_offset(check->layout, field), 8, ret);
}

/* A node's link; 0 where it cannot be read. */
static inline uint64_t check_link(struct check *check, uint64_t node, enum layout_slot_id link)
{
    uint64_t word;

    if (!check_field(check, node, link, &word)) {
        check->unseen = true;
        return 0;
    }
    return word & check->python->shape.link_mask;
}

#endif
