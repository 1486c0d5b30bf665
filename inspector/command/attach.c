// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/census.h"
#include "inspector/command/session.h"
#include "inspector/report/render.h"

#include <stdio.h>
#include <string.h>

struct attach_options {
    uint64_t most_common; /* 0: all */
    struct census_options census;
    struct session_options session;
    enum format format;
};

static bool set_most_common(void *into, const char *value, struct error *err)
{
    struct attach_options *options = into;

    return parse_count(value, UINT32_MAX, &options->most_common) ||
           error_set(err, ERROR_USAGE,
                     "--most-common '%s': it takes a number of at most 4294967295, 0 for all",
                     value);
}

static bool set_by(void *into, const char *value, struct error *err)
{
    struct attach_options *options = into;

    if (strcmp(value, "count") == 0)
        options->census.order = CENSUS_BY_COUNT;
    else if (strcmp(value, "bytes") == 0)
        options->census.order = CENSUS_BY_BYTES;
    else
        return error_set(err, ERROR_USAGE, "--by '%s': it takes count or bytes", value);
    return true;
}

static bool set_short_names(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct attach_options *)into)->census.short_names = true;
    return true;
}

/* A list of 0, 1, 2 and permanent, with commas. */
static bool set_generation(void *into, const char *value, struct error *err)
{
    static const char *const names[GENERATIONS] = {"0", "1", "2", "permanent"};
    bool *chosen = ((struct attach_options *)into)->census.generations;

    memset(chosen, 0, GENERATIONS * sizeof(*chosen));
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        int i = 0;
        while (i < GENERATIONS && (strlen(names[i]) != length || memcmp(names[i], at, length) != 0))
            i++;
        if (i == GENERATIONS)
            return error_set(err, ERROR_USAGE,
                             "--generation '%s': it takes 0, 1, 2 and permanent, with commas",
                             value);
        chosen[i] = true;
        at += length;
        if (!*at)
            return true;
    }
}

static bool set_read_swapped(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct attach_options *)into)->session.read_swapped = true;
    return true;
}

static bool set_format(void *into, enum format format, struct error *err)
{
    struct attach_options *options = into;

    if (options->format != FORMAT_TEXT && options->format != format)
        return error_set(err, ERROR_USAGE, "--json and --csv exclude each other");
    options->format = format;
    return true;
}

static bool set_json(void *into, const char *value, struct error *err)
{
    (void)value;
    return set_format(into, FORMAT_JSON, err);
}

static bool set_csv(void *into, const char *value, struct error *err)
{
    (void)value;
    return set_format(into, FORMAT_CSV, err);
}

static const struct option_row option_rows[] = {
    {"most-common", "N", "print the N first types, 0 for all (default 10)", set_most_common},
    {"by", "count|bytes", "what comes first (default count)", set_by},
    {"short-names", NULL, "types by their bare name, namesakes in one row", set_short_names},
    {"generation", "LIST", "count only these of 0, 1, 2, permanent (default all)", set_generation},
    {"read-swapped", NULL, "read pages in swap too, which brings them back", set_read_swapped},
    {"json", NULL, "print one JSON object", set_json},
    {"csv", NULL, "print comma-separated values", set_csv},
};

static const struct column columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
    {"bytes", "Bytes", UNIT_BYTES},
};

static bool take_census(void *context, struct image *image, bool *ret_verified, struct error *err)
{
    struct census *census = context;

    if (!census_take(census, image, err))
        return false;
    *ret_verified = heap_is_verified(&census->verdict);
    return true;
}

static void add_facts(struct report *report, const struct session *session,
                      const struct attach_options *options, const struct census *census,
                      const struct session_report *asked)
{
    static const char *const keys[GENERATIONS] = {"generations.0", "generations.1", "generations.2",
                                                  "generations.permanent"};
    const struct python *python = session_python(session);
    char executable[4096];

    session_executable(session, executable, sizeof(executable));
    report_fact_number(report, "target.pid", UNIT_COUNT, (uint64_t)session_pid(session));
    report_fact_text(report, "target.executable", executable);
    report_fact_text(report, "target.interpreter", python->executable);
    report_fact_text(report, "target.version", python->version.text);
    report_fact_number(report, "target.threads", UNIT_COUNT, asked->threads);
    report_fact_number(report, "target.interpreters", UNIT_COUNT, census->verdict.interpreters);
    report_fact_number(report, "target.resident_bytes", UNIT_BYTES, asked->resident_bytes);
    report_fact_number(report, "objects", UNIT_COUNT, census->objects);
    report_fact_number(report, "bytes", UNIT_BYTES, census->bytes);
    report_fact_milliseconds(report, "pause_ms", asked->pause_milliseconds);
    report_fact_number(report, "stops", UNIT_COUNT, asked->stops);
    report_fact_milliseconds(report, "stopped_ms", asked->stopped_milliseconds);
    report_fact_number(report, "copied_bytes", UNIT_BYTES, asked->copied_bytes);
    report_fact_number(report, "complete", UNIT_BOOL, asked->verified);
    report_fact_number(report, "links.verified", UNIT_COUNT, census->verdict.links_verified);
    report_fact_number(report, "links.broken", UNIT_COUNT, census->verdict.links_broken);
    for (int i = 0; i < GENERATIONS; i++) {
        if (options->census.generations[i])
            report_fact_number(report, keys[i], UNIT_COUNT, census->verdict.objects[i]);
    }
}

static void add_summary(struct report *report, const char *before, size_t types, const char *after,
                        uint64_t objects, uint64_t bytes)
{
    char count[32], text[64];

    snprintf(text, sizeof(text), "%s%s%s", before, format_count(count, types), after);
    report_summary_text(report, text);
    report_summary_number(report, objects);
    report_summary_number(report, bytes);
}

