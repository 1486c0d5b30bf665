// SPDX-License-Identifier: MIT
#include "inspector/command/traces_options.h"

#include "inspector/command/moment.h"

#include <stddef.h>
#include <string.h>

enum { DEFAULT_LIMIT = 10 };

static bool set_by(void *into, const char *value, struct error *err)
{
    static const char *const names[] = {[TRACE_BY_LINENO] = "lineno",
                                        [TRACE_BY_FILENAME] = "filename",
                                        [TRACE_BY_TRACEBACK] = "traceback"};
    struct traces_options *options = into;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->key = (enum trace_key)i;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--by '%s': it takes lineno, filename or traceback", value);
}

static bool set_cumulative(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct traces_options *)into)->is_cumulative = true;
    return true;
}

static bool set_limit(void *into, const char *value, struct error *err)
{
    struct traces_options *options = into;

    return parse_count(value, UINT32_MAX, &options->limit) ||
           error_set(err, ERROR_USAGE,
                     "--limit '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_frames(void *into, const char *value, struct error *err)
{
    struct traces_options *options = into;

    return parse_count(value, UINT32_MAX, &options->frames) ||
           error_set(err, ERROR_USAGE,
                     "--frames '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_export(void *into, const char *value, struct error *err)
{
    static const struct {
        const char *name;
        enum traces_export export;
    } formats[] = {{"pickle", EXPORT_PICKLE}, {"folded", EXPORT_FOLDED}, {"pprof", EXPORT_PPROF}};

    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        if (strcmp(value, formats[i].name) == 0) {
            ((struct traces_options *)into)->export = formats[i].export;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--export '%s': it takes pickle, folded or pprof", value);
}

static bool note_path(const char **into, const char *value, const char *option, struct error *err)
{
    *into = value;
    return *value || error_set(err, ERROR_USAGE, "%s '': it takes the name of a file", option);
}

static bool set_save(void *into, const char *value, struct error *err)
{
    return note_path(&((struct traces_options *)into)->save, value, "--save", err);
}

static bool set_since(void *into, const char *value, struct error *err)
{
    return note_path(&((struct traces_options *)into)->since, value, "--since", err);
}

static bool set_output(void *into, const char *value, struct error *err)
{
    struct traces_options *options = into;

    if (!note_path(&options->output, value, "-o", err))
        return false;
    if (strcmp(value, "-") == 0)
        options->output = NULL;
    return true;
}

static bool set_newest_first(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct traces_options *)into)->newest_first = true;
    return true;
}

static bool set_no_source(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct traces_options *)into)->no_source = true;
    return true;
}

static bool set_types(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct traces_options *)into)->with_types = true;
    return true;
}

static const struct option_row own_options[] = {
    {"by", "KEY", "group by lineno (default), filename or traceback", set_by},
    {"cumulative", NULL, "count a block for all frames of its traceback, not the last alone",
     set_cumulative},
    {"limit", "N", "print the first N, 0 for all (default 10)", set_limit},
    {"since", "FILE", "compare with saved traces, or a Snapshot that Python has dumped", set_since},
    {"save", "FILE", "also write the traces to FILE, for --since", set_save},
    {"frames", "N", "of tracebacks, print the N most recent frames (default all)", set_frames},
    {"most-recent-first", NULL, "print tracebacks the other way round", set_newest_first},
    {"no-source", NULL, "print tracebacks without the lines of source", set_no_source},
    {"types", NULL, "tell which types live there, and which lines made which types", set_types},
    {"export", "FORMAT", "write them as pickle (for tracemalloc), folded or pprof", set_export},
    {"o", "FILE", "where --export writes; -: the standard output (default)", set_output},
    {.name = NULL},
};

const struct option_list traces_option_lists[] = {
    {own_options, 0},
    {trace_choice_options, offsetof(struct traces_options, choice)},
    {target_options, offsetof(struct traces_options, session)},
    {debug_source_options, offsetof(struct traces_options, session.sources)},
    {layout_file_options, offsetof(struct traces_options, session.sources)},
    {format_options, offsetof(struct traces_options, format)},
    {.rows = NULL},
};

static bool check_types(const struct traces_options *options, struct error *err)
{
    if (!options->with_types)
        return true;
    if (!moment_is_process(options->target))
        return error_set(err, ERROR_USAGE,
                         "--types looks at the objects of a running process, which are not in a "
                         "file: give its PID");
    if (options->is_cumulative)
        return error_set(err, ERROR_USAGE,
                         "--types tells of the lines that allocated objects, --cumulative of all "
                         "that called them: give one of the two");
    if (options->format == FORMAT_CSV)
        return error_set(err, ERROR_USAGE, "--types has several tables, CSV one: use --json");
    return options->export == EXPORT_NOTHING || options->output ||
           error_set(err, ERROR_USAGE,
                     "--export writes to the standard output, where --types does: add -o FILE");
}

static bool check(const struct traces_options *options, struct error *err)
{
    if (options->is_cumulative && options->key == TRACE_BY_TRACEBACK)
        return error_set(err, ERROR_USAGE,
                         "--cumulative goes with --by lineno or --by filename: a traceback has all "
                         "of its frames already");
    if (options->output && options->export == EXPORT_NOTHING)
        return error_set(err, ERROR_USAGE, "-o is where --export writes: pickle, folded or pprof");
    if (options->export != EXPORT_NOTHING && !options->output && options->format != FORMAT_TEXT)
        return error_set(err, ERROR_USAGE,
                         "--export writes to the standard output, where --json and --csv do: add "
                         "-o FILE");
    if (options->export != EXPORT_NOTHING && options->since)
        return error_set(err, ERROR_USAGE, "--export writes what there is, and takes no --since");
    return check_types(options, err);
}

bool traces_options_parse(struct traces_options *ret, int argc, char **argv, int first,
                          struct error *err)
{
    struct operands operands;

    ret->limit = DEFAULT_LIMIT;
    if (!options_parse(argc, argv, first, traces_option_lists, ret, &operands, err))
        return false;
    if (operands.count != 1)
        return error_set(err, ERROR_USAGE,
                         "traces takes a PID, or a file with saved traces: pyinspect traces 4711");
    ret->target = operands.items[0];
    trace_choice_end(&ret->choice);
    return check(ret, err);
}
