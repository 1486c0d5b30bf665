// SPDX-License-Identifier: MIT
#include "inspector/command/watch_rows.h"

#include "inspector/report/format.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first ones are CSV's alone: of a table of its own they are said above it. */
enum { ONLY_CSV = 3 };

static const struct column of_types[] = {
    {"time", "Time", UNIT_TEXT},
    {"sample", "Sample", UNIT_COUNT},
    {"pid", "PID", UNIT_COUNT},
    {"type", "Type", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
    {"since_last", "Since last", UNIT_CHANGE},
    {"since_first", "Since first", UNIT_CHANGE},
    {"per_hour", "Per hour", UNIT_CHANGE},
    {"bytes", "Bytes", UNIT_BYTES},
};

static const struct column of_files[] = {
    {"time", "Time", UNIT_TEXT},
    {"sample", "Sample", UNIT_COUNT},
    {"pid", "PID", UNIT_COUNT},
    {"file", "File", UNIT_PATH},
    {"size", "Size", UNIT_BYTES},
    {"since_last", "Since last", UNIT_CHANGE_BYTES},
    {"since_first", "Since first", UNIT_CHANGE_BYTES},
    {"per_hour", "Per hour", UNIT_CHANGE_BYTES},
    {"count", "Count", UNIT_COUNT},
};

static const struct column of_lines[] = {
    {"time", "Time", UNIT_TEXT},
    {"sample", "Sample", UNIT_COUNT},
    {"pid", "PID", UNIT_COUNT},
    {"file", "File", UNIT_PATH},
    {"line", "Line", UNIT_COUNT},
    {"size", "Size", UNIT_BYTES},
    {"since_last", "Since last", UNIT_CHANGE_BYTES},
    {"since_first", "Since first", UNIT_CHANGE_BYTES},
    {"per_hour", "Per hour", UNIT_CHANGE_BYTES},
    {"count", "Count", UNIT_COUNT},
};

static const struct column lines_for_person[] = {
    {"line", "Line", UNIT_PATH},
    {"size", "Size", UNIT_BYTES},
    {"since_last", "Since last", UNIT_CHANGE_BYTES},
    {"since_first", "Since first", UNIT_CHANGE_BYTES},
    {"per_hour", "Per hour", UNIT_CHANGE_BYTES},
    {"count", "Count", UNIT_COUNT},
};

const char *watch_time_for_person(char *buffer, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;

    if (!localtime_r(&seconds, &parts) || !strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &parts))
        *buffer = '\0';
    return buffer;
}

const char *watch_time_for_machine(char *buffer, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) || !strftime(buffer, 24, "%Y-%m-%dT%H:%M:%S", &parts))
        *buffer = '\0';
    snprintf(buffer + strlen(buffer), 32 - strlen(buffer), ".%03uZ", (unsigned)(time_ms % 1000));
    return buffer;
}

int64_t watch_slope(double slope)
{
    const double most = 1e15;

    if (slope > most || slope < -most)
        return (int64_t)(slope > 0 ? most : -most);
    return (int64_t)(slope < 0 ? slope - 0.5 : slope + 0.5);
}

void watch_rows_init(struct report *report, const struct watch_options *options, bool has_table)
{
    const struct watch_traces_options *traces = &options->traces;
    size_t left_out = options->format == FORMAT_CSV ? 0 : ONLY_CSV;

    if (!has_table)
        report_init(report, NULL, NULL, 0);
    else if (!traces->is_asked_for)
        report_init(report, "types", of_types + left_out, COUNT(of_types) - left_out);
    else if (traces->key == TRACE_BY_FILENAME)
        report_init(report, "statistics", of_files + left_out, COUNT(of_files) - left_out);
    else if (options->format == FORMAT_TEXT)
        report_init(report, "statistics", lines_for_person, COUNT(lines_for_person));
    else
        report_init(report, "statistics", of_lines + left_out, COUNT(of_lines) - left_out);
}

static void add_mark(struct report *report, const struct watch_rows_mark *mark)
{
    char time[32];

    watch_time_for_machine(time, mark->time_ms);
    report_cell_text(report, time, strlen(time));
    report_cell_number(report, mark->sample);
    if (mark->pid)
        report_cell_number(report, (uint64_t)mark->pid);
    else
        report_cell_nothing(report);
}

static void add_place(struct report *report, const struct watch_options *options,
                      const struct growth_row *row)
{
    if (options->format == FORMAT_TEXT) {
        report_cell_text(report, row->type, row->type_length);
        return;
    }
    struct watch_place place = watch_place_of(row, options->traces.key);
    report_cell_text(report, place.file, place.length);
    if (options->traces.key == TRACE_BY_LINENO)
        report_cell_number(report, place.line);
}

static void add_row(struct report *report, const struct watch_options *options,
                    const struct watch_rows_mark *mark, const struct growth_row *row)
{
    bool of_traces = options->traces.is_asked_for;

    if (options->format == FORMAT_CSV)
        add_mark(report, mark);
    if (of_traces)
        add_place(report, options, row);
    else
        report_cell_text(report, row->type, row->type_length);
    report_cell_number(report, of_traces ? row->bytes : row->count);
    report_cell_change(report, row->since_last);
    report_cell_change(report, row->since_first);
    report_cell_change(report, watch_slope(row->slope_per_hour));
    report_cell_number(report, of_traces ? row->count : row->bytes);
}

static void add_closing(struct report *report, const struct watch_options *options, bool is_all,
                        size_t rows, const struct growth_row *row)
{
    const struct watch_traces_options *traces = &options->traces;
    const char *things = !traces->is_asked_for              ? "types"
                         : traces->key == TRACE_BY_FILENAME ? "files"
                                                            : "lines";
    char count[32], text[64];

    snprintf(text, sizeof(text), is_all ? "All %s %s" : "%s other %s", format_count(count, rows),
             things);
    report_summary_text(report, text);
    report_summary_number(report, traces->is_asked_for ? row->bytes : row->count);
    report_summary_change(report, row->since_last);
    report_summary_change(report, row->since_first);
    report_summary_change(report, watch_slope(row->slope_per_hour));
    report_summary_number(report, traces->is_asked_for ? row->count : row->bytes);
}

bool watch_rows_add(struct report *report, const struct watch_options *options,
                    const struct watch_rows_mark *mark, struct growth *growth, struct error *err)
{
    struct growth_row rest = growth_total(growth), total = rest;
    const struct growth_row *rows;
    size_t count;

    if (!growth_rows(growth, options->order, &rows, &count, err))
        return false;
    size_t shown =
        options->most_common && options->most_common < count ? (size_t)options->most_common : count;
    for (size_t i = 0; i < shown; i++) {
        add_row(report, options, mark, &rows[i]);
        rest.count -= rows[i].count;
        rest.bytes -= rows[i].bytes;
        rest.since_last -= rows[i].since_last;
        rest.since_first -= rows[i].since_first;
        rest.slope_per_hour -= rows[i].slope_per_hour;
    }
    if (options->format != FORMAT_TEXT)
        return true;
    if (shown < count)
        add_closing(report, options, false, count - shown, &rest);
    add_closing(report, options, true, count, &total);
    return true;
}
