// SPDX-License-Identifier: MIT
/*
 * type_pattern - types as a person asks for them: a name, or one with * ? [ ] as a shell has them;
 * several with commas.
 */
#ifndef PYINSPECT_TYPE_PATTERN_H
#define PYINSPECT_TYPE_PATTERN_H

#include <stdbool.h>

enum { PATTERN_MOST = 512 }; /* bytes of one, with its NUL: a longer one fits nothing else */

/* Does the pattern fit the whole of `text`? Whatever commas it has are its own. */
bool pattern_fits(const char *pattern, const char *text);

/* Does one of the patterns between the commas fit? */
bool type_pattern_fits(const char *patterns, const char *name);

#endif
