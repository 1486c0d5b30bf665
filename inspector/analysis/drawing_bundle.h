// SPDX-License-Identifier: MIT
/*
 * drawing_bundle - those of one object's references that are drawn, with what is written at each:
 * looked up for all of them at once. Part of drawing.h.
 */
#ifndef PYINSPECT_DRAWING_BUNDLE_H
#define PYINSPECT_DRAWING_BUNDLE_H

#include "inspector/analysis/drawing_text.h"
#include "inspector/analysis/links.h"

struct bundle {
    const struct type *type; /* of the object; NULL: unknown */
    uint64_t from;
    struct link *links; /* `to` and is_owned are set by the caller before bundle_name */
    size_t count;
    struct drawn_label *labels; /* one for each object that is referred to, by address */
    size_t label_count;
};

/* False: no memory. To be freed after failure too. */
MUST_CHECK bool bundle_init(struct bundle *bundle, const struct reader *reader, uint64_t from,
                            size_t count);
void bundle_free(struct bundle *bundle);

/* Finds out how the references are called (links_name). False: no memory. */
MUST_CHECK bool bundle_name(struct bundle *bundle, const struct reader *reader, bool traversed);

/* Adds the name of a link (link_name); and the label that objgraph writes, whose weight it returns.
 */
void bundle_add_name(const struct bundle *bundle, const struct reader *reader, size_t number,
                     uint64_t most, struct text *text);
unsigned bundle_add_label(const struct bundle *bundle, const struct reader *reader, size_t number,
                          const struct label_style *style, struct text *text);

#endif
