// SPDX-License-Identifier: MIT
/*
 * common_options - the lists of options that commands have in common.
 */
#ifndef PYINSPECT_COMMON_OPTIONS_H
#define PYINSPECT_COMMON_OPTIONS_H

#include "inspector/command/options.h"

/* How a target is read, into struct session_options: --read-swapped, --max-pause, --max-memory,
 * --no-stop. */
extern const struct option_row target_options[];

/* Where the layout of the interpreter is taken from, into struct layout_sources: --debug-file and
 * --debuginfod, and --layout. */
extern const struct option_row debug_source_options[];
extern const struct option_row layout_file_options[];

/* How the answer is printed, into enum format: --json, --csv. */
extern const struct option_row format_options[];

#endif
