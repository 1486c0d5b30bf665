// SPDX-License-Identifier: MIT
#include "inspector/command/trace_choice.h"

static bool add_filter(struct trace_choice *choice, const struct trace_filter *filter,
                       struct error *err)
{
    if (choice->filter_count == MOST_FILTERS)
        return error_set(err, ERROR_USAGE, "there can be %d filters", MOST_FILTERS);
    choice->filters[choice->filter_count++] = *filter;
    return true;
}

static bool set_include(void *into, const char *value, struct error *err)
{
    struct trace_filter filter;

    return (trace_filter_parse(&filter, value, true, false, err) &&
            add_filter(into, &filter, err)) ||
           error_context(err, "--include");
}

static bool set_exclude(void *into, const char *value, struct error *err)
{
    struct trace_filter filter;

    return (trace_filter_parse(&filter, value, false, false, err) &&
            add_filter(into, &filter, err)) ||
           error_context(err, "--exclude");
}

static bool add_domain(void *into, const char *value, bool is_inclusive, struct error *err)
{
    struct trace_filter filter = {.is_inclusive = is_inclusive, .has_domain = true};
    uint64_t domain;

    if (!parse_count(value, UINT32_MAX, &domain))
        return error_set(err, ERROR_USAGE,
                         "--%sdomain '%s': it takes a number, 0 for Python's own allocators",
                         is_inclusive ? "" : "no-", value);
    filter.domain = (uint32_t)domain;
    return add_filter(into, &filter, err);
}

static bool set_domain(void *into, const char *value, struct error *err)
{
    return add_domain(into, value, true, err);
}

static bool set_no_domain(void *into, const char *value, struct error *err)
{
    return add_domain(into, value, false, err);
}

static bool set_all_frames(void *into, const char *value, struct error *err)
{
    struct trace_choice *choice = into;

    (void)value, (void)err;
    choice->all_frames = true;
    return true;
}

const struct option_row trace_choice_options[] = {
    {"include", "PATTERN", "only files like '*/app/*.py'; also FILE:LINE, FILE@DOMAIN",
     set_include},
    {"exclude", "PATTERN", "none of these files", set_exclude},
    {"all-frames", NULL, "--include and --exclude: any frame will do, not the last alone",
     set_all_frames},
    {"domain", "N", "only memory of this domain: 0 is Python's own", set_domain},
    {"no-domain", "N", "none of this domain", set_no_domain},
    {.name = NULL},
};

void trace_choice_end(struct trace_choice *choice)
{
    for (size_t i = 0; i < choice->filter_count; i++)
        choice->filters[i].all_frames = choice->all_frames;
}
