// SPDX-License-Identifier: MIT
/* tracemalloc's tables, as they are and as they should not be. */
#include "inspector/python/tracemalloc.h"
#include "tests/support/tracing.h"

#include <criterion/criterion.h>
#include <inttypes.h>

TestSuite(tracemalloc, .timeout = 60);

enum { MOST_TOLD = 64 };

static struct tracemalloc read_state(struct tracing *tracing)
{
    struct tracemalloc state;
    struct error err;

    cr_assert(tracemalloc_read(&tracing->reader, &state, &err), "%s", err.text);
    return state;
}

static void expect_unreadable(struct tracing *tracing)
{
    struct tracemalloc state;
    struct error err;

    cr_expect_not(tracemalloc_read(&tracing->reader, &state, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
}

/* What tracemalloc_each tells. */
struct told {
    struct tracemalloc_verdict verdict;
    struct traced_block blocks[MOST_TOLD];
    unsigned count;
};

static bool note_block(void *context, const struct traced_block *block)
{
    struct told *told = context;

    cr_assert_lt(told->count, MOST_TOLD);
    told->blocks[told->count++] = *block;
    return true;
}

static struct told tell_all(struct tracing *tracing, const struct tracemalloc *state)
{
    struct told told = {.count = 0};

    tracemalloc_each(&tracing->reader, state, note_block, &told, &told.verdict);
    return told;
}

static bool was_told(const struct told *told, uint32_t domain, uint64_t address, uint64_t size)
{
    unsigned found = 0;

    for (unsigned i = 0; i < told->count; i++)
        found += told->blocks[i].domain == domain && told->blocks[i].address == address &&
                 told->blocks[i].size == size;
    return found == 1;
}

Test(tracemalloc, blocks_of_all_domains_are_told_and_found)
{
    static const unsigned key_sizes[] = {0, 12};

    for (size_t i = 0; i < sizeof(key_sizes) / sizeof(key_sizes[0]); i++) {
        struct traced_block block;
        struct tracing tracing;

        tracing_init(&tracing, key_sizes[i]);
        uint64_t other = key_sizes[i] ? tracing.traces : tracing_domain(&tracing, 7);
        for (uint64_t address = 16; address <= 160; address += 16)
            tracing_block(&tracing, tracing.traces, 0, address * 1000, address, 1);
        tracing_block(&tracing, tracing.traces, 0, 3, 1, 1);
        tracing_block(&tracing, other, 7, 16000, 5, 2);
        struct tracemalloc state = read_state(&tracing);
        struct told told = tell_all(&tracing, &state);
        cr_expect(state.is_tracing && !state.is_locked && state.traceback_limit == 5);
        cr_expect_eq(state.traces, 12);
        cr_expect(tracemalloc_is_verified(&state, &told.verdict));
        cr_expect_eq(told.count, 12);
        cr_expect(was_told(&told, 0, 16000, 16) && was_told(&told, 0, 3, 1) &&
                  was_told(&told, 7, 16000, 5));
        cr_expect(tracemalloc_find_block(&tracing.reader, &state, 7, 16000, &block));
        cr_expect(block.size == 5 && block.traceback == 2 && block.domain == 7);
        cr_expect(tracemalloc_find_block(&tracing.reader, &state, 0, 160000, &block) &&
                  block.size == 160);
        cr_expect_not(tracemalloc_find_block(&tracing.reader, &state, 7, 32000, &block));
        cr_expect_not(tracemalloc_find_block(&tracing.reader, &state, 8, 16000, &block));
        cr_expect_not(tracemalloc_find_block(&tracing.reader, &state, 0, 16001, &block));
        tracing_free(&tracing);
    }
}

Test(tracemalloc, its_own_memory_is_that_of_its_tables)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    tracing_block(&tracing, tracing_domain(&tracing, 7), 7, 16, 1, 1);
    tracing_block(&tracing, tracing.traces, 0, 16, 1, 1);
    cr_expect_eq(read_state(&tracing).own_memory, 4 * (80 + TRACING_BUCKETS * 8) + 2 * 32);
    tracing_free(&tracing);
    tracing_init(&tracing, 8);
    tracing_block(&tracing, tracing.traces, 0, 16, 1, 1);
    cr_expect_eq(read_state(&tracing).own_memory, 3 * (72 + TRACING_BUCKETS * 8) + 16 + 8 + 16);
    tracing_free(&tracing);
}

Test(tracemalloc, that_it_does_not_trace_is_told_without_tables)
{
    struct tracing tracing;
    struct error err;

    tracing_init(&tracing, 8);
    for (int i = TRACED_CONFIG + 1; i < TRACED_VARIABLES; i++)
        tracing.heap.python.traced[i] = 0;
    cr_expect_not(tracemalloc_check(&tracing.heap.python, &err));
    expect_unreadable(&tracing);
    tracing_put_int(&tracing, AT_TRACING, 0);
    cr_expect_not(read_state(&tracing).is_tracing);
    tracing.heap.python.traced[TRACED_CONFIG] = 0;
    expect_unreadable(&tracing);
    tracing_free(&tracing);
}

Test(tracemalloc, a_lock_that_is_held_is_told)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    tracing_put_int(&tracing, AT_LOCK, 1);
    cr_expect(read_state(&tracing).is_locked);
    tracing_free(&tracing);
}

