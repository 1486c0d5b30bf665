// SPDX-License-Identifier: MIT
#include "inspector/analysis/roster.h"

#include "symbols/base/vector.h"

#include <stdlib.h>

void roster_clear(struct roster *roster)
{
    roster->count = 0;
    roster->failed = false;
}

void roster_free(struct roster *roster)
{
    free(roster->entries);
    *roster = (struct roster){0};
}

void roster_grow(struct roster *roster)
{
    struct roster_entry *grown =
        vector_grow(roster->entries, &roster->capacity, roster->count + 1, sizeof(*grown));

    if (grown)
        roster->entries = grown;
    else
        roster->failed = true;
}
