// SPDX-License-Identifier: MIT
/* traces_pickle.h, as far as it writes. */
#include "inspector/store/traces_pickle.h"

#include "inspector/store/trace_lines.h"
#include "symbols/base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 1000,   /* traces on Python's stack at a time */
    STACK_SLOT = 0, /* in the memo: the last traceback; then come the files, then their lines */
};

struct writing {
    FILE *out;
    const struct traces *traces;
    struct trace_lines lines;
    bool *written; /* of each file and line: it is in the memo */
};

#define LITERAL(out, bytes) fwrite_unlocked(bytes, 1, sizeof(bytes) - 1, out)

static void put_little_endian(FILE *out, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        putc_unlocked((int)(number >> 8 * i & 0xff), out);
}

static void put_number(FILE *out, uint64_t number)
{
    size_t bytes = 4;

    if (number <= UINT8_MAX) {
        putc_unlocked('K', out);
        put_little_endian(out, number, 1);
    } else if (number <= UINT16_MAX) {
        putc_unlocked('M', out);
        put_little_endian(out, number, 2);
    } else if (number <= INT32_MAX) {
        putc_unlocked('J', out);
        put_little_endian(out, number, 4);
    } else {
        /* Two's complement: the highest bit is the sign. */
        while (bytes < 9 && number >> (8 * bytes - 1))
            bytes++;
        LITERAL(out, "\x8a");
        putc_unlocked((int)bytes, out);
        put_little_endian(out, number, bytes < 9 ? bytes : 8);
        if (bytes == 9)
            putc_unlocked(0, out);
    }
}

static void put_text(FILE *out, const char *text, size_t length)
{
    bool is_short = length <= UINT8_MAX;

    putc_unlocked(is_short ? 0x8c : 'X', out);
    put_little_endian(out, length, is_short ? 1 : 4);
    fwrite_unlocked(text, 1, length, out);
}

static void put_string(FILE *out, const char *string)
{
    put_text(out, string, strlen(string));
}

static void put_global(FILE *out, const char *module, const char *name)
{
    put_string(out, module);
    put_string(out, name);
    LITERAL(out, "\x93");
}

/*
 * Protocol 4, which all know; up to the list of traces. Of them a Python wants as many members as
 * its Traceback has slots, and two more, which this takes of four:
 *
 *     list(map(itemgetter(slice(0, 2 + len(Traceback.__slots__))), [...]))
 */
static void put_beginning(FILE *out)
{
    LITERAL(out, "\x80\x04");
    put_global(out, "tracemalloc", "Snapshot");
    LITERAL(out, ")\x81}(");
    put_string(out, "traces");
    put_global(out, "tracemalloc", "_Traces");
    LITERAL(out, ")\x81}");
    put_string(out, "_traces");
    put_global(out, "builtins", "list");
    put_global(out, "builtins", "map");
    put_global(out, "operator", "itemgetter");
    put_global(out, "builtins", "slice");
    put_number(out, 0);
    put_global(out, "operator", "add");
    put_number(out, 2);
    put_global(out, "builtins", "len");
    put_global(out, "tracemalloc", "Traceback.__slots__");
    LITERAL(out, "\x85R\x86R\x86R\x85R]");
}

static void put_end(FILE *out, uint32_t traceback_limit)
{
    LITERAL(out, "\x86R\x85Rsb");
    put_string(out, "traceback_limit");
    put_number(out, traceback_limit);
    LITERAL(out, "ub.");
}

static void put_memo(FILE *out, uint32_t slot)
{
    putc_unlocked(slot <= UINT8_MAX ? 'q' : 'r', out);
    put_little_endian(out, slot, slot <= UINT8_MAX ? 1 : 4);
}

static void get_memo(FILE *out, uint32_t slot)
{
    putc_unlocked(slot <= UINT8_MAX ? 'h' : 'j', out);
    put_little_endian(out, slot, slot <= UINT8_MAX ? 1 : 4);
}

/* Python's own way with bytes that are no text: a lone surrogate for each (surrogateescape). */
static void make_text(struct text *text, const char *name, size_t length)
{
    for (size_t at = 0; at < length;) {
        int32_t code;
        size_t taken = text_decode(name + at, length - at, &code);
        if (code < 0)
            text_add_code(text, 0xdc00 | (unsigned char)name[at]);
        else
            text_add_bytes(text, name + at, taken);
        at += taken;
    }
}

