// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing_bundle.h"

#include <stdlib.h>

static int compare_labels(const void *left, const void *right)
{
    const struct drawn_label *a = left, *b = right;

    return (a->to > b->to) - (a->to < b->to);
}

bool bundle_init(struct bundle *bundle, const struct reader *reader, uint64_t from, size_t count)
{
    *bundle = (struct bundle){.type = reader_type_of(reader, from),
                              .from = from,
                              .links = calloc(count + 1, sizeof(*bundle->links)),
                              .labels = calloc(count + 1, sizeof(*bundle->labels)),
                              .count = count};
    return bundle->links && bundle->labels;
}

void bundle_free(struct bundle *bundle)
{
    free(bundle->links);
    free(bundle->labels);
    *bundle = (struct bundle){.links = NULL};
}

bool bundle_name(struct bundle *bundle, const struct reader *reader, bool traversed)
{
    struct drawn_label *labels = bundle->labels;

    if (!bundle->type)
        return true;
    for (size_t i = 0; i < bundle->count; i++)
        labels[i].to = bundle->links[i].reference.to;
    qsort(labels, bundle->count, sizeof(*labels), compare_labels);
    for (size_t i = 0; i < bundle->count; i++) {
        if (!bundle->label_count || labels[bundle->label_count - 1].to != labels[i].to)
            labels[bundle->label_count++] = labels[i];
    }
    draw_find_keys(reader, bundle->type, bundle->from, labels, bundle->label_count);
    return links_name(reader, bundle->type, bundle->from, traversed, bundle->links, bundle->count);
}

void bundle_add_name(const struct bundle *bundle, const struct reader *reader, size_t number,
                     uint64_t most, struct text *text)
{
    if (bundle->type)
        link_name(reader, &bundle->links[number], most, text);
}

unsigned bundle_add_label(const struct bundle *bundle, const struct reader *reader, size_t number,
                          const struct label_style *style, struct text *text)
{
    struct drawn_label wanted = {.to = bundle->links[number].reference.to};
    struct drawn_label *label = bsearch(&wanted, bundle->labels, bundle->label_count,
                                        sizeof(*bundle->labels), compare_labels);

    if (!bundle->type || !label)
        return 0;
    draw_label(reader, bundle->type, bundle->from, style, label, text);
    return label->weight;
}
