// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/common_options.h"
#include "inspector/command/report_history.h"
#include "inspector/command/report_page.h"
#include "inspector/command/report_words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_LIMIT = 20, NAMED_PIDS = 4 };

struct report_options {
    uint64_t limit; /* 0: all */
    bool short_names;
    const char *page; /* NULL: none */
    enum format format;
};

static bool set_limit(void *into, const char *value, struct error *err)
{
    return parse_count(value, UINT32_MAX, &((struct report_options *)into)->limit) ||
           error_set(err, ERROR_USAGE,
                     "--limit '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_short_names(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct report_options *)into)->short_names = true;
    return true;
}

static bool set_page(void *into, const char *value, struct error *err)
{
    size_t length = strlen(value);

    if (length < 6 || strcmp(value + length - 5, ".html") != 0)
        return error_set(err, ERROR_USAGE,
                         "-o '%s': a report is written as a page, to a file that ends in .html",
                         value);
    ((struct report_options *)into)->page = value;
    return true;
}

static const struct option_row own_options[] = {
    {"limit", "N", "print the N first types, 0 for all (default 20)", set_limit},
    {"short-names", NULL, "types by their bare name, namesakes as one", set_short_names},
    {"o", "FILE.html", "write one page with curves and table, too", set_page},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {format_options, offsetof(struct report_options, format)},
    {.rows = NULL},
};

/* For a person; the two of several processes are left out where there is one. */
static const struct column single_columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"trend", "Growth", UNIT_PROSE},
    {"slope_per_hour", "Per hour", UNIT_DECIMAL},
    {"bytes_per_hour", "Bytes per hour", UNIT_CHANGE_BYTES},
    {"growth", "Since first", UNIT_CHANGE},
    {"growth_bytes", "In bytes", UNIT_CHANGE_BYTES},
    {"count", "Now", UNIT_COUNT},
    {"confidence", "Confidence", UNIT_PROSE},
};

static const struct column several_columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"trend", "Growth", UNIT_PROSE},
    {"grows_in", "In", UNIT_PROSE},
    {"slope_per_hour", "Per hour", UNIT_DECIMAL},
    {"bytes_per_hour", "Bytes per hour", UNIT_CHANGE_BYTES},
    {"growth", "Since first", UNIT_CHANGE},
    {"growth_bytes", "In bytes", UNIT_CHANGE_BYTES},
    {"count", "Now", UNIT_COUNT},
    {"confidence", "Confidence", UNIT_PROSE},
    {"pids", "PIDs", UNIT_PROSE},
};

static const struct column machine_columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"steady", "Steady", UNIT_BOOL},
    {"trend", "Growth", UNIT_TEXT},
    {"processes", "In", UNIT_COUNT},
    {"pids", "PIDs", UNIT_TEXTS},
    {"slope_per_hour", "Per hour", UNIT_DECIMAL},
    {"bytes_per_hour", "Bytes per hour", UNIT_DECIMAL},
    {"growth", "Since first", UNIT_CHANGE},
    {"growth_bytes", "In bytes", UNIT_CHANGE},
    {"count", "Now", UNIT_COUNT},
    {"bytes", "Bytes", UNIT_BYTES},
    {"confidence", "Confidence", UNIT_DECIMAL},
};

static const struct column process_columns[] = {
    {"pid", "PID", UNIT_PROSE},           {"version", "Python", UNIT_TEXT},
    {"censuses", "Censuses", UNIT_COUNT}, {"first", "First", UNIT_PROSE},
    {"last", "Last", UNIT_PROSE},         {"steady_types", "Types that grow", UNIT_COUNT},
    {"command", "Command", UNIT_TEXT},
};

static const struct column machine_process_columns[] = {
    {"pid", "PID", UNIT_COUNT},           {"version", "Python", UNIT_TEXT},
    {"censuses", "Censuses", UNIT_COUNT}, {"first", "First", UNIT_TEXT},
    {"last", "Last", UNIT_TEXT},          {"steady_types", "Types that grow", UNIT_COUNT},
    {"judged", "Judged", UNIT_BOOL},      {"executable", "Executable", UNIT_TEXT},
    {"command", "Command", UNIT_TEXT},
};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Moves a text into a cell. */
static void add_cell(struct report *report, struct text *text)
{
    report_cell_text(report, text->bytes, text->length);
    report->failed |= text->failed;
    text_free(text);
}

