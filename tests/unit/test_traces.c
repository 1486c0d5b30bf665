// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_filter.h"
#include "inspector/analysis/trace_order.h"
#include "inspector/analysis/traces.h"
#include "tests/support/made_traces.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

Test(traces, empty)
{
    struct traces traces;

    made_traces(&traces, NULL, 0);
    made_traces_check(&traces);
    cr_expect_eq(traces.file_count + traces.frame_count + traces.stack_count + traces.row_count, 0);
    cr_expect_not(traces.has_origin);
    traces_free(&traces);
    traces_free(&traces);
}

static const struct made_row some_rows[] = {
    {0, "b.py:2 main.py:9", 2, 64, 1}, {0, "a.py:7 main.py:9", 2, 64, 1},
    {0, "b.py:2 main.py:9", 2, 32, 3}, {7, "b.py:2 main.py:9", 2, 64, 1},
    {0, "b.py:2 main.py:9", 2, 64, 5}, {0, "b.py:2 main.py:9", 9, 64, 1},
    {0, "b.py:2", 0, 64, 1},           {0, "b.py:2 main.py:9 z.py:1", 3, 0, 1},
    {0, "b.py:11 main.py:9", 2, 8, 2}, {3, "gone.py:1", 1, 8, 0},
};
static const char *const some_stacks[] = {"a.py:7 main.py:9",        "b.py:2",
                                          "b.py:2 main.py:9",        "b.py:2 main.py:9",
                                          "b.py:2 main.py:9 z.py:1", "b.py:11 main.py:9"};
static const struct trace_row some_sorted[] = {{0, 0, 64, 1}, {0, 1, 64, 1}, {0, 2, 32, 3},
                                               {0, 2, 64, 6}, {0, 3, 64, 1}, {0, 4, 0, 1},
                                               {0, 5, 8, 2},  {7, 2, 64, 1}};

Test(traces, order)
{
    struct traces traces;

    made_traces(&traces, some_rows, COUNT(some_rows));
    made_traces_check(&traces);
    cr_expect_eq(traces.file_count, 4);
    cr_assert_eq(traces.stack_count, COUNT(some_stacks));
    for (size_t i = 0; i < COUNT(some_stacks); i++) {
        const struct trace_stack *stack = &traces.stacks[i];
        char *text = made_stack_text(&traces, &traces.frames[stack->first], stack->frames);
        cr_expect_str_eq(text, some_stacks[i]);
        free(text);
    }
    cr_expect_eq(traces.stacks[2].all_frames, 2);
    cr_expect_eq(traces.stacks[3].all_frames, 9);
    cr_assert_eq(traces.row_count, COUNT(some_sorted));
    for (size_t i = 0; i < COUNT(some_sorted); i++) {
        const struct trace_row *row = &traces.rows[i], *right = &some_sorted[i];
        cr_expect(row->domain == right->domain && row->stack == right->stack &&
                      row->size == right->size && row->count == right->count,
                  "row %zu", i);
    }
    cr_expect_eq(traces.blocks, 16);
    cr_expect_eq(traces.bytes, 64 * 10 + 32 * 3 + 8 * 2);
    traces_free(&traces);
}

/* As Python sorts them: by code points. */
static const struct trace_file names_in_order[] = {
    {"", 0},
    {"\0", 1},
    {"\0a", 2},
    {"A", 1},
    {"a", 1},
    {"a\0", 2},
    {"a.py", 4},
    {"\x7f", 1},
    {"\xc2\x80", 2},
    {"\xed\x9f\xbf", 3},
    {"\xed\xa0\x80", 3},
    {"\xed\xbf\xbf", 3},
    {"\xee\x80\x80", 3},
    {"\xef\xbf\xbf", 3},
    {"\xf0\x90\x80\x80", 4},
};

