// SPDX-License-Identifier: MIT
/*
 * validate - holds a layout against the live target before it is believed.
 *
 * A layout may be of another build than the target: a table of the nearest version, a file that a
 * user named. A wrong one must end in a refusal, never in a wrong number. So everything that the
 * census reads through the layout is read once where it is known beforehand what must come out:
 *
 *   - the layout itself: what lies next to each other in every CPython does here (layout_rules.h);
 *   - the runtime: from 3.13 on it says where its parts are, before that interpreters begin with
 *     `next`; the interpreters end with the one that the runtime names as the main one;
 *   - the collector's flag is 0 or 1;
 *   - the collector's lists, in every interpreter (the newest 64 of them, and the main one): each
 *     closes over its ends;
 *   - the first objects on those of the main interpreter: the type of each type's type is `type` in
 *     the end, whose name is "type", whose tp_basicsize is sizeof(PyHeapTypeObject), whose
 *     tp_itemsize is that of a PyMemberDef, and whose flags are those of a type, in 3.12 and later
 *     that of a static builtin type as well;
 *   - the first classes among them: tp_dict is a dict, each key in it is a string and each value an
 *     object, "__module__" is one of the keys; ht_name and ht_qualname are strings, and tp_name
 * ends in what ht_name says;
 *   - the types of these dicts and strings: their tp_basicsize is sizeof(PyDictObject) and
 *     sizeof(PyUnicodeObject).
 *
 * Half a millisecond on an idle machine, and about 700 KiB of the target, whatever its size.
 */
#ifndef PYINSPECT_VALIDATE_H
#define PYINSPECT_VALIDATE_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"

enum validity {
    VALID,     /* all of it was seen to be right */
    INVALID,   /* something is there that cannot be: the layout is not this target's */
    UNCERTAIN, /* something could not be seen at this moment: a list was being changed, the
                  collector was at work, memory was missing. Try again, with an image that has
                  nothing of it yet. */
};

/*
 * Holds `python` (its layout, shape and addresses) against `image`; the layout has passed
 * layout_check. The target may be running: then the image can refresh, and a list's end that
 * changes faster than it can be read is believed when it belongs to a list. While a collector is at
 * work, what is seen of its lists and objects is never INVALID, and it is VALID where all else
 * holds.
 *
 * Of INVALID and UNCERTAIN, `err` (ERROR_PYTHON) says which field, and what was found in its place;
 * of VALID it is untouched.
 */
enum validity python_validate(const struct python *python, struct image *image, struct error *err);

#endif
