// SPDX-License-Identifier: MIT
#include "inspector/command/report_page.h"

#include "inspector/command/report_words.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "inspector/report/render_html.h"
#include "symbols/base/replaced_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FACTS = 3, MOST_CHARTS = PAGE_MOST_CURVES + 1 };

/* What a page is made of until it is written. */
struct draft {
    const struct history *history;
    struct arena arena; /* of all texts, lines and points */
    struct html_chart charts[MOST_CHARTS];
    size_t chart_count;
    bool failed;
};

static void *take(struct draft *draft, size_t count, size_t size)
{
    size_t bytes;
    void *taken = NULL;

    if (!__builtin_mul_overflow(count, size, &bytes))
        taken = arena_alloc(&draft->arena, bytes ? bytes : 1);
    draft->failed |= !taken;
    return taken;
}

/* Moves a text. */
static const char *keep(struct draft *draft, struct text *text)
{
    char *kept = text->failed ? NULL : arena_copy(&draft->arena, text->bytes, text->length);

    text_free(text);
    draft->failed |= !kept;
    return kept ? kept : "";
}

static const char *keep_words(struct draft *draft,
                              void (*add)(const struct history *history, struct text *text))
{
    struct text text = {0};

    add(draft->history, &text);
    return keep(draft, &text);
}

static struct html_point *make_points(struct draft *draft, const struct trend_point *points,
                                      size_t count)
{
    struct html_point *made = take(draft, count, sizeof(*made));

    for (size_t i = 0; made && i < count; i++)
        made[i] =
            (struct html_point){.time = (double)draft->history->first_ms + points[i].time * 1e3,
                                .value = points[i].value};
    return made;
}

static bool grows_in(const struct suspects_row *row, size_t process)
{
    for (size_t i = 0; i < row->process_count; i++) {
        if (row->processes[i] == process)
            return true;
    }
    return false;
}

static const char *line_label(struct draft *draft, const struct suspects_row *row, size_t process)
{
    struct text text = {0};

    text_addf(&text, "%d", (int)draft->history->processes[process].origin.pid);
    if (row->verdict == GROWS_STEADILY && !grows_in(row, process))
        text_add(&text, " (not steady)");
    return keep(draft, &text);
}

static void add_lines(struct draft *draft, const struct suspects_row *row, struct html_chart *chart)
{
    struct html_line *lines = take(draft, row->line_count, sizeof(*lines));

    for (size_t i = 0; lines && i < row->line_count; i++) {
        const struct suspects_line *line = &row->lines[i];
        struct html_point *points = make_points(draft, line->points, line->count);
        lines[i] = (struct html_line){.label = line_label(draft, row, line->process),
                                      .points = points,
                                      .count = points ? line->count : 0};
    }
    chart->lines = lines;
    chart->line_count = lines ? row->line_count : 0;
}

static void add_growth(const struct suspects_row *row, struct text *text)
{
    uint64_t growth = row->growth < 0 ? -(uint64_t)row->growth : (uint64_t)row->growth;
    char number[32];

    text_addf(text, "%c%s in all", row->growth < 0 ? '-' : '+', format_count(number, growth));
}

static void add_curve(struct draft *draft, const struct suspects_row *row)
{
    struct html_chart *chart = &draft->charts[draft->chart_count++];
    struct text title = {0}, note = {0};
    char number[32];

    text_add_bytes(&title, row->type, row->type_length);
    if (row->verdict == GROWS_STEADILY)
        text_addf(&note, "+%s an hour, ", format_decimal(number, row->slope));
    add_growth(row, &note);
    if (row->verdict == GROWS_NOT_STEADILY)
        text_add(&note, ", not steadily");
    *chart = (struct html_chart){.title = keep(draft, &title),
                                 .note = keep(draft, &note),
                                 .is_marked = row->verdict == GROWS_STEADILY};
    add_lines(draft, row, chart);
}

