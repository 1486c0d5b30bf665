// SPDX-License-Identifier: MIT
#include "inspector/analysis/allocation.h"

#include <inttypes.h>

enum {
    MOST_NAME = 4096,
    MOST_TEXT = 1 << 20,
    MOST_FRAMES = UINT16_MAX,
    LEAST_PLACE = sizeof(":0")
};

void allocations_read(struct allocations *ret, const struct reader *reader)
{
    struct allocations read = {.newest_first = reader->python->shape.lists_home == LISTS_STATIC};

    uint64_t missed = reader->image->missed;
    if (tracemalloc_read(reader, &read.state, &read.why))
        read.tracing = read.state.is_tracing ? TRACING_ON : TRACING_OFF;
    else
        reader->image->missed = missed; /* where nobody has asked, nothing is missing */
    *ret = read;
}

bool allocation_find(const struct allocations *allocations, const struct reader *reader,
                     const struct type *type, uint64_t object, struct allocation *ret)
{
    struct allocation found = {.stack.frames = 0};

    if (allocations->tracing != TRACING_ON ||
        !tracemalloc_find_block(reader, &allocations->state, 0,
                                tracemalloc_block_of(reader, type, object), &found.block))
        return false;
    if (!tracemalloc_read_stack(reader, found.block.traceback, &found.stack))
        found.stack = (struct traced_stack){0};
    if (found.stack.frames > MOST_FRAMES)
        found.stack.frames = MOST_FRAMES;
    *ret = found;
    return true;
}

uint32_t allocation_all_frames(const struct allocation *allocation, const struct reader *reader)
{
    return reader_has(reader, traceback_t_total_nframe) ? allocation->stack.all_frames : 0;
}

void allocation_add_file(const struct allocation *allocation, const struct reader *reader,
                         uint32_t number, struct text *text, uint32_t *ret_line)
{
    size_t start = text->length;
    struct traced_frame frame;

    *ret_line = 0;
    if (number >= allocation->stack.frames ||
        !tracemalloc_read_frame(reader, &allocation->stack, number, &frame) ||
        !tracemalloc_read_file(reader, frame.file, text)) {
        text_add(text, "<unreadable>");
        return;
    }
    *ret_line = frame.line;
    if (text->failed)
        return;
    if (text->length - start > MOST_NAME)
        text->length = start + MOST_NAME;
    for (size_t i = start; i < text->length; i++) {
        if (!text->bytes[i])
            text->bytes[i] = '?';
    }
}

static void add_place(const struct allocation *allocation, const struct reader *reader,
                      uint32_t number, struct text *text)
{
    uint32_t line;

    allocation_add_file(allocation, reader, number, text, &line);
    text_addf(text, ":%" PRIu32, line);
}

void allocation_add_place(const struct allocation *allocation, const struct reader *reader,
                          struct text *text)
{
    add_place(allocation, reader, 0, text);
}

/* How many of the most recent frames there is room for. */
static uint32_t frames_in(const struct allocation *allocation, const struct reader *reader,
                          size_t most)
{
    struct text text = {0};
    uint32_t count = 0;

    if (allocation->stack.frames <= most / (MOST_NAME + LEAST_PLACE))
        return allocation->stack.frames;
    while (count < allocation->stack.frames) {
        add_place(allocation, reader, count, &text);
        if (text.failed || text.length + 1 > most)
            break;
        most -= text.length + 1;
        text_clear(&text);
        count++;
    }
    text_free(&text);
    return count;
}

void allocation_add_places(const struct allocations *allocations,
                           const struct allocation *allocation, const struct reader *reader,
                           struct text *text)
{
    struct allocation shown = *allocation;

    if (!allocation->stack.frames) {
        allocation_add_place(allocation, reader, text);
        text_add_char(text, '\0');
    }
    shown.stack.frames = frames_in(allocation, reader, MOST_TEXT);
    for (uint32_t i = 0; i < shown.stack.frames; i++) {
        add_place(&shown, reader, allocation_frame_at(allocations, &shown, i), text);
        text_add_char(text, '\0');
    }
}
