// SPDX-License-Identifier: MIT
#include "inspector/command/traces_types.h"

#include "inspector/command/traces_report.h"
#include "inspector/command/traces_words.h"
#include "inspector/command/worth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BELOW = 5 /* lines below a line; a machine gets all */ };

bool traces_types_make(struct traces_types *ret, const struct trace_types *types,
                       const struct traces *traces, const struct trace_statistics *statistics,
                       const struct traces_options *options, struct error *err)
{
    *ret = (struct traces_types){.types = types, .statistics = statistics, .options = options};
    if (!trace_types_by_row(types, traces, statistics, options->key, &ret->by_row, &ret->count,
                            err))
        return false;
    ret->by_type = calloc(ret->count + 1, sizeof(*ret->by_type));
    if (!ret->by_type)
        return error_memory(err);
    memcpy(ret->by_type, ret->by_row, ret->count * sizeof(*ret->by_type));
    trace_types_order(types, ret->by_type, ret->count);
    return true;
}

void traces_types_free(struct traces_types *types)
{
    free(types->by_row);
    free(types->by_type);
    *types = (struct traces_types){.types = NULL};
}

/* Where the lines of that row begin; they end where another row's begin. */
static size_t find_row(const struct traces_types *types, size_t row)
{
    size_t low = 0, high = types->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (types->by_row[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Blocks in which no object begins. */
static struct type_line without_objects(const struct traces_types *types, size_t row)
{
    const struct trace_statistic *statistic = &types->statistics->rows[row];
    struct type_line rest = {.count = statistic->count, .bytes = statistic->size};

    for (size_t i = find_row(types, row); i < types->count && types->by_row[i].row == row; i++) {
        const struct type_line *line = &types->by_row[i];
        rest.count -= line->count < rest.count ? line->count : rest.count;
        rest.bytes -= line->bytes < rest.bytes ? line->bytes : rest.bytes;
    }
    return rest;
}

/* Text */

static void add_numbers(struct text *text, const struct type_line *line)
{
    text_add(text, ": size=");
    traces_add_size(text, (double)line->bytes, false);
    text_addf(text, ", count=%" PRIu64, line->count);
}

static void add_type(struct text *text, const struct traces_types *types, uint32_t number)
{
    const struct traced_type *type = &types->types->types[number];

    text_add_escaped(text, type->name, type->length, 0);
}

static void add_others(struct text *text, uint64_t others, const char *things,
                       const struct type_line *rest)
{
    text_add(text, "    ");
    add_things(text, others, things);
    add_numbers(text, rest);
    text_add_char(text, '\n');
}

void traces_types_add_row(const struct traces_types *types, size_t row, struct text *text)
{
    struct type_line bare = without_objects(types, row), rest = {0};
    uint64_t others = 0;
    size_t first = find_row(types, row);

    for (size_t i = first; i < types->count && types->by_row[i].row == row; i++) {
        const struct type_line *line = &types->by_row[i];
        if (i - first >= MOST_BELOW) {
            rest.count += line->count;
            rest.bytes += line->bytes;
            others++;
            continue;
        }
        text_add(text, "    ");
        add_type(text, types, line->type);
        add_numbers(text, line);
        text_add_char(text, '\n');
    }
    if (others)
        add_others(text, others, "other type", &rest);
    if (!bare.count)
        return;
    text_add(text, "    no objects, but tables and buffers");
    add_numbers(text, &bare);
    text_add_char(text, '\n');
}

/* A traceback goes by its most recent frame. */
static void add_line(struct text *text, const struct traces_types *types,
                     const struct type_line *line)
{
    const struct trace_statistic *row = &types->statistics->rows[line->row];
    const struct trace_file *file = &row->of->files[row->frames[0].file];

    text_add(text, "    ");
    text_add_escaped(text, file->name, file->length, 0);
    text_addf(text, ":%" PRIu32, row->frames[0].line);
    add_numbers(text, line);
    text_add_char(text, '\n');
}

static void add_type_head(struct text *text, const struct traces_types *types, uint32_t number)
{
    const struct traced_type *type = &types->types->types[number];

    add_type(text, types, number);
    add_numbers(text, &(struct type_line){.count = type->count, .bytes = type->bytes});
    if (type->untraced)
        text_addf(text, " (and %" PRIu64 " not traced)", type->untraced);
    text_add_char(text, '\n');
}

/* Of one type, from `first` on; returns where the next one begins. */
static size_t add_type_lines(struct text *text, const struct traces_types *types, size_t first)
{
    uint32_t type = types->by_type[first].type;
    struct type_line rest = {0};
    uint64_t others = 0;
    size_t at = first;

    add_type_head(text, types, type);
    for (; at < types->count && types->by_type[at].type == type; at++) {
        if (at - first < MOST_BELOW) {
            add_line(text, types, &types->by_type[at]);
            continue;
        }
        rest.count += types->by_type[at].count;
        rest.bytes += types->by_type[at].bytes;
        others++;
    }
    if (others)
        add_others(text, others, "other place", &rest);
    return at;
}

static size_t most_types(const struct traces_types *types)
{
    uint64_t limit = types->options->limit;

    return limit && limit < types->types->type_count ? (size_t)limit : types->types->type_count;
}

void traces_types_add(const struct traces_types *types, struct text *text)
{
    const struct trace_types *all = types->types;
    size_t at = 0, shown = 0;

    text_add_char(text, '\n');
    for (; at < types->count && shown < most_types(types); shown++)
        at = add_type_lines(text, types, at);
    uint64_t others = 0;
    struct type_line rest = {0};
    for (; at < types->count; at++) {
        others += types->by_type[at].type != types->by_type[at - 1].type;
        rest.count += types->by_type[at].count;
        rest.bytes += types->by_type[at].bytes;
    }
    if (others) {
        add_things(text, others, "other type");
        add_numbers(text, &rest);
        text_add_char(text, '\n');
    }
    if (!all->untraced)
        return;
    text_add(text, "not traced (made before tracing began, static, or from a free list)");
    add_numbers(text, &(struct type_line){.count = all->untraced, .bytes = all->untraced_bytes});
    text_add_char(text, '\n');
}

/* Machines */

static const struct column type_columns[] = {
    {"type", "", UNIT_TEXT},           {"count", "", UNIT_COUNT},
    {"size", "", UNIT_BYTES},          {"untraced_count", "", UNIT_COUNT},
    {"untraced_size", "", UNIT_BYTES},
};

/* What a row has is a beginning of this, as far as the key goes. */
static const struct column line_columns[] = {
    {"type", "", UNIT_TEXT},        {"count", "", UNIT_COUNT}, {"size", "", UNIT_BYTES},
    {"file", "", UNIT_TEXT},        {"line", "", UNIT_COUNT},  {"traceback", "", UNIT_TEXTS},
    {"all_frames", "", UNIT_COUNT},
};
static const size_t line_column_counts[] = {
    [TRACE_BY_LINENO] = 5, [TRACE_BY_FILENAME] = 4, [TRACE_BY_TRACEBACK] = 7};

static void add_cells(const struct traces_types *types, const struct type_line *line,
                      bool has_objects, struct report *report)
{
    const struct traced_type *type = &types->types->types[line->type];

    if (has_objects)
        report_cell_text(report, type->name, type->length);
    else
        report_cell_nothing(report);
    report_cell_number(report, line->count);
    report_cell_number(report, line->bytes);
    traces_report_key(&types->statistics->rows[line->row], types->options->key, report);
}

static void report_types(const struct traces_types *types, struct page *page)
{
    const struct trace_types *all = types->types;
    struct report *report = page_add(page, "types", type_columns, 5);

    report_fact_number(report, "untraced.count", UNIT_COUNT, all->untraced);
    report_fact_number(report, "untraced.size", UNIT_BYTES, all->untraced_bytes);
    for (size_t i = 0; i < all->type_count; i++) {
        const struct traced_type *type = &all->types[i];
        report_cell_text(report, type->name, type->length);
        report_cell_number(report, type->count);
        report_cell_number(report, type->bytes);
        report_cell_number(report, type->untraced);
        report_cell_number(report, type->untraced_bytes);
    }
}

static void report_rows(const struct traces_types *types, struct page *page)
{
    struct report *report =
        page_add(page, "types_of_lines", line_columns, line_column_counts[types->options->key]);
    size_t shown = traces_shown(types->statistics, types->options), at = 0;

    for (size_t row = 0; row < shown; row++) {
        struct type_line bare = without_objects(types, row);
        for (; at < types->count && types->by_row[at].row == row; at++)
            add_cells(types, &types->by_row[at], true, report);
        bare.row = (uint32_t)row;
        if (bare.count)
            add_cells(types, &bare, false, report);
    }
}

static void report_lines(const struct traces_types *types, struct page *page)
{
    struct report *report =
        page_add(page, "lines_of_types", line_columns, line_column_counts[types->options->key]);
    size_t shown = 0;

    for (size_t i = 0; i < types->count; i++) {
        shown += !i || types->by_type[i].type != types->by_type[i - 1].type;
        if (shown > most_types(types))
            return;
        add_cells(types, &types->by_type[i], true, report);
    }
}

void traces_types_report(const struct traces_types *types, struct page *page)
{
    report_types(types, page);
    report_rows(types, page);
    report_lines(types, page);
}
