// SPDX-License-Identifier: MIT
/*
 * trace_filter - tracemalloc.Filter and DomainFilter: which traces are looked at.
 *
 * A trace passes if any of the inclusive filters matches it (or there are none), and none of the
 * exclusive ones rules it out. Patterns are those of Python's fnmatch (trace_pattern.h); ".pyc" at
 * the end of a pattern or a name goes for ".py". With a domain an inclusive filter wants both, an
 * exclusive one rules out only what is both.
 */
#ifndef PYINSPECT_TRACE_FILTER_H
#define PYINSPECT_TRACE_FILTER_H

#include "inspector/analysis/trace_pattern.h"
#include "inspector/analysis/traces.h"

struct trace_filter {
    bool is_inclusive;
    const char *pattern; /* UTF-8; NULL: a DomainFilter */
    size_t pattern_length;
    bool has_line, has_domain; /* a DomainFilter has a domain */
    bool all_frames;           /* any frame will do; else the most recent one alone */
    uint32_t line, domain;
};

/* "PATTERN", "PATTERN:LINE", "PATTERN@DOMAIN", "PATTERN:LINE@DOMAIN", and "@DOMAIN" for a
 * DomainFilter. The text must outlive the filter. ERROR_USAGE where there is no pattern, or a
 * number is past 2^32 - 1. A pattern that really ends in ":12" is written with "[:]", in "@12" with
 * "[@]". */
MUST_CHECK bool trace_filter_parse(struct trace_filter *ret, const char *text, bool is_inclusive,
                                   bool all_frames, struct error *err);

/* Makes traces of those rows that pass; with no filter, of all. Texts are copied, so `traces` is
 * not needed any more. All else is copied too. ERROR_SYSTEM. */
MUST_CHECK bool traces_filter(struct traces *ret, const struct traces *traces,
                              const struct trace_filter *filters, size_t count, struct error *err);

#endif
