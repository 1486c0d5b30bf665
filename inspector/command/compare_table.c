// SPDX-License-Identifier: MIT
/* What `compare` prints: the table of two, the suspects of three; and the facts. */
#include "inspector/analysis/type_pattern.h"
#include "inspector/command/compared.h"
#include "inspector/report/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EXAMPLES = 3, COUNT_COLUMNS = 5 };

/* The first COUNT_COLUMNS without --bytes. */
static const struct column columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"old", "Old_ids", UNIT_COUNT},
    {"current", "Current_ids", UNIT_COUNT},
    {"new", "New_ids", UNIT_CHANGE},
    {"delta", "Count_Deltas", UNIT_CHANGE},
    {"old_bytes", "Old_bytes", UNIT_BYTES},
    {"current_bytes", "Current_bytes", UNIT_BYTES},
    {"new_bytes", "New_bytes", UNIT_CHANGE_BYTES},
    {"delta_bytes", "Byte_Deltas", UNIT_CHANGE_BYTES},
};

static const struct column suspect_columns[] = {
    {"type", "Type", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
    {"bytes", "Bytes", UNIT_BYTES},
    {"examples", "Examples", UNIT_TEXTS},
};

bool compared_wants(const struct compared *compared, const struct comparison_row *row)
{
    const struct compare_options *options = &compared->options;

    for (size_t i = 0; i < options->type_count; i++) {
        if (type_pattern_fits(options->types[i], row->type))
            return true;
    }
    return !options->type_count;
}

static void add_to(struct comparison_row *sum, const struct comparison_row *row)
{
    sum->old_count += row->old_count;
    sum->count += row->count;
    sum->fresh_count += row->fresh_count;
    sum->old_bytes += row->old_bytes;
    sum->bytes += row->bytes;
    sum->fresh_bytes += row->fresh_bytes;
}

/* A line of the table, or one that closes it. */
struct line {
    void (*number)(struct report *report, uint64_t number);
    void (*change)(struct report *report, int64_t change);
    void (*nothing)(struct report *report);
};

static const struct line row_line = {report_cell_number, report_cell_change, report_cell_nothing};
static const struct line closing_line = {report_summary_number, report_summary_change,
                                         report_summary_nothing};

static void add_four(struct report *report, const struct line *line, bool knows, uint64_t old,
                     uint64_t current, uint64_t fresh)
{
    line->number(report, old);
    line->number(report, current);
    if (knows)
        line->change(report, (int64_t)fresh);
    else
        line->nothing(report);
    line->change(report, (int64_t)(current - old));
}

/* All but the type. */
static void add_numbers(struct report *report, const struct line *line,
                        const struct compared *compared, const struct comparison_row *row)
{
    bool knows = compared->comparison.lack == LACKS_NOTHING;

    add_four(report, line, knows, row->old_count, row->count, row->fresh_count);
    if (compared->options.with_bytes)
        add_four(report, line, knows, row->old_bytes, row->bytes, row->fresh_bytes);
}

static void add_two(struct report *report, const struct compared *compared,
                    const struct comparison_row *row)
{
    report_cell_text(report, row->type, row->type_length);
    add_numbers(report, &row_line, compared, row);
}

static void sum_two(struct report *report, const struct compared *compared, const char *title,
                    const struct comparison_row *sum)
{
    report_summary_text(report, title);
    add_numbers(report, &closing_line, compared, sum);
}

static void add_suspects(struct report *report, const struct comparison_row *row)
{
    struct text examples = {0};

    report_cell_text(report, row->type, row->type_length);
    report_cell_number(report, row->fresh_count);
    report_cell_number(report, row->fresh_bytes);
    for (uint64_t i = 0; i < row->fresh_count && i < EXAMPLES; i++) {
        text_addf(&examples, "0x%" PRIx64, row->fresh[i].address);
        text_add_char(&examples, '\0');
    }
    report_cell_texts(report, examples.bytes, examples.length);
    report->failed |= examples.failed;
    text_free(&examples);
}

static void sum_suspects(struct report *report, const char *title, const struct comparison_row *sum)
{
    report_summary_text(report, title);
    report_summary_number(report, sum->fresh_count);
    report_summary_number(report, sum->fresh_bytes);
    report_summary_text(report, "");
}

static void add_summary(struct report *report, const struct compared *compared, const char *before,
                        size_t types, const char *after, const struct comparison_row *sum)
{
    char count[32], title[96];

    snprintf(title, sizeof(title), "%s%s %s%s", before, format_count(count, types), after,
             types == 1 ? "" : "s");
    if (compared->count == 2)
        sum_two(report, compared, title, sum);
    else
        sum_suspects(report, title, sum);
}

static void add_rows(struct report *report, const struct compared *compared)
{
    const struct comparison *comparison = &compared->comparison;
    const uint64_t limit = compared->options.limit;
    struct comparison_row all = {0}, others = {0};
    size_t wanted = 0, shown = 0;

    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        if (!compared_wants(compared, row))
            continue;
        add_to(&all, row);
        wanted++;
        if (limit && shown == limit) {
            add_to(&others, row);
            continue;
        }
        if (compared->count == 2)
            add_two(report, compared, row);
        else
            add_suspects(report, row);
        shown++;
    }
    if (shown < wanted)
        add_summary(report, compared, "", wanted - shown, "other type", &others);
    add_summary(report, compared, compared_is_complete(compared) ? "All " : "INCOMPLETE: ", wanted,
                "type", &all);
}

