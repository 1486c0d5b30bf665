// SPDX-License-Identifier: MIT
#include "inspector/python/reference.h"

static void tell(struct references *references, const struct reference *reference)
{
    if (reference->to && !references->ended)
        references->ended = !references->visit(references->context, reference);
}

void reference_tell(struct references *references, const struct reference *reference)
{
    reference_skip(references, 1);
    if (references->is_untracked && !reference->is_owned) {
        struct reference owned = *reference;
        owned.is_owned = true;
        tell(references, &owned);
    } else {
        tell(references, reference);
    }
}

void reference_field(struct references *references, uint64_t to, const char *name)
{
    reference_tell(references, &(struct reference){.to = to, .label = LABEL_FIELD, .name = name});
}

void reference_owned(struct references *references, uint64_t to, const char *name)
{
    reference_tell(references, &(struct reference){
                                   .to = to, .label = LABEL_FIELD, .name = name, .is_owned = true});
}

void reference_index(struct references *references, uint64_t to, uint64_t number)
{
    reference_tell(references,
                   &(struct reference){.to = to, .label = LABEL_INDEX, .number = number});
}
