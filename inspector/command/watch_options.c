// SPDX-License-Identifier: MIT
#include "inspector/command/watch_options.h"

#include "inspector/store/census_name.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static const double default_every = 30e3;
static const double least_every = 1;
static const double default_share = 0.01;
static const uint64_t default_file = UINT64_C(1) << 30;
static const uint64_t least_file = UINT64_C(1) << 20;

static bool set_every(void *into, const char *value, struct error *err)
{
    struct watch_options *options = into;

    if (!parse_duration(value, &options->every, err))
        return error_context(err, "--every");
    return options->every >= least_every ||
           error_set(err, ERROR_USAGE, "--every %s: 1ms is the least", value);
}

static bool both_ends(struct error *err)
{
    return error_set(err, ERROR_USAGE,
                     "--count and --for exclude each other: each says when the watch ends");
}

static bool set_count(void *into, const char *value, struct error *err)
{
    struct watch_options *options = into;

    if (options->length > 0)
        return both_ends(err);
    return (parse_count(value, UINT32_MAX, &options->count) && options->count) ||
           error_set(err, ERROR_USAGE,
                     "--count '%s': it takes a number of samples, from 1 to 4294967295; without it "
                     "the watch goes on until Ctrl-C",
                     value);
}

static bool set_for(void *into, const char *value, struct error *err)
{
    struct watch_options *options = into;

    if (options->count)
        return both_ends(err);
    if (!parse_duration(value, &options->length, err))
        return error_context(err, "--for");
    return options->length > 0 ||
           error_set(err, ERROR_USAGE, "--for %s: that is no time; --count 1 takes one sample",
                     value);
}

static bool set_save(void *into, const char *value, struct error *err)
{
    ((struct watch_options *)into)->save = value;
    return census_name_check_new(value, err);
}

static bool set_max_file(void *into, const char *value, struct error *err)
{
    struct watch_options *options = into;

    if (!parse_size(value, &options->max_file, err))
        return error_context(err, "--max-file");
    return options->max_file >= least_file ||
           error_set(err, ERROR_USAGE, "--max-file %s: 1M is the least", value);
}

/* "1%", "0.5%". */
static bool set_max_share(void *into, const char *value, struct error *err)
{
    struct watch_options *options = into;
    const char *at = value;
    double percent = 0;

    for (; *at >= '0' && *at <= '9' && percent <= 100; at++)
        percent = percent * 10 + (*at - '0');
    if (at > value && *at == '.' && at[1] >= '0' && at[1] <= '9') {
        at++;
        for (double weight = 0.1; *at >= '0' && *at <= '9'; at++, weight /= 10)
            percent += weight * (*at - '0');
    }
    options->max_share = percent / 100;
    return (strcmp(at, "%") == 0 && percent > 0 && percent <= 100) ||
           error_set(err, ERROR_USAGE,
                     "--max-share '%s': it takes the part of the time that a process may stand "
                     "still, as in 1%% or 0.5%%, of at most 100%%",
                     value);
}

static bool set_children(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct watch_options *)into)->children = true;
    return true;
}

static bool set_each(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct watch_options *)into)->each = true;
    return true;
}

static bool set_most_common(void *into, const char *value, struct error *err)
{
    return parse_count(value, UINT32_MAX, &((struct watch_options *)into)->most_common) ||
           error_set(err, ERROR_USAGE,
                     "--most-common '%s': it takes a number of at most 4294967295, 0 for all",
                     value);
}

static bool set_sort(void *into, const char *value, struct error *err)
{
    static const char *const names[] = {
        [GROWTH_BY_SINCE_FIRST] = "growth",
        [GROWTH_BY_SLOPE] = "slope",
        [GROWTH_BY_COUNT] = "count",
        [GROWTH_BY_BYTES] = "bytes",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            ((struct watch_options *)into)->order = (enum growth_order)i;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--sort '%s': it takes growth, slope, count or bytes",
                     value);
}

static const struct option_row own_options[] = {
    {"every", "TIME", "from one sample to the next: 500ms, 5m (default 30s)", set_every},
    {"count", "N", "end after N samples", set_count},
    {"for", "TIME", "end after this time: 1h (default: at Ctrl-C)", set_for},
    {"children", NULL, "also all descendants that are Pythons: a server's workers", set_children},
    {"each", NULL, "print a table a process besides that of all", set_each},
    {"most-common", "N", "print the N first types, 0 for all (default 10)", set_most_common},
    {"sort", "ORDER", "by growth, slope, count or bytes (default growth)", set_sort},
    {"save", "FILE", "add each census to this file, a history", set_save},
    {"max-file", "SIZE", "let it grow to this, then drop old addresses (default 1G)", set_max_file},
    {"max-share", "N%", "let it stand still for no more of the time (default 1%)", set_max_share},
    {.name = NULL},
};

