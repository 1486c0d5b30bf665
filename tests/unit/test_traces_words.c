// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_filter.h"
#include "inspector/analysis/trace_statistics.h"
#include "inspector/command/traces_words.h"
#include "tests/support/told.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(traces_words, .timeout = 300);

static const struct {
    double size;
    const char *plain, *with_sign;
} sizes[] = {
    {0, "0 B", "+0 B"},
    {1, "1 B", "+1 B"},
    {99, "99 B", "+99 B"},
    {0.4, "0 B", "+0 B"},
    {126.5, "126 B", "+126 B"},
    {127.5, "128 B", "+128 B"},
    {-1, "-1 B", "-1 B"},
    {10239, "10239 B", "+10239 B"},
    {10240, "10.0 KiB", "+10.0 KiB"},
    {-10240, "-10.0 KiB", "-10.0 KiB"},
    {102348, "99.9 KiB", "+99.9 KiB"},
    {102399, "100.0 KiB", "+100.0 KiB"},
    {102400, "100 KiB", "+100 KiB"},
    {4971520, "4855 KiB", "+4855 KiB"},
    {10485759, "10240 KiB", "+10240 KiB"},
    {10485760, "10.0 MiB", "+10.0 MiB"},
    {0x1p40, "1024 GiB", "+1024 GiB"},
    {0x1p47, "128 TiB", "+128 TiB"},
    {-0x1p63, "-8388608 TiB", "-8388608 TiB"},
    {0x1p64, "16777216 TiB", "+16777216 TiB"},
};

Test(traces_words, sizes)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct text text = {0};
        traces_add_size(&text, sizes[i].size, false);
        cr_expect_str_eq(text.bytes, sizes[i].plain, "%s, not %s", text.bytes, sizes[i].plain);
        text_clear(&text);
        traces_add_size(&text, sizes[i].size, true);
        cr_expect_str_eq(text.bytes, sizes[i].with_sign, "%s, not %s", text.bytes,
                         sizes[i].with_sign);
        text_free(&text);
    }
}

/* A traceback of two frames; the older one has a name that would drive a terminal. */
static struct trace_file files[] = {{"app.py", 6}, {"\x1b[1m", 4}};
static const struct trace_frame frames[] = {{.file = 0, .line = 12}, {.file = 1, .line = 7}};
static struct traces made = {.files = files, .file_count = COUNT(files)};

static struct trace_statistic make(bool newest_first)
{
    return (struct trace_statistic){.of = &made,
                                    .frames = frames,
                                    .frame_count = COUNT(frames),
                                    .newest_first = newest_first,
                                    .size = 4971520,
                                    .count = 39328,
                                    .size_change = 120 * 1024,
                                    .count_change = -12};
}

static void source(void *context, const char *file, size_t length, uint32_t line, struct text *text)
{
    cr_expect_eq(context, &made);
    text_addf(text, "%.*s line %" PRIu32 " \\", (int)length, file, line);
}

static void expect_text(struct text *text, const char *right)
{
    cr_expect_str_eq(text->bytes, right, "%s, not %s", text->bytes, right);
    text_free(text);
}

Test(traces_words, statistic)
{
    struct trace_statistic statistic = make(true), old = make(false);
    struct text text = {0};

    traces_add_statistic(&text, &statistic, &(struct traces_style){0});
    expect_text(&text, "app.py:12: size=4855 KiB, count=39328, average=126 B");
    traces_add_statistic(&text, &statistic, &(struct traces_style){.is_comparison = true});
    expect_text(&text, "app.py:12: size=4855 KiB (+120 KiB), count=39328 (-12), average=126 B");
    old.size = old.count = 0;
    traces_add_statistic(&text, &old, &(struct traces_style){.is_escaped = true});
    expect_text(&text, "\\x1b[1m:7: size=0 B, count=0");
    traces_add_statistic(&text, &old, &(struct traces_style){0});
    expect_text(&text, "\x1b[1m:7: size=0 B, count=0");
}

/* Where both are rounded to doubles first, the quotient is on the other side of a half. */
static const struct {
    uint64_t size, count;
    const char *average;
} averages[] = {
    {UINT64_C(1153566059007590785), UINT64_C(329590302573597404), "average=3 B"},
    {UINT64_C(5945901983886598859), UINT64_C(2378360793554639523), "average=2 B"},
    {UINT64_C(1980493742813925741), UINT64_C(3960987485627851035), "average=1 B"},
    {UINT64_C(1399835219076569455), UINT64_C(933223479384379600), "average=2 B"},
    {UINT64_MAX, 1, "average=16777216 TiB"},
};

Test(traces_words, average_of_integers)
{
    struct trace_statistic statistic = make(true);

    for (size_t i = 0; i < COUNT(averages); i++) {
        struct text text = {0};
        statistic.size = averages[i].size;
        statistic.count = averages[i].count;
        traces_add_statistic(&text, &statistic, &(struct traces_style){0});
        const char *average = strstr(text.bytes, "average=");
        cr_assert(average);
        cr_expect_str_eq(average, averages[i].average);
        text_free(&text);
    }
}

