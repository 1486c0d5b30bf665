// SPDX-License-Identifier: MIT
#include "inspector/analysis/details.h"

#include <stdlib.h>

bool details_init(struct details *details, const struct python *python,
                  const struct detail_options *options, const uint64_t *addresses, size_t count,
                  struct error *err)
{
    struct finding *findings = calloc(count + 1, sizeof(*findings));

    if (!findings)
        return error_memory(err);
    for (size_t i = 0; i < count; i++)
        findings[i].asked = addresses[i];
    *details = (struct details){.options = *options, .findings = findings, .count = count};
    types_init(&details->types, python);
    return true;
}

static void forget(struct details *details)
{
    for (size_t i = 0; details->kept && i < details->count; i++)
        detail_free(&details->kept[i]);
    free(details->kept);
    details->kept = NULL;
    instances_free(&details->instances);
    types_free(&details->types);
}

void details_free(struct details *details)
{
    forget(details);
    free(details->findings);
    *details = (struct details){0};
}

static bool look(const struct details *details, size_t number, struct detail *ret,
                 struct error *err)
{
    return detail_look(&details->reader, &details->findings[number], &details->options, ret, err);
}

/* What is not kept was at least in the image's way of being filled in. */
static bool look_at_all(struct details *details, struct error *err)
{
    struct image *image = details->reader.image;

    for (size_t i = 0; i < details->count; i++) {
        struct detail detail;
        if (!finding_is_object(&details->findings[i]))
            continue;
        image_rest(image);
        uint64_t missed = image->missed;
        if (!look(details, i, &detail, err))
            return false;
        if (!details->findings[i].is_alive)
            image->missed = missed; /* what has been freed need not be whole */
        if (details->kept)
            details->kept[i] = detail;
        else
            detail_free(&detail);
    }
    return true;
}

bool details_take(struct details *details, struct image *image, bool keep, struct error *err)
{
    const struct python *python = details->types.python;

    forget(details);
    types_init(&details->types, python);
    details->reader = (struct reader){python, image, &details->types};
    if (keep && !(details->kept = calloc(details->count + 1, sizeof(*details->kept))))
        return error_memory(err);
    allocations_read(&details->allocations, &details->reader);
    details->options.allocations = &details->allocations;
    return lookup(&details->reader, details->findings, details->count, &details->instances,
                  &details->verdict, err) &&
           look_at_all(details, err);
}

bool details_look(struct details *details, size_t number, struct detail *ret, struct error *err)
{
    if (!details->kept)
        return look(details, number, ret, err);
    *ret = details->kept[number];
    details->kept[number] = (struct detail){0};
    return true;
}

struct instance_count details_instances(const struct details *details, size_t number)
{
    return instances_of(&details->instances, &details->reader, details->findings[number].object);
}
