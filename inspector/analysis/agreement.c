// SPDX-License-Identifier: MIT
#include "inspector/analysis/agreement.h"

#include <stdlib.h>
#include <string.h>

static void note_difference(struct agreement *agreement, const struct type *type, uint64_t address)
{
    if (!agreement->example)
        agreement->example = address;
    for (size_t i = 0; i < AGREEMENT_TYPES; i++) {
        if (agreement->differing[i].type && agreement->differing[i].type != type)
            continue;
        agreement->differing[i].type = type;
        agreement->differing[i].objects++;
        return;
    }
}

void agreement_add(struct agreement *agreement, const struct type *type, uint64_t address,
                   enum agreed agreed)
{
    if (agreed == AGREED_UNKNOWN) {
        agreement->unknown++;
        return;
    }
    agreement->compared++;
    agreement->same += agreed != AGREED_NOT;
    agreement->reordered += agreed == AGREED_REORDERED;
    if (agreed == AGREED_NOT)
        note_difference(agreement, type, address);
}

static int compare_addresses(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static void sort(uint64_t *addresses, size_t count)
{
    if (count)
        qsort(addresses, count, sizeof(*addresses), compare_addresses);
}

enum agreed agreement_of(uint64_t *known, size_t known_count, uint64_t *told, size_t told_count,
                         size_t *ret_surplus)
{
    *ret_surplus = 0;
    if (known_count == told_count &&
        (!told_count || memcmp(known, told, told_count * sizeof(*told)) == 0))
        return AGREED_SAME;
    sort(known, known_count);
    sort(told, told_count);
    size_t surplus = 0, at = 0, missing = 0;
    for (size_t i = 0; i < told_count; i++) {
        for (; at < known_count && known[at] < told[i]; at++)
            missing++;
        if (at < known_count && known[at] == told[i])
            at++;
        else
            told[surplus++] = told[i];
    }
    *ret_surplus = surplus;
    return surplus || missing || at < known_count ? AGREED_NOT : AGREED_REORDERED;
}
