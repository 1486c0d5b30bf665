// SPDX-License-Identifier: MIT
/*
 * prometheus - metrics in Prometheus' text exposition format, version 0.0.4.
 *
 *     prometheus_family(&text, "app_objects", PROMETHEUS_GAUGE, "Objects there are.");
 *     prometheus_count(&text, "app_objects", labels, 1, 152340);
 *
 * A family begins once, and its samples follow it before the next family does; no two of them may
 * have the same labels: a reader refuses the whole file. There are no timestamps, which the node
 * exporter's textfile collector refuses too. Names and helps are ours and are written as they are.
 * Numbers ask no locale. Whether all of it found room is asked of the text at the end
 * (`text->failed`).
 */
#ifndef PYINSPECT_PROMETHEUS_H
#define PYINSPECT_PROMETHEUS_H

#include "symbols/base/text.h"

enum prometheus_kind { PROMETHEUS_GAUGE, PROMETHEUS_COUNTER };

struct prometheus_label {
    const char *name;
    const char *value; /* as prometheus_add_value has made it, or ours */
    size_t length;
};

void prometheus_family(struct text *text, const char *name, enum prometheus_kind kind,
                       const char *help);

/*
 * Adds what any text of a target becomes as the value of a label: valid UTF-8, whatever it was. It
 * reads as the text does in a table (text_add_escaped, cut at PROMETHEUS_COLUMNS), so two different
 * texts may become the same one.
 */
enum { PROMETHEUS_COLUMNS = 256 };
void prometheus_add_value(struct text *text, const char *bytes, size_t length);

/* A sample: a whole number, and a time in seconds. */
void prometheus_count(struct text *text, const char *name, const struct prometheus_label *labels,
                      size_t label_count, uint64_t value);
void prometheus_seconds(struct text *text, const char *name, const struct prometheus_label *labels,
                        size_t label_count, uint64_t microseconds);

#endif