static void add_pauses(struct draft *draft)
{
    const struct history *history = draft->history;
    struct html_chart *chart = &draft->charts[draft->chart_count++];
    struct trend_point *pauses = take(draft, history->pause_count, sizeof(*pauses));
    struct html_line *line = take(draft, 1, sizeof(*line));
    size_t count = history->pause_count;

    if (!pauses || !line)
        return;
    for (size_t i = 0; i < count; i++)
        pauses[i] = (struct trend_point){
            .time = ((double)history->pauses[i].taken_ms - (double)history->first_ms) / 1e3,
            .value = history->pauses[i].milliseconds};
    suspects_thin(pauses, &count, SUSPECTS_MOST_POINTS);
    *line = (struct html_line){.label = "pause", .points = make_points(draft, pauses, count)};
    line->count = line->points ? count : 0;
    *chart = (struct html_chart){.title = "Pauses, in milliseconds",
                                 .note = keep_words(draft, words_add_pauses),
                                 .lines = line,
                                 .line_count = 1,
                                 .is_wide = true,
                                 .from_zero = true};
}

static void add_charts(struct draft *draft)
{
    const struct suspects *suspects = &draft->history->suspects;

    for (size_t i = 0; i < suspects->row_count && i < PAGE_MOST_CURVES; i++) {
        if (suspects->rows[i].lines)
            add_curve(draft, &suspects->rows[i]);
    }
    if (draft->history->pause_count)
        add_pauses(draft);
}

static void add_facts(struct draft *draft, struct html_fact facts[FACTS])
{
    struct text censuses = {0};

    words_add_censuses(draft->history, CLOCK_UTC, &censuses);
    facts[0] = (struct html_fact){draft->history->process_count == 1 ? "Process" : "Processes",
                                  keep_words(draft, words_add_processes)};
    facts[1] = (struct html_fact){"Censuses", keep(draft, &censuses)};
    facts[2] = (struct html_fact){"Pauses", keep_words(draft, words_add_pauses)};
}

/* What the sentence says beyond the title: the names. */
static const char *make_lede(struct draft *draft)
{
    const char *summary = keep_words(draft, words_add_summary);
    const char *colon = strchr(summary, ':');

    return colon ? colon + 2 : "";
}

static bool make_page(struct draft *draft, const char *name, const struct report *types,
                      const struct report *processes, struct text *ret, struct error *err)
{
    const struct html_table tables[] = {
        {.title = "Types that grew", .report = types, .marked = draft->history->suspects.steady},
        {.title = "Processes", .report = processes},
    };
    struct html_fact facts[FACTS];

    add_charts(draft);
    add_facts(draft, facts);
    const struct html_page page = {
        .over = name,
        .title = keep_words(draft, words_add_title),
        .lede = make_lede(draft),
        .facts = facts,
        .fact_count = FACTS,
        .charts_title = "Objects over time",
        .charts = draft->charts,
        .chart_count = draft->chart_count,
        .tables = tables,
        .table_count = draft->history->process_count > 1 ? 2 : 1,
        .footer = "Made by pyinspect. Times are UTC. Drag across a curve to look closer, "
                  "double-click to go back. The curves are drawn by dygraphs, whose licence (MIT) "
                  "is in this page's source.",
    };
    return (!draft->failed || error_memory(err)) && render_html(&page, ret, err);
}

bool page_check(const char *path, const char *history, struct error *err)
{
    if (replaced_file_is_same(path, history))
        return error_set(err, ERROR_USAGE, "-o %s is the history itself, which it would replace",
                         path);
    return replaced_file_is_ours(path, html_page_beginning, "page", err) ||
           error_context(err, "-o");
}

bool page_write(const char *path, const char *name, const struct history *history,
                page_fill *fill_types, page_fill *fill_processes, struct error *err)
{
    struct draft draft = {.history = history};
    struct report types, processes;
    struct text text = {0};

    fill_types(&types, history, PAGE_MOST_ROWS);
    fill_processes(&processes, history, PAGE_MOST_ROWS);
    bool done = make_page(&draft, name, &types, &processes, &text, err) &&
                replaced_file_write(path, 0666, text.bytes, text.length, err);
    report_free(&types);
    report_free(&processes);
    arena_free(&draft.arena);
    text_free(&text);
    return done;
}
