// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"
#include "inspector/report/rows.h"
#include "tests/support/made_diagram.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(diagram, .init = made_diagram_use_utf8, .timeout = 300);

/* An order of a customer, by two ways, as the header of diagram.h has it. */
static void make_orders(struct diagram *diagram)
{
    diagram_init(diagram);
    diagram_box(diagram, &(struct diagram_box){.id = 0x7f3a5c0d1e80,
                                               .title = "app.models.Order",
                                               .value = "<Order 17>",
                                               .marks = DIAGRAM_ROOT});
    diagram_box(diagram, &(struct diagram_box){.id = 0x7f3a5c0d2000,
                                               .depth = 1,
                                               .title = "app.models.Customer",
                                               .value = "<Customer 3>",
                                               .extra = "48 bytes"});
    diagram_box(diagram, &(struct diagram_box){.id = 0x7f3a5c0d3000,
                                               .depth = 1,
                                               .title = "list",
                                               .value = "12 items",
                                               .more = 10,
                                               .has_refcount = true,
                                               .refcount = 2});
    diagram_box(diagram, &(struct diagram_box){.id = 0x7f3a5c0d4000,
                                               .depth = 2,
                                               .title = "app.models.Line",
                                               .value = "'a\\n\x1b'",
                                               .marks = DIAGRAM_DEL | DIAGRAM_HIGHLIGHTED |
                                                        DIAGRAM_APPROXIMATE});
    made_diagram_arrow(diagram, 0, 1, ".customer", 0);
    made_diagram_arrow(diagram, 0, 2, ".lines", 0);
    made_diagram_arrow(diagram, 1, 2, ".orders", 0);
    diagram_arrow(diagram, &(struct diagram_arrow){.from = 1, .to = 0, .is_dashed = true});
    diagram_arrow(
        diagram, &(struct diagram_arrow){.from = 2, .to = 3, .name = "['k\n']", .is_dotted = true});
    made_diagram_arrow(diagram, 2, 3, "[1]", 0);
}

Test(diagram, for_a_terminal)
{
    struct diagram diagram;

    make_orders(&diagram);
    made_diagram_expect(
        &diagram, diagram_tree, &(struct render_style){0},
        "0x7f3a5c0d1e80  app.models.Order  <Order 17>\n"
        "├─ .customer     0x7f3a5c0d2000  app.models.Customer  <Customer 3>  48 bytes\n"
        "│  ├─ .orders    0x7f3a5c0d3000  list [2]             12 items  (below)\n"
        "│  └┈ ?          0x7f3a5c0d1e80  app.models.Order     <Order 17>  (above)\n"
        "└─ .lines        0x7f3a5c0d3000  list [2]             12 items\n"
        "   ├╌ ['k\\x0a']  0x7f3a5c0d4000  app.models.Line      'a\\n\\x1b'  (highlighted)  "
        "(__del__)  (approximate)\n"
        "   ├─ [1]        0x7f3a5c0d4000  app.models.Line      'a\\n\\x1b'  (highlighted)  "
        "(__del__)  (approximate)\n"
        "   └─ … 10 more references\n");
    diagram_free(&diagram);
}

Test(diagram, has_two_languages)
{
    const struct diagram_box first = {.id = 1, .title = "D", .value = "<D o", .words = "<D obj>"};
    const struct diagram_arrow named = {.to = 1, .label = "k", .weight = 2, .name = "['k']"};
    const struct diagram_arrow unnamed = {.to = 1, .name = "via it", .is_unnamed = true};
    struct diagram diagram;

    diagram_init(&diagram);
    diagram_box(&diagram, &first), made_diagram_box(&diagram, 2, 1, "E", NULL);
    diagram_arrow(&diagram, &named);
    diagram_arrow(&diagram, &unnamed);
    made_diagram_expect(
        &diagram, diagram_tree, &(struct render_style){0},
        "0x1  D  <D obj>\n├─ ['k']   0x2             E\n└─ via it  0x2             E\n");
    char *json = made_diagram_render(&diagram, diagram_as_json, NULL),
         *dot = made_diagram_render(&diagram, diagram_as_dot, NULL);
    cr_expect(strstr(json, "\"value\": \"<D obj>\"") && strstr(json, "\"name\": null"));
    cr_expect(strstr(dot, "D\\n<D o\"]") && strstr(dot, " [label=\"k\",weight=2];\n"), "%s", dot);
    diagram.draws_names = true;
    char *names = made_diagram_render(&diagram, diagram_as_dot, NULL);
    cr_expect(strstr(names, " [label=\"['k']\",weight=2];\n"), "%s", names);
    cr_expect(strstr(names, " [label=\"via it\"];\n"), "%s", names);
    free(json), free(dot), free(names);
    diagram_free(&diagram);
}

