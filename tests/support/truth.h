// SPDX-License-Identifier: MIT
/*
 * truth - what a target says of itself, to hold against what we saw from outside.
 *
 * tests/targets/oracle.py writes one such file an interpreter, in the target's byte order:
 *
 *     8 bytes         "PYTRUTH1"
 *     u64 u64 u64     N objects, T types, how many objects were in the permanent generation
 *     u64[N]          addresses, in the order of gc.get_objects()
 *     u64[N]          the number of each object's type, below T
 *     u64[N]          sizes
 *     T times         u64 address, u32 length of the module, u32 length of the qualified name, then
 *                     both in UTF-8 (a lone surrogate as three bytes), each followed by a NUL that
 *                     the length does not count; the length 0xFFFFFFFF stands for "none": the
 *                     attribute is no string or cannot be read
 *
 * A size is what sys.getsizeof() says; 0xFFFFFFFFFFFFFFFF, which is TRUTH_UNSIZED, stands for that
 * of an object whose type has a __sizeof__ written in Python, which may say anything.
 *
 * The permanent generation is not among the objects, but for the scene `frozen`.
 */
#ifndef PYINSPECT_TESTS_TRUTH_H
#define PYINSPECT_TESTS_TRUTH_H

#include <stddef.h>
#include <stdint.h>

#define TRUTH_PARTS 3 /* interpreters, at most */
#define TRUTH_UNSIZED UINT64_MAX

struct truth_object {
    uint64_t address;
    uint64_t size; /* bytes, or TRUTH_UNSIZED */
    size_t type;   /* index into types */
};

/* Names are NUL-terminated but may hold NULs; NULL with length 0 where the target has none. */
struct truth_type {
    uint64_t address;
    const char *module;
    size_t module_length;
    const char *qualname;
    size_t qualname_length;
    unsigned part;
};

/*
 * The parts are one list of objects, sorted by address. Each part has its own types: one that two
 * interpreters share (a static one) is there twice, with one address and one name.
 */
struct truth {
    struct truth_object *objects;
    size_t object_count;
    struct truth_type *types;
    size_t type_count;
    uint64_t permanent_count;
    unsigned parts;

    struct {
        void *bytes;
        size_t size;
    } mappings[TRUTH_PARTS]; /* what the names point into */
};

/*
 * Reads the parts behind `fds`; those that are empty are left out. The descriptors stay the
 * caller's. Fails the test if a part is damaged. To be freed with truth_free.
 */
void truth_load(struct truth *ret, const int *fds, size_t count);
void truth_free(struct truth *truth);

/* The object at `address`, or NULL. */
const struct truth_object *truth_find(const struct truth *truth, uint64_t address);

#endif
