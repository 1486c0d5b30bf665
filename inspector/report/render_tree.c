// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"
#include "inspector/report/diagram_order.h"
#include "inspector/report/format.h"
#include "inspector/report/output.h"
#include "symbols/base/cleanup.h"

#include <inttypes.h>
#include <string.h>

enum {
    ADDRESS_COLUMNS = 14, /* "0x7f3a5c0d1e80" */
    LEAST_COLUMNS = 16,   /* that a part may take, however narrow the terminal is */
    LINE_COLUMNS = 256,   /* where there is none */
    MARK_COLUMNS = 8,     /* "...(+42)" behind what was cut */
    STEP_COLUMNS = 3,     /* that a level is indented by */
    MOST_STEPS = 16,      /* levels below are not indented any more */
};

#define NOWHERE SIZE_MAX

/* What lines are drawn with, STEP_COLUMNS each. */
struct strokes {
    const char *branch, *last;             /* to a box, and to the last one */
    const char *owned_branch, *owned_last; /* an owned reference */
    const char *guess_branch, *guess_last;
    const char *along, *nothing; /* past boxes that come later, and where none does */
    const char *more;
};

static const struct strokes unicode_strokes = {
    "├─ ", "└─ ", "├╌ ", "└╌ ", "├┈ ", "└┈ ", "│  ", "   ", "…",
};

static const struct strokes ascii_strokes = {
    "|- ", "`- ", "|. ", "`. ", "|: ", "`: ", "|  ", "   ", "...",
};

/* A box whose part of the tree is being printed. */
struct level {
    size_t box;
    size_t next;   /* of the order's arrows */
    size_t indent; /* bytes of tree->indent that are of the levels above */
};

struct tree {
    const struct diagram *diagram;
    const struct strokes *strokes;
    struct diagram_order order;
    size_t *parents;  /* of each box: the arrow that leads to its place; NOWHERE: none does */
    size_t *queue;    /* all boxes, those with fewest arrows before them first */
    unsigned *steps;  /* so many arrows */
    bool *is_printed; /* while boxes are placed: is queued */
    struct level *levels;
    size_t width; /* of a line */
    size_t reference_most, type_most;
    size_t reference_width, type_width;
    bool colour;
    struct text indent; /* of what is below the level at hand */
    struct text part, line;
};

/* Adds text of the target's in at most `most` columns, a mark included. */
static void add_cut(struct text *text, const char *words, size_t most)
{
    size_t from = text->length, length = strlen(words);

    text_add_source(text, words, length, most);
    if (text->failed || text->length == from ||
        text_columns(text->bytes + from, text->length - from) <= most)
        return;
    text->length = from;
    text_add_source(text, words, length, most > MARK_COLUMNS ? most - MARK_COLUMNS : 1);
}

static void add_title(struct text *text, const struct diagram_box *box, size_t most)
{
    char buffer[32];

    add_cut(text, box->title, most);
    if (box->has_refcount)
        text_addf(text, " [%s]",
                  box->is_immortal ? "immortal" : format_count(buffer, box->refcount));
}

/* How the box above refers to this one; backwards: how this one refers to the box above. */
static void add_reference(struct text *text, const struct tree *tree,
                          const struct diagram_arrow *arrow)
{
    add_cut(text, arrow->name[0] ? arrow->name : "?", tree->reference_most);
    if (tree->diagram->backwards)
        text_add(text, " of");
}

static void widen(size_t *width, size_t wanted, size_t most)
{
    if (wanted > most)
        wanted = most;
    if (wanted > *width)
        *width = wanted;
}

static size_t take_columns(struct text *part)
{
    size_t columns = part->length ? text_columns(part->bytes, part->length) : 0;

    part->length = 0;
    return columns;
}

static void measure(struct tree *tree)
{
    const struct diagram *diagram = tree->diagram;

    tree->reference_most = tree->width / 3 > LEAST_COLUMNS ? tree->width / 3 : LEAST_COLUMNS;
    tree->type_most = tree->width / 4 > LEAST_COLUMNS ? tree->width / 4 : LEAST_COLUMNS;
    for (size_t i = 0; i < diagram->arrow_count && !tree->part.failed; i++) {
        const struct diagram_arrow *arrow = &diagram->arrows[i];
        unsigned steps = tree->steps[arrow_near(diagram, arrow)];
        size_t indent = STEP_COLUMNS * ((steps < MOST_STEPS ? steps : MOST_STEPS) + 1);
        add_reference(&tree->part, tree, arrow);
        widen(&tree->reference_width, indent + take_columns(&tree->part), tree->reference_most);
        add_title(&tree->part, &diagram->boxes[arrow_far(diagram, arrow)], tree->type_most);
        widen(&tree->type_width, take_columns(&tree->part), tree->type_most);
    }
}

static void queue_first(struct tree *tree, size_t box, size_t *count)
{
    tree->parents[box] = NOWHERE;
    tree->is_printed[box] = true;
    tree->queue[(*count)++] = box;
}