static void add_rows(struct report *report, const struct census *census, uint64_t most,
                     bool complete)
{
    size_t shown = most && most < census->row_count ? (size_t)most : census->row_count;
    uint64_t objects = census->objects, bytes = census->bytes;

    for (size_t i = 0; i < shown; i++) {
        const struct census_row *row = &census->rows[i];
        report_cell_text(report, row->type, row->type_length);
        report_cell_number(report, row->count);
        report_cell_number(report, row->bytes);
        objects -= row->count;
        bytes -= row->bytes;
    }
    if (shown < census->row_count)
        add_summary(report, "", census->row_count - shown, " other types", objects, bytes);
    add_summary(report, complete ? "All " : "INCOMPLETE: ", census->row_count, " types",
                census->objects, census->bytes);
}

/* Adds "1 link", "2,345 links". */
static void add_things(struct text *text, uint64_t count, const char *thing)
{
    char number[32];

    text_addf(text, "%s %s%s", format_count(number, count), thing, count == 1 ? "" : "s");
}

static void add_doubt(struct text *worth, uint64_t count, const char *thing, const char *rest)
{
    if (!count)
        return;
    text_add(worth, ", ");
    add_things(worth, count, thing);
    text_add(worth, rest);
}

/* What is wrong with an answer that could not be verified, the gravest first. */
static void add_doubts(struct text *worth, const struct heap_verdict *verdict,
                       const struct session_report *asked)
{
    text_add(worth, "INCOMPLETE");
    if (verdict->collecting)
        text_add(worth, ", the garbage collector was at work all the time (try again later)");
    add_doubt(worth, verdict->lists_cut, "list", " could not be followed to the end");
    add_doubt(worth, verdict->links_broken, "link", " without a matching back link");
    add_doubt(worth, verdict->bad_types, "object", " without a readable type");
    add_doubt(worth, verdict->bad_sizes, "object", " of a size that cannot be");
    add_doubt(worth, asked->missed, "time", " memory could not be read");
    add_doubt(worth, asked->swapped_pages, "page", " in swap (--read-swapped reads them)");
    text_add(worth, ": ");
}

static void add_counts(struct text *worth, const struct census *census)
{
    char seen[32];

    add_things(worth, census->objects, "object");
    if (census->objects != census->seen)
        text_addf(worth, " (of %s)", format_count(seen, census->seen));
    text_add(worth, " of ");
    add_things(worth, census->row_count, "type");
}

static void add_pause(struct text *worth, const struct session_report *asked)
{
    if (asked->stops == 1)
        text_addf(worth, "stood still for %.1f ms", asked->pause_milliseconds);
    else
        text_addf(worth, "was stopped %u times, for %.1f ms at most and %.1f ms in all",
                  asked->stops, asked->pause_milliseconds, asked->stopped_milliseconds);
    if (asked->was_stopped)
        text_add(worth, "; it had been stopped before and still is");
}

static void add_worth(struct text *worth, const struct session *session,
                      const struct census *census, const struct session_report *asked)
{
    const char *version = session_python(session)->version.text;
    char resident[32];

    if (!asked->verified)
        add_doubts(worth, &census->verdict, asked);
    add_counts(worth, census);
    text_add(worth, asked->verified ? ", all " : ", ");
    add_things(worth, census->verdict.links_verified, "link");
    text_addf(worth, " verified; process %d (CPython %s, ", (int)session_pid(session),
              *version ? version : "of unknown version");
    add_things(worth, asked->threads, "thread");
    text_addf(worth, ", %s resident) ", format_bytes(resident, asked->resident_bytes));
    add_pause(worth, asked);
}

static bool count_objects(struct session *session, const struct attach_options *options,
                          struct answer *ret, struct error *err)
{
    struct session_report asked;
    struct census census;

    census_init(&census, session_python(session), &options->census);
    bool done = session_ask(session, take_census, &census, &asked, err);
    if (done) {
        *ret = (struct answer){.format = options->format, .complete = asked.verified};
        report_init(&ret->report, "types", columns, sizeof(columns) / sizeof(*columns));
        add_facts(&ret->report, session, options, &census, &asked);
        add_rows(&ret->report, &census, options->most_common, asked.verified);
        add_worth(&ret->worth, session, &census, &asked);
    }
    census_free(&census);
    return done;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct attach_options options = {.most_common = 10,
                                     .census.generations = {true, true, true, true},
                                     .census.progress = progress,
                                     .session.progress = progress};
    struct operands operands;
    struct session *session;
    pid_t pid;

    if (!options_parse(argc, argv, first, option_rows, attach_command.option_count, &options,
                       &operands, err))
        return false;
    if (operands.count != 1)
        return error_set(err, ERROR_USAGE, "attach takes one PID: pyinspect attach 4711");
    if (!parse_pid(operands.items[0], &pid, err) ||
        !session_open(&session, pid, &options.session, err))
        return false;
    bool done = count_objects(session, &options, ret, err);
    session_close(session);
    return done;
}

const struct command attach_command = {
    .name = "attach",
    .operands = "PID",
    .summary = "Count the objects of a running Python, and their bytes, by type",
    .details =
        "\nThe process is stopped for a moment, its memory copied, and let go again. Counted\n"
        "is what the garbage collector tracks: containers and instances, of all\n"
        "interpreters and generations. Bytes are the objects' own, without what lists and\n"
        "dicts allocate beside themselves.\n",
    .options = option_rows,
    .option_count = sizeof(option_rows) / sizeof(*option_rows),
    .run = run,
};
