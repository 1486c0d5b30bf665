// SPDX-License-Identifier: MIT
#include "inspector/sandbox/offenders.h"

enum {
    MOST_ENDED = 3,
    MOST_FAULTED = 1000,
    TOLERATED_SHARE = 8, /* of the objects that are told of one in so many may fault */
};

static struct offender *find(struct offenders *offenders, uint64_t function)
{
    size_t least = offenders->shunned;

    for (size_t i = 0; i < offenders->count; i++) {
        if (offenders->items[i].function == function)
            return &offenders->items[i];
        if (i >= offenders->shunned &&
            offenders->items[i].faulted + offenders->items[i].ended <
                offenders->items[least].faulted + offenders->items[least].ended)
            least = i;
    }
    if (offenders->count < RESIDENT_SHUNNED)
        least = offenders->count++;
    offenders->items[least] = (struct offender){.function = function};
    return &offenders->items[least];
}

static bool is_intolerable(const struct offender *offender, uint64_t told)
{
    return offender->ended >= MOST_ENDED ||
           (offender->faulted >= MOST_FAULTED &&
            offender->faulted > (told - offender->since) / TOLERATED_SHARE);
}

bool offenders_note(struct offenders *offenders, uint64_t function, bool ended, uint64_t told)
{
    if (offenders->shunned == RESIDENT_SHUNNED)
        return false;
    struct offender *offender = find(offenders, function);
    struct offender *first = &offenders->items[offenders->shunned];

    if (offender < first)
        return false;
    if (offender->ended + offender->faulted == 0)
        offender->since = told;
    offender->ended += ended;
    offender->faulted += !ended;
    if (!is_intolerable(offender, told))
        return false;
    struct offender shunned = *offender;
    *offender = *first;
    *first = shunned;
    offenders->shunned++;
    offenders->too_many = offenders->shunned == RESIDENT_SHUNNED;
    return true;
}
