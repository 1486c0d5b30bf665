// SPDX-License-Identifier: MIT
#include "inspector/report/prometheus.h"

#include <inttypes.h>

void prometheus_family(struct text *text, const char *name, enum prometheus_kind kind,
                       const char *help)
{
    const char *type = kind == PROMETHEUS_COUNTER ? "counter" : "gauge";

    text_addf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* text_add_escaped leaves no line end, so two characters are left that the format escapes. */
void prometheus_add_value(struct text *text, const char *bytes, size_t length)
{
    struct text readable = {0};

    text_add_escaped(&readable, bytes, length, PROMETHEUS_COLUMNS);
    for (size_t i = 0; i < readable.length; i++) {
        if (readable.bytes[i] == '\\' || readable.bytes[i] == '"')
            text_add_char(text, '\\');
        text_add_char(text, readable.bytes[i]);
    }
    if (readable.failed)
        text->failed = true;
    text_free(&readable);
}

static void add_series(struct text *text, const char *name, const struct prometheus_label *labels,
                       size_t label_count)
{
    text_add(text, name);
    for (size_t i = 0; i < label_count; i++) {
        text_addf(text, "%c%s=\"", i ? ',' : '{', labels[i].name);
        text_add_bytes(text, labels[i].value, labels[i].length);
        text_add_char(text, '"');
    }
    text_add(text, label_count ? "} " : " ");
}

void prometheus_count(struct text *text, const char *name, const struct prometheus_label *labels,
                      size_t label_count, uint64_t value)
{
    add_series(text, name, labels, label_count);
    text_addf(text, "%" PRIu64 "\n", value);
}

void prometheus_seconds(struct text *text, const char *name, const struct prometheus_label *labels,
                        size_t label_count, uint64_t microseconds)
{
    add_series(text, name, labels, label_count);
    text_addf(text, "%" PRIu64 ".%06" PRIu64 "\n", microseconds / 1000000, microseconds % 1000000);
}
