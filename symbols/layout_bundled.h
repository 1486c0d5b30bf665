// SPDX-License-Identifier: MIT
/*
 * layout_bundled - the layout tables that pyinspect brings along, for interpreters that come
 * without debug information. `make layouts` makes symbols/layouts/, which the Makefile compiles in.
 */
#ifndef PYINSPECT_LAYOUT_BUNDLED_H
#define PYINSPECT_LAYOUT_BUNDLED_H

#include "symbols/layout_table.h"

/* One of them, as text: symbols/layouts/NAME.layout. They are sorted by version. */
struct bundled_layout {
    const char *name; /* "3.11.7", "3.14.5-debug" */
    const char *text;
    size_t length;
};

extern const struct bundled_layout bundled_layouts[];
extern const size_t bundled_layout_count;

enum { MOST_BUNDLED = 64 };

/* What is known of a build whose layout is wanted. */
struct layout_wanted {
    const struct build_id *build_id;      /* NULL or empty: unknown */
    const struct python_version *version; /* major 0: unknown */
    bool debug_build;
    uint64_t runtime_size; /* of _PyRuntime, in bytes; 0: unknown */
};

/* How far it is certain beforehand that a bundled table is the right one. */
enum bundled_match {
    BUNDLED_SAME_BUILD,   /* the same build-id */
    BUNDLED_SAME_VERSION, /* the same X.Y.Z and ABI */
    BUNDLED_SAME_MINOR,   /* the same X.Y and ABI: another patch release, nearest first */
};

struct bundled_choice {
    const struct bundled_layout *layout;
    enum bundled_match match;
};

/*
 * The tables that may describe the build, the most likely first: by match, in each match those with
 * a _PyRuntime of the wanted size before the others, then the nearest patch release. `ret` has room
 * for MOST_BUNDLED. Returns how many. Which of them does is for the live target to prove. A table
 * that does not parse is none; free-threaded builds have none.
 */
size_t layout_bundled_find(struct bundled_choice *ret, const struct layout_wanted *wanted);

#endif
