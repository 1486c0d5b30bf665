// SPDX-License-Identifier: MIT
#include "inspector/command/addresses.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ADDRESSES = 1 << 24, MOST_DIGITS = 64 };

void addresses_free(struct addresses *addresses)
{
    free(addresses->items);
    *addresses = (struct addresses){0};
}

static bool parse(const char *word, uint64_t *ret, struct error *err)
{
    bool is_hex = strncmp(word, "0x", 2) == 0 || strncmp(word, "0X", 2) == 0;
    const char *digits = is_hex ? word + 2 : word;
    char *end;

    errno = 0;
    unsigned long long address = strtoull(digits, &end, is_hex ? 16 : 10);
    if (!*digits || *end || errno || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
        return error_set(err, ERROR_USAGE,
                         "'%.64s' is no address: it is written like 0x7f3a5c0d1e80, or as id() "
                         "prints it",
                         word);
    *ret = address;
    return true;
}

bool addresses_add(struct addresses *addresses, const char *word, struct error *err)
{
    uint64_t address = 0;

    if (!parse(word, &address, err))
        return false;
    if (addresses->count == MOST_ADDRESSES)
        return error_set(err, ERROR_USAGE, "more than %d addresses are given", MOST_ADDRESSES);
    uint64_t *grown =
        vector_grow(addresses->items, &addresses->capacity, addresses->count + 1, sizeof(*grown));
    if (!grown)
        return error_memory(err);
    addresses->items = grown;
    grown[addresses->count++] = address;
    return true;
}

bool addresses_add_list(struct addresses *addresses, const char *list, struct error *err)
{
    char word[MOST_DIGITS + 1];

    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        /* A longer one is no address either. */
        snprintf(word, sizeof(word), "%.*s", length < MOST_DIGITS ? (int)length : MOST_DIGITS, at);
        if (!addresses_add(addresses, word, err))
            return false;
        at += length;
        if (!*at)
            return true;
    }
}

static bool read_words(struct addresses *addresses, FILE *file, const char *name, struct error *err)
{
    char word[MOST_DIGITS + 1];

    while (fscanf(file, "%64s", word) == 1) {
        if (!addresses_add(addresses, word, err))
            return error_context(err, "%s", name);
    }
    return !ferror(file) || error_errno(err, ERROR_INPUT, "cannot read %s", name);
}

bool addresses_read(struct addresses *addresses, const char *path, struct error *err)
{
    bool is_input = strcmp(path, "-") == 0;
    const char *name = is_input ? "the standard input" : path;
    AUTO_FCLOSE FILE *opened = is_input ? NULL : fopen(path, "re");
    size_t before = addresses->count;

    if (!is_input && !opened)
        return error_errno(err, ERROR_INPUT, "cannot open %s for the addresses in it", path);
    if (!read_words(addresses, is_input ? stdin : opened, name, err))
        return false;
    return addresses->count > before ||
           error_set(err, ERROR_USAGE, "%s has no addresses in it (pyinspect objects lists them)",
                     name);
}

bool addresses_operands(struct addresses *addresses, const char *command,
                        const struct operands *operands, struct error *err)
{
    for (size_t i = 1; i < operands->count; i++) {
        const char *word = operands->items[i];
        if (!(strcmp(word, "-") == 0 ? addresses_read(addresses, word, err)
                                     : addresses_add(addresses, word, err)))
            return false;
    }
    return addresses->count ||
           error_set(err, ERROR_USAGE,
                     "%s takes a PID and addresses: pyinspect %s 4711 0x7f3a5c0d1e80 (- reads "
                     "addresses from the standard input; pyinspect objects lists them)",
                     command, command);
}

void addresses_sort(struct addresses *addresses)
{
    if (addresses->count)
        qsort(addresses->items, addresses->count, sizeof(*addresses->items), order_numbers);
}
