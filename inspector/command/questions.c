// SPDX-License-Identifier: MIT
#include "inspector/command/questions.h"

#include "inspector/analysis/census.h"

static enum certainty certainty_of(const struct heap_verdict *verdict)
{
    if (heap_is_verified(verdict))
        return ANSWER_VERIFIED;
    return heap_is_whole(verdict) ? ANSWER_WHOLE : ANSWER_HAS_GAPS;
}

bool question_census(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct census *census = context;

    if (!census_take(census, image, err))
        return false;
    *ret = certainty_of(&census->verdict);
    return true;
}
