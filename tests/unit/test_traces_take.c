// SPDX-License-Identifier: MIT
/* The traces of an image, row by row, and what is made of those that cannot be read. */
#include "inspector/analysis/traces_take.h"
#include "tests/support/tracing.h"

#include <criterion/criterion.h>

TestSuite(traces_take, .timeout = 60);

static bool take(struct tracing *tracing, struct traces *traces, struct traces_verdict *verdict)
{
    struct error err;

    bool done = traces_take(&tracing->reader, traces, verdict, &err);
    cr_expect(done, "%s", err.text);
    return done;
}

Test(traces_take, equal_blocks_are_one_row)
{
    struct traces_verdict verdict;
    struct traces traces;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t files[] = {fake_ascii(&tracing.heap, "b.py"), fake_ascii(&tracing.heap, "a.py")};
    uint64_t traceback = tracing_traceback(&tracing, files, 2, 3);
    for (uint64_t i = 1; i <= 5; i++)
        tracing_block(&tracing, tracing.traces, 0, i * 16, i == 5 ? 200 : 100, traceback);
    tracing_block(&tracing, tracing_domain(&tracing, 7), 7, 16, 100, traceback);
    cr_assert(take(&tracing, &traces, &verdict));
    cr_expect(traces_are_verified(&verdict));
    cr_assert(traces.row_count == 3 && traces.stack_count == 1 && traces.file_count == 2);
    cr_expect(traces.rows[0].size == 100 && traces.rows[0].count == 4 &&
              traces.rows[0].domain == 0);
    cr_expect(traces.rows[1].size == 200 && traces.rows[1].count == 1);
    cr_expect(traces.rows[2].domain == 7 && traces.rows[2].count == 1);
    cr_expect(traces.stacks[0].frames == 2 && traces.stacks[0].all_frames == 3);
    cr_expect_str_eq(traces.files[traces.frames[0].file].name, "b.py");
    cr_expect_eq(traces.frames[0].line, 1);
    cr_expect(traces.blocks == 6 && traces.bytes == 700 && traces.traced_memory == 700);
    cr_expect(traces.traceback_limit == 5 && !traces.newest_first);
    traces_free(&traces);
    tracing_free(&tracing);
}

Test(traces_take, up_to_3_8_nobody_knows_how_many_frames_there_were)
{
    struct traces_verdict verdict;
    struct traces traces;
    struct tracing tracing;

    tracing_init(&tracing, 8);
    uint64_t file = fake_ascii(&tracing.heap, "a.py");
    tracing_block(&tracing, tracing.traces, 0, 16, 1, tracing_traceback(&tracing, &file, 1, 0));
    cr_assert(take(&tracing, &traces, &verdict));
    cr_assert(traces_are_verified(&verdict) && traces.stack_count == 1);
    cr_expect_eq(traces.stacks[0].all_frames, 0);
    traces_free(&traces);
    tracing_free(&tracing);
}

Test(traces_take, unreadable_tracebacks_are_told_as_that)
{
    struct traces_verdict verdict;
    struct traces traces;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t nowhere = 8, file = fake_ascii(&tracing.heap, "a.py");
    uint64_t files[] = {file, nowhere};
    tracing_block(&tracing, tracing.traces, 0, 16, 1, 0);
    tracing_block(&tracing, tracing.traces, 0, 32, 1, nowhere);
    tracing_block(&tracing, tracing.traces, 0, 48, 1, tracing_traceback(&tracing, files, 2, 2));
    tracing_block(&tracing, tracing.traces, 0, 64, 1, tracing_traceback(&tracing, &file, 1, 1));
    cr_assert(take(&tracing, &traces, &verdict));
    cr_expect(verdict.unreadable == 3 && !traces_are_verified(&verdict));
    cr_assert(traces.row_count == 2 && traces.stack_count == 2);
    cr_expect_str_eq(traces.files[0].name, "<unreadable>");
    cr_expect_eq(traces.rows[0].count, 3);
    traces_free(&traces);
    tracing_free(&tracing);
}

/* Ten tracebacks of 60,000 frames, each one frame behind the other: the head of one is a frame of
 * the others. */
Test(traces_take, frames_are_not_told_more_often_than_there_is_memory)
{
    enum { FRAMES = 60000, TRACEBACKS_OF_THEM = 10 };
    struct traces_verdict verdict;
    struct traces traces;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t place = fake_alloc(&tracing.heap, 12 * (FRAMES + TRACEBACKS_OF_THEM));
    uint64_t file = fake_ascii(&tracing.heap, "a.py");
    uint32_t counts = FRAMES | (uint32_t)FRAMES << 16;
    for (uint64_t i = 0; i < FRAMES + TRACEBACKS_OF_THEM; i++) {
        memcpy(tracing.heap.bytes + (place + 12 * i - FAKE_BASE), &file, 8);
        memcpy(tracing.heap.bytes + (place + 12 * i + 8 - FAKE_BASE), &counts, 4);
    }
    for (uint64_t i = 0; i < TRACEBACKS_OF_THEM; i++)
        tracing_block(&tracing, tracing.traces, 0, (i + 1) * 16, 1, place + i * 12);
    cr_assert(take(&tracing, &traces, &verdict));
    cr_expect_gt(verdict.unreadable, 0);
    cr_expect_lt(traces.blocks - verdict.unreadable, TRACEBACKS_OF_THEM);
    cr_expect_eq(traces.blocks, TRACEBACKS_OF_THEM);
    traces_free(&traces);
    tracing_free(&tracing);
}

Test(traces_take, of_what_is_not_traced_nothing_is_taken)
{
    struct traces_verdict verdict;
    struct traces traces;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    tracing_put_int(&tracing, AT_TRACING, 0);
    cr_assert(take(&tracing, &traces, &verdict));
    cr_expect(!verdict.state.is_tracing && traces_are_verified(&verdict));
    cr_expect_eq(traces.row_count, 0);
    traces_free(&traces);
    tracing_free(&tracing);
}
