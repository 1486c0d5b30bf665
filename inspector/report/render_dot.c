// SPDX-License-Identifier: MIT
/* What objgraph.py of objgraph 3.5 writes: _show_graph(), _gradient(), _quote(). */
#include "inspector/report/diagram.h"
#include "inspector/report/diagram_order.h"
#include "inspector/report/output.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

const char diagram_dot_beginning[] = "digraph ObjectGraph {\n";

struct colour {
    double hue, saturation, value;
};

/* So that a & before them would be an entity: "lt;", "#38;". */
static bool begins_entity(const char *at)
{
    size_t length = *at == '#';

    while (isalnum((unsigned char)at[length]))
        length++;
    return length && at[length] == ';';
}

/* Adds one code point as Graphviz reads it between quotes; returns its length. Its escapes begin
 * with a backslash, so that of a person's is doubled. */
static size_t add_code(struct text *text, const char *at, size_t left)
{
    int32_t code;
    size_t size = text_decode(at, left, &code);

    if (code == '\\' || code == '"') {
        text_addf(text, "\\%c", (char)code);
    } else if (code == '\n') {
        text_add(text, "\\n");
    } else if (code == '&' && begins_entity(at + 1)) {
        text_add(text, "&amp;");
    } else if (code < 0 || text_is_harmful(code)) {
        text_add_char(text, '\\');
        text_add_source(text, at, size, 0);
    } else {
        text_add_bytes(text, at, size);
    }
    return size;
}

static void add_quoted(struct text *text, const char *string)
{
    size_t length = strlen(string);

    for (size_t at = 0; at < length;)
        at += add_code(text, string + at, length - at);
}

static void add_node(struct text *text, const struct diagram_box *box)
{
    text_addf(text, "o%" PRIu64, box->id);
}

/* From white, or red, to a third of its light. */
static struct colour gradient(const struct diagram *diagram, unsigned depth, double saturation)
{
    double share;

    if (!diagram->max_depth)
        return (struct colour){0, saturation, 1};
    share = (double)depth / diagram->max_depth;
    return (struct colour){0, saturation * (1 - share) + saturation * share,
                           1 * (1 - share) + .3 * share};
}

static void add_label(struct text *text, const struct diagram_box *box)
{
    text_add(text, "  ");
    add_node(text, box);
    text_add(text, "[label=\"");
    add_quoted(text, box->title);
    if (box->has_refcount && box->is_immortal)
        text_add(text, " [immortal]");
    else if (box->has_refcount)
        text_addf(text, " [%" PRIu64 "]", box->refcount);
    if (box->value) {
        text_add(text, "\\n");
        add_quoted(text, box->value);
    }
    if (box->extra) {
        text_add(text, "\\n");
        add_quoted(text, box->extra);
    }
    if (box->allocated) {
        text_add(text, "\\n");
        add_quoted(text, box->allocated);
    }
    text_add(text, "\"];\n");
}

static void add_colour(struct text *text, const struct diagram *diagram,
                       const struct diagram_box *box)
{
    struct colour colour = gradient(diagram, box->depth, 0);

    if (box->marks & DIAGRAM_MODULE) {
        colour.hue = .3;
        colour.saturation = 1;
    }
    if (box->marks & DIAGRAM_HIGHLIGHTED) {
        colour.hue = .6;
        colour.saturation = .6;
        colour.value = .5 + colour.value * .5;
    }
    text_add(text, "  ");
    add_node(text, box);
    text_addf(text, "[fillcolor=\"%g,%g,%g\"];\n", colour.hue, colour.saturation, colour.value);
    if (colour.value < .5) {
        text_add(text, "  ");
        add_node(text, box);
        text_add(text, "[fontcolor=white];\n");
    }
}

