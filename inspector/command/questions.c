// SPDX-License-Identifier: MIT
#include "inspector/command/questions.h"

#include "inspector/analysis/census.h"
#include "inspector/analysis/details.h"
#include "inspector/analysis/listing.h"

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
    *ret = certainty_of(&census->verdict.heap);
    return true;
}

bool question_listing(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct listing_question *question = context;

    question->is_spooled = session_is_in_pieces(question->session);
    if (question->is_spooled &&
        !row_spool_begin(question->spool, question->listing->options.attribute_count, err))
        return false;
    if (!listing_take(question->listing, image, question->is_spooled ? row_spool_add : NULL,
                      question->spool, err) ||
        (question->is_spooled && !row_spool_check(question->spool, err)))
        return false;
    *ret = certainty_of(&question->listing->verdict.heap);
    return true;
}

bool question_details(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    const struct details_question *question = context;

    if (!details_take(question->details, image, session_is_in_pieces(question->session), err))
        return false;
    *ret = certainty_of(&question->details->verdict.heap);
    return true;
}