static bool put_name(struct writing *writing, uint32_t file, struct error *err)
{
    const struct trace_file *name = &writing->traces->files[file];
    struct text text = {.bytes = NULL};

    if (writing->written[file]) {
        get_memo(writing->out, STACK_SLOT + 1 + file);
        return true;
    }
    make_text(&text, name->name, name->length);
    bool done = !text.failed && text.length <= UINT32_MAX;
    if (done) {
        put_text(writing->out, text.bytes, text.length);
        put_memo(writing->out, STACK_SLOT + 1 + file);
        writing->written[file] = true;
    }
    text_free(&text);
    return done || error_memory(err);
}

static bool put_frame(struct writing *writing, const struct trace_frame *frame, struct error *err)
{
    size_t number = writing->traces->file_count + trace_lines_find(&writing->lines, frame);

    if (writing->written[number]) {
        get_memo(writing->out, (uint32_t)(STACK_SLOT + 1 + number));
        return true;
    }
    if (!put_name(writing, frame->file, err))
        return false;
    put_number(writing->out, frame->line);
    LITERAL(writing->out, "\x86");
    put_memo(writing->out, (uint32_t)(STACK_SLOT + 1 + number));
    writing->written[number] = true;
    return true;
}

/* Rows of one stack follow each other: the slot of the last one is enough. */
static bool put_stack(struct writing *writing, const struct trace_row *row, bool is_last,
                      struct error *err)
{
    const struct trace_stack *stack = &writing->traces->stacks[row->stack];
    const struct trace_frame *frames = &writing->traces->frames[stack->first];

    if (is_last) {
        get_memo(writing->out, STACK_SLOT);
        return true;
    }
    if (stack->frames > 3)
        LITERAL(writing->out, "(");
    for (uint32_t i = 0; i < stack->frames; i++)
        if (!put_frame(writing, &frames[i], err))
            return false;
    putc_unlocked(stack->frames > 3 ? 't' : 0x84 + (int)stack->frames, writing->out);
    put_memo(writing->out, STACK_SLOT);
    return true;
}

/* Blocks that are the same share their tuple. */
static bool put_rows(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    FILE *out = writing->out;
    unsigned in_batch = 0;

    for (size_t i = 0; i < traces->row_count && !ferror_unlocked(out); i++) {
        const struct trace_row *row = &traces->rows[i];
        const struct trace_stack *stack = &traces->stacks[row->stack];
        for (uint64_t left = row->count; left;) {
            if (in_batch == 0)
                LITERAL(out, "(");
            LITERAL(out, "(");
            put_number(out, row->domain);
            put_number(out, row->size);
            bool is_last = left < row->count || (i && traces->rows[i - 1].stack == row->stack);
            if (!put_stack(writing, row, is_last, err))
                return false;
            put_number(out, stack->all_frames ? stack->all_frames : stack->frames);
            LITERAL(out, "t");
            in_batch++;
            for (left--; left && in_batch < BATCH; left--, in_batch++)
                LITERAL(out, "2");
            if (in_batch == BATCH)
                LITERAL(out, "e");
            in_batch %= BATCH;
        }
    }
    if (in_batch)
        LITERAL(out, "e");
    return true;
}

static bool put_all(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    FILE *out = writing->out;

    if (!trace_lines_make(&writing->lines, traces, err))
        return false;
    size_t texts = traces->file_count + writing->lines.count;
    if (texts >= UINT32_MAX - STACK_SLOT || traces->blocks > UINT32_MAX)
        return error_set(err, ERROR_OUTPUT, "these are more traces than a Snapshot can hold");
    writing->written = calloc(texts + 1, sizeof(*writing->written));
    if (!writing->written)
        return error_memory(err);
    put_beginning(out);
    if (!put_rows(writing, err))
        return false;
    put_end(out, traces->traceback_limit);
    return (fflush(out) == 0 && !ferror_unlocked(out)) ||
           error_errno(err, ERROR_OUTPUT, "cannot write the Snapshot");
}

bool traces_pickle_write(FILE *out, const struct traces *traces, struct error *err)
{
    struct writing writing = {.out = out, .traces = traces};

    bool done = put_all(&writing, err);
    trace_lines_free(&writing.lines);
    free(writing.written);
    return done;
}