/* What no number can be told of is no number. */
static int64_t whole(double number)
{
    if (!(number > -9e18 && number < 9e18))
        return number > 0 ? INT64_MAX : INT64_MIN;
    return (int64_t)(number < 0 ? number - 0.5 : number + 0.5);
}

static void add_slopes(struct report *report, const struct suspects_row *row)
{
    if (row->verdict != GROWS_STEADILY) {
        report_cell_nothing(report);
        report_cell_nothing(report);
        return;
    }
    report_cell_decimal(report, row->slope);
    report_cell_change(report, whole(row->bytes_slope));
}

static void add_numbers(struct report *report, const struct suspects_row *row)
{
    struct text confidence = {0};

    add_slopes(report, row);
    report_cell_change(report, row->growth);
    report_cell_change(report, row->bytes_growth);
    report_cell_number(report, row->count);
    if (row->verdict == GROWS_STEADILY)
        words_add_confidence(row->probability, &confidence);
    add_cell(report, &confidence);
}

static void add_verdict(struct report *report, const struct suspects_row *row)
{
    const char *verdict = words_verdict(row->verdict);

    report_cell_text(report, row->type, row->type_length);
    report_cell_text(report, verdict, strlen(verdict));
}

static void add_pids(struct report *report, const struct history *history,
                     const struct suspects_row *row)
{
    struct text pids = {0};

    for (size_t i = 0; i < row->process_count && i < NAMED_PIDS; i++)
        text_addf(&pids, "%s%d", i ? ", " : "",
                  (int)history->processes[row->processes[i]].origin.pid);
    if (row->process_count > NAMED_PIDS)
        text_addf(&pids, " +%zu", row->process_count - NAMED_PIDS);
    add_cell(report, &pids);
}

static void add_row(struct report *report, const struct history *history,
                    const struct suspects_row *row)
{
    bool several = history->process_count > 1;
    struct text share = {0};

    add_verdict(report, row);
    if (several && row->process_count)
        text_addf(&share, "%zu of %zu", row->process_count, history->process_count);
    if (several)
        add_cell(report, &share);
    add_numbers(report, row);
    if (several)
        add_pids(report, history, row);
}

static void add_machine_row(struct report *report, const struct history *history,
                            const struct suspects_row *row)
{
    bool is_steady = row->verdict == GROWS_STEADILY;
    const char *verdict = words_verdict(row->verdict);
    struct text pids = {0};

    report_cell_text(report, row->type, row->type_length);
    report_cell_number(report, is_steady);
    report_cell_text(report, verdict, strlen(verdict));
    report_cell_number(report, row->process_count);
    for (size_t i = 0; i < row->process_count; i++) {
        text_addf(&pids, "%d", (int)history->processes[row->processes[i]].origin.pid);
        text_add_char(&pids, '\0');
    }
    report_cell_texts(report, pids.bytes, pids.length);
    report->failed |= pids.failed;
    text_free(&pids);
    if (is_steady) {
        report_cell_decimal(report, row->slope);
        report_cell_decimal(report, row->bytes_slope);
    } else {
        report_cell_nothing(report);
        report_cell_nothing(report);
    }
    report_cell_change(report, row->growth);
    report_cell_change(report, row->bytes_growth);
    report_cell_number(report, row->count);
    report_cell_number(report, row->bytes);
    if (is_steady)
        report_cell_decimal(report, 1 - row->probability);
    else
        report_cell_nothing(report);
}

static void add_notes(struct report *report, const struct history *history, size_t shown)
{
    const struct suspects *suspects = &history->suspects;
    struct text note = {0};

    if (shown < suspects->row_count) {
        words_add_number(suspects->row_count - shown, "more type grew", "more types grew", &note);
        if (shown < suspects->steady)
            text_addf(&note, " (%zu of them steadily)", suspects->steady - shown);
        text_add(&note, "; ");
    }
    words_add_number(suspects->types - suspects->row_count, "type did not", "types did not", &note);
    text_add(&note, " grow");
    if (!note.failed)
        report_note(report, note.bytes, note.length);
    report->failed |= note.failed;
    text_free(&note);
}

static size_t rows_shown(const struct history *history, size_t most)
{
    size_t rows = history->suspects.row_count;

    return most && most < rows ? most : rows;
}

