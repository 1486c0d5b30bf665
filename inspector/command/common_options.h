// SPDX-License-Identifier: MIT
/*
 * common_options - the lists of options that commands have in common.
 */
#ifndef PYINSPECT_COMMON_OPTIONS_H
#define PYINSPECT_COMMON_OPTIONS_H

#include "inspector/command/options.h"
#include "inspector/python/shape.h"

/* How much of what the target has stored is printed. */
struct value_options {
    uint64_t repr_length; /* characters */
    bool no_values;       /* types, sizes and counts only */
};

enum { DEFAULT_REPR_LENGTH = 80, LEAST_REPR_LENGTH = 3, MOST_REPR_LENGTH = 1 << 20 };

/* Into struct value_options: --repr-len, --no-values. */
extern const struct option_row value_options[];

/* How a target is read, into struct session_options: --read-swapped, --max-pause, --max-memory,
 * --no-stop. */
extern const struct option_row target_options[];

/* Where the layout of the interpreter is taken from, into struct layout_sources: --debug-file and
 * --debuginfod, and --layout. */
extern const struct option_row debug_source_options[];
extern const struct option_row layout_file_options[];

/* How the answer is printed, into enum format: --json, --csv. The second for answers in rows, the
 * third for those that go on. */
extern const struct option_row format_options[];
extern const struct option_row rows_format_options[];
extern const struct option_row series_format_options[];

/* What is run of the target's code, on the copy of its memory, into bool: --no-exec. */
extern const struct option_row exec_options[];

/* What is written at the arrows of a picture, into bool: --labels; true: names. */
extern const struct option_row label_options[];

/* Which objects, into struct object_choice: --generation, --all-objects, --short-names. */
struct object_choice {
    bool generations[GENERATIONS];
    bool generations_chosen; /* --generation was there */
    bool all_objects;
    bool short_names;
};
extern const struct option_row object_options[];

/* The same for what is no table: --json. */
extern const struct option_row json_option[];

#endif
