// SPDX-License-Identifier: MIT
/*
 * made_diagram - diagrams for tests, and what a renderer makes of them.
 */
#ifndef PYINSPECT_TESTS_MADE_DIAGRAM_H
#define PYINSPECT_TESTS_MADE_DIAGRAM_H

#include "inspector/report/diagram.h"

/* The .init of suites whose trees have lines. */
void made_diagram_use_utf8(void);

typedef bool renderer(const struct diagram *diagram, const struct render_style *style, FILE *out,
                      struct error *err);
renderer diagram_as_dot, diagram_as_json;

/* What it writes; the caller's to free. */
char *made_diagram_render(const struct diagram *diagram, renderer *make,
                          const struct render_style *style);
void made_diagram_expect(const struct diagram *diagram, renderer *make,
                         const struct render_style *style, const char *golden);

size_t made_diagram_box(struct diagram *diagram, uint64_t id, unsigned depth, const char *title,
                        const char *value);
void made_diagram_arrow(struct diagram *diagram, size_t from, size_t to, const char *label,
                        unsigned weight);

/* What objgraph's show_backrefs drew of an object. */
void made_diagram_backrefs(struct diagram *diagram);

/* Texts that mean something to dot, to JSON or to a terminal. */
enum { HOSTILE = 29 };
extern const char *const made_diagram_hostile[HOSTILE];

#endif
