// SPDX-License-Identifier: MIT
#include "inspector/analysis/traces.h"

#include <stdlib.h>
#include <string.h>

void traces_free(struct traces *traces)
{
    free(traces->files);
    free(traces->frames);
    free(traces->stacks);
    free(traces->rows);
    arena_free(&traces->arena);
    *traces = (struct traces){0};
}

static bool copy_text(struct traces *traces, const char **text)
{
    *text = arena_copy(&traces->arena, *text, strlen(*text));
    return *text;
}

bool traces_set_origin(struct traces *traces, const struct origin *origin,
                       const struct occasion *occasion, struct error *err)
{
    struct origin own = *origin;

    if (!copy_text(traces, &own.executable) || !copy_text(traces, &own.version) ||
        !copy_text(traces, &own.command_line))
        return error_memory(err);
    traces->origin = own;
    traces->occasion = *occasion;
    traces->has_origin = true;
    traces->newest_first = strncmp(own.version, "3.6.", 4) == 0;
    return true;
}

int trace_file_order(const struct trace_file *a, const struct trace_file *b)
{
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int frame_order(const struct traces *a, const struct trace_frame *first,
                       const struct traces *b, const struct trace_frame *second)
{
    int order = a == b ? (first->file > second->file) - (first->file < second->file)
                       : trace_file_order(&a->files[first->file], &b->files[second->file]);

    return order ? order : (first->line > second->line) - (first->line < second->line);
}

int trace_stack_order(const struct traces *a, const struct trace_stack *first,
                      const struct traces *b, const struct trace_stack *second)
{
    for (uint32_t i = 0; i < first->frames && i < second->frames; i++) {
        int order = frame_order(a, &a->frames[first->first + i], b, &b->frames[second->first + i]);
        if (order)
            return order;
    }
    return (first->frames > second->frames) - (first->frames < second->frames);
}
