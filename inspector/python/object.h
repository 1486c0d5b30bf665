// SPDX-License-Identifier: MIT
/*
 * object - one object of the target: what it takes, what it refers to. Whatever its type is: what
 * its kind says, what its class adds, and the general rule where nobody knows better.
 */
#ifndef PYINSPECT_OBJECT_H
#define PYINSPECT_OBJECT_H

#include "inspector/python/kind.h"

/*
 * What sys.getsizeof() says of it: __sizeof__ and the headers before the object, byte for byte,
 * unless type_is_known says that nobody can know. False where it cannot be read, or cannot be so:
 * *ret is then the fixed part alone.
 */
bool object_size(const struct reader *reader, const struct type *type, uint64_t address,
                 uint64_t *ret);

/*
 * Tells all that it refers to: in the order of its tp_traverse as far as that is known, owned ones
 * among them. A heap type's instance refers to its type. Objects of types that no kind knows are
 * read word by word, and what looks like an object is told, marked `is_owned` (nobody knows whether
 * it is visited).
 */
void object_references(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *references);

/* Does an object of this type never refer to anything, not even to its type? */
bool object_is_leaf(const struct type *type);

/*
 * Is there an object at `address`, which is no more than a guess? Its header is there, its type is
 * a type, its count of references is one that a living object can have. A block that was freed may
 * still look like one. Memory that is not in the image is not counted as missed.
 */
bool object_is_there(const struct reader *reader, uint64_t address);

/*
 * The type of what may be an object at `address`, however wild that is: NULL where none can be.
 * What is not in the image is not counted as missed.
 */
const struct type *object_likely_type(const struct reader *reader, uint64_t address);

#endif