Test(tracemalloc, what_cannot_be_its_state_is_not_read)
{
    static const struct {
        uint64_t offset;
        uint32_t wrong, right;
    } numbers[] = {{AT_INITIALIZED, 3, 1},
                   {AT_TRACING, 2, 1},
                   {AT_MAX_NFRAME, 0, 5},
                   {AT_MAX_NFRAME, 1U << 31, 5}};
    struct tracing tracing;

    tracing_init(&tracing, 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        tracing_put_int(&tracing, numbers[i].offset, numbers[i].wrong);
        expect_unreadable(&tracing);
        tracing_put_int(&tracing, numbers[i].offset, numbers[i].right);
    }
    read_state(&tracing);
    tracing_free(&tracing);
}

Test(tracemalloc, what_cannot_be_a_table_is_none)
{
    static const struct {
        uint64_t offset, wrong;
    } words[] = {{0, TRACING_BUCKETS + 1}, {0, UINT64_MAX}, {8, 0},  {8, 24},
                 {8, UINT64_C(1) << 40},   {16, 0},         {16, 1}, {16, ~0},
                 {8, UINT64_MAX}};
    struct tracing tracing;

    tracing_init(&tracing, 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t at = tracing.traces + words[i].offset, right = fake_get(&tracing.heap, at);
        fake_put(&tracing.heap, at, words[i].wrong);
        expect_unreadable(&tracing);
        fake_put(&tracing.heap, at, right);
    }
    fake_put(&tracing.heap, tracing.runtime + AT_DOMAINS, 0);
    expect_unreadable(&tracing);
    tracing_free(&tracing);
}

Test(tracemalloc, entries_of_an_old_table_have_a_known_size)
{
    static const struct {
        uint64_t offset, wrong;
    } words[] = {{24, 0}, {24, 16}, {24, UINT64_MAX}, {32, 0}, {32, 24}, {32, UINT64_MAX}};
    struct tracing tracing;

    tracing_init(&tracing, 12);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t at = tracing.traces + words[i].offset, right = fake_get(&tracing.heap, at);
        fake_put(&tracing.heap, at, words[i].wrong);
        expect_unreadable(&tracing);
        fake_put(&tracing.heap, at, right);
    }
    read_state(&tracing);
    tracing_free(&tracing);
}

/* A bucket that leads in a circle costs no other bucket what it has to tell. */
Test(tracemalloc, circles_end)
{
    struct traced_block block;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t first = tracing_block(&tracing, tracing.traces, 0, 16, 1, 1);
    uint64_t last = tracing_block(&tracing, tracing.traces, 0, 16 + 16 * TRACING_BUCKETS, 2, 1);
    for (uint64_t i = 0; i < 10; i++)
        tracing_block(&tracing, tracing.traces, 0, 32 + i * 16 * TRACING_BUCKETS, 10 + i, 1);
    fake_put(&tracing.heap, first, last);
    fake_put(&tracing.heap, tracing_entries(&tracing, tracing.traces), TRACING_BUCKETS);
    struct tracemalloc state = read_state(&tracing);
    struct told told = tell_all(&tracing, &state);
    cr_expect_eq(told.verdict.broken, 1);
    for (uint64_t i = 0; i < 10; i++)
        cr_expect(was_told(&told, 0, 32 + i * 16 * TRACING_BUCKETS, 10 + i), "%" PRIu64, i);
    cr_expect_not(
        tracemalloc_find_block(&tracing.reader, &state, 0, 16 + 48 * TRACING_BUCKETS, &block));
    tracing_free(&tracing);
}

Test(tracemalloc, no_more_is_told_than_the_table_has)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    for (uint64_t i = 1; i < 10; i++)
        tracing_block(&tracing, tracing.traces, 0, i * 16, 1, 1);
    fake_put(&tracing.heap, tracing_entries(&tracing, tracing.traces), 4);
    struct tracemalloc state = read_state(&tracing);
    struct told told = tell_all(&tracing, &state);
    cr_expect_eq(told.count, 4);
    cr_expect_gt(told.verdict.broken, 0);
    cr_expect_not(tracemalloc_is_verified(&state, &told.verdict));
    tracing_free(&tracing);
}

Test(tracemalloc, what_is_no_entry_is_not_told)
{
    struct tracing tracing;
    uint64_t entries[4];

    tracing_init(&tracing, 0);
    for (uint64_t i = 0; i < 4; i++)
        entries[i] = tracing_block(&tracing, tracing.traces, 0, (i + 1) * 16, i, 1);
    fake_put(&tracing.heap, entries[0] + 8, 1 + TRACING_BUCKETS); /* a hash of something else */
    fake_put(&tracing.heap, entries[1] + 24, 8);                  /* a trace that is nowhere */
    fake_put(&tracing.heap, entries[2], 8);                       /* and a next entry */
    struct tracemalloc state = read_state(&tracing);
    struct told told = tell_all(&tracing, &state);
    cr_expect_eq(told.verdict.broken, 3);
    cr_expect(told.count == 2 && was_told(&told, 0, 48, 2) && was_told(&told, 0, 64, 3));
    tracing_free(&tracing);
}