Test(traces_words, traceback)
{
    struct trace_statistic statistic = make(false);
    struct traces_style style = {.is_escaped = true, .source = source, .context = &made};
    struct text text = {0};

    traces_add_traceback(&text, &statistic, &style);
    expect_text(&text, "  File \"\\x1b[1m\", line 7\n    \\x1b[1m line 7 \\\n"
                       "  File \"app.py\", line 12\n    app.py line 12 \\\n");
    style.source = NULL;
    style.is_escaped = false;
    style.most_recent_first = true;
    traces_add_traceback(&text, &statistic, &style);
    expect_text(&text, "  File \"app.py\", line 12\n  File \"\x1b[1m\", line 7\n");
    statistic.newest_first = true; /* as it has always been there */
    traces_add_traceback(&text, &statistic, &style);
    expect_text(&text, "  File \"app.py\", line 12\n  File \"\x1b[1m\", line 7\n");
    statistic.newest_first = false;
    style.most_recent_first = false;
    style.frames = -1;
    traces_add_traceback(&text, &statistic, &style);
    expect_text(&text, "  File \"\x1b[1m\", line 7\n");
    style.frames = INT64_MIN;
    traces_add_traceback(&text, &statistic, &style);
    cr_expect_null(text.bytes);
}

/* What snapshots.py tells: two snapshots and the filters that are looked through. */
struct scene {
    struct told told;
    struct traces snapshots[2];
    struct trace_filter filters[8];
    size_t filter_count;
    bool is_over; /* else the next line has been read */
    size_t answers, lines;
};

static void go_on(struct scene *scene)
{
    scene->is_over = !told_next(&scene->told);
}

static bool is_next(const struct scene *scene, const char *word)
{
    return !scene->is_over && strcmp(told_word(&scene->told, 0), word) == 0;
}

static void read_trace(struct scene *scene, struct traces_builder *builder)
{
    const struct told *told = &scene->told;
    uint32_t count = (uint32_t)(told->count - 4), stack;
    struct trace_frame *trace = calloc(count, sizeof(*trace));
    struct error err;

    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        char *name = told_text(told, 4 + i, &length);
        cr_assert(traces_builder_file(builder, name, length, &trace[i].file, &err));
        trace[i].line = (uint32_t)strtoul(strchr(told_word(told, 4 + i), ':') + 1, NULL, 10);
        free(name);
    }
    cr_assert(
        traces_builder_stack(builder, trace, count, (uint32_t)told_number(told, 3), &stack, &err));
    cr_assert(traces_builder_add(builder, (uint32_t)told_number(told, 1), stack,
                                 told_number(told, 2), 1, &err));
    free(trace);
}

static void read_snapshot(struct scene *scene)
{
    struct traces *snapshot = &scene->snapshots[told_number(&scene->told, 1)];
    bool newest_first = told_number(&scene->told, 2);
    struct traces_builder *builder = traces_builder_new();
    struct error err;

    cr_assert(builder);
    for (go_on(scene); is_next(scene, "trace"); go_on(scene))
        read_trace(scene, builder);
    traces_free(snapshot);
    cr_assert(traces_builder_finish(builder, snapshot, &err), "%s", err.text);
    snapshot->newest_first = newest_first;
}

static void read_number(const struct told *told, size_t word, bool *ret_has, uint32_t *ret)
{
    *ret_has = strcmp(told_word(told, word), "none") != 0;
    *ret = *ret_has ? (uint32_t)told_number(told, word) : 0;
}

static void free_filters(struct scene *scene)
{
    while (scene->filter_count)
        free((void *)(uintptr_t)scene->filters[--scene->filter_count].pattern);
}

static void read_filters(struct scene *scene)
{
    const struct told *told = &scene->told;

    free_filters(scene);
    for (go_on(scene); is_next(scene, "filter"); go_on(scene)) {
        struct trace_filter *filter = &scene->filters[scene->filter_count++];
        cr_assert_leq(scene->filter_count, COUNT(scene->filters));
        *filter = (struct trace_filter){.is_inclusive = told_number(told, 1),
                                        .all_frames = told_number(told, 2)};
        read_number(told, 3, &filter->has_line, &filter->line);
        read_number(told, 4, &filter->has_domain, &filter->domain);
        if (strcmp(told_word(told, 5), "none") != 0)
            filter->pattern = told_text(told, 5, &filter->pattern_length);
    }
}

/* The frames of the next line of an answer are those of the row. */
static void expect_frames(const struct told *told, const struct trace_statistic *row)
{
    bool is_same = told->count == 2 + (size_t)row->frame_count;

    for (uint32_t i = 0; is_same && i < row->frame_count; i++) {
        const struct trace_file *file = &row->of->files[row->frames[i].file];
        size_t length;
        char *name = told_text(told, 2 + i, &length);
        is_same =
            length == file->length && memcmp(name, file->name, length) == 0 &&
            strtoull(strchr(told_word(told, 2 + i), ':') + 1, NULL, 10) == row->frames[i].line;
        free(name);
    }
    cr_assert(is_same, "%s: line %lu: other frames", told->python->name, told->number);
}

