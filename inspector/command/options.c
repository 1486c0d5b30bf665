// SPDX-License-Identifier: MIT
#include "inspector/command/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 32, NEAR = 3 };

bool parse_count(const char *text, uint64_t most, uint64_t *ret)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > most)
        return false;
    *ret = value;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be added, taken out or changed to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    size_t length = strlen(b);

    if (length > LONGEST_NAME)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(change, least(row[j - 1], row[j]) + 1);
        }
    }
    return row[length];
}

const char *nearest_name(const char *word, const char *const *names, size_t count, size_t stride)
{
    const char *best = NULL;
    size_t best_distance = NEAR;

    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride);
        size_t away = distance(word, name);
        if (away < best_distance) {
            best = name;
            best_distance = away;
        }
    }
    return best;
}

static const struct option_row *find_row(const struct option_row *rows, size_t count,
                                         const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return &rows[i];
    }
    return NULL;
}

static bool unknown_option(const struct option_row *rows, size_t count, const char *name,
                           struct error *err)
{
    const char *near = count ? nearest_name(name, &rows[0].name, count, sizeof(*rows)) : NULL;

    if (near)
        return error_set(err, ERROR_USAGE, "unknown option --%s: did you mean --%s?", name, near);
    return error_set(err, ERROR_USAGE, "unknown option --%s: see --help for those there are", name);
}

/* Returns how many words were used, 0 on failure. */
static int parse_option(int left, char **words, const struct option_row *rows, size_t count,
                        void *into, struct error *err)
{
    const char *name = words[0] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_row *row = find_row(rows, count, name, length);

    if (!row) {
        char copy[LONGEST_NAME + 1];
        snprintf(copy, sizeof(copy), "%.*s", (int)least(length, LONGEST_NAME), name);
        return unknown_option(rows, count, copy, err);
    }
    if (!row->argument) {
        if (equals)
            return error_set(err, ERROR_USAGE, "option --%s takes no value", row->name);
        return row->set(into, NULL, err);
    }
    if (!equals && left < 2)
        return error_set(err, ERROR_USAGE, "option --%s needs a value: --%s %s", row->name,
                         row->name, row->argument);
    if (!row->set(into, equals ? equals + 1 : words[1], err))
        return 0;
    return equals ? 1 : 2;
}

bool options_parse(int argc, char **argv, int first, const struct option_row *rows,
                   size_t row_count, void *into, struct operands *ret, struct error *err)
{
    struct operands operands = {.count = 0};
    bool options_over = false;

    for (int i = first; i < argc;) {
        const char *word = argv[i];
        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
            i++;
        } else if (!options_over && strncmp(word, "--", 2) == 0) {
            int used = parse_option(argc - i, argv + i, rows, row_count, into, err);
            if (!used)
                return false;
            i += used;
        } else if (!options_over && word[0] == '-' && word[1]) {
            return error_set(err, ERROR_USAGE, "unknown option %s: see --help for those there are",
                             word);
        } else if (operands.count == MOST_OPERANDS) {
            return error_set(err, ERROR_USAGE, "too many arguments, from %s on", word);
        } else {
            operands.items[operands.count++] = word;
            i++;
        }
    }
    *ret = operands;
    return true;
}

void options_explain(const struct option_row *rows, size_t row_count, struct text *text)
{
    for (size_t i = 0; i < row_count; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        text_addf(text, "  %-24s %s\n", left, rows[i].help);
    }
}
