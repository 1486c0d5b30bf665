// SPDX-License-Identifier: MIT
/*
 * drawing_text - what a drawing says of objects and of the references between them, in objgraph's
 * words (_short_repr and _edge_label of objgraph 3.5). Part of drawing.h.
 */
#ifndef PYINSPECT_DRAWING_TEXT_H
#define PYINSPECT_DRAWING_TEXT_H

#include "inspector/python/reader.h"
#include "symbols/base/text.h"

/*
 * Adds what is short and human of an object:
 *
 *     a class, a module, a builtin    its __name__
 *     a method                        that of its function, and " (bound)" if its self is true
 *     a lambda, a frame               "lambda: file.py:12", "/app/file.py:12"
 *     a tuple, list, dict or set      "5 items"
 *     anything else                   its repr, as print_object cuts it at 80 characters
 *
 * `no_values`: the names of classes and the numbers of items alone. False: nothing was added.
 * `kept` (NULL: nobody asks) gets how many of the bytes objgraph writes: all, but of a repr those
 * of the first 40 characters.
 */
bool draw_value(const struct reader *reader, uint64_t address, bool no_values, struct text *text,
                size_t *kept);

/* What is drawn of a reference. */
struct drawn_label {
    uint64_t to;
    uint64_t key;    /* of a dict: the first one that has `to` as its value; 0: none */
    unsigned weight; /* set by draw_label; 0: none */
};

struct label_style {
    bool short_names; /* of the types of keys that are no names */
    bool no_values;
};

/* Finds the keys of `count` labels, whose `to` ascends, where the object is a dict. */
void draw_find_keys(const struct reader *reader, const struct type *type, uint64_t address,
                    struct drawn_label *labels, size_t count);

/*
 * Adds the label of the reference from the object to label->to, and sets its weight: what objgraph
 * says depends on the two alone, not on how often and where the one refers to the other.
 */
void draw_label(const struct reader *reader, const struct type *type, uint64_t address,
                const struct label_style *style, struct drawn_label *label, struct text *text);

#endif
