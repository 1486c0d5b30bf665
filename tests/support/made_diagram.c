// SPDX-License-Identifier: MIT
#include "tests/support/made_diagram.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>

void made_diagram_use_utf8(void)
{
    cr_assert_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

bool diagram_as_dot(const struct diagram *diagram, const struct render_style *style, FILE *out,
                    struct error *err)
{
    (void)style;
    return diagram_dot(diagram, out, err);
}

bool diagram_as_json(const struct diagram *diagram, const struct render_style *style, FILE *out,
                     struct error *err)
{
    (void)style;
    return diagram_json(diagram, out, err);
}

char *made_diagram_render(const struct diagram *diagram, renderer *make,
                          const struct render_style *style)
{
    char *bytes = NULL;
    size_t length = 0;
    struct error err = {0};
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out);
    cr_assert(make(diagram, style, out, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    return bytes;
}

void made_diagram_expect(const struct diagram *diagram, renderer *make,
                         const struct render_style *style, const char *golden)
{
    char *bytes = made_diagram_render(diagram, make, style);

    cr_expect_str_eq(bytes, golden, "got:\n%s\nwanted:\n%s", bytes, golden);
    free(bytes);
}

size_t made_diagram_box(struct diagram *diagram, uint64_t id, unsigned depth, const char *title,
                        const char *value)
{
    return diagram_box(
        diagram, &(struct diagram_box){.id = id, .depth = depth, .title = title, .value = value});
}

void made_diagram_arrow(struct diagram *diagram, size_t from, size_t to, const char *label,
                        unsigned weight)
{
    diagram_arrow(diagram,
                  &(struct diagram_arrow){
                      .from = from, .to = to, .label = label, .weight = weight, .name = label});
}

/* What show_backrefs drew. */
void made_diagram_backrefs(struct diagram *diagram)
{
    diagram_init(diagram);
    diagram->max_depth = 1;
    diagram->backwards = true;
    diagram_box(
        diagram,
        &(struct diagram_box){
            .id = 1, .title = "D", .value = "D()", .marks = DIAGRAM_ROOT | DIAGRAM_DEL, .more = 2});
    made_diagram_box(diagram, 2, 1, "dict", "21 items");
    made_diagram_arrow(diagram, 1, 0, "d", 2);
}

const char *const made_diagram_hostile[HOSTILE] = {
    "plain",
    "\"",
    "\\",
    "\\\"",
    "\"; o1 -> o2 [label=\"",
    "two\nlines",
    "\\n",
    "\\N\\G\\l\\r\\E",
    "tab\tbell\aescape\x1b[31m\r",
    "\x7f\xc2\x85",
    "lone \xed\xa0\x80 \xed\xbf\xbf",
    "garbage \xff\xfe\xc3 \xf8\x88\x80\x80\x80",
    "<b>bold</b>",
    "<",
    "<<table>>",
    "&lt; &amp;lt;",
    "&#60;&#x1;&#0; &nosuch; & &; a&b",
    "\xe2\x80\xaeright to left\xe2\x80\x8b",
    "]]>--><!--",
    "snow \xe2\x98\x83 \xf0\x9f\x90\x8d",
    "\xf3\xa0\x80\x81",
    "'quoted\\x00'",
    "\\0",
    "",
    " ",
    "}",
    "/* */ // #",
    "%s%n",
    "back\\",
};
