// SPDX-License-Identifier: MIT
/*
 * details - finds single objects by their addresses, and looks at them.
 *
 * details_take finds them in an image, and touches in it all that will be told of them;
 * details_look then tells of one at a time, from the same image, so that of a million nothing but
 * the places is kept.
 */
#ifndef PYINSPECT_DETAILS_H
#define PYINSPECT_DETAILS_H

#include "inspector/analysis/detail.h"

struct details {
    struct detail_options options;
    struct types types;
    struct reader reader;
    struct finding *findings; /* one an address, as asked */
    struct detail *kept;      /* for details_look; NULL: it looks at the image */
    size_t count;
    struct instances instances;
    struct allocations allocations; /* of the last details_take */
    /* The answer, of details_take: */
    struct reach_verdict verdict;
};

/* `addresses` are copied. ERROR_SYSTEM for want of memory. */
MUST_CHECK bool details_init(struct details *details, const struct python *python,
                             const struct detail_options *options, const uint64_t *addresses,
                             size_t count, struct error *err);
void details_free(struct details *details);

/* Finds all of them in the image; what was found before is forgotten. `keep`: the image will not be
 * there any more for details_look. Fails as lookup. */
MUST_CHECK bool details_take(struct details *details, struct image *image, bool keep,
                             struct error *err);

/* Tells of the object of that number, which must be one (finding_is_object): of each once. To be
 * freed with detail_free. ERROR_SYSTEM for want of memory. */
MUST_CHECK bool details_look(struct details *details, size_t number, struct detail *ret,
                             struct error *err);

/* How many objects the class of that number has. */
struct instance_count details_instances(const struct details *details, size_t number);

#endif