Test(diagram, for_a_terminal_without_utf8)
{
    struct diagram diagram;

    made_diagram_backrefs(&diagram);
    made_diagram_box(&diagram, 3, 1, "list", "1 items");
    made_diagram_arrow(&diagram, 2, 1, "[0]", 0);
    cr_assert_eq(setenv("LC_ALL", "C", 1), 0);
    made_diagram_expect(&diagram, diagram_tree, &(struct render_style){.colour = true},
                        "\x1b[1m0x1  D  D()  (__del__)\x1b[0m\n"
                        "|- d of       0x2             dict  21 items\n"
                        "|  `- [0] of  0x3             list  1 items\n"
                        "\x1b[2m`- ... 2 more back references\x1b[0m\n");
    diagram_free(&diagram);
}

/* Every arrow is a line, and so is every box that none leads to. */
static void expect_lines(const struct diagram *diagram, unsigned width, size_t wanted)
{
    const struct render_style style = {.width = width};
    char *bytes = made_diagram_render(diagram, diagram_tree, &style), *next;
    size_t lines = 0;

    for (char *line = bytes; *line; line = next + 1, lines++) {
        next = strchr(line, '\n');
        cr_assert(next);
        size_t length = (size_t)(next - line);
        cr_expect_leq(text_columns(line, length), width, "%.*s", (int)length, line);
        for (size_t i = 0; i < length; i++)
            cr_expect((unsigned char)line[i] >= 0x20, "%.*s", (int)length, line);
    }
    cr_expect_eq(lines, wanted, "%zu lines for %zu:\n%s", lines, wanted, bytes);
    free(bytes);
}

static void make_random(struct diagram *diagram, size_t *lines)
{
    size_t boxes = 1 + (size_t)rand() % 40, arrows = (size_t)rand() % 120;
    bool reached[64] = {false};

    diagram_init(diagram);
    diagram->backwards = rand() % 2;
    *lines = 0;
    for (size_t i = 0; i < boxes; i++) {
        bool has_more = rand() % 4 == 0;
        diagram_box(diagram, &(struct diagram_box){.id = (uint64_t)rand() << 17,
                                                   .depth = i > 0,
                                                   .title = made_diagram_hostile[rand() % HOSTILE],
                                                   .value = made_diagram_hostile[rand() % HOSTILE],
                                                   .extra = made_diagram_hostile[rand() % HOSTILE],
                                                   .marks = (unsigned)rand() % 32,
                                                   .has_refcount = rand() % 2,
                                                   .refcount = (uint64_t)rand(),
                                                   .more = has_more ? (uint64_t)rand() : 0});
        *lines += has_more && diagram->boxes[i].more;
    }
    /* From a box that can be reached, so that how many lines there are is known. */
    reached[0] = true;
    for (size_t i = 0; i < arrows; i++) {
        size_t near = (size_t)rand() % boxes, far = (size_t)rand() % boxes;
        if (!reached[near])
            continue;
        reached[far] = true;
        diagram_arrow(diagram,
                      &(struct diagram_arrow){.from = diagram->backwards ? far : near,
                                              .to = diagram->backwards ? near : far,
                                              .name = made_diagram_hostile[rand() % HOSTILE],
                                              .is_dotted = rand() % 2,
                                              .is_dashed = rand() % 2});
        ++*lines;
    }
    for (size_t i = 0; i < boxes; i++)
        *lines += i == 0 || !reached[i];
}

Test(diagram, lines_fit_the_terminal)
{
    srand(1);
    for (int i = 0; i < 2000; i++) {
        struct diagram diagram;
        size_t lines;
        make_random(&diagram, &lines);
        expect_lines(&diagram, i % 3 ? 80 : 3 + (unsigned)rand() % 200, lines);
        diagram_free(&diagram);
    }
}

Test(diagram, chains_may_be_long)
{
    struct diagram diagram;

    diagram_init(&diagram);
    for (unsigned i = 0; i < 100000; i++)
        made_diagram_box(&diagram, i, i, "list", "1 items");
    for (size_t i = 0; i + 1 < 100000; i++)
        made_diagram_arrow(&diagram, i, i + 1, "[0]", 0);
    expect_lines(&diagram, 100, 100000);
    diagram_free(&diagram);
}

Test(diagram, a_box_is_unfolded_where_it_is_nearest)
{
    struct diagram diagram;

    diagram_init(&diagram);
    for (unsigned i = 0; i < 4; i++)
        made_diagram_box(&diagram, i + 1, i ? 1 : 0, "list", NULL);
    made_diagram_arrow(&diagram, 0, 1, "[0]", 0);
    made_diagram_arrow(&diagram, 1, 1, "[1]", 0);
    made_diagram_arrow(&diagram, 1, 2, "[2]", 0);
    made_diagram_arrow(&diagram, 2, 3, "[3]", 0);
    made_diagram_arrow(&diagram, 0, 2, "[4]", 0);
    made_diagram_arrow(&diagram, 0, 2, "[5]", 0);
    made_diagram_expect(&diagram, diagram_tree, &(struct render_style){.width = 80},
                        "0x1  list\n"
                        "├─ [0]     0x2             list\n"
                        "│  ├─ [1]  0x2             list  (above)\n"
                        "│  └─ [2]  0x3             list  (below)\n"
                        "├─ [4]     0x3             list\n"
                        "│  └─ [3]  0x4             list\n"
                        "└─ [5]     0x3             list  (above)\n");
    diagram_free(&diagram);
}