/* An entry of another bucket, whose hash is right, was told there. */
Test(tracemalloc, buckets_do_not_share_entries)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t entry = tracing_block(&tracing, tracing.traces, 0, 16, 1, 1);
    fake_put(&tracing.heap, fake_get(&tracing.heap, tracing.traces + 16), entry);
    fake_put(&tracing.heap, tracing_entries(&tracing, tracing.traces), 2);
    struct tracemalloc state = read_state(&tracing);
    struct told told = tell_all(&tracing, &state);
    cr_expect(told.count == 1 && told.verdict.broken == 1);
    tracing_free(&tracing);
}

/* Else a few tables and many domains would be told without an end. */
Test(tracemalloc, domains_do_not_share_tables)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    tracing_entry(&tracing, tracing.domains, 7, 7, tracing.traces);
    expect_unreadable(&tracing);
    tracing_free(&tracing);
}

Test(tracemalloc, tracebacks_are_read_as_far_as_they_can_be_true)
{
    struct traced_stack stack;
    struct traced_frame frame;
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t files[] = {100, 200, 300};
    uint64_t traceback = tracing_traceback(&tracing, files, 3, 9);
    cr_assert(tracemalloc_read_stack(&tracing.reader, traceback, &stack));
    cr_expect(stack.frames == 3 && stack.all_frames == 9);
    cr_assert(tracemalloc_read_frame(&tracing.reader, &stack, 2, &frame));
    cr_expect(frame.file == 300 && frame.line == 3);
    fake_put(&tracing.heap, traceback + 8, 0); /* no frame */
    cr_expect_not(tracemalloc_read_stack(&tracing.reader, traceback, &stack));
    fake_put(&tracing.heap, traceback + 8, 3 | 2 << 16); /* more than there were */
    cr_expect_not(tracemalloc_read_stack(&tracing.reader, traceback, &stack));
    fake_put(&tracing.heap, traceback + 8, UINT32_MAX); /* beyond the end of the memory */
    uint64_t end = FAKE_BASE + FAKE_PAGES * (uint64_t)IMAGE_PAGE;
    fake_put(&tracing.heap, end - 24 + 8, UINT32_MAX);
    cr_expect_not(tracemalloc_read_stack(&tracing.reader, end - 24, &stack));
    cr_expect_not(tracemalloc_read_stack(&tracing.reader, 8, &stack));
    cr_expect_not(tracemalloc_read_stack(&tracing.reader, 0, &stack));
    tracing_free(&tracing);
}

static uint64_t add_bytes(struct tracing *tracing, const char *bytes)
{
    uint64_t at = fake_alloc(&tracing->heap, strlen(bytes) + 1);

    memcpy(tracing->heap.bytes + (at - FAKE_BASE), bytes, strlen(bytes) + 1);
    return at;
}

static void expect_name(struct tracing *tracing, uint64_t file, const char *name)
{
    struct text text = {0};

    text_add(&text, "before");
    cr_expect_eq(tracemalloc_read_file(&tracing->reader, file, &text), name != NULL);
    cr_expect_eq(strncmp(text.bytes, "before", 6), 0);
    cr_expect_str_eq(text.bytes + 6, name ? name : "");
    text_free(&text);
}

Test(tracemalloc, names_of_files_are_strings_of_either_kind)
{
    struct tracing tracing;

    tracing_init(&tracing, 0);
    uint64_t wide = fake_str(&tracing.heap, (const uint32_t[]){0x1f600, 0xdc80}, 2, 4);
    expect_name(&tracing, wide, "\xf0\x9f\x98\x80\xed\xb2\x80");
    expect_name(&tracing, tracing.traces, NULL);
    expect_name(&tracing, 8, NULL);
    fake_put(&tracing.heap, wide + 16, UINT64_MAX); /* its length */
    expect_name(&tracing, wide, NULL);

    tracing.heap.python.shape.traced_files_are_bytes = true;
    expect_name(&tracing, add_bytes(&tracing, "a\xed\xb2\x80.py"), "a\xed\xb2\x80.py");
    expect_name(&tracing, add_bytes(&tracing, ""), "");
    expect_name(&tracing, add_bytes(&tracing, "a\xff"), NULL);
    uint64_t end = FAKE_BASE + FAKE_PAGES * (uint64_t)IMAGE_PAGE;
    memset(tracing.heap.bytes + FAKE_PAGES * IMAGE_PAGE - 5000, 'x', 5000);
    expect_name(&tracing, end - 4500, NULL); /* it does not end */
    expect_name(&tracing, 8, NULL);
    tracing_free(&tracing);
}
