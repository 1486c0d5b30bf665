// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/census.h"
#include "inspector/command/common_options.h"
#include "inspector/command/moment.h"
#include "inspector/command/questions.h"
#include "inspector/command/worth.h"
#include "inspector/report/render.h"
#include "inspector/store/census_file.h"
#include "inspector/store/census_name.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_TYPES = 10 };

struct attach_options {
    uint64_t most_common; /* 0: all */
    const char *save;     /* the census file to write; NULL: none */
    struct object_choice choice;
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

static bool set_save(void *into, const char *value, struct error *err)
{
    struct attach_options *options = into;

    options->save = value;
    return census_name_check_new(value, err);
}

static const struct option_row own_options[] = {
    {"most-common", "N", "print the N first types, 0 for all (default 10)", set_most_common},
    {"by", "count|bytes", "what comes first (default count)", set_by},
    {"save", "FILE", "also write the census to FILE, for compare and objects --new-since",
     set_save},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {object_options, offsetof(struct attach_options, choice)},
    {target_options, offsetof(struct attach_options, session)},
    {debug_source_options, offsetof(struct attach_options, session.sources)},
    {layout_file_options, offsetof(struct attach_options, session.sources)},
    {format_options, offsetof(struct attach_options, format)},
    {.rows = NULL},
};

static const struct column columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
    {"bytes", "Bytes", UNIT_BYTES},
};

static void add_sizes(struct report *report, const struct exactness *exactness)
{
    struct text text = {0};

    report_fact_number(report, "sizes.exact", UNIT_COUNT, exactness->exact);
    report_fact_number(report, "sizes.python_sizeof", UNIT_COUNT, exactness->python_sizeof);
    report_fact_number(report, "sizes.c_sizeof", UNIT_COUNT, exactness->c_sizeof);
    report_fact_texts(report, "sizes.types", exactness->types.bytes, exactness->types.length);
    if (!exactness->type_count)
        return;
    text_add(&text, "The bytes of ");
    add_things(&text, exactness->python_sizeof + exactness->c_sizeof, "object");
    text_add(&text, " may be others, since their types have a __sizeof__ of their own: ");
    exactness_name_types(exactness, NAMED_TYPES, &text);
    if (!text.failed)
        report_note(report, text.bytes, text.length);
    report->failed |= text.failed;
    text_free(&text);
}

static void add_facts(struct report *report, const struct worth *worth,
                      const struct attach_options *options, const struct census *census)
{
    static const char *const keys[GENERATIONS] = {"generations.0", "generations.1", "generations.2",
                                                  "generations.permanent"};

    worth_add_target(worth, report);
    report_fact_number(report, "objects", UNIT_COUNT, census->objects);
    report_fact_number(report, "bytes", UNIT_BYTES, census->bytes);
    worth_add_facts(worth, report);
    for (int i = 0; i < GENERATIONS; i++) {
        if (options->census.generations[i])
            report_fact_number(report, keys[i], UNIT_COUNT, census->verdict.heap.objects[i]);
    }
    report_fact_number(report, "reached.tracked", UNIT_COUNT, census->reached[REACHED_TRACKED]);
    report_fact_number(report, "reached.referent", UNIT_COUNT, census->reached[REACHED_REFERENT]);
    report_fact_number(report, "reached.owned", UNIT_COUNT, census->reached[REACHED_OWNED]);
    add_sizes(report, &census->exactness);
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

static void add_rows(struct report *report, const struct worth *worth, const struct census *census,
                     uint64_t most)
{
    const char *doubt = worth_doubt(worth);
    size_t shown = most && most < census->row_count ? (size_t)most : census->row_count;
    uint64_t objects = census->objects, bytes = census->bytes;
    char before[32] = "All ";

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
    if (doubt)
        snprintf(before, sizeof(before), "%s: ", doubt);
    add_summary(report, before, census->row_count, " types", census->objects, census->bytes);
}

static void add_counts(struct text *text, const struct census *census)
{
    char seen[32];

    add_things(text, census->objects, "object");
    if (census->objects != census->seen)
        text_addf(text, " (of %s)", format_count(seen, census->seen));
    text_add(text, " of ");
    add_things(text, census->row_count, "type");
}

static void fill_answer(const struct session *session, const struct attach_options *options,
                        const struct census *census, const struct session_report *asked,
                        struct answer *ret)
{
    struct worth worth = {.pid = session_pid(session),
                          .python = session_python(session),
                          .verdict = &census->verdict.heap,
                          .asked = asked};

    session_executable(session, worth.executable, sizeof(worth.executable));
    *ret = (struct answer){.format = options->format, .complete = !worth_doubt(&worth)};
    report_init(&ret->report, "types", columns, sizeof(columns) / sizeof(*columns));
    add_facts(&ret->report, &worth, options, census);
    add_rows(&ret->report, &worth, census, options->most_common);
    worth_begin(&worth, &ret->worth);
    add_counts(&ret->worth, census);
    worth_end(&worth, &ret->worth);
}

/* A disk that is full costs the file, not the answer. */
static bool save(const struct session *session, const char *path, const struct census *census,
                 const struct session_report *asked, struct error *err)
{
    struct snapshot snapshot;

    if (!moment_record(session, census, asked, &snapshot, err))
        return false;
    bool done = census_file_save(path, &snapshot, err);
    snapshot_free(&snapshot);
    return done;
}

static bool count_objects(struct session *session, const struct attach_options *options,
                          struct answer *ret, struct error *err)
{
    struct census_options counting = options->census;
    struct roster roster = {0};
    struct session_report asked;
    struct census census;

    counting.roster = options->save ? &roster : NULL;
    census_init(&census, session_python(session), &counting);
    bool done = session_ask(session, question_census, &census, &asked, err);
    if (done)
        fill_answer(session, options, &census, &asked, ret);
    if (done && options->save && save(session, options->save, &census, &asked, &ret->late))
        text_addf(&ret->worth, "; saved in %s", options->save);
    census_free(&census);
    roster_free(&roster);
    return done;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct attach_options options = {.most_common = 10,
                                     .choice.generations = {true, true, true, true},
                                     .census.progress = progress,
                                     .session.progress = progress};
    struct operands operands;
    struct session *session;
    pid_t pid;

    if (!options_parse(argc, argv, first, option_lists, &options, &operands, err) ||
        !command_pid(&attach_command, &operands, &pid, err) ||
        (options.save && !census_file_check_save(options.save, err)) ||
        !session_open(&session, pid, &options.session, err))
        return false;
    memcpy(options.census.generations, options.choice.generations,
           sizeof(options.choice.generations));
    options.census.all_objects = options.choice.all_objects;
    options.census.short_names = options.choice.short_names;
    bool done = count_objects(session, &options, ret, err);
    session_close(session);
    return done;
}

const struct command attach_command = {
    .name = "attach",
    .operands = "PID",
    .summary = "Count the objects of a running Python, and their bytes, by type",
    .details = "\nThe process is stopped for a moment, its memory copied, and let go again.\n"
               "Counted is what the garbage collector tracks: containers and instances, of all\n"
               "interpreters and generations; with --all-objects also what can be reached from\n"
               "those, from the interpreters' tables and the frames without being tracked:\n"
               "strings, numbers, code. Bytes are what sys.getsizeof says of each object, the\n"
               "tables of lists and dicts included.\n",
    .options = option_lists,
    .run = run,
};
