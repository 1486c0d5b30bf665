// SPDX-License-Identifier: MIT
#include "inspector/store/traces_export.h"

#include "symbols/base/saturate.h"

#include <inttypes.h>
#include <stdlib.h>

void traces_export_name(struct text *text, const struct trace_file *file, char semicolon)
{
    for (size_t at = 0; at < file->length;) {
        int32_t code;
        size_t taken = text_decode(file->name + at, file->length - at, &code);
        if (code < 0 || text_is_harmful(code))
            text_add_char(text, '?');
        else if (code == ';')
            text_add_char(text, semicolon);
        else
            text_add_bytes(text, file->name + at, taken);
        at += taken;
    }
}

static void add_frame(struct text *text, const struct traces *traces,
                      const struct trace_frame *frame)
{
    traces_export_name(text, &traces->files[frame->file], ':');
    text_addf(text, ":%" PRIu32, frame->line);
}

static void add_stack(struct text *text, const struct traces *traces,
                      const struct trace_stack *stack, uint64_t bytes)
{
    if (stack->all_frames > stack->frames)
        text_addf(text, "[%" PRIu32 " frames not stored];", stack->all_frames - stack->frames);
    for (uint32_t i = stack->frames; i; i--) {
        add_frame(text, traces, &traces->frames[stack->first + i - 1]);
        text_add_char(text, i > 1 ? ';' : ' ');
    }
    text_addf(text, "%" PRIu64 "\n", bytes);
}

/* What each stack has in all domains; NULL: no memory. */
static uint64_t *sum_stacks(const struct traces *traces)
{
    uint64_t *sums = calloc(traces->stack_count + 1, sizeof(*sums));

    for (size_t i = 0; sums && i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i];
        add_saturating(&sums[row->stack], multiply_saturating(row->size, row->count));
    }
    return sums;
}

bool traces_write_folded(FILE *out, const struct traces *traces, struct error *err)
{
    uint64_t *sums = sum_stacks(traces);
    struct text text = {.bytes = NULL};

    for (size_t i = 0; sums && !text.failed && !ferror(out) && i < traces->stack_count; i++) {
        text_clear(&text);
        add_stack(&text, traces, &traces->stacks[i], sums[i]);
        fwrite(text.bytes, 1, text.length, out);
    }
    bool has_memory = sums && !text.failed;
    free(sums);
    text_free(&text);
    if (!has_memory)
        return error_memory(err);
    return (fflush(out) == 0 && !ferror(out)) ||
           error_errno(err, ERROR_OUTPUT, "cannot write the folded stacks");
}
