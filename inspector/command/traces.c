// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/traces_options.h"
#include "inspector/command/traces_output.h"
#include "inspector/command/traces_report.h"
#include "inspector/command/traces_taken.h"
#include "inspector/command/worth.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "inspector/store/traces_file.h"

#include <stdlib.h>
#include <string.h>

/* Asked before the target is stopped: what cannot be written costs no pause. */
static bool check_files(const struct traces_options *options, struct traces *since,
                        struct error *err)
{
    if (options->since && !traces_file_load(options->since, since, err))
        return error_context(err, "--since");
    if (options->save && !traces_file_check_save(options->save, err))
        return error_context(err, "--save");
    return options->export == EXPORT_NOTHING ||
           traces_output_check(options->export, options->output, err);
}

static bool group(struct trace_statistics *ret, const struct traces_options *options,
                  const struct traces *current, const struct traces *since, struct error *err)
{
    return options->since
               ? trace_statistics_compare(ret, current, since, options->key, options->is_cumulative,
                                          err)
               : trace_statistics_make(ret, current, options->key, options->is_cumulative, err);
}

static bool make_page(void *context, size_t number, struct page *ret, struct error *err)
{
    struct page *page = context;

    (void)number, (void)err;
    *ret = *page;
    *page = (struct page){0};
    return true;
}

static void free_page(void *context)
{
    page_free(context);
    free(context);
}

/* The statistics become a page's first section, which the tables of types follow. */
static bool answer_page(const struct traces_types *types, struct traces_taken *taken,
                        struct answer *ret, struct error *err)
{
    struct page *page = calloc(1, sizeof(*page));

    if (!page)
        return error_memory(err);
    *page_add(page, NULL, NULL, 0) = taken->facts;
    taken->facts = (struct report){0};
    traces_types_report(types, page);
    ret->pages =
        (struct page_stream){.make = make_page, .count = 1, .free = free_page, .context = page};
    return true;
}

static bool answer_with(const struct trace_statistics *statistics, const struct traces_types *types,
                        const struct traces_options *options, struct traces_taken *taken,
                        struct answer *ret, struct error *err)
{
    ret->is_plain = options->format == FORMAT_TEXT;
    if (ret->is_plain)
        traces_print(statistics, options, options->no_source ? NULL : taken->sources, types,
                     &ret->plain);
    traces_report(statistics, options, &taken->facts);
    return !types || ret->is_plain || answer_page(types, taken, ret, err);
}

static bool answer(const struct traces_options *options, struct traces_taken *taken,
                   const struct traces *current, const struct traces *since, struct answer *ret,
                   struct error *err)
{
    bool with_types = options->with_types && taken->is_tracing;
    struct trace_statistics statistics = {0};
    struct traces_types types = {0};

    if (!group(&statistics, options, current, since, err))
        return false;
    bool done = !with_types ||
                (trace_types_filter(&taken->types, &taken->traces, current, err) &&
                 traces_types_make(&types, &taken->types, current, &statistics, options, err));
    done = done && answer_with(&statistics, with_types ? &types : NULL, options, taken, ret, err);
    traces_types_free(&types);
    trace_statistics_free(&statistics);
    return done;
}

/* The same process, and the other way round in time? */
static bool is_backwards(const struct traces *since, const struct traces *current)
{
    return since->has_origin && current->has_origin &&
           origin_is_same(&since->origin, &current->origin) &&
           since->occasion.running_ms > current->occasion.running_ms;
}

