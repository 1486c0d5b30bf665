// SPDX-License-Identifier: MIT
#include "inspector/command/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 32, NEAR = 3, MOST_HOURS = 1000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_count(const char *text, uint64_t most, uint64_t *ret)
{
    char *end;

    if (!is_digit(*text))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > most)
        return false;
    *ret = value;
    return true;
}

/* "12" or "1.5": the part before the point exactly, what follows it as well as a double can. */
static bool parse_decimal(const char *text, uint64_t *ret_whole, double *ret_fraction,
                          const char **ret_end)
{
    const char *at = text;
    uint64_t whole = 0;
    double fraction = 0;

    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return false;
    }
    if (at == text || (*at == '.' && !is_digit(at[1])))
        return false;
    if (*at == '.') {
        for (double weight = 0.1; is_digit(*++at); weight /= 10)
            fraction += weight * (*at - '0');
    }
    *ret_whole = whole;
    *ret_fraction = fraction;
    *ret_end = at;
    return true;
}

bool parse_duration(const char *text, double *ret, struct error *err)
{
    static const struct {
        const char *name;
        double milliseconds;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
    const char *unit;
    uint64_t whole;
    double fraction;

    if (parse_decimal(text, &whole, &fraction, &unit)) {
        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
            double milliseconds = ((double)whole + fraction) * units[i].milliseconds;
            if (strcmp(unit, units[i].name) == 0 && milliseconds <= MOST_HOURS * 3600e3) {
                *ret = milliseconds;
                return true;
            }
        }
    }
    return error_set(err, ERROR_USAGE,
                     "'%s' is no time of at most %d hours: it is written with its unit, ms, s, m "
                     "or h, as in 250ms, 1.5s, 5m or 1h",
                     text, MOST_HOURS);
}

/* How many bits a unit shifts by; -1: it is none. */
static int size_shift(const char *unit)
{
    static const char letters[] = "kKmMgGtT";
    const char *letter = *unit ? strchr(letters, *unit) : NULL;

    if (!*unit)
        return 0;
    if (!letter || (unit[1] && strcmp(unit + 1, "iB") != 0))
        return -1;
    return (int)((letter - letters) / 2 + 1) * 10;
}

bool parse_size(const char *text, uint64_t *ret, struct error *err)
{
    const char *unit;
    uint64_t whole, bytes;
    double fraction;
    int shift = -1;

    if (parse_decimal(text, &whole, &fraction, &unit))
        shift = size_shift(unit);
    if (shift < 0 || (shift == 0 && fraction > 0) ||
        __builtin_mul_overflow(whole, (uint64_t)1 << shift, &bytes) ||
        __builtin_add_overflow(bytes, (uint64_t)(fraction * (double)((uint64_t)1 << shift)),
                               &bytes))
        return error_set(err, ERROR_USAGE,
                         "'%s' is no size: it is a number of bytes, or of k, M, G or T (1024 each "
                         "time), as in 64k, 512M or 1.5GiB",
                         text);
    *ret = bytes;
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

bool is_nearer_name(const char *word, const char *name, const char *best)
{
    size_t most = least(NEAR, strlen(name)); /* two other letters are another word of two */

    return distance(word, name) < (best ? distance(word, best) : most);
}

static const struct option_row *find_row(const struct option_list *lists, const char *name,
                                         size_t length, size_t *ret_into)
{
    for (; lists->rows; lists++) {
        for (const struct option_row *row = lists->rows; row->name; row++) {
            if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
                *ret_into = lists->into;
                return row;
            }
        }
    }
    return NULL;
}

/* "--limit", but "-o". */
static const char *dashes(const struct option_row *row)
{
    return row->name[1] ? "--" : "-";
}

static bool is_letter_option(const struct option_list *lists, const char *word)
{
    size_t into;

    return word[0] == '-' && word[1] && (!word[2] || word[2] == '=') &&
           find_row(lists, word + 1, 1, &into);
}

static bool unknown_option(const struct option_list *lists, const char *name, struct error *err)
{
    const char *near = NULL;

    for (; lists->rows; lists++) {
        for (const struct option_row *row = lists->rows; row->name; row++) {
            if (is_nearer_name(name, row->name, near))
                near = row->name;
        }
    }
    if (near)
        return error_set(err, ERROR_USAGE, "unknown option --%s: did you mean --%s?", name, near);
    return error_set(err, ERROR_USAGE, "unknown option --%s: see --help for those there are", name);
}

/* Returns how many words were used, 0 on failure. */
static int parse_option(int left, char **words, const struct option_list *lists, char *into,
                        struct error *err)
{
    const char *name = words[0] + (words[0][1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    size_t offset;
    const struct option_row *row = find_row(lists, name, length, &offset);

    if (!row) {
        char copy[LONGEST_NAME + 1];
        snprintf(copy, sizeof(copy), "%.*s", (int)least(length, LONGEST_NAME), name);
        return unknown_option(lists, copy, err);
    }
    if (!row->argument) {
        if (equals)
            return error_set(err, ERROR_USAGE, "option %s%s takes no value", dashes(row),
                             row->name);
        return row->set(into + offset, NULL, err);
    }
    if (!equals && left < 2)
        return error_set(err, ERROR_USAGE, "option %s%s needs a value: %s%s %s", dashes(row),
                         row->name, dashes(row), row->name, row->argument);
    if (!row->set(into + offset, equals ? equals + 1 : words[1], err))
        return 0;
    return equals ? 1 : 2;
}

bool options_parse(int argc, char **argv, int first, const struct option_list *lists, void *into,
                   struct operands *ret, struct error *err)
{
    struct operands operands = {.count = 0};
    bool options_over = false;

    for (int i = first; i < argc;) {
        const char *word = argv[i];
        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
            i++;
        } else if (!options_over &&
                   (strncmp(word, "--", 2) == 0 || is_letter_option(lists, word))) {
            int used = parse_option(argc - i, argv + i, lists, into, err);
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

static void explain_row(const struct option_row *row, struct text *text)
{
    char left[64];

    snprintf(left, sizeof(left), "%s%s%s%s", dashes(row), row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    text_addf(text, "  %-24s %s\n", left, row->help);
}

void options_explain(const struct option_list *lists, struct text *text)
{
    for (; lists->rows; lists++) {
        for (const struct option_row *row = lists->rows; row->name; row++)
            explain_row(row, text);
    }
}
