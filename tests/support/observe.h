// SPDX-License-Identifier: MIT
/*
 * observe - what pyinspect sees of a process, object by object, for tests to hold against the
 * truth.
 */
#ifndef PYINSPECT_TESTS_OBSERVE_H
#define PYINSPECT_TESTS_OBSERVE_H

#include "tests/support/truth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct observed_object {
    uint64_t address;
    uint64_t size; /* as the census counts it */
    size_t type;   /* index into types */
    bool permanent;
};

struct observed_type {
    const char *name;
    size_t length;
};

struct observation {
    struct observed_object *objects; /* sorted by address */
    size_t object_count;
    struct observed_type *types;
    size_t type_count;
    uint64_t permanent_count;
    unsigned interpreters, stops;
    double pause_milliseconds;
    bool verified;
    bool in_pieces, unstopped; /* as session_report has them */
    void *session;             /* what the names belong to */
};

/* Attaches, looks at every object, lets go. Fails the test where that is refused. */
void observe(struct observation *ret, pid_t pid);
struct session_options;
void observe_as(struct observation *ret, pid_t pid, const struct session_options *options);

/*
 * Fails the test where they are not the same objects, each of the same size, of a type of the same
 * name; the message names the first few. Of the permanent generation, which gc.get_objects() leaves
 * out, more may be seen: `permanent_count` is to be compared besides.
 */
void observation_expect(const struct observation *seen, const struct truth *truth,
                        const char *where);
void observation_free(struct observation *observation);

#endif