/* What was compared and what was chosen, after what there was. */
static void say_compared(const struct traces_options *options, struct traces_taken *taken,
                         const struct traces *since, const struct traces *chosen)
{
    struct text *text = &taken->worth;
    char bytes[32];

    if (options->choice.filter_count) {
        text_add(text, chosen->blocks ? "; "
                                      : "; none passes the filters (a pattern is for the "
                                        "whole name, as in '*/views.py'): ");
        add_things(text, chosen->blocks, "block");
        text_addf(text, " of %s chosen", format_bytes(bytes, chosen->bytes));
    }
    if (!options->since)
        return;
    text_addf(text, "; %scompared with %s",
              is_backwards(since, &taken->traces) ? "BACKWARDS, " : "", options->since);
    if (!since->has_origin)
        return;
    if (!taken->traces.has_origin || !origin_is_same(&since->origin, &taken->traces.origin))
        text_addf(text, " of another process, %d (CPython %s)", (int)since->origin.pid,
                  since->origin.version);
    add_time(text, since->occasion.taken_ms);
}

/* What passes the filters is told and exported; what is saved is everything. */
static bool filter_and_answer(const struct traces_options *options, struct traces_taken *taken,
                              const struct traces *since, struct answer *ret, struct error *err)
{
    const struct trace_choice *choice = &options->choice;
    struct traces current = {0}, old = {0};
    bool exports = options->export != EXPORT_NOTHING && taken->is_tracing;

    bool done =
        traces_filter(&current, &taken->traces, choice->filters, choice->filter_count, err) &&
        traces_filter(&old, since, choice->filters, choice->filter_count, err) &&
        (!exports || traces_output_write(options->export, options->output, &current, err));
    ret->is_plain = exports && !options->output;
    if (done && taken->is_tracing)
        say_compared(options, taken, since, &current);
    if (done && !ret->is_plain)
        done = answer(options, taken, &current, &old, ret, err);
    traces_free(&current);
    traces_free(&old);
    return done;
}

static void hand_over(const struct traces_options *options, struct traces_taken *taken,
                      struct answer *ret)
{
    ret->format = options->format;
    ret->complete = taken->is_tracing && taken->is_complete;
    ret->report = taken->facts;
    taken->facts = (struct report){0};
    ret->worth = taken->worth;
    taken->worth = (struct text){0};
    if (!taken->is_tracing)
        return;
    if (options->export != EXPORT_NOTHING && options->output)
        text_addf(&ret->worth, "; written to %s", options->output);
    if (options->save && traces_file_save(options->save, &taken->traces, &ret->late))
        text_addf(&ret->worth, "; saved in %s", options->save);
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct traces_options options = {.session.progress = progress};
    struct traces_taken taken = {0};
    struct traces since = {0};
    struct answer made = {0};

    bool done =
        traces_options_parse(&options, argc, argv, first, err) &&
        check_files(&options, &since, err) &&
        traces_taken_get(&taken, options.target, options.with_types, &options.session, err) &&
        filter_and_answer(&options, &taken, &since, &made, err);
    if (done) {
        hand_over(&options, &taken, &made);
        *ret = made;
    } else {
        answer_free(&made);
    }
    traces_taken_free(&taken);
    traces_free(&since);
    return done;
}

const struct command traces_command = {
    .name = "traces",
    .operands = "PID|FILE",
    .summary = "Tell where memory was allocated, as tracemalloc has noted it",
    .details =
        "\nThe process must have been started with PYTHONTRACEMALLOC=10 in its environment, or\n"
        "with -X tracemalloc=10: so many frames are kept of each traceback. Its tables are read\n"
        "from outside; nothing of a Snapshot is made in it. FILE has saved traces (--save), or\n"
        "is a Snapshot that Python has dumped.\n"
        "\nThe lines are tracemalloc's own: what Snapshot.statistics() and compare_to() say, in\n"
        "their order. Filters are those of tracemalloc.Filter and DomainFilter, patterns those\n"
        "of Python's fnmatch. --save keeps everything, whatever the filters say.\n"
        "\n--types walks the heap besides, and tells for each line which types the objects in its\n"
        "blocks have, then for the types whose blocks take most which lines made them.\n"
        "\n--export pickle writes what tracemalloc.Snapshot.load() opens, folded what flame graph\n"
        "tools, speedscope and inferno read, pprof a gzipped profile.proto.\n",
    .options = traces_option_lists,
    .run = run,
};
