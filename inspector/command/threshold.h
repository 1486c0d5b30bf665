// SPDX-License-Identifier: MIT
/*
 * threshold - what --fail-if bounds, and which types of a comparison cross it.
 *
 *     app.Order:+100     has grown by 100 objects or more      app.Order:100     has 100 or more
 *     app.Order:+10%     by 10 % or more, or was not there
 *     app.Order:+64KiB   by so many bytes or more              app.Order:64KiB   takes as much
 *
 * The type may be a pattern (type_pattern.h): each type that it fits is bounded by itself.
 */
#ifndef PYINSPECT_THRESHOLD_H
#define PYINSPECT_THRESHOLD_H

#include "inspector/analysis/compare.h"
#include "symbols/base/text.h"

enum { MOST_THRESHOLDS = 256, LONGEST_PATTERN = 512 };

enum threshold_unit { THRESHOLD_OBJECTS, THRESHOLD_PERCENT, THRESHOLD_BYTES };

struct threshold {
    const char *spec; /* as it was given; not copied */
    char types[LONGEST_PATTERN];
    bool growth; /* with +: by how much it has grown; else how much there is */
    enum threshold_unit unit;
    uint64_t least; /* that crosses it: objects or bytes */
    double percent;
};

/* ERROR_USAGE that shows what can be said where `spec` says something else. */
MUST_CHECK bool threshold_parse(struct threshold *ret, const char *spec, struct error *err);

/* Can it be asked of suspects (compare_three)? Those have only come: TYPE:+100 and TYPE:+64KiB. */
bool threshold_suits_suspects(const struct threshold *threshold);

/* Is there no type that it fits? Then it was mistyped, or never fails: `line` says so. */
bool threshold_fits_none(const struct threshold *threshold, const struct comparison *comparison,
                         struct text *line);

/*
 * Adds a line for each type that crosses it, ended by a NUL, and returns how many there were. Of
 * suspects, `growth` is their number or what they take.
 */
size_t threshold_apply(const struct threshold *threshold, const struct comparison *comparison,
                       bool suspects, struct text *lines);

#endif
