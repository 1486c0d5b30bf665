// SPDX-License-Identifier: MIT
/*
 * options - a command's options as a table: parsed, checked and explained from the same rows.
 */
#ifndef PYINSPECT_OPTIONS_H
#define PYINSPECT_OPTIONS_H

#include "symbols/base/error.h"
#include "symbols/base/text.h"

struct option_row {
    const char *name;     /* without the dashes: "most-common" */
    const char *argument; /* what its value is called: "N"; NULL: it takes none */
    const char *help;     /* one line */
    /* Notes the value (NULL without one) in `into`; sets ERROR_USAGE where it is not good. */
    bool (*set)(void *into, const char *value, struct error *err);
};

enum { MOST_OPERANDS = 8 };

struct operands {
    const char *items[MOST_OPERANDS];
    size_t count;
};

/*
 * Parses argv[first..argc): options in any place, "--name value" or "--name=value"; "--" ends them.
 * Fails with ERROR_USAGE, naming the option, and the nearest one that there is.
 */
MUST_CHECK bool options_parse(int argc, char **argv, int first, const struct option_row *rows,
                              size_t row_count, void *into, struct operands *ret,
                              struct error *err);

/* Adds the table's help, a line an option. */
void options_explain(const struct option_row *rows, size_t row_count, struct text *text);

/* A decimal number of at most `most`, and nothing else. */
MUST_CHECK bool parse_count(const char *text, uint64_t most, uint64_t *ret);

/* The name most like `word` among `count` names `stride` bytes apart, NULL where none is near. */
const char *nearest_name(const char *word, const char *const *names, size_t count, size_t stride);

#endif
