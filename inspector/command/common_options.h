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

/* How the answer is printed, into enum format: --json, --csv. */
extern const struct option_row format_options[];

#endif
