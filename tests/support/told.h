// SPDX-License-Identifier: MIT
/*
 * told - what a Python tells line by line, in words with blanks between them.
 *
 *     told_start(&told, python, "snapshots.py", "patterns", 1, 2000);
 *     while (told_next(&told)) ... told.words[0] ... told_text(&told, 1, &length)
 *     told_end(&told);
 *
 * The scripts in tests/targets that are asked so take MODE SEED COUNT and end with "done COUNT";
 * texts are hexadecimal, "-" an empty one. What goes wrong fails the test.
 */
#ifndef PYINSPECT_TESTS_TOLD_H
#define PYINSPECT_TESTS_TOLD_H

#include "tests/support/pythons.h"

#include <stdint.h>
#include <stdio.h>

struct told {
    FILE *from;
    const struct interpreter *python;
    unsigned long number; /* of the line */
    char *line;
    size_t line_capacity;
    const char **words;
    size_t count, capacity;
};

void told_start(struct told *ret, const struct interpreter *python, const char *script,
                const char *mode, unsigned seed, unsigned count);

/* The next line; false: it was "done". */
bool told_next(struct told *told);

/* Waits for its end; it has to succeed. */
void told_end(struct told *told);

/* The word of that number. There has to be one. */
const char *told_word(const struct told *told, size_t number);
uint64_t told_number(const struct told *told, size_t number);

/* The text that a word stands for (up to a ":", if it has one), NUL-terminated; to be freed. */
char *told_text(const struct told *told, size_t number, size_t *ret_length);

#endif