Test(diagram, for_a_machine)
{
    struct diagram diagram;

    make_orders(&diagram);
    report_fact_text(&diagram.facts, "target.name", "\x1b");
    diagram.box_count = 3;
    diagram.boxes[1].allocated = "/srv/app.py:12";
    diagram.arrow_count = 2;
    diagram.arrows[1].name = "";
    made_diagram_expect(
        &diagram, diagram_as_json, NULL,
        "{\"target\": {\"name\": \"\\u001b\"}, \"nodes\": ["
        "{\"address\": \"0x7f3a5c0d1e80\", \"type\": \"app.models.Order\", \"value\": "
        "\"<Order 17>\", \"extra\": null, \"depth\": 0, \"refcount\": null, \"immortal\": "
        "false, \"more\": 0, \"root\": true, \"module\": false, \"highlighted\": false, "
        "\"has_del\": false, \"approximate\": false, \"allocated\": null}, "
        "{\"address\": \"0x7f3a5c0d2000\", \"type\": \"app.models.Customer\", \"value\": "
        "\"<Customer 3>\", \"extra\": \"48 bytes\", \"depth\": 1, \"refcount\": null, "
        "\"immortal\": false, \"more\": 0, \"root\": false, \"module\": false, "
        "\"highlighted\": false, \"has_del\": false, \"approximate\": false, "
        "\"allocated\": \"/srv/app.py:12\"}, "
        "{\"address\": \"0x7f3a5c0d3000\", \"type\": \"list\", \"value\": \"12 items\", "
        "\"extra\": null, \"depth\": 1, \"refcount\": 2, \"immortal\": false, \"more\": "
        "10, \"root\": false, \"module\": false, \"highlighted\": false, \"has_del\": false, "
        "\"approximate\": false, \"allocated\": null}], \"edges\": ["
        "{\"from\": \"0x7f3a5c0d1e80\", \"to\": \"0x7f3a5c0d2000\", \"name\": "
        "\".customer\", \"label\": \".customer\", \"owned\": false, \"guess\": false}, "
        "{\"from\": \"0x7f3a5c0d1e80\", \"to\": \"0x7f3a5c0d3000\", \"name\": null, "
        "\"label\": \".lines\", \"owned\": false, \"guess\": false}]}\n");
    diagram_free(&diagram);
}

Test(diagram, where_a_box_was_allocated)
{
    struct diagram diagram;

    diagram_init(&diagram);
    diagram_box(&diagram, &(struct diagram_box){.id = 1, .title = "D", .allocated = "\x1b.py:12"});
    char *tree = made_diagram_render(&diagram, diagram_tree, &(struct render_style){0});
    char *dot = made_diagram_render(&diagram, diagram_as_dot, NULL);
    cr_expect_str_eq(tree, "0x1  D  \\x1b.py:12\n");
    cr_expect(strstr(dot, "o1[label=\"D\\n\\\\x1b.py:12\"];\n"), "%s", dot);
    free(tree);
    free(dot);
    diagram_free(&diagram);
}

Test(diagram, one_that_is_not_whole_is_not_printed)
{
    renderer *const renderers[] = {diagram_as_dot, diagram_as_json, diagram_tree};
    const struct render_style style = {0};

    for (size_t i = 0; i < 6; i++) {
        char *bytes = NULL;
        size_t length = 0;
        struct error err = {0};
        struct diagram diagram;
        FILE *out = open_memstream(&bytes, &length);
        cr_assert(out);
        make_orders(&diagram);
        if (i < 3)
            diagram.failed = true;
        else
            diagram.facts.failed = true;
        cr_expect_not(renderers[i % 3](&diagram, &style, out, &err));
        cr_expect_eq(err.kind, ERROR_SYSTEM);
        cr_assert_eq(fclose(out), 0);
        cr_expect_eq(length, 0, "%s", bytes);
        free(bytes);
        diagram_free(&diagram);
    }
}

Test(diagram, an_arrow_needs_its_boxes)
{
    struct diagram diagram;

    diagram_init(&diagram);
    made_diagram_box(&diagram, 1, 0, NULL, NULL);
    made_diagram_arrow(&diagram, 0, 1, "x", 0);
    cr_expect(diagram.failed);
    cr_expect_eq(diagram.arrow_count, 0);
    diagram_free(&diagram);
}