Test(traces, names)
{
    struct traces_builder *builder = traces_builder_new();
    struct traces traces;
    struct error err;
    char name[8];

    for (size_t i = COUNT(names_in_order); i--;) {
        struct trace_frame frame = {.line = 1};
        uint32_t again, stack;
        memcpy(name, names_in_order[i].name, names_in_order[i].length);
        cr_assert(traces_builder_file(builder, name, names_in_order[i].length, &frame.file, &err));
        cr_assert(traces_builder_file(builder, name, names_in_order[i].length, &again, &err));
        cr_expect_eq(frame.file, again);
        memset(name, 'x', sizeof(name));
        cr_assert(traces_builder_stack(builder, &frame, 1, 1, &stack, &err));
        cr_assert(traces_builder_add(builder, 0, stack, 1, 1, &err));
    }
    cr_assert(traces_builder_finish(builder, &traces, &err));
    made_traces_check(&traces);
    cr_assert_eq(traces.file_count, COUNT(names_in_order));
    for (size_t i = 0; i < COUNT(names_in_order); i++)
        cr_expect_eq(trace_file_order(&traces.files[i], &names_in_order[i]), 0, "%zu", i);
    traces_free(&traces);
}

Test(traces, stacks_of_different_traces)
{
    const struct made_row one = {0, "b.py:2 c.py:3", 2, 8, 1};
    struct traces a, b;
    static const int orders[] = {1, 1, 0, 0, -1, -1};

    made_traces(&a, &one, 1);
    made_traces(&b, some_rows, COUNT(some_rows));
    cr_expect_gt(trace_stack_order(&a, a.stacks, &b, &b.stacks[0]), 0);
    traces_free(&a);
    made_traces(&a, &some_rows[0], 1);
    for (size_t i = 0; i < COUNT(orders); i++) {
        int order = trace_stack_order(&a, a.stacks, &b, &b.stacks[i]);
        cr_expect_eq((order > 0) - (order < 0), orders[i], "%zu: %d", i, order);
    }
    traces_free(&a);
    traces_free(&b);
}

Test(traces, telling)
{
    struct traces_builder *builder = traces_builder_new();
    struct traces traces;
    struct error err;
    uint32_t z = made_stack(builder, "z.py:1", 1), unused = made_stack(builder, "m.py:1", 1),
             a = made_stack(builder, "a.py:1", 1), *numbers;

    cr_expect_eq(made_stack(builder, "z.py:1", 1), z);
    cr_assert(traces_builder_add(builder, 0, z, 1, 1, &err));
    cr_assert(traces_builder_add(builder, 0, unused, 1, 0, &err));
    cr_assert(traces_builder_add(builder, 0, a, 1, 1, &err));
    cr_assert(traces_builder_finish_telling(builder, &traces, &numbers, &err));
    made_traces_check(&traces);
    cr_expect_eq(numbers[z], 1);
    cr_expect_eq(numbers[unused], UINT32_MAX);
    cr_expect_eq(numbers[a], 0);
    free(numbers);
    traces_free(&traces);
}

