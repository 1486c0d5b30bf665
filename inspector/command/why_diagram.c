// SPDX-License-Identifier: MIT
#include "inspector/command/why_diagram.h"

#include "inspector/analysis/drawing_text.h"
#include "inspector/analysis/nature.h"

#include <string.h>

/* A picture that is being made. */
struct picture_of_chains {
    const struct reader *reader;
    const struct graph *graph;
    const struct why_style *style;
    struct diagram *diagram;
};

static const char *bytes_of(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

static size_t find_box(const struct diagram *diagram, uint64_t id)
{
    size_t at = 0;

    while (at < diagram->box_count && diagram->boxes[at].id != id)
        at++;
    return at;
}

static bool has_arrow(const struct diagram *diagram, size_t from, size_t to)
{
    for (size_t i = 0; i < diagram->arrow_count; i++) {
        if (diagram->arrows[i].from == from && diagram->arrows[i].to == to)
            return true;
    }
    return false;
}

static size_t add_box(struct picture_of_chains *picture, uint32_t node, unsigned depth)
{
    struct diagram *diagram = picture->diagram;
    uint64_t address = graph_address(picture->graph, node);
    const struct type *type = reader_type_of(picture->reader, address);
    size_t box = find_box(diagram, address);
    struct text value = {0};
    size_t kept = 0;

    if (box < diagram->box_count)
        return box;
    bool has_value =
        draw_value(picture->reader, address, !picture->style->repr_length, &value, &kept);
    if (has_value && kept < value.length)
        value.bytes[kept] = '\0';
    unsigned marks = (depth ? 0 : (unsigned)DIAGRAM_ROOT) |
                     (type && is_below(type, "module") ? (unsigned)DIAGRAM_MODULE : 0) |
                     (type && has_finalizer(picture->reader, type) ? (unsigned)DIAGRAM_DEL : 0);
    box = diagram_box(diagram, &(struct diagram_box){.id = address,
                                                     .title = type ? type->name : "?",
                                                     .value = has_value ? bytes_of(&value) : NULL,
                                                     .marks = marks,
                                                     .depth = depth});
    text_free(&value);
    if (depth > diagram->max_depth)
        diagram->max_depth = depth;
    return box;
}

static void add_arrow(struct picture_of_chains *picture, const struct chain *chain, size_t number,
                      size_t from, size_t to)
{
    const struct reader *reader = picture->reader;
    const struct link *link = &chain->links[number];
    uint64_t address = graph_address(picture->graph, chain->nodes[number]);
    const struct type *type = reader_type_of(reader, address);
    struct drawn_label drawn = {.to = link->reference.to};
    struct label_style style = {.no_values = !picture->style->repr_length};
    struct text label = {0}, name = {0};

    if (has_arrow(picture->diagram, from, to))
        return;
    if (type) {
        draw_find_keys(reader, type, address, &drawn, 1);
        draw_label(reader, type, address, &style, &drawn, &label);
    }
    link_name(reader, link, picture->style->repr_length, &name);
    diagram_arrow(picture->diagram, &(struct diagram_arrow){.from = from,
                                                            .to = to,
                                                            .label = bytes_of(&label),
                                                            .weight = drawn.weight,
                                                            .name = bytes_of(&name),
                                                            .is_unnamed = link->is_unnamed,
                                                            .is_dotted = link->reference.is_owned,
                                                            .is_dashed = link->reference.is_guess});
    text_free(&label);
    text_free(&name);
}

/* A module is a box by itself; what else holds nodes[0] is no object, and gets one. */
static void add_root(struct picture_of_chains *picture, const struct chain *chain, size_t to)
{
    struct text words = {0};
    uint64_t id = 0;

    if (chain->start != CHAIN_FROM_ROOT || chain->root.kind == ROOT_MODULE)
        return;
    why_add_root(picture->reader, &chain->root, picture->style, &words);
    for (size_t i = 0; i < words.length; i++) /* a number of its own, and no address */
        id = (id * 31 + (unsigned char)words.bytes[i]) % 0xFFF1;
    size_t box = find_box(picture->diagram, id + 1);
    if (box == picture->diagram->box_count)
        box = diagram_box(picture->diagram, &(struct diagram_box){.id = id + 1,
                                                                  .title = bytes_of(&words),
                                                                  .depth = (unsigned)chain->count});
    if (chain->count > picture->diagram->max_depth)
        picture->diagram->max_depth = (unsigned)chain->count;
    if (!has_arrow(picture->diagram, box, to))
        diagram_arrow(picture->diagram, &(struct diagram_arrow){.from = box, .to = to});
    text_free(&words);
}

void why_draw(const struct reader *reader, const struct graph *graph, const struct chains *chains,
              const struct why_style *style, struct diagram *diagram)
{
    struct picture_of_chains picture = {reader, graph, style, diagram};

    diagram->backwards = true;
    for (size_t i = 0; i < chains->count; i++) {
        const struct chain *chain = &chains->items[i];
        size_t to = add_box(&picture, chain->nodes[chain->count - 1], 0);
        for (size_t at = chain->count - 1; at-- > 0;) {
            size_t from = add_box(&picture, chain->nodes[at], (unsigned)(chain->count - 1 - at));
            add_arrow(&picture, chain, at, from, to);
            to = from;
        }
        add_root(&picture, chain, to);
    }
}