static void add_marks(struct text *text, const struct diagram_box *box)
{
    if (box->marks & DIAGRAM_DEL) {
        text_addf(text,
                  "  o%" PRIu64 "->o%" PRIu64
                  "_has_a_del[color=red,style=dotted,len=0.25,weight=10];\n",
                  box->id, box->id);
        text_addf(text,
                  "  o%" PRIu64 "_has_a_del[label=\"__del__\",shape=doublecircle,height=0.25,"
                  "color=red,fillcolor=\"0,.5,1\",fontsize=6];\n",
                  box->id);
    }
    if (box->marks & DIAGRAM_APPROXIMATE) {
        text_add(text, "  ");
        add_node(text, box);
        text_add(text, "[style=\"filled,dashed\"];\n");
    }
}

static void add_arrow(struct text *text, const struct diagram *diagram,
                      const struct diagram_arrow *arrow)
{
    const char *label = diagram->draws_names ? arrow->name : arrow->label;
    const char *look = arrow->is_dashed ? "style=dashed" : arrow->is_dotted ? "style=dotted" : NULL;

    text_add(text, "  ");
    add_node(text, &diagram->boxes[arrow->from]);
    text_add(text, " -> ");
    add_node(text, &diagram->boxes[arrow->to]);
    if (label[0]) {
        text_add(text, " [label=\"");
        add_quoted(text, label);
        text_add(text, "\"");
        if (arrow->weight)
            text_addf(text, ",weight=%u", arrow->weight);
        text_addf(text, "%s%s]", look ? "," : "", look ? look : "");
    } else if (look) {
        text_addf(text, " [%s]", look);
    }
    text_add(text, ";\n");
}

static void add_more(struct text *text, const struct diagram *diagram,
                     const struct diagram_box *box)
{
    struct colour colour = gradient(diagram, box->depth + 1, 1);
    uint64_t id = box->id;

    if (diagram->backwards)
        text_addf(text, "  too_many_o%" PRIu64 "->o%" PRIu64, id, id);
    else
        text_addf(text, "  o%" PRIu64 "->too_many_o%" PRIu64, id, id);
    text_add(text, "[color=red,style=dotted,len=0.25,weight=10];\n");
    text_addf(text,
              "  too_many_o%" PRIu64 "[label=\"%" PRIu64 " more %s\",shape=box,height=0.25,"
              "color=red,fillcolor=\"%g,%g,%g\",fontsize=6];\n",
              id, box->more, diagram->backwards ? "backreferences" : "references", colour.hue,
              colour.saturation, colour.value);
    text_addf(text, "  too_many_o%" PRIu64 "[fontcolor=white];\n", id);
}

static void add_roots(struct text *text, const struct diagram *diagram)
{
    for (size_t i = 0; i < diagram->box_count; i++) {
        if (!(diagram->boxes[i].marks & DIAGRAM_ROOT))
            continue;
        text_add(text, "  ");
        add_node(text, &diagram->boxes[i]);
        text_add(text, "[fontcolor=red];\n");
    }
}

static bool print(const struct diagram *diagram, const struct diagram_order *order,
                  struct text *text, FILE *out, struct error *err)
{
    text_add(text, diagram_dot_beginning);
    text_add(text, "  node[shape=box, style=filled, fillcolor=white];\n");
    add_roots(text, diagram);
    for (size_t i = 0; i < diagram->box_count; i++) {
        const struct diagram_box *box = &diagram->boxes[i];
        add_label(text, box);
        add_colour(text, diagram, box);
        add_marks(text, box);
        for (size_t at = order->first[i]; at < order->first[i + 1]; at++)
            add_arrow(text, diagram, &diagram->arrows[order->arrows[at]]);
        if (box->more)
            add_more(text, diagram, box);
        if (!output_text(out, text, err))
            return false;
    }
    text_add(text, "}\n");
    return output_text(out, text, err) && output_finish(out, err);
}

bool diagram_dot(const struct diagram *diagram, FILE *out, struct error *err)
{
    struct diagram_order order;
    struct text text = {0};

    bool done = diagram_order(diagram, &order, err) && print(diagram, &order, &text, out, err);
    text_free(&text);
    diagram_order_free(&order);
    return done;
}