const struct option_list watch_option_lists[] = {
    {own_options, 0},
    {watch_traces_options, offsetof(struct watch_options, traces)},
    {trace_choice_options, offsetof(struct watch_options, traces.choice)},
    {watch_prometheus_options, offsetof(struct watch_options, prometheus)},
    {object_options, offsetof(struct watch_options, choice)},
    {target_options, offsetof(struct watch_options, session)},
    {debug_source_options, offsetof(struct watch_options, session.sources)},
    {layout_file_options, offsetof(struct watch_options, session.sources)},
    {series_format_options, offsetof(struct watch_options, format)},
    {.rows = NULL},
};

static bool parse_pid(const char *word, pid_t *ret, struct error *err)
{
    uint64_t pid;

    if (parse_count(word, INT_MAX, &pid) && pid) {
        *ret = (pid_t)pid;
        return true;
    }
    if (access(word, F_OK) == 0)
        return error_set(err, ERROR_USAGE,
                         "%s is a file, and only a running process can be watched: give its PID, "
                         "and the file to --save",
                         word);
    return error_set(err, ERROR_USAGE, "'%s' is no process id: a PID is a number such as 4711",
                     word);
}

static bool take_pids(struct watch_options *options, const struct operands *operands,
                      struct error *err)
{
    if (!operands->count)
        return error_set(err, ERROR_USAGE,
                         "watch takes the PID of a process, or of several: "
                         "pyinspect watch 4711 --every 30s");
    options->pids = calloc(operands->count, sizeof(*options->pids));
    if (!options->pids)
        return error_memory(err);
    for (size_t i = 0; i < operands->count; i++) {
        if (!parse_pid(operands->items[i], &options->pids[i], err))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (options->pids[j] == options->pids[i])
                return error_set(err, ERROR_USAGE, "process %d is named twice",
                                 (int)options->pids[i]);
        }
        options->pid_count = i + 1;
    }
    return true;
}

/* What goes with a census alone, or with traces alone. */
static bool check_traces(struct watch_options *options, struct error *err)
{
    const struct watch_traces_options *traces = &options->traces;
    const struct object_choice *choice = &options->choice;

    if (!traces->is_asked_for)
        return (!traces->has_key && !traces->choice.filter_count && !traces->choice.all_frames) ||
               error_set(err, ERROR_USAGE,
                         "--by, --include, --exclude, --all-frames, --domain and --no-domain "
                         "choose what --traces follows, and there is no --traces");
    if (options->save)
        return error_set(err, ERROR_USAGE,
                         "--save keeps censuses, and with --traces there are none: pyinspect "
                         "traces PID --save FILE saves traces");
    return (!choice->all_objects && !choice->generations_chosen && !choice->short_names) ||
           error_set(err, ERROR_USAGE,
                     "--all-objects, --generation and --short-names choose what is counted of the "
                     "heap, and --traces does not look at it");
}

static bool check(struct watch_options *options, struct error *err)
{
    trace_choice_end(&options->traces.choice);
    if (!check_traces(options, err))
        return false;
    if (options->max_file && !options->save)
        return error_set(err, ERROR_USAGE,
                         "--max-file is of the file that --save names, and there "
                         "is no --save");
    if (options->each && options->pid_count == 1 && !options->children)
        return error_set(err, ERROR_USAGE,
                         "--each is for several processes, and this is one: name "
                         "more of them, or add --children");
    if (!options->max_file)
        options->max_file = default_file;
    return true;
}

bool watch_options_parse(struct watch_options *ret, int argc, char **argv, int first,
                         struct error *err)
{
    struct watch_options options = {.every = default_every,
                                    .max_share = default_share,
                                    .most_common = 10,
                                    .choice.generations = {true, true, true, true}};
    struct operands operands;

    if (!options_parse(argc, argv, first, watch_option_lists, &options, &operands, err))
        return false;
    if (!take_pids(&options, &operands, err) || !check(&options, err)) {
        free(options.pids);
        return false;
    }
    *ret = options;
    return true;
}