static void fill_types(struct report *report, const struct history *history, size_t most)
{
    size_t shown = rows_shown(history, most);

    if (history->process_count > 1)
        report_init(report, "types", several_columns, LENGTH(several_columns));
    else
        report_init(report, "types", single_columns, LENGTH(single_columns));
    for (size_t i = 0; i < shown; i++)
        add_row(report, history, &history->suspects.rows[i]);
    add_notes(report, history, shown);
}

static void fill_machine_types(struct report *report, const struct history *history, size_t most)
{
    size_t shown = rows_shown(history, most);

    for (size_t i = 0; i < shown; i++)
        add_machine_row(report, history, &history->suspects.rows[i]);
}

static void add_time_cell(struct report *report, int64_t milliseconds, bool for_machine)
{
    struct text text = {0};

    if (for_machine)
        words_add_iso_time(milliseconds, &text);
    else
        words_add_time(milliseconds, CLOCK_UTC, &text);
    add_cell(report, &text);
}

static void add_process(struct report *report, const struct history_process *process,
                        bool for_machine)
{
    const struct origin *origin = &process->origin;
    struct text pid = {0};

    if (for_machine) {
        report_cell_number(report, (uint64_t)origin->pid);
    } else {
        text_addf(&pid, "%d", (int)origin->pid);
        add_cell(report, &pid);
    }
    report_cell_text(report, origin->version, strlen(origin->version));
    report_cell_number(report, process->censuses);
    add_time_cell(report, process->first_ms, for_machine);
    add_time_cell(report, process->last_ms, for_machine);
    report_cell_number(report, process->steady);
    if (for_machine) {
        report_cell_number(report, process->censuses >= TREND_LEAST_POINTS);
        report_cell_text(report, origin->executable, strlen(origin->executable));
    }
    report_cell_text(report, origin->command_line, strlen(origin->command_line));
}

static void fill_processes(struct report *report, const struct history *history, size_t most)
{
    report_init(report, "processes", process_columns, LENGTH(process_columns));
    for (size_t i = 0; i < history->process_count && i < most; i++)
        add_process(report, &history->processes[i], false);
}

static void add_machine_facts(struct report *report, const struct history *history)
{
    const struct suspects *suspects = &history->suspects;
    struct text text = {0};

    words_add_summary(history, &text);
    report_fact_text(report, "summary", text.bytes ? text.bytes : "");
    report_fact_number(report, "steady_types", UNIT_COUNT, suspects->steady);
    report_fact_number(report, "grown_types", UNIT_COUNT, suspects->row_count);
    report_fact_number(report, "all_types", UNIT_COUNT, suspects->types);
    report_fact_number(report, "enough_samples", UNIT_BOOL, suspects->judged > 0);
    report_fact_number(report, "least_samples", UNIT_COUNT, TREND_LEAST_POINTS);
    report_fact_number(report, "censuses", UNIT_COUNT, history->census_count);
    report_fact_number(report, "incomplete_censuses", UNIT_COUNT, history->incomplete);
    text_clear(&text);
    words_add_iso_time(history->first_ms, &text);
    report_fact_text(report, "first", text.bytes ? text.bytes : "");
    text_clear(&text);
    words_add_iso_time(history->last_ms, &text);
    report_fact_text(report, "last", text.bytes ? text.bytes : "");
    report_fact_milliseconds(report, "pauses.longest_ms", history->longest_pause);
    report_fact_milliseconds(report, "pauses.all_ms", history->all_pauses);
    report_fact_decimal(report, "pauses.share_percent", 100 * history->share);
    report->failed |= text.failed;
    text_free(&text);
}

/* For a person: the sentence, what it rests on, the table. */
static void make_person_page(struct page *page, const struct history *history, uint64_t limit)
{
    struct report *facts = page_add(page, NULL, NULL, 0);
    struct text text = {0};

    words_add_summary(history, &text);
    page_title(page, text.bytes ? text.bytes : "");
    text_clear(&text);
    words_add_processes(history, &text);
    report_fact_text(facts, history->process_count == 1 ? "process" : "processes",
                     text.bytes ? text.bytes : "");
    text_clear(&text);
    words_add_censuses(history, CLOCK_LOCAL, &text);
    report_fact_text(facts, "censuses", text.bytes ? text.bytes : "");
    text_clear(&text);
    words_add_pauses(history, &text);
    report_fact_text(facts, "pauses", text.bytes ? text.bytes : "");
    facts->failed |= text.failed;
    text_free(&text);
    fill_types(page_add(page, NULL, NULL, 0), history, limit);
}

