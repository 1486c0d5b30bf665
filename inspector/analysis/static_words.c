// SPDX-License-Identifier: MIT
#include "inspector/analysis/static_words.h"

#include "inspector/python/statics.h"

enum { WORD = 8 };

struct scan {
    const struct graph *graph;
    const struct reader *reader;
    root_visit *visit;
    void *context;
    uint64_t handlers;
    const struct statics_segment *segment;
    uint64_t past;                /* the end of the object that is there */
    uint64_t before, before_that; /* the words in front of the one at hand */
};

static bool is_node(const struct scan *scan, uint64_t address)
{
    return address && address % WORD == 0 && graph_find(scan->graph, address) != GRAPH_NONE;
}

/* The words of an object itself, from its header on. */
static uint64_t extent_of(const struct scan *scan, uint64_t address)
{
    const struct type *type = reader_type_of(scan->reader, address);

    if (!type)
        return WORD;
    return type->flags & TPFLAGS_TYPE_SUBCLASS
               ? layout_size(&scan->reader->python->layout, sizeof_PyTypeObject)
               : type->basicsize;
}

/* An entry of the method cache: the version of a type, a name, and what it stands for. */
static bool is_cached_method(const struct scan *scan)
{
    const struct type *type =
        scan->before_that && scan->before_that <= UINT32_MAX && is_node(scan, scan->before)
            ? reader_type_of(scan->reader, scan->before)
            : NULL;

    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS;
}

static bool is_within(uint64_t address, uint64_t start, uint64_t end)
{
    return address >= start && address < end;
}

/* Is what is there told by somebody who knows? */
static bool is_told(const struct scan *scan, uint64_t at)
{
    const uint64_t handlers_size = STATICS_SIGNALS * STATICS_HANDLER_SIZE;

    return statics_is_state(scan->reader, at) ||
           (scan->handlers && is_within(at, scan->handlers, scan->handlers + handlers_size));
}

static bool tell(const struct scan *scan, uint64_t at, uint64_t to)
{
    const struct root root = {.kind = ROOT_STATIC,
                              .reference = {.to = to,
                                            .label = LABEL_FIELD,
                                            .name = "static variable",
                                            .is_owned = true,
                                            .is_guess = true},
                              .place = at,
                              .file = scan->segment->file_start,
                              .file_end = scan->segment->file_end};
    return scan->visit(scan->context, &root);
}

/* An object there has a reference of its own from the beginning, which nobody gives up. */
static bool look_at(struct scan *scan, uint64_t at, uint64_t word)
{
    if (is_told(scan, at) || at < scan->past)
        return true;
    if (is_node(scan, at)) {
        scan->past = at + extent_of(scan, at);
        return tell(scan, at, at);
    }
    return !is_node(scan, word) || is_cached_method(scan) || tell(scan, at, word);
}

static bool look_at_words(void *context, uint64_t address, const uint64_t *words, size_t count)
{
    struct scan *scan = context;

    for (size_t i = 0; i < count; i++) {
        if (!look_at(scan, address + i * WORD, words[i]))
            return false;
        scan->before_that = scan->before;
        scan->before = words[i];
    }
    return true;
}

static bool look_at_segment(void *context, const struct statics_segment *segment)
{
    struct scan *scan = context;

    scan->segment = segment;
    scan->before = scan->before_that = 0;
    return statics_read(scan->reader, segment, look_at_words, scan);
}

void static_words_each(const struct graph *graph, const struct reader *reader, root_visit *visit,
                       void *context)
{
    struct scan scan = {.graph = graph,
                        .reader = reader,
                        .visit = visit,
                        .context = context,
                        .handlers = statics_signal_handlers(reader)};

    statics_each(reader, look_at_segment, &scan);
}
