// SPDX-License-Identifier: MIT
#include "inspector/command/why_steps.h"

#include "inspector/analysis/drawing_text.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 4, WIDEST = 60, ADDRESS_COLUMNS = 14 };

/* Rows that are being made. */
struct steps {
    const struct reader *reader;
    const struct graph *graph;
    const struct chain *chain;
    const struct why_style *style;
    struct text *text;
    struct text cell; /* scratch */
    size_t name_width, type_width;
};

static void add_harmless(struct text *text, const struct text *raw)
{
    text_add_source(text, raw->bytes ? raw->bytes : "", raw->length, 0);
    text->failed |= raw->failed;
}

static void add_start(const struct steps *steps, struct text *text)
{
    static const char *const words[] = {[CHAIN_FROM_OBJECT] = "from",
                                        [CHAIN_FROM_OUTSIDE] = "from outside",
                                        [CHAIN_FROM_CYCLE] = "from a cycle"};

    if (steps->chain->root.kind != ROOT_NONE)
        why_add_root(steps->reader, &steps->chain->root, steps->style, text);
    else
        text_add(text, words[steps->chain->start] ? words[steps->chain->start] : "");
}

/* How the object before refers to this one. */
static void add_name(const struct steps *steps, size_t number, struct text *text)
{
    struct text raw = {0};

    if (number)
        link_name(steps->reader, &steps->chain->links[number - 1], steps->style->repr_length, &raw);
    else
        add_start(steps, &raw);
    add_harmless(text, &raw);
    text_free(&raw);
}

static void add_type(const struct steps *steps, size_t number, struct text *text)
{
    uint64_t address = graph_address(steps->graph, steps->chain->nodes[number]);
    const struct type *type = reader_type_of(steps->reader, address);

    if (type)
        text_add_source(text, type->name, type->name_length, 0);
    else
        text_add(text, "?");
}

static void pad(struct text *text, size_t from, size_t width)
{
    size_t columns = text->failed ? width : text_columns(text->bytes + from, text->length - from);

    for (; columns < width; columns++)
        text_add_char(text, ' ');
}

static void widen(size_t *width, struct text *cell)
{
    size_t columns = cell->length ? text_columns(cell->bytes, cell->length) : 0;

    if (columns > *width)
        *width = columns < WIDEST ? columns : WIDEST;
    text_clear(cell);
}

static void measure(struct steps *steps, size_t number)
{
    add_name(steps, number, &steps->cell);
    widen(&steps->name_width, &steps->cell);
    add_type(steps, number, &steps->cell);
    widen(&steps->type_width, &steps->cell);
}

static void add_step(struct steps *steps, size_t number)
{
    uint64_t address = graph_address(steps->graph, steps->chain->nodes[number]);
    struct text *text = steps->text, raw = {0};
    size_t from;

    pad(text, text->length, INDENT);
    from = text->length;
    add_name(steps, number, text);
    pad(text, from, steps->name_width);
    text_add(text, "  ");
    from = text->length;
    text_addf(text, "0x%" PRIx64, address);
    pad(text, from, ADDRESS_COLUMNS);
    text_add(text, "  ");
    from = text->length;
    add_type(steps, number, text);
    if (draw_value(steps->reader, address, !steps->style->repr_length, &raw, NULL)) {
        pad(text, from, steps->type_width);
        text_add(text, "  ");
        add_harmless(text, &raw);
    }
    text_free(&raw);
    text_add_char(text, '\n');
}

static void each_step(struct steps *steps, void (*visit)(struct steps *steps, size_t number),
                      void (*skip)(struct steps *steps, size_t count))
{
    size_t count = steps->chain->count;
    bool is_long = count > 2 * WHY_SHOWN_STEPS + 1;

    for (size_t i = 0; i < count; i++) {
        if (is_long && i == WHY_SHOWN_STEPS) {
            if (skip)
                skip(steps, count - 2 * WHY_SHOWN_STEPS);
            i = count - WHY_SHOWN_STEPS;
        }
        visit(steps, i);
    }
}

static void add_skipped(struct steps *steps, size_t count)
{
    pad(steps->text, steps->text->length, INDENT);
    text_addf(steps->text, "...(%zu more)...\n", count);
}

void why_add_steps(const struct reader *reader, const struct graph *graph,
                   const struct chain *chain, const struct why_style *style, struct text *text)
{
    struct steps steps = {reader, graph, chain, style, text, {0}, 0, 0};

    each_step(&steps, measure, NULL);
    each_step(&steps, add_step, add_skipped);
    text->failed |= steps.cell.failed;
    text_free(&steps.cell);
}
