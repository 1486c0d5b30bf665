// SPDX-License-Identifier: MIT
/*
 * trace_pattern - Python's fnmatch: names of files and patterns for them.
 */
#ifndef PYINSPECT_TRACE_PATTERN_H
#define PYINSPECT_TRACE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * fnmatch.fnmatch of Python on POSIX, on UTF-8 (lone surrogates in three-byte form): character by
 * character, case-sensitive, `*` and `?` fit line feeds and slashes too, a `[` without its `]`
 * stands for itself. Bytes that are no UTF-8 are characters of their own.
 *
 * Where versions differ it is the newest: a range backwards, as in "[z-a]", is as if it were not
 * there; versions up to 3.9 fail with an error. What is left of the set is read as a whole, as
 * Python does: "[z-a!b]" is "[!b]".
 */
bool trace_pattern_matches(const char *pattern, size_t pattern_length, const char *name,
                           size_t length);

#endif
