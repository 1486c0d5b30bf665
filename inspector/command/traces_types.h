// SPDX-License-Identifier: MIT
/*
 * traces_types - `traces --types`: which types live in the blocks of a line, and which lines made
 * the objects of a type. Sizes are those of blocks.
 */
#ifndef PYINSPECT_TRACES_TYPES_H
#define PYINSPECT_TRACES_TYPES_H

#include "inspector/analysis/trace_types.h"
#include "inspector/command/traces_options.h"
#include "inspector/report/page.h"

struct traces_types {
    const struct trace_types *types;
    const struct trace_statistics *statistics;
    const struct traces_options *options;
    struct type_line *by_row, *by_type; /* the same lines, in both orders */
    size_t count;
};

/* Of statistics of `traces`; all of these must live as long. To be freed, after failure too.
 * ERROR_SYSTEM. */
MUST_CHECK bool traces_types_make(struct traces_types *ret, const struct trace_types *types,
                                  const struct traces *traces,
                                  const struct trace_statistics *statistics,
                                  const struct traces_options *options, struct error *err);
void traces_types_free(struct traces_types *types);

/* For a person: adds lines for the types that live in the blocks of that row of the statistics. */
void traces_types_add_row(const struct traces_types *types, size_t row, struct text *text);

/* And for the types whose blocks take most, below all rows. */
void traces_types_add(const struct traces_types *types, struct text *text);

/* For a machine: adds the sections "types", "types_of_lines" and "lines_of_types". */
void traces_types_report(const struct traces_types *types, struct page *page);

#endif