/* "old" and "pid" become "old.pid", which lives as long as the report. */
static const char *key_of(struct report *report, const char *side, const char *what)
{
    char key[32];
    int length = snprintf(key, sizeof(key), "%s.%s", side, what);
    const char *copy = arena_copy(&report->arena, key, (size_t)length);

    report->failed |= !copy;
    return copy ? copy : "";
}

static void add_side(struct report *report, const char *side, const char *name,
                     const struct snapshot *snapshot)
{
    const struct origin *origin = &snapshot->origin;
    const struct occasion *occasion = &snapshot->occasion;

    report_fact_text(report, key_of(report, side, "name"), name);
    report_fact_number(report, key_of(report, side, "pid"), UNIT_COUNT, (uint64_t)origin->pid);
    report_fact_number(report, key_of(report, side, "start_time"), UNIT_COUNT, origin->start_time);
    report_fact_text(report, key_of(report, side, "boot"), origin->boot);
    report_fact_text(report, key_of(report, side, "executable"), origin->executable);
    report_fact_text(report, key_of(report, side, "version"), origin->version);
    report_fact_number(report, key_of(report, side, "taken_ms"), UNIT_CHANGE,
                       (uint64_t)occasion->taken_ms);
    report_fact_number(report, key_of(report, side, "objects"), UNIT_COUNT, snapshot->objects);
    report_fact_number(report, key_of(report, side, "bytes"), UNIT_BYTES, snapshot->bytes);
    report_fact_number(report, key_of(report, side, "complete"), UNIT_BOOL, occasion->complete);
    report_fact_number(report, key_of(report, side, "stopped"), UNIT_BOOL, occasion->stopped);
    report_fact_milliseconds(report, key_of(report, side, "pause_ms"),
                             occasion->pause_milliseconds);
}

/* How all of them were counted. */
static void add_way(struct report *report, const struct occasion *occasion)
{
    static const char *const names[GENERATIONS] = {"0", "1", "2", "permanent"};
    struct text text = {0};

    report_fact_number(report, "all_objects", UNIT_BOOL, occasion->all_objects);
    for (int i = 0; i < GENERATIONS; i++) {
        if (occasion->generations[i])
            text_add_bytes(&text, names[i], strlen(names[i]) + 1);
    }
    report_fact_texts(report, "generations", text.bytes, text.length);
    report->failed |= text.failed;
    text_free(&text);
}

static void add_totals(struct report *report, const struct comparison *comparison)
{
    report_fact_number(report, "totals.old", UNIT_COUNT, comparison->old_objects);
    report_fact_number(report, "totals.current", UNIT_COUNT, comparison->objects);
    report_fact_number(report, "totals.new", UNIT_COUNT, comparison->fresh_objects);
    report_fact_number(report, "totals.delta", UNIT_CHANGE,
                       comparison->objects - comparison->old_objects);
    report_fact_number(report, "totals.old_bytes", UNIT_BYTES, comparison->old_bytes);
    report_fact_number(report, "totals.current_bytes", UNIT_BYTES, comparison->bytes);
    report_fact_number(report, "totals.new_bytes", UNIT_BYTES, comparison->fresh_bytes);
    report_fact_number(report, "totals.delta_bytes", UNIT_CHANGE_BYTES,
                       comparison->bytes - comparison->old_bytes);
}

static void add_facts(struct report *report, const struct compared *compared)
{
    static const char *const lacks[] = {
        [LACKS_NOTHING] = NULL, [LACKS_PROCESS] = "process", [LACKS_ADDRESSES] = "addresses"};
    static const char *const sides[][MOST_COMPARED] = {{"old", "current", NULL},
                                                       {"before", "between", "after"}};
    const struct comparison *comparison = &compared->comparison;
    const char *lack = lacks[comparison->lack];

    for (size_t i = 0; i < compared->count; i++)
        add_side(report, sides[compared->count - 2][i], compared->names[i],
                 &compared->snapshots[i]);
    add_way(report, &compared->snapshots[0].occasion);
    if (lack)
        report_fact_text(report, "lack", lack);
    else
        report_fact(report, "lack", (struct value){.unit = UNIT_NOTHING});
    if (compared->count == 2)
        add_totals(report, comparison);
    report_fact_number(report, "reused_at_most", UNIT_COUNT, compared_reused_at_most(compared));
    report_fact_number(report, "complete", UNIT_BOOL, compared_is_complete(compared));
    report_fact_texts(report, "crossed", compared->crossed.bytes, compared->crossed.length);
    report_fact_texts(report, "warnings", compared->warnings.bytes, compared->warnings.length);
}

void compared_report(const struct compared *compared, struct report *report)
{
    size_t all = sizeof(columns) / sizeof(*columns);

    if (compared->count == 2)
        report_init(report, "types", columns, compared->options.with_bytes ? all : COUNT_COLUMNS);
    else
        report_init(report, "types", suspect_columns,
                    sizeof(suspect_columns) / sizeof(*suspect_columns));
    add_facts(report, compared);
    add_rows(report, compared);
    compared_add_notes(compared, report);
}
