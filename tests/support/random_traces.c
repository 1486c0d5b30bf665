// SPDX-License-Identifier: MIT
#include "tests/support/random_traces.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* xorshift32 */
static unsigned next(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t make_file(struct traces_builder *builder, size_t number)
{
    static const char *const odd[] = {"\xed\xb2\x80", ";", "\n", "<frozen a b>", "\xc3\xa9"};
    struct error err;
    char name[512];
    uint32_t ret;

    int length = snprintf(name, sizeof(name), "app/%sfile%zu%s.py",
                          number % 7 == 5 ? "very/long/names/of/directories/that/take/more/than/"
                                            "a/byte/for/their/length/which/is/two/hundred/and/"
                                            "fifty/five/at/most/so/this/one/has/to/go/on/and/on/"
                                            "until/it/is/as/long/as/that/and/a/little/longer/than/"
                                            "would/be/needed/to/be/sure/of/it/"
                                          : "",
                          number, number % 3 == 1 ? odd[number / 3 % 5] : "");
    if (number % 16 == 9)
        name[2] = '\0';
    cr_assert(traces_builder_file(builder, name, (size_t)length, &ret, &err), "%s", err.text);
    return ret;
}

static uint32_t make_stack(struct traces_builder *builder, const uint32_t *files, size_t count,
                           bool with_total, unsigned *state)
{
    struct trace_frame frames[12];
    struct error err;
    uint32_t ret, length = 1 + next(state) % 12;

    for (uint32_t i = 0; i < length; i++)
        frames[i] = (struct trace_frame){files[next(state) % count],
                                         next(state) % 5 ? next(state) % 900 : next(state)};
    uint32_t all = with_total ? length + (next(state) % 4 ? 0 : next(state) % 1000) : 0;
    cr_assert(traces_builder_stack(builder, frames, length, all, &ret, &err), "%s", err.text);
    return ret;
}

static void make_rows(struct traces_builder *builder, const uint32_t *stacks,
                      const struct random_traces *options, unsigned *state)
{
    static const uint32_t domains[] = {0, 0, 0, 1, 389047};
    struct error err;

    for (size_t i = 0; i < options->rows; i++) {
        uint32_t stack = stacks[i < options->stacks ? i : next(state) % options->stacks];
        uint64_t size = next(state) % 9 ? next(state) % 4096 : (uint64_t)next(state) << 9;
        uint64_t count = next(state) % 3 ? 1 : next(state) % (next(state) % 9 ? 20 : 2000) + 1;
        cr_assert(traces_builder_add(builder, domains[next(state) % 5], stack, size, count, &err),
                  "%s", err.text);
    }
}

void random_traces(struct traces *ret, const struct random_traces *options)
{
    unsigned state = options->seed * 2654435761u + 1;
    uint32_t *files = calloc(options->files + 1, sizeof(*files));
    uint32_t *stacks = calloc(options->stacks + 1, sizeof(*stacks));
    struct traces_builder *builder = traces_builder_new();
    struct traces traces = {.file_count = 0};
    struct error err;

    cr_assert(files && stacks && builder);
    for (size_t i = 0; i < options->files; i++)
        files[i] = make_file(builder, i);
    for (size_t i = 0; i < options->stacks; i++)
        stacks[i] = make_stack(builder, files, options->files, options->with_totals, &state);
    make_rows(builder, stacks, options, &state);
    cr_assert(traces_builder_finish(builder, &traces, &err), "%s", err.text);
    free(files);
    free(stacks);
    traces.traceback_limit = 12;
    if (!options->without_origin) {
        struct origin origin = {.pid = 4321,
                                .start_time = 123456789,
                                .boot = "01234567-89ab-cdef-0123-456789abcdef",
                                .stack_start = UINT64_C(0x7ffd12345678),
                                .executable = "/usr/bin/python3.11",
                                .version = "3.11.2",
                                .command_line = "python app.py"};
        struct occasion occasion = {.taken_ms = INT64_C(1795262400000) + options->seed,
                                    .running_ms = 5000,
                                    .pause_milliseconds = 12.75,
                                    .stopped_milliseconds = 13.5,
                                    .resident_bytes = 123456789,
                                    .complete = options->seed % 2,
                                    .stopped = true};
        cr_assert(traces_set_origin(&traces, &origin, &occasion, &err), "%s", err.text);
        traces.newest_first = options->seed % 3 == 0;
        traces.traced_memory = traces.bytes;
        traces.peak = traces.bytes + 1000;
        traces.own_memory = 77777;
    }
    *ret = traces;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_origin(const struct traces *a, const struct traces *b)
{
    const struct occasion *x = &a->occasion, *y = &b->occasion;

    return a->has_origin == b->has_origin && a->newest_first == b->newest_first &&
           a->traced_memory == b->traced_memory && a->peak == b->peak &&
           a->own_memory == b->own_memory && origin_is_same(&a->origin, &b->origin) &&
           same_text(a->origin.executable, b->origin.executable) &&
           same_text(a->origin.version, b->origin.version) &&
           same_text(a->origin.command_line, b->origin.command_line) &&
           x->taken_ms == y->taken_ms && x->running_ms == y->running_ms &&
           x->pause_milliseconds == y->pause_milliseconds &&
           x->stopped_milliseconds == y->stopped_milliseconds &&
           x->resident_bytes == y->resident_bytes && x->complete == y->complete &&
           x->stopped == y->stopped;
}

static bool same_files(const struct traces *a, const struct traces *b)
{
    bool same = a->file_count == b->file_count;

    for (size_t i = 0; same && i < a->file_count; i++)
        same = trace_file_order(&a->files[i], &b->files[i]) == 0;
    return same;
}

static bool same_stacks(const struct traces *a, const struct traces *b)
{
    bool same = a->stack_count == b->stack_count && a->frame_count == b->frame_count;

    for (size_t i = 0; same && i < a->stack_count; i++)
        same = a->stacks[i].first == b->stacks[i].first &&
               a->stacks[i].frames == b->stacks[i].frames &&
               a->stacks[i].all_frames == b->stacks[i].all_frames;
    for (size_t i = 0; same && i < a->frame_count; i++)
        same = a->frames[i].file == b->frames[i].file && a->frames[i].line == b->frames[i].line;
    return same;
}

static bool same_rows(const struct traces *a, const struct traces *b)
{
    bool same = a->row_count == b->row_count && a->blocks == b->blocks && a->bytes == b->bytes;

    for (size_t i = 0; same && i < a->row_count; i++)
        same = a->rows[i].domain == b->rows[i].domain && a->rows[i].stack == b->rows[i].stack &&
               a->rows[i].size == b->rows[i].size && a->rows[i].count == b->rows[i].count;
    return same;
}

bool random_traces_equal(const struct traces *a, const struct traces *b, bool with_origin)
{
    return a->traceback_limit == b->traceback_limit && same_files(a, b) && same_stacks(a, b) &&
           same_rows(a, b) && (!with_origin || same_origin(a, b));
}
