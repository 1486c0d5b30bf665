// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_types.h"

#include "inspector/analysis/trace_filter.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(trace_types, .timeout = 60);

/* Stacks in the order of their frames: a.py:1, a.py:2, "a.py:2 called by b.py:7", b.py:1; of the
 * last, blocks of domain 3 as well. */
static void make_traces(struct traces *ret)
{
    static const struct {
        uint32_t count;
        struct trace_frame frames[2];
    } stacks[] = {{1, {{0, 1}}}, {1, {{0, 2}}}, {2, {{0, 2}, {1, 7}}}, {1, {{1, 1}}}};
    struct traces_builder *builder = traces_builder_new();
    struct error err;
    uint32_t file, stack;

    cr_assert(builder);
    cr_assert(traces_builder_file(builder, "a.py", 4, &file, &err) && file == 0);
    cr_assert(traces_builder_file(builder, "b.py", 4, &file, &err) && file == 1);
    for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
        cr_assert(traces_builder_stack(builder, stacks[i].frames, stacks[i].count, stacks[i].count,
                                       &stack, &err));
        cr_assert(traces_builder_add(builder, 0, stack, 100, 10 * (i + 1), &err));
    }
    cr_assert(traces_builder_add(builder, 3, stack, 5, 1, &err));
    cr_assert(traces_builder_finish(builder, ret, &err), "%s", err.text);
    cr_assert_eq(ret->stack_count, 4);
}

static const struct type_tally tallies[] = {{0, 1, 3, 300}, {0, 2, 5, 500}, {1, 0, 1, 100},
                                            {2, 0, 2, 200}, {2, 2, 6, 600}, {3, 2, 4, 400}};

static void make_types(struct trace_types *ret)
{
    static const char *const names[] = {"dict", "int", "list"};
    size_t count = sizeof(tallies) / sizeof(*tallies);

    *ret = (struct trace_types){.types = calloc(3, sizeof(*ret->types)),
                                .type_count = 3,
                                .tallies = malloc(sizeof(tallies)),
                                .tally_count = count,
                                .untraced = 9};
    cr_assert(ret->types && ret->tallies);
    memcpy(ret->tallies, tallies, sizeof(tallies));
    for (size_t i = 0; i < 3; i++)
        ret->types[i] = (struct traced_type){.name = names[i], .length = strlen(names[i])};
    for (size_t i = 0; i < count; i++) {
        ret->types[tallies[i].type].count += tallies[i].count;
        ret->types[tallies[i].type].bytes += tallies[i].bytes;
        ret->count += tallies[i].count;
        ret->bytes += tallies[i].bytes;
    }
}

/* "a.py:2 dict 3 300; " of each, in order. */
static void expect_lines(const struct trace_types *types, const struct trace_statistics *statistics,
                         const struct type_line *lines, size_t count, const char *right)
{
    struct text text = {0};

    for (size_t i = 0; i < count; i++) {
        const struct trace_statistic *row = &statistics->rows[lines[i].row];
        text_addf(&text, "%s:%u %s %u %u; ", row->of->files[row->frames[0].file].name,
                  row->frames[0].line, types->types[lines[i].type].name, (unsigned)lines[i].count,
                  (unsigned)lines[i].bytes);
    }
    cr_expect_str_eq(text.bytes ? text.bytes : "", right);
    text_free(&text);
}

static void expect_by(const struct trace_types *types, const struct traces *traces,
                      enum trace_key key, const char *by_row, const char *by_type)
{
    struct trace_statistics statistics;
    struct type_line *lines;
    struct error err;
    size_t count;

    cr_assert(trace_statistics_make(&statistics, traces, key, false, &err), "%s", err.text);
    cr_assert(trace_types_by_row(types, traces, &statistics, key, &lines, &count, &err));
    expect_lines(types, &statistics, lines, count, by_row);
    trace_types_order(types, lines, count);
    expect_lines(types, &statistics, lines, count, by_type);
    free(lines);
    trace_statistics_free(&statistics);
}