Test(traces, what_nobody_told)
{
    struct traces_builder *builder = traces_builder_new();
    struct trace_frame frames[2] = {{0, 1}, {1, 1}};
    struct error err = {0};
    uint32_t number;

    cr_expect_not(traces_builder_stack(builder, frames, 0, 1, &number, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_assert(traces_builder_file(builder, NULL, 0, &number, &err));
    err = (struct error){0};
    cr_expect_not(traces_builder_stack(builder, frames, 2, 2, &number, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_assert(traces_builder_stack(builder, frames, 1, 2, &number, &err));
    err = (struct error){0};
    cr_expect_not(traces_builder_add(builder, 0, 1, 1, 1, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_assert(traces_builder_add(builder, 0, 0, 1, 1, &err));
    traces_builder_free(builder);
    traces_builder_free(NULL);
}

Test(traces, sums_saturate)
{
    const struct made_row rows[] = {{0, "a.py:1", 1, UINT64_MAX, 2},
                                    {0, "a.py:1", 1, 1, UINT64_MAX - 1},
                                    {0, "a.py:1", 1, 1, 7},
                                    {0, "b.py:1", 1, UINT64_MAX / 2, 3}};
    struct traces traces, filtered;
    struct error err;

    made_traces(&traces, rows, COUNT(rows));
    cr_expect_eq(traces.bytes, UINT64_MAX);
    cr_expect_eq(traces.blocks, UINT64_MAX);
    cr_expect_eq(traces.rows[0].count, UINT64_MAX);
    cr_assert(traces_filter(&filtered, &traces, NULL, 0, &err));
    cr_expect(made_traces_equal(&filtered, &traces));
    traces_free(&filtered);
    traces_free(&traces);
}

Test(traces, origin)
{
    char version[] = "3.6.15", empty[] = "";
    const struct origin origin = {
        .pid = 12, .executable = version, .version = version, .command_line = empty};
    const struct occasion occasion = {.taken_ms = 4711};
    struct traces traces, copy;
    struct error err;

    made_traces(&traces, some_rows, COUNT(some_rows));
    cr_assert(traces_set_origin(&traces, &origin, &occasion, &err));
    cr_expect(traces.newest_first && traces.has_origin);
    traces.traceback_limit = 10;
    traces.traced_memory = 1;
    traces.peak = 2;
    traces.own_memory = 3;
    memset(version, 'x', sizeof(version) - 1);
    cr_assert(traces_filter(&copy, &traces, NULL, 0, &err));
    traces_free(&traces);
    cr_expect_str_eq(copy.origin.executable, "3.6.15");
    cr_expect_str_eq(copy.origin.command_line, "");
    cr_expect(copy.has_origin && copy.newest_first);
    cr_expect_eq(copy.origin.pid, 12);
    cr_expect_eq(copy.occasion.taken_ms, 4711);
    cr_expect_eq(copy.traceback_limit, 10);
    cr_expect_eq(copy.traced_memory, 1);
    cr_expect_eq(copy.peak, 2);
    cr_expect_eq(copy.own_memory, 3);
    memcpy(version, "3.61.1", sizeof(version));
    cr_assert(traces_set_origin(&copy, &origin, &occasion, &err));
    cr_expect_not(copy.newest_first);
    traces_free(&copy);
}

enum { RANDOM_ROWS = 3000 };

static struct made_row *make_random(char (*texts)[96], uint64_t *random)
{
    static const char *const files[] = {"a.py", "b.py", "bb.py", "lib/c.py", "d"};
    static const uint64_t sizes[] = {0, 1, 255, 256, 4096, 1 << 20, UINT64_C(1) << 40};
    static const uint32_t domains[] = {0, 0, 0, 1, 256, UINT32_MAX};
    struct made_row *rows = calloc(RANDOM_ROWS, sizeof(*rows));

    for (size_t i = 0; i < RANDOM_ROWS; i++) {
        size_t depth = 1 + draw(random, 6), length = 0;
        for (size_t j = 0; j < depth; j++)
            length += (size_t)snprintf(texts[i] + length, sizeof(texts[i]) - length, "%s%s:%u",
                                       j ? " " : "", files[draw(random, COUNT(files))],
                                       (unsigned)draw(random, 3));
        rows[i] = (struct made_row){.domain = domains[draw(random, COUNT(domains))],
                                    .stack = texts[i],
                                    .all_frames = (uint32_t)(depth + draw(random, 2)),
                                    .size = sizes[draw(random, COUNT(sizes))],
                                    .count = 1 + draw(random, 3)};
    }
    return rows;
}

Test(traces, any_order_gives_the_same)
{
    static char texts[RANDOM_ROWS][96];
    uint64_t random = 1;
    struct made_row *rows = make_random(texts, &random);
    struct traces first, traces;

    made_traces(&first, rows, RANDOM_ROWS);
    made_traces_check(&first);
    cr_expect_gt(first.stack_count, 1000);
    cr_expect_lt(first.row_count, RANDOM_ROWS);
    for (int i = 0; i < 5; i++) {
        for (size_t j = RANDOM_ROWS - 1; j; j--) {
            size_t other = draw(&random, j + 1);
            struct made_row row = rows[j];
            rows[j] = rows[other];
            rows[other] = row;
        }
        made_traces(&traces, rows, RANDOM_ROWS);
        cr_expect(made_traces_equal(&first, &traces));
        traces_free(&traces);
    }
    rows[0].count++;
    made_traces(&traces, rows, RANDOM_ROWS);
    cr_expect_not(made_traces_equal(&first, &traces));
    traces_free(&traces);
    traces_free(&first);
    free(rows);
}

/* What is left by a filter is what would have been made of those rows alone. */
Test(traces, filtered_is_as_if_made)
{
    static char texts[RANDOM_ROWS][96];
    const struct trace_filter filters[] = {
        {.is_inclusive = true, .pattern = "b*", .pattern_length = 2},
        {.pattern = "lib*", .pattern_length = 4, .all_frames = true},
        {.has_domain = true, .domain = 256}};
    uint64_t random = 2;
    struct made_row *rows = make_random(texts, &random);
    struct traces traces, filtered, right;
    size_t kept = 0;
    struct error err;

    made_traces(&traces, rows, RANDOM_ROWS);
    cr_assert(traces_filter(&filtered, &traces, filters, COUNT(filters), &err));
    traces_free(&traces);
    for (size_t i = 0; i < RANDOM_ROWS; i++) {
        if (rows[i].stack[0] == 'b' && !strstr(rows[i].stack, "lib") && rows[i].domain != 256)
            rows[kept++] = rows[i];
    }
    cr_expect_gt(kept, 100);
    made_traces(&right, rows, kept);
    made_traces_check(&filtered);
    cr_expect(made_traces_equal(&filtered, &right));
    traces_free(&filtered);
    traces_free(&right);
    free(rows);
}

/* Of so many some hash to the same. */
Test(traces, many)
{
    enum { MANY = 600000 };
    struct traces_builder *builder = traces_builder_new();
    struct trace_frame frame = {0};
    struct traces traces;
    struct error err;
    uint32_t number;

    cr_assert(traces_builder_file(builder, "a.py", 4, &frame.file, &err));
    for (uint32_t i = 0; i < MANY; i++) {
        frame.line = i % 2 ? i : 0;
        cr_assert(traces_builder_stack(builder, &frame, 1, i % 2 ? 1 : i, &number, &err));
        cr_assert_eq(number, i);
        cr_assert(traces_builder_add(builder, 0, i % 4 ? 0 : i, i % 4 ? i : 0, 1, &err));
    }
    cr_assert(traces_builder_finish(builder, &traces, &err));
    cr_expect_eq(traces.stack_count, MANY / 4);
    cr_expect_eq(traces.row_count, MANY);
    made_traces_check(&traces);
    traces_free(&traces);
}

static bool is_before(const struct ordered_stack *a, const struct ordered_stack *b,
                      bool from_oldest)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        const struct trace_frame *left = &a->frames[from_oldest ? a->count - 1 - i : i];
        const struct trace_frame *right = &b->frames[from_oldest ? b->count - 1 - i : i];
        uint32_t left_rank = a->ranks ? a->ranks[left->file] : left->file;
        uint32_t right_rank = b->ranks ? b->ranks[right->file] : right->file;
        if (left_rank != right_rank || left->line != right->line)
            return left_rank < right_rank || (left_rank == right_rank && left->line < right->line);
    }
    return a->count < b->count || (a->count == b->count && a->tie <= b->tie);
}

Test(traces, stacks_are_sorted_from_either_end)
{
    enum { STACKS = 5000, FRAMES = 40 };
    static const uint32_t ranks[] = {7, UINT32_MAX - 2, 0, 3};
    static struct trace_frame frames[STACKS + FRAMES];
    static struct ordered_stack stacks[STACKS];
    static bool seen[STACKS];
    uint64_t random = 3;
    struct error err;

    for (size_t i = 0; i < COUNT(frames); i++)
        frames[i] = (struct trace_frame){.file = draw(&random, 60) ? 1 : (uint32_t)draw(&random, 4),
                                         .line = draw(&random, 60) ? 0 : UINT32_MAX};
    for (int round = 0; round < 4; round++) {
        memset(seen, 0, sizeof(seen));
        for (uint32_t i = 0; i < STACKS; i++)
            stacks[i] = (struct ordered_stack){.frames = &frames[draw(&random, STACKS)],
                                               .count = 1 + (uint32_t)draw(&random, FRAMES),
                                               .ranks = round & 2 ? ranks : NULL,
                                               .tie = (uint32_t)draw(&random, 4) << 30,
                                               .number = i};
        cr_assert(trace_stacks_sort(stacks, STACKS, round & 1, &err));
        for (size_t i = 0; i < STACKS; i++) {
            cr_assert_not(seen[stacks[i].number]);
            seen[stacks[i].number] = true;
            cr_assert(i == 0 || is_before(&stacks[i - 1], &stacks[i], round & 1), "%zu", i);
        }
    }
    cr_assert(trace_stacks_sort(stacks, 0, false, &err));
}
