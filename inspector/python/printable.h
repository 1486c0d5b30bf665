// SPDX-License-Identifier: MIT
/*
 * printable - which characters repr() shows as they are, and which it escapes.
 *
 * That follows the Unicode database of the target's Python, not ours: a character that a later
 * Unicode assigns is escaped by the earlier versions. The table, printable.def, is what the
 * interpreters themselves say (tests/interpreters/printable.sh).
 */
#ifndef PYINSPECT_PRINTABLE_H
#define PYINSPECT_PRINTABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * chr(code).isprintable() of Python 3.`minor`. A minor below 6 is taken for 6, one above the newest
 * known for that; what is no code point is not printable.
 */
bool code_is_printable(unsigned minor, uint32_t code);

#endif