Test(trace_types, by_lines_files_and_tracebacks)
{
    struct traces traces;
    struct trace_types types;

    make_traces(&traces);
    make_types(&types);
    expect_by(&types, &traces, TRACE_BY_LINENO,
              "a.py:2 list 6 600; a.py:2 dict 3 300; b.py:1 list 4 400; a.py:1 list 5 500; "
              "a.py:1 int 3 300; ",
              "a.py:2 list 6 600; a.py:1 list 5 500; b.py:1 list 4 400; a.py:2 dict 3 300; "
              "a.py:1 int 3 300; ");
    expect_by(&types, &traces, TRACE_BY_FILENAME,
              "a.py:0 list 11 1100; a.py:0 dict 3 300; a.py:0 int 3 300; b.py:0 list 4 400; ",
              "a.py:0 list 11 1100; b.py:0 list 4 400; a.py:0 dict 3 300; a.py:0 int 3 300; ");
    expect_by(&types, &traces, TRACE_BY_TRACEBACK,
              "b.py:1 list 4 400; a.py:2 list 6 600; a.py:2 dict 2 200; a.py:2 dict 1 100; "
              "a.py:1 list 5 500; a.py:1 int 3 300; ",
              "a.py:2 list 6 600; a.py:1 list 5 500; b.py:1 list 4 400; a.py:2 dict 2 200; "
              "a.py:2 dict 1 100; a.py:1 int 3 300; ");
    trace_types_free(&types);
    traces_free(&traces);
}

static void expect_passed(const struct trace_filter *filter, const char *by_row)
{
    struct traces traces, passed;
    struct trace_types types;
    struct error err;
    uint64_t count = 0, bytes = 0;

    make_traces(&traces);
    make_types(&types);
    cr_assert(traces_filter(&passed, &traces, filter, 1, &err), "%s", err.text);
    cr_assert(trace_types_filter(&types, &traces, &passed, &err), "%s", err.text);
    struct trace_statistics statistics;
    struct type_line *lines;
    size_t line_count;
    cr_assert(trace_statistics_make(&statistics, &passed, TRACE_BY_LINENO, false, &err));
    cr_assert(trace_types_by_row(&types, &passed, &statistics, TRACE_BY_LINENO, &lines, &line_count,
                                 &err));
    expect_lines(&types, &statistics, lines, line_count, by_row);
    for (size_t i = 0; i < types.type_count; i++) {
        count += types.types[i].count;
        bytes += types.types[i].bytes;
    }
    cr_expect(count == types.count && bytes == types.bytes && bytes == 100 * count);
    cr_expect_eq(types.untraced, 9);
    free(lines);
    trace_statistics_free(&statistics);
    trace_types_free(&types);
    traces_free(&passed);
    traces_free(&traces);
}

Test(trace_types, what_passes_a_filter)
{
    expect_passed(
        &(struct trace_filter){.is_inclusive = true, .pattern = "b.py", .pattern_length = 4},
        "b.py:1 list 4 400; ");
    expect_passed(
        &(struct trace_filter){
            .is_inclusive = true, .pattern = "b.py", .pattern_length = 4, .all_frames = true},
        "b.py:1 list 4 400; a.py:2 list 6 600; a.py:2 dict 2 200; ");
    expect_passed(
        &(struct trace_filter){.pattern = "a.py", .pattern_length = 4, .has_line = true, .line = 2},
        "b.py:1 list 4 400; a.py:1 list 5 500; a.py:1 int 3 300; ");
    /* Objects live in domain 0: that the stack has other blocks which pass says nothing of them. */
    expect_passed(&(struct trace_filter){.is_inclusive = true, .has_domain = true, .domain = 3},
                  "");
    expect_passed(&(struct trace_filter){.has_domain = true, .domain = 3},
                  "a.py:2 list 6 600; a.py:2 dict 3 300; b.py:1 list 4 400; a.py:1 list 5 500; "
                  "a.py:1 int 3 300; ");
}

/* What a comparison has of the old traces alone has numbers of their files. */
Test(trace_types, rows_of_a_comparison)
{
    struct traces old, now;
    struct trace_types types;
    struct trace_statistics statistics;
    struct trace_filter filter = {.is_inclusive = true, .pattern = "b.py", .pattern_length = 4};
    struct type_tally *tally;
    struct type_line *lines;
    struct error err;
    size_t count;

    make_traces(&old);
    make_types(&types);
    cr_assert(traces_filter(&now, &old, &filter, 1, &err));
    cr_assert(trace_types_filter(&types, &old, &now, &err));
    tally = types.tallies;
    cr_assert(types.tally_count == 1 && tally->stack == 0 && tally->count == 4);
    cr_assert(trace_statistics_compare(&statistics, &now, &old, TRACE_BY_LINENO, false, &err));
    cr_assert_eq(statistics.count, 3);
    cr_assert(trace_types_by_row(&types, &now, &statistics, TRACE_BY_LINENO, &lines, &count, &err));
    expect_lines(&types, &statistics, lines, count, "b.py:1 list 4 400; ");
    free(lines);
    trace_statistics_free(&statistics);
    trace_types_free(&types);
    traces_free(&now);
    traces_free(&old);
}
