// SPDX-License-Identifier: MIT
/*
 * validate - holds a layout against the live target before it is believed.
 *
 * A layout may be of another build than the target: a table of the nearest version, a file that a
 * user named. A wrong one must end in a refusal, never in a wrong number. So everything that the
 * census reads through the layout is read once where it is known beforehand what must come out:
 *
 *   - the heads of the collector's lists, in every interpreter: each list closes over its ends;
 *   - the types of the first objects on them: the type of each type's type is `type` in the end,
 *     whose name is "type", whose tp_basicsize is sizeof(PyHeapTypeObject) and whose flags are
 *     those of a type; so the sizes of dict and str where such objects are met;
 *   - a class made by a class statement: its tp_dict is a dict, its keys are strings that can be
 *     read, "__module__" is one of them; its ht_name and ht_qualname are strings, and ht_name says
 *     what tp_name does;
 *   - the collector's flag is 0 or 1.
 */
#ifndef PYINSPECT_VALIDATE_H
#define PYINSPECT_VALIDATE_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"

enum validity {
    VALID,     /* all of it was seen to be right */
    INVALID,   /* something is there that cannot be: the layout is not this target's */
    UNCERTAIN, /* something could not be seen at this moment: a list was being changed, the
                  collector was at work, memory was missing. Try again. */
};

/*
 * Holds `python` (its layout, shape and addresses) against `image`. The target may be running. Of
 * INVALID and UNCERTAIN, `err` says which field and what was found in its place.
 */
enum validity python_validate(const struct python *python, struct image *image, struct error *err);

#endif