static void make_machine_page(struct page *page, const struct history *history, uint64_t limit)
{
    add_machine_facts(page_add(page, NULL, NULL, 0), history);
    struct report *processes =
        page_add(page, "processes", machine_process_columns, LENGTH(machine_process_columns));
    for (size_t i = 0; i < history->process_count; i++)
        add_process(processes, &history->processes[i], true);
    fill_machine_types(page_add(page, "types", machine_columns, LENGTH(machine_columns)), history,
                       limit);
}

static bool hand_page(void *context, size_t number, struct page *ret, struct error *err)
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

static void add_worth(const struct history *history, struct text *worth)
{
    words_add_number(history->census_count, "census", "censuses", worth);
    text_add(worth, " of ");
    words_add_number(history->process_count, "process", "processes", worth);
    text_add(worth, " judged; ");
    words_add_title(history, worth);
}

static bool fill_answer(const struct history *history, const struct report_options *options,
                        struct answer *ret, struct error *err)
{
    struct answer answer = {.format = options->format, .complete = !history->all_incomplete};

    if (options->format == FORMAT_CSV) {
        report_init(&answer.report, "types", machine_columns, LENGTH(machine_columns));
        fill_machine_types(&answer.report, history, options->limit);
    } else {
        struct page *page = calloc(1, sizeof(*page));
        if (!page)
            return error_memory(err);
        if (options->format == FORMAT_JSON)
            make_machine_page(page, history, options->limit);
        else
            make_person_page(page, history, options->limit);
        answer.pages =
            (struct page_stream){.make = hand_page, .count = 1, .free = free_page, .context = page};
    }
    add_worth(history, &answer.worth);
    if (options->page)
        text_addf(&answer.worth, "; written to %s", options->page);
    *ret = answer;
    return true;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static bool report_file(struct census_file *file, const char *path,
                        const struct report_options *options, struct progress *progress,
                        struct answer *ret, struct error *err)
{
    struct history history;

    if (!census_file_count(file))
        return error_set(err, ERROR_INPUT, "%s: there is no census in it", path);
    if (!history_read(&history, file, options->short_names, options->page ? PAGE_MOST_CURVES : 0,
                      progress, err))
        return false;
    bool done = (!options->page || page_write(options->page, last_part(path), &history, fill_types,
                                              fill_processes, err)) &&
                fill_answer(&history, options, ret, err);
    history_free(&history);
    return done;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct report_options options = {.limit = DEFAULT_LIMIT};
    struct operands operands;
    struct census_file *file;

    if (!options_parse(argc, argv, first, option_lists, &options, &operands, err))
        return false;
    if (operands.count != 1)
        return error_set(err, ERROR_USAGE,
                         "report takes one file of censuses: pyinspect report history.census");
    if (strchr(operands.items[0], '@') && access(operands.items[0], F_OK) != 0)
        return error_set(err, ERROR_USAGE,
                         "report takes a whole history: %.*s, without what follows",
                         (int)strcspn(operands.items[0], "@"), operands.items[0]);
    if (options.page && !page_check(options.page, operands.items[0], err))
        return false;
    if (!census_file_open(&file, operands.items[0], err))
        return false;
    bool done = report_file(file, operands.items[0], &options, progress, ret, err);
    census_file_close(file);
    return done;
}

const struct command report_command = {
    .name = "report",
    .operands = "FILE",
    .summary = "Rank the types that grew steadily over a history of censuses",
    .details =
        "\nFILE is a history of censuses, as watch --save writes one. A type is a\n"
        "suspect if the number of its objects grew steadily to the end; noise, a start-up,\n"
        "caches that are full and single steps are told apart by a trend test (Mann and\n"
        "Kendall's, with Theil and Sen's slope). Six censuses of a process are the least, 20\n"
        "a good number. What still fills cannot be told from a leak. Each process of the\n"
        "history is judged by itself; slopes of those that were there together are summed.\n"
        "-o writes one page with curves that needs nothing else, for any browser.\n",
    .options = option_lists,
    .run = run,
};