static void queue_neighbours(struct tree *tree, size_t box, size_t *count)
{
    const struct diagram *diagram = tree->diagram;

    for (size_t i = tree->order.first[box]; i < tree->order.first[box + 1]; i++) {
        size_t arrow = tree->order.arrows[i];
        size_t far = arrow_far(diagram, &diagram->arrows[arrow]);
        if (tree->is_printed[far])
            continue;
        tree->is_printed[far] = true;
        tree->parents[far] = arrow;
        tree->steps[far] = tree->steps[box] + 1;
        tree->queue[(*count)++] = far;
    }
}

/* A box's place is where fewest arrows lead to it, and of equals where it was found first. */
static void place_boxes(struct tree *tree)
{
    const size_t boxes = tree->diagram->box_count;
    size_t count = 0, next = 0;

    for (size_t i = 0; i < boxes; i++) {
        if (!tree->diagram->boxes[i].depth)
            queue_first(tree, i, &count);
    }
    for (size_t at = 0; at < boxes; at++) {
        while (at == count) { /* no arrow leads to what is left */
            if (!tree->is_printed[next])
                queue_first(tree, next, &count);
            next++;
        }
        queue_neighbours(tree, tree->queue[at], &count);
    }
    memset(tree->is_printed, 0, boxes * sizeof(*tree->is_printed));
}

static void pad(struct text *line, size_t from, size_t width)
{
    size_t columns = line->failed ? width : text_columns(line->bytes + from, line->length - from);

    for (; columns < width; columns++)
        text_add_char(line, ' ');
}

static bool has_below(const struct tree *tree, size_t box)
{
    return tree->order.first[box + 1] > tree->order.first[box] || tree->diagram->boxes[box].more;
}

/* What is red, blue or dashed in a picture. */
static void add_remarks(struct text *text, const struct tree *tree, size_t box, bool is_placed)
{
    unsigned marks = tree->diagram->boxes[box].marks;

    if (marks & DIAGRAM_HIGHLIGHTED)
        text_add(text, "  (highlighted)");
    if (marks & DIAGRAM_DEL)
        text_add(text, "  (__del__)");
    if (marks & DIAGRAM_APPROXIMATE)
        text_add(text, "  (approximate)");
    if (!is_placed && has_below(tree, box))
        text_add(text, tree->is_printed[box] ? "  (above)" : "  (below)");
}

/* Type, value and what else is said, in what is left of the line. */
static void add_box(struct tree *tree, size_t number, bool is_aligned, bool is_placed)
{
    const struct diagram_box *box = &tree->diagram->boxes[number];
    const char *words[] = {box->words, box->extra, box->allocated};
    struct text *line = &tree->line;
    size_t from = line->length;

    text_addf(line, "0x%" PRIx64, box->id);
    pad(line, from, is_aligned ? ADDRESS_COLUMNS : 0);
    text_add(line, "  ");
    from = line->length;
    add_title(line, box, tree->type_most);
    pad(line, from, is_aligned ? tree->type_width : 0);
    add_remarks(&tree->part, tree, number, is_placed);
    for (size_t i = 0; i < 3 && !line->failed; i++) {
        size_t used = text_columns(line->bytes, line->length) + tree->part.length + 2;
        if (!words[i])
            continue;
        text_add(line, "  ");
        add_cut(line, words[i],
                tree->width > used + LEAST_COLUMNS ? tree->width - used : LEAST_COLUMNS);
    }
    text_add_bytes(line, tree->part.bytes, tree->part.length);
    line->failed |= tree->part.failed;
    tree->part.length = 0;
}

/* Whatever the parts are, no line is wider than the terminal. */
static void cut_line(struct text *line, size_t width)
{
    size_t columns = 0, kept = 0;

    if (line->failed || text_columns(line->bytes, line->length) <= width)
        return;
    for (size_t at = 0; at < line->length && columns + 3 <= width;) {
        int32_t code;
        size_t size = text_decode(line->bytes + at, line->length - at, &code);
        kept = at;
        columns += text_columns(line->bytes + at, size);
        at += size;
    }
    line->length = kept;
    text_add_bytes(line, "...", width < 3 ? width : 3);
}

static bool end_line(struct tree *tree, const char *look, FILE *out, struct error *err)
{
    struct text *line = &tree->line;

    while (line->length && line->bytes[line->length - 1] == ' ')
        line->length--;
    cut_line(line, tree->width);
    text_add_char(line, '\n');
    if (!tree->colour || !look)
        return output_text(out, line, err);
    text_add_bytes(&tree->part, look, strlen(look));
    text_add_bytes(&tree->part, line->bytes, line->length - !line->failed);
    text_add(&tree->part, "\033[0m\n");
    tree->part.failed |= line->failed;
    line->length = 0;
    return output_text(out, &tree->part, err);
}

