// SPDX-License-Identifier: MIT
#include "inspector/command/questions.h"

#include "inspector/analysis/census.h"

bool question_census(void *context, struct image *image, bool *ret_verified, struct error *err)
{
    struct census *census = context;

    if (!census_take(census, image, err))
        return false;
    *ret_verified = heap_is_verified(&census->verdict);
    return true;
}
