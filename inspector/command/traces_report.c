// SPDX-License-Identifier: MIT
#include "inspector/command/traces_report.h"

#include "inspector/command/traces_words.h"
#include "inspector/command/worth.h"
#include "symbols/base/saturate.h"

#include <inttypes.h>

/* What a row has is a part of this: from the changes where two are compared, else from the sizes;
 * to the file, its line, or all frames of the traceback. */
static const struct column columns[] = {
    {"size_change", "Change", UNIT_CHANGE_BYTES},
    {"count_change", "Change", UNIT_CHANGE},
    {"size", "Size", UNIT_BYTES},
    {"count", "Count", UNIT_COUNT},
    {"file", "File", UNIT_TEXT},
    {"line", "Line", UNIT_COUNT},
    {"traceback", "Traceback", UNIT_TEXTS},
    {"all_frames", "Frames", UNIT_COUNT},
};
enum { FIRST_SIZE = 2, UP_TO_FILE = 5, UP_TO_LINE = 6, UP_TO_TRACEBACK = 8 };

size_t traces_shown(const struct trace_statistics *statistics, const struct traces_options *options)
{
    return options->limit && options->limit < statistics->count ? (size_t)options->limit
                                                                : statistics->count;
}

static const struct trace_file *file_of(const struct trace_statistic *row, uint32_t frame)
{
    return &row->of->files[row->frames[frame].file];
}

/* The number of a frame in the order in which Traceback has them. */
static uint32_t frame_at(const struct trace_statistic *row, uint32_t place)
{
    return row->newest_first ? place : row->frame_count - 1 - place;
}

static void add_frames(const struct trace_statistic *row, struct report *report)
{
    struct text frames = {0};

    for (uint32_t i = 0; i < row->frame_count; i++) {
        uint32_t frame = frame_at(row, i);
        const struct trace_file *file = file_of(row, frame);
        for (size_t j = 0; j < file->length; j++) /* a NUL ends one of several texts */
            text_add_char(&frames, file->name[j] ? file->name[j] : '?');
        text_addf(&frames, ":%u", row->frames[frame].line);
        text_add_char(&frames, '\0');
    }
    report_cell_texts(report, frames.bytes, frames.length);
    report->failed |= frames.failed;
    text_free(&frames);
}

void traces_report_key(const struct trace_statistic *row, enum trace_key key, struct report *report)
{
    const struct trace_file *file = file_of(row, frame_at(row, 0));

    report_cell_text(report, file->name, file->length);
    if (key == TRACE_BY_FILENAME)
        return;
    report_cell_number(report, row->frames[frame_at(row, 0)].line);
    if (key == TRACE_BY_LINENO)
        return;
    add_frames(row, report);
    if (row->all_frames)
        report_cell_number(report, row->all_frames);
    else
        report_cell_nothing(report);
}

static void add_row(const struct trace_statistic *row, const struct traces_options *options,
                    struct report *report)
{
    if (options->since) {
        report_cell_change(report, row->size_change);
        report_cell_change(report, row->count_change);
    }
    report_cell_number(report, row->size);
    report_cell_number(report, row->count);
    traces_report_key(row, options->key, report);
}

void traces_report(const struct trace_statistics *statistics, const struct traces_options *options,
                   struct report *report)
{
    static const size_t ends[] = {[TRACE_BY_LINENO] = UP_TO_LINE,
                                  [TRACE_BY_FILENAME] = UP_TO_FILE,
                                  [TRACE_BY_TRACEBACK] = UP_TO_TRACEBACK};
    size_t first = options->since ? 0 : FIRST_SIZE;

    report->columns = columns + first;
    report->column_count = ends[options->key] - first;
    for (size_t i = 0; i < traces_shown(statistics, options); i++)
        add_row(&statistics->rows[i], options, report);
}

static void add_others(const struct trace_statistics *statistics, size_t shown,
                       const struct traces_options *options, struct text *text)
{
    static const char *const things[] = {[TRACE_BY_LINENO] = "other line",
                                         [TRACE_BY_FILENAME] = "other file",
                                         [TRACE_BY_TRACEBACK] = "other traceback"};
    uint64_t size = 0, count = 0;
    int64_t size_change = 0, count_change = 0;

    if (shown == statistics->count)
        return;
    for (size_t i = shown; i < statistics->count; i++) {
        const struct trace_statistic *row = &statistics->rows[i];
        add_saturating(&size, row->size);
        add_saturating(&count, row->count);
        add_change_saturating(&size_change, row->size_change);
        add_change_saturating(&count_change, row->count_change);
    }
    add_things(text, statistics->count - shown, things[options->key]);
    text_add(text, ": size=");
    traces_add_size(text, (double)size, false);
    if (options->since) {
        text_add(text, " (");
        traces_add_size(text, (double)size_change, true);
        text_add(text, ")");
    }
    text_addf(text, ", count=%" PRIu64, count);
    if (options->since)
        text_addf(text, " (%+" PRId64 ")", count_change);
    text_add_char(text, '\n');
}

void traces_print(const struct trace_statistics *statistics, const struct traces_options *options,
                  struct source_lines *sources, const struct traces_types *types, struct text *text)
{
    const struct traces_style style = {.is_escaped = true,
                                       .is_comparison = options->since,
                                       .frames = (int64_t)options->frames,
                                       .most_recent_first = options->newest_first,
                                       .tells_cut = true,
                                       .source = sources ? source_lines_add : NULL,
                                       .context = sources};
    size_t shown = traces_shown(statistics, options);

    for (size_t i = 0; i < shown; i++) {
        const struct trace_statistic *row = &statistics->rows[i];
        traces_add_statistic(text, row, &style);
        text_add_char(text, '\n');
        if (options->key == TRACE_BY_TRACEBACK)
            traces_add_traceback(text, row, &style);
        if (types)
            traces_types_add_row(types, i, text);
    }
    add_others(statistics, shown, options, text);
    if (types)
        traces_types_add(types, text);
}