static const char *stroke_of(const struct strokes *strokes, const struct diagram_arrow *arrow,
                             bool is_last)
{
    if (arrow->is_dashed)
        return is_last ? strokes->guess_last : strokes->guess_branch;
    if (arrow->is_dotted)
        return is_last ? strokes->owned_last : strokes->owned_branch;
    return is_last ? strokes->last : strokes->branch;
}

static void begin_line(struct tree *tree, const char *stroke)
{
    text_add_bytes(&tree->line, tree->indent.bytes, tree->indent.length);
    text_add(&tree->line, stroke);
}

/* A box and how it is referred to; `is_placed`: what is below it follows. */
static bool print_child(struct tree *tree, size_t number, bool is_last, bool *is_placed, FILE *out,
                        struct error *err)
{
    const struct diagram_arrow *arrow = &tree->diagram->arrows[number];
    size_t box = arrow_far(tree->diagram, arrow);

    *is_placed = tree->parents[box] == number;
    begin_line(tree, stroke_of(tree->strokes, arrow, is_last));
    add_reference(&tree->line, tree, arrow);
    pad(&tree->line, 0, tree->reference_width);
    text_add(&tree->line, "  ");
    add_box(tree, box, true, *is_placed);
    if (*is_placed)
        tree->is_printed[box] = true;
    return end_line(tree, NULL, out, err);
}

static bool print_more(struct tree *tree, const struct diagram_box *box, FILE *out,
                       struct error *err)
{
    char buffer[32];

    begin_line(tree, tree->strokes->last);
    text_addf(&tree->line, "%s %s more %s", tree->strokes->more, format_count(buffer, box->more),
              tree->diagram->backwards ? (box->more == 1 ? "back reference" : "back references")
                                       : (box->more == 1 ? "reference" : "references"));
    return end_line(tree, "\033[2m", out, err);
}

static void begin_level(struct tree *tree, struct level *level, size_t box)
{
    *level =
        (struct level){.box = box, .next = tree->order.first[box], .indent = tree->indent.length};
}

/* The boxes below a first one, with a stack of our own: chains may be long. */
static bool print_below(struct tree *tree, size_t first, FILE *out, struct error *err)
{
    size_t depth = 1;

    begin_level(tree, &tree->levels[0], first);
    while (depth) {
        struct level *level = &tree->levels[depth - 1];
        const struct diagram_box *box = &tree->diagram->boxes[level->box];
        size_t end = tree->order.first[level->box + 1];
        bool is_placed;
        if (level->next == end) {
            if (box->more && !print_more(tree, box, out, err))
                return false;
            tree->indent.length = level->indent;
            depth--;
            continue;
        }
        size_t arrow = tree->order.arrows[level->next++];
        bool is_last = level->next == end && !box->more;
        if (!print_child(tree, arrow, is_last, &is_placed, out, err))
            return false;
        if (!is_placed)
            continue;
        begin_level(tree, &tree->levels[depth],
                    arrow_far(tree->diagram, &tree->diagram->arrows[arrow]));
        if (depth++ < MOST_STEPS)
            text_add(&tree->indent, is_last ? tree->strokes->nothing : tree->strokes->along);
    }
    return true;
}

static bool print(struct tree *tree, FILE *out, struct error *err)
{
    place_boxes(tree);
    measure(tree);
    for (size_t i = 0; i < tree->diagram->box_count; i++) {
        size_t box = tree->queue[i];
        if (tree->parents[box] != NOWHERE)
            continue;
        add_box(tree, box, false, true);
        tree->is_printed[box] = true;
        if (!end_line(tree, "\033[1m", out, err) || !print_below(tree, box, out, err))
            return false;
    }
    return output_finish(out, err);
}

bool diagram_tree(const struct diagram *diagram, const struct render_style *style, FILE *out,
                  struct error *err)
{
    const size_t boxes = diagram->box_count + 1;
    AUTO_FREE size_t *parents = calloc(boxes, sizeof(*parents));
    AUTO_FREE size_t *queue = calloc(boxes, sizeof(*queue));
    AUTO_FREE unsigned *steps = calloc(boxes, sizeof(*steps));
    AUTO_FREE bool *is_printed = calloc(boxes, sizeof(*is_printed));
    AUTO_FREE struct level *levels = calloc(boxes, sizeof(*levels));
    struct tree tree = {.diagram = diagram,
                        .strokes = format_takes_utf8() ? &unicode_strokes : &ascii_strokes,
                        .parents = parents,
                        .queue = queue,
                        .steps = steps,
                        .is_printed = is_printed,
                        .levels = levels,
                        .width = style->width ? style->width : LINE_COLUMNS,
                        .colour = style->colour};

    if (!parents || !queue || !steps || !is_printed || !levels)
        return error_memory(err);
    bool done = diagram_order(diagram, &tree.order, err) && print(&tree, out, err);
    diagram_order_free(&tree.order);
    text_free(&tree.indent);
    text_free(&tree.part);
    text_free(&tree.line);
    return done;
}
