// SPDX-License-Identifier: MIT
/*
 * options - a command's options as tables: parsed, checked and explained from the same rows.
 *
 * A command has several lists of options: its own, and those that it shares with other commands
 * (common_options.h). Each list notes its values in a part of the command's own structure.
 */
#ifndef PYINSPECT_OPTIONS_H
#define PYINSPECT_OPTIONS_H

#include "symbols/base/error.h"
#include "symbols/base/text.h"

#include <stdint.h>

struct option_row {
    const char *name;     /* without the dashes: "most-common", or "o" for -o; NULL ends a list */
    const char *argument; /* what its value is called: "N"; NULL: it takes none */
    const char *help;     /* one line */
    /* Notes the value (NULL without one) in `into`; sets ERROR_USAGE where it is not good. */
    bool (*set)(void *into, const char *value, struct error *err);
};

struct option_list {
    const struct option_row *rows; /* NULL ends the lists of a command */
    size_t into; /* where in the command's options the rows note their values: an offsetof */
};

enum { MOST_OPERANDS = 4096 };

struct operands {
    const char *items[MOST_OPERANDS];
    size_t count;
};

/*
 * Parses argv[first..argc): options in any place, "--name value" or "--name=value"; "--" ends them.
 * `into` is what the lists' offsets count from. Fails with ERROR_USAGE, naming the option, and the
 * nearest one that there is.
 */
MUST_CHECK bool options_parse(int argc, char **argv, int first, const struct option_list *lists,
                              void *into, struct operands *ret, struct error *err);

/* Adds the lists' help, a line an option. */
void options_explain(const struct option_list *lists, struct text *text);

/* A decimal number of at most `most`, and nothing else. */
MUST_CHECK bool parse_count(const char *text, uint64_t most, uint64_t *ret);

/*
 * A time with its unit, in milliseconds: 250ms, 1.5s, 5m, 1h; at most 1000 hours. Else ERROR_USAGE
 * that names the units.
 */
MUST_CHECK bool parse_duration(const char *text, double *ret, struct error *err);

/*
 * A size in bytes: 4096, 64k, 512M, 1.5GiB (k, M, G and T in either case, of 1024 each, with or
 * without iB). Else ERROR_USAGE that names the units.
 */
MUST_CHECK bool parse_size(const char *text, uint64_t *ret, struct error *err);

/* Is `name` so much like `word` that it may have been meant, and more so than `best` (or NULL)? */
bool is_nearer_name(const char *word, const char *name, const char *best);

#endif
