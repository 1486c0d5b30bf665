// SPDX-License-Identifier: MIT
/*
 * unicode - the content of str objects.
 */
#ifndef PYINSPECT_UNICODE_H
#define PYINSPECT_UNICODE_H

#include "inspector/python/python.h"
#include "inspector/target/image.h"
#include "symbols/base/text.h"

/* Where a str keeps its characters. */
struct characters {
    uint64_t address;
    uint64_t length; /* in characters; unchecked */
    unsigned width;  /* bytes a character: 1, 2 or 4 */
    bool is_ascii;
    bool is_compact; /* they follow the object's structure */
};

/* False where the str is not in the image, or damaged. */
bool unicode_find(const struct python *python, struct image *image, uint64_t address,
                  struct characters *ret);

/*
 * Adds the str at `address` to `text` in UTF-8, lone surrogates in three-byte form; of one longer
 * than `most` characters so many, and "...". False where it is not in the image. The caller has
 * made sure that it is a str.
 */
MUST_CHECK bool unicode_read(const struct python *python, struct image *image, uint64_t address,
                             uint64_t most, struct text *text);

/* Does the str at `address` hold exactly these ASCII characters? */
bool unicode_equals(const struct python *python, struct image *image, uint64_t address,
                    const char *ascii, size_t length);

#endif
