// SPDX-License-Identifier: MIT
#include "tests/support/made_traces.h"

#include "symbols/base/text.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MOST = 16 };

uint32_t made_stack(struct traces_builder *builder, const char *stack, uint32_t all_frames)
{
    struct trace_frame frames[FRAMES_MOST];
    uint32_t count = 0, number;
    struct error err;

    while (*stack) {
        size_t length = strcspn(stack, ":");
        char *end;
        cr_assert_lt(count, FRAMES_MOST);
        cr_assert(traces_builder_file(builder, stack, length, &frames[count].file, &err));
        frames[count++].line = (uint32_t)strtoul(stack + length + 1, &end, 10);
        stack = end + (*end == ' ');
    }
    cr_assert(traces_builder_stack(builder, frames, count, all_frames, &number, &err), "%s",
              err.text);
    return number;
}

void made_traces(struct traces *ret, const struct made_row *rows, size_t count)
{
    struct traces_builder *builder = traces_builder_new();
    struct error err;

    cr_assert(builder);
    for (size_t i = 0; i < count; i++) {
        uint32_t stack = made_stack(builder, rows[i].stack, rows[i].all_frames);
        cr_assert(
            traces_builder_add(builder, rows[i].domain, stack, rows[i].size, rows[i].count, &err));
    }
    cr_assert(traces_builder_finish(builder, ret, &err), "%s", err.text);
}

char *made_stack_text(const struct traces *traces, const struct trace_frame *frames, uint32_t count)
{
    struct text text = {0};

    for (uint32_t i = 0; i < count; i++) {
        const struct trace_file *file = &traces->files[frames[i].file];
        text_addf(&text, i ? " " : "");
        text_add_bytes(&text, file->name, file->length);
        text_addf(&text, ":%" PRIu32, frames[i].line);
    }
    cr_assert(text.bytes && !text.failed);
    return text.bytes;
}

static int row_order(const struct trace_row *a, const struct trace_row *b)
{
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    return (a->size > b->size) - (a->size < b->size);
}

static void check_stacks(const struct traces *traces, bool *files_used)
{
    size_t next = 0;

    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        cr_assert_eq(stack->first, next);
        cr_assert_gt(stack->frames, 0);
        next += stack->frames;
        cr_assert_leq(next, traces->frame_count);
        for (size_t j = stack->first; j < next; j++) {
            cr_assert_lt(traces->frames[j].file, traces->file_count);
            files_used[traces->frames[j].file] = true;
        }
        if (i == 0)
            continue;
        int order = trace_stack_order(traces, stack - 1, traces, stack);
        cr_assert(order < 0 || (order == 0 && stack[-1].all_frames < stack->all_frames));
    }
    cr_assert_eq(next, traces->frame_count);
}

void made_traces_check(const struct traces *traces)
{
    bool *files_used = calloc(traces->file_count + 1, 1);
    bool *stacks_used = calloc(traces->stack_count + 1, 1);
    uint64_t blocks = 0, bytes = 0;

    check_stacks(traces, files_used);
    for (size_t i = 0; i < traces->file_count; i++) {
        const struct trace_file *file = &traces->files[i];
        cr_assert(files_used[i]);
        cr_assert_eq(file->name[file->length], '\0');
        cr_assert(i == 0 || trace_file_order(file - 1, file) < 0);
    }
    for (size_t i = 0; i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i];
        cr_assert_lt(row->stack, traces->stack_count);
        cr_assert_gt(row->count, 0);
        cr_assert(i == 0 || row_order(row - 1, row) < 0);
        stacks_used[row->stack] = true;
        blocks += row->count;
        bytes += row->count * row->size;
    }
    for (size_t i = 0; i < traces->stack_count; i++)
        cr_assert(stacks_used[i]);
    cr_assert_eq(traces->blocks, blocks);
    cr_assert_eq(traces->bytes, bytes);
    free(files_used);
    free(stacks_used);
}

static bool equal_files(const struct traces *a, const struct traces *b)
{
    for (size_t i = 0; i < a->file_count; i++) {
        if (trace_file_order(&a->files[i], &b->files[i]) != 0)
            return false;
    }
    return true;
}

bool made_traces_equal(const struct traces *a, const struct traces *b)
{
    if (a->file_count != b->file_count || a->frame_count != b->frame_count ||
        a->stack_count != b->stack_count || a->row_count != b->row_count ||
        a->blocks != b->blocks || a->bytes != b->bytes || !equal_files(a, b))
        return false;
    for (size_t i = 0; i < a->frame_count; i++) {
        if (a->frames[i].file != b->frames[i].file || a->frames[i].line != b->frames[i].line)
            return false;
    }
    for (size_t i = 0; i < a->stack_count; i++) {
        const struct trace_stack *left = &a->stacks[i], *right = &b->stacks[i];
        if (left->first != right->first || left->frames != right->frames ||
            left->all_frames != right->all_frames)
            return false;
    }
    for (size_t i = 0; i < a->row_count; i++) {
        if (row_order(&a->rows[i], &b->rows[i]) != 0 || a->rows[i].count != b->rows[i].count)
            return false;
    }
    return true;
}