/* The next line of an answer. */
static void expect_line(struct scene *scene, const struct text *text, const char *question)
{
    struct told *told = &scene->told;
    size_t length;

    cr_assert(is_next(scene, "="), "%s: %s, line %lu: more than Python says", told->python->name,
              question, told->number);
    char *right = told_text(told, 1, &length);
    if (text->length != length || (length && memcmp(text->bytes, right, length) != 0)) {
        struct text shown = {0};
        text_add_escaped(&shown, text->bytes, text->length, 0);
        text_add(&shown, "\nnot\n");
        text_add_escaped(&shown, right, length, 0);
        cr_assert_fail("%s: %s, line %lu:\n%s", told->python->name, question, told->number,
                       shown.bytes);
    }
    free(right);
    scene->lines++;
    go_on(scene);
}

static void expect_end(struct scene *scene, const char *question)
{
    cr_assert(is_next(scene, "end"), "%s: %s, line %lu: less than Python says",
              scene->told.python->name, question, scene->told.number);
    scene->answers++;
    go_on(scene);
}

static enum trace_key read_key(const struct told *told)
{
    const char *word = told_word(told, 1);

    return strcmp(word, "lineno") == 0     ? TRACE_BY_LINENO
           : strcmp(word, "filename") == 0 ? TRACE_BY_FILENAME
                                           : TRACE_BY_TRACEBACK;
}

static void check_statistics(struct scene *scene)
{
    const struct traces_style style = {.is_comparison =
                                           strcmp(told_word(&scene->told, 0), "compare") == 0};
    enum trace_key key = read_key(&scene->told);
    bool is_cumulative = told_number(&scene->told, 2);
    struct traces filtered[2];
    struct trace_statistics statistics;
    struct text text = {0};
    struct error err;
    char question[64];

    snprintf(question, sizeof(question), "%s by %s, %d", told_word(&scene->told, 0),
             told_word(&scene->told, 1), is_cumulative);
    go_on(scene);
    for (size_t i = 0; i < 2; i++)
        cr_assert(traces_filter(&filtered[i], &scene->snapshots[i], scene->filters,
                                scene->filter_count, &err));
    cr_assert(style.is_comparison
                  ? trace_statistics_compare(&statistics, &filtered[0], &filtered[1], key,
                                             is_cumulative, &err)
                  : trace_statistics_make(&statistics, &filtered[0], key, is_cumulative, &err));
    for (size_t i = 0; i < statistics.count; i++) {
        text_clear(&text);
        traces_add_statistic(&text, &statistics.rows[i], &style);
        if (is_next(scene, "="))
            expect_frames(&scene->told, &statistics.rows[i]);
        expect_line(scene, &text, question);
    }
    expect_end(scene, question);
    text_free(&text);
    trace_statistics_free(&statistics);
    traces_free(&filtered[0]);
    traces_free(&filtered[1]);
}

/* As put_pair of snapshots.py has put them into linecache. */
static void told_source(void *context, const char *file, size_t length, uint32_t line,
                        struct text *text)
{
    (void)context, (void)file;
    if (line == 1)
        text_addf(text, "line 1 of %zu", length ? 2 * length : 1);
    if (line == 3)
        text_add(text, "line 3");
}

static void check_traceback(struct scene *scene)
{
    struct traces_style style = {
        .frames = strtoll(told_word(&scene->told, 2), NULL, 10),
        .most_recent_first = told_number(&scene->told, 3),
        .source = told_source,
    };
    size_t number = told_number(&scene->told, 1);
    struct trace_statistics statistics;
    struct text text = {0};
    struct error err;

    cr_assert(
        trace_statistics_make(&statistics, &scene->snapshots[0], TRACE_BY_TRACEBACK, false, &err));
    cr_assert_lt(number, statistics.count);
    go_on(scene);
    traces_add_traceback(&text, &statistics.rows[number], &style);
    expect_line(scene, &text, "format");
    expect_end(scene, "format");
    text_free(&text);
    trace_statistics_free(&statistics);
}

static void check_scene(struct scene *scene)
{
    for (go_on(scene); !scene->is_over;) {
        if (is_next(scene, "snapshot"))
            read_snapshot(scene);
        else if (is_next(scene, "filters"))
            read_filters(scene);
        else if (is_next(scene, "statistics") || is_next(scene, "compare"))
            check_statistics(scene);
        else if (is_next(scene, "format"))
            check_traceback(scene);
        else
            cr_assert_fail("%s: line %lu: %s", scene->told.python->name, scene->told.number,
                           told_word(&scene->told, 0));
    }
}

ParameterizedTestParameters(traces_words, as_python_says)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, traces_words, as_python_says)
{
    enum { PAIRS = 40 };
    struct interpreter python = pythons_get(index);
    struct scene scene = {0};

    told_start(&scene.told, &python, "snapshots.py", "statistics", 1, PAIRS);
    check_scene(&scene);
    told_end(&scene.told);
    cr_assert_geq(scene.answers, (size_t)PAIRS * 50);
    cr_assert_geq(scene.lines, (size_t)PAIRS * 100);
    traces_free(&scene.snapshots[0]);
    traces_free(&scene.snapshots[1]);
    free_filters(&scene);
}
