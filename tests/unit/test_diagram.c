// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"
#include "inspector/report/rows.h"

#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void use_utf8(void)
{
    cr_assert_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(diagram, .init = use_utf8, .timeout = 300);

typedef bool renderer(const struct diagram *diagram, const struct render_style *style, FILE *out,
                      struct error *err);

static bool as_dot(const struct diagram *diagram, const struct render_style *style, FILE *out,
                   struct error *err)
{
    (void)style;
    return diagram_dot(diagram, out, err);
}

static bool as_json(const struct diagram *diagram, const struct render_style *style, FILE *out,
                    struct error *err)
{
    (void)style;
    return diagram_json(diagram, out, err);
}

static char *render(const struct diagram *diagram, renderer *make, const struct render_style *style)
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

static void expect(const struct diagram *diagram, renderer *make, const struct render_style *style,
                   const char *golden)
{
    char *bytes = render(diagram, make, style);

    cr_expect_str_eq(bytes, golden, "got:\n%s\nwanted:\n%s", bytes, golden);
    free(bytes);
}

static size_t add_box(struct diagram *diagram, uint64_t id, unsigned depth, const char *title,
                      const char *value)
{
    return diagram_box(
        diagram, &(struct diagram_box){.id = id, .depth = depth, .title = title, .value = value});
}

static void add_arrow(struct diagram *diagram, size_t from, size_t to, const char *label,
                      unsigned weight)
{
    diagram_arrow(diagram,
                  &(struct diagram_arrow){
                      .from = from, .to = to, .label = label, .weight = weight, .name = label});
}

/* What show_refs drew; objgraph 3.5 wrote the golden text below. */
static void make_refs(struct diagram *diagram)
{
    static const struct diagram_box boxes[] = {
        {1, "dict", "3 items", "e", DIAGRAM_ROOT, 0, 0, true, false, 2, NULL},
        {2, "list", "5 items", "e", 0, 1, 2, true, false, 0, NULL},
        {3, "dict", "4 items", "e", 0, 1, 5, true, false, 0, NULL},
        {4, "module", "app", "e", DIAGRAM_MODULE, 1, 0, true, false, 2, NULL},
        {5, "float", "3.5", "e", 0, 2, 0, true, false, 2, NULL},
        {8, "D", "D()", "e", DIAGRAM_HIGHLIGHTED | DIAGRAM_DEL, 2, 0, true, false, 4, NULL},
        {9976896, "str", "'key'", "e", 0, 2, 0, true, false, 1000000080, NULL},
    };

    diagram_init(diagram);
    diagram->max_depth = 2;
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
        cr_assert_eq(diagram_box(diagram, &boxes[i]), i);
    add_arrow(diagram, 0, 1, "lines", 2);
    add_arrow(diagram, 0, 2, "table", 2);
    add_arrow(diagram, 0, 3, "mod", 2);
    add_arrow(diagram, 1, 4, "", 0);
    add_arrow(diagram, 2, 5, "key", 2);
    add_arrow(diagram, 2, 6, NULL, 0);
    add_arrow(diagram, 2, 5, "tuple\n(1, \"2\")", 0);
}

Test(diagram, is_drawn_as_objgraph_draws_references)
{
    struct diagram diagram;

    make_refs(&diagram);
    expect(&diagram, as_dot, NULL,
           "digraph ObjectGraph {\n"
           "  node[shape=box, style=filled, fillcolor=white];\n"
           "  o1[fontcolor=red];\n"
           "  o1[label=\"dict [2]\\n3 items\\ne\"];\n"
           "  o1[fillcolor=\"0,0,1\"];\n"
           "  o1 -> o2 [label=\"lines\",weight=2];\n"
           "  o1 -> o3 [label=\"table\",weight=2];\n"
           "  o1 -> o4 [label=\"mod\",weight=2];\n"
           "  o2[label=\"list [0]\\n5 items\\ne\"];\n"
           "  o2[fillcolor=\"0,0,0.65\"];\n"
           "  o2 -> o5;\n"
           "  o2->too_many_o2[color=red,style=dotted,len=0.25,weight=10];\n"
           "  too_many_o2[label=\"2 more references\",shape=box,height=0.25,color=red,"
           "fillcolor=\"0,1,0.3\",fontsize=6];\n"
           "  too_many_o2[fontcolor=white];\n"
           "  o3[label=\"dict [0]\\n4 items\\ne\"];\n"
           "  o3[fillcolor=\"0,0,0.65\"];\n"
           "  o3 -> o8 [label=\"key\",weight=2];\n"
           "  o3 -> o9976896;\n"
           "  o3 -> o8 [label=\"tuple\\n(1, \\\"2\\\")\"];\n"
           "  o3->too_many_o3[color=red,style=dotted,len=0.25,weight=10];\n"
           "  too_many_o3[label=\"5 more references\",shape=box,height=0.25,color=red,"
           "fillcolor=\"0,1,0.3\",fontsize=6];\n"
           "  too_many_o3[fontcolor=white];\n"
           "  o4[label=\"module [2]\\napp\\ne\"];\n"
           "  o4[fillcolor=\"0.3,1,0.65\"];\n"
           "  o5[label=\"float [2]\\n3.5\\ne\"];\n"
           "  o5[fillcolor=\"0,0,0.3\"];\n"
           "  o5[fontcolor=white];\n"
           "  o8[label=\"D [4]\\nD()\\ne\"];\n"
           "  o8[fillcolor=\"0.6,0.6,0.65\"];\n"
           "  o8->o8_has_a_del[color=red,style=dotted,len=0.25,weight=10];\n"
           "  o8_has_a_del[label=\"__del__\",shape=doublecircle,height=0.25,color=red,"
           "fillcolor=\"0,.5,1\",fontsize=6];\n"
           "  o9976896[label=\"str [1000000080]\\n'key'\\ne\"];\n"
           "  o9976896[fillcolor=\"0,0,0.3\"];\n"
           "  o9976896[fontcolor=white];\n"
           "}\n");
    diagram_free(&diagram);
}

/* What show_backrefs drew. */
static void make_backrefs(struct diagram *diagram)
{
    diagram_init(diagram);
    diagram->max_depth = 1;
    diagram->backwards = true;
    diagram_box(
        diagram,
        &(struct diagram_box){
            .id = 1, .title = "D", .value = "D()", .marks = DIAGRAM_ROOT | DIAGRAM_DEL, .more = 2});
    add_box(diagram, 2, 1, "dict", "21 items");
    add_arrow(diagram, 1, 0, "d", 2);
}

Test(diagram, is_drawn_as_objgraph_draws_back_references)
{
    struct diagram diagram;

    make_backrefs(&diagram);
    expect(&diagram, as_dot, NULL,
           "digraph ObjectGraph {\n"
           "  node[shape=box, style=filled, fillcolor=white];\n"
           "  o1[fontcolor=red];\n"
           "  o1[label=\"D\\nD()\"];\n"
           "  o1[fillcolor=\"0,0,1\"];\n"
           "  o1->o1_has_a_del[color=red,style=dotted,len=0.25,weight=10];\n"
           "  o1_has_a_del[label=\"__del__\",shape=doublecircle,height=0.25,color=red,"
           "fillcolor=\"0,.5,1\",fontsize=6];\n"
           "  o2 -> o1 [label=\"d\",weight=2];\n"
           "  too_many_o1->o1[color=red,style=dotted,len=0.25,weight=10];\n"
           "  too_many_o1[label=\"2 more backreferences\",shape=box,height=0.25,color=red,"
           "fillcolor=\"0,1,0.3\",fontsize=6];\n"
           "  too_many_o1[fontcolor=white];\n"
           "  o2[label=\"dict\\n21 items\"];\n"
           "  o2[fillcolor=\"0,0,0.3\"];\n"
           "  o2[fontcolor=white];\n"
           "}\n");
    diagram_free(&diagram);
}

Test(diagram, draws_what_objgraph_does_not_know)
{
    struct diagram diagram;

    diagram_init(&diagram);
    diagram_box(&diagram, &(struct diagram_box){.id = UINT64_MAX,
                                                .title = "a",
                                                .marks = DIAGRAM_ROOT | DIAGRAM_APPROXIMATE,
                                                .has_refcount = true,
                                                .is_immortal = true,
                                                .refcount = 7});
    diagram_arrow(&diagram, &(struct diagram_arrow){.is_dotted = true});
    diagram_arrow(&diagram, &(struct diagram_arrow){.label = "x", .weight = 2, .is_dashed = true});
    expect(&diagram, as_dot, NULL,
           "digraph ObjectGraph {\n"
           "  node[shape=box, style=filled, fillcolor=white];\n"
           "  o18446744073709551615[fontcolor=red];\n"
           "  o18446744073709551615[label=\"a [immortal]\"];\n"
           "  o18446744073709551615[fillcolor=\"0,0,1\"];\n"
           "  o18446744073709551615[style=\"filled,dashed\"];\n"
           "  o18446744073709551615 -> o18446744073709551615 [style=dotted];\n"
           "  o18446744073709551615 -> o18446744073709551615 "
           "[label=\"x\",weight=2,style=dashed];\n"
           "}\n");
    diagram_free(&diagram);
}

static const char *const hostile[] = {
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

enum { HOSTILE = sizeof(hostile) / sizeof(hostile[0]), MEGABYTE = 1 << 20 };

static void save(const struct diagram *diagram, const struct scratch *scratch, renderer *make,
                 const char *name)
{
    char *bytes = render(diagram, make, NULL);

    scratch_write(scratch, name, bytes);
    free(bytes);
}

/* What dot says that a label is, against what a person should see of the text. */
static const char checker[] =
    "import json, re, sys, xml.etree.ElementTree as tree\n"
    "harmful = "
    "re.compile('[\\0-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e'\n"
    "    '\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff]')\n"
    "def shown(code):\n"
    "    return ('\\\\x%02x' if code < 256 else '\\\\u%04x' if code < 65536 else '\\\\U%08x') % "
    "code\n"
    "def seen(text):\n"
    "    return '\\n'.join(harmful.sub(lambda found: shown(ord(found[0])), line)\n"
    "        for line in text.split('\\n'))\n"
    "def read(label):\n"
    "    label = re.sub(r'\\\\(.)', lambda at: {'n': '\\n'}.get(at[1], at[1]), label)\n"
    "    return label.replace('&amp;', '&')\n"
    "ours = json.load(open('ours.json'))\n"
    "its = json.load(open('its.json'))\n"
    "labels = {node['name']: read(node['label']) for node in its['objects']}\n"
    "garbage = re.compile(r'\\ufffd|\\\\x[c-f].|\\\\x8.')\n"
    "def same(ours, its):\n"
    "    return garbage.sub('?', seen(ours)) == garbage.sub('?', its)\n"
    "assert len(labels) == len(ours['nodes'])\n"
    "for node in ours['nodes']:\n"
    "    wanted = node['type'] + '\\n' + node['value']\n"
    "    got = labels['o%d' % int(node['address'], 16)]\n"
    "    assert same(wanted, got), (wanted[:99], got[:99])\n"
    "assert len(its['edges']) == len(ours['edges'])\n"
    "for ours_edge, its_edge in zip(ours['edges'], its['edges']):\n"
    "    got = read(its_edge.get('label', ''))\n"
    "    assert same(ours_edge['label'] or '', got), (ours_edge, its_edge)\n"
    "tree.parse('its.svg')\n";

Test(diagram, is_valid_whatever_texts_hold)
{
    struct diagram diagram;
    struct scratch scratch;

    diagram_init(&diagram);
    for (size_t i = 0; i < HOSTILE; i++)
        add_box(&diagram, 0x7f0000001000 + i, i > 0, hostile[i], hostile[(i * 7 + 3) % HOSTILE]);
    for (size_t i = 0; i < HOSTILE; i++)
        add_arrow(&diagram, 0, i, hostile[i], 1);
    scratch_make(&scratch);
    save(&diagram, &scratch, as_dot, "graph.dot");
    save(&diagram, &scratch, as_json, "ours.json");
    scratch_write(&scratch, "check.py", checker);
    scratch_run(&scratch, "dot -Tjson -o its.json graph.dot && dot -Tsvg -o its.svg graph.dot && "
                          "python3 check.py");
    scratch_remove(&scratch);
    diagram_free(&diagram);
}

Test(diagram, is_valid_however_long_texts_are)
{
    struct diagram diagram;
    struct scratch scratch;
    char *text = calloc(1, MEGABYTE + 1);

    cr_assert(text);
    for (size_t i = 0; i < MEGABYTE; i++)
        text[i] = "x\"y\\ &lt;\x1b"[i % 11];
    diagram_init(&diagram);
    add_box(&diagram, 1, 0, text, text);
    add_box(&diagram, 2, 1, "", text + 1);
    add_arrow(&diagram, 0, 1, text, 0);
    scratch_make(&scratch);
    save(&diagram, &scratch, as_dot, "graph.dot");
    save(&diagram, &scratch, as_json, "ours.json");
    scratch_write(&scratch, "check.py", checker);
    scratch_run(&scratch, "dot -Tjson -o its.json graph.dot && dot -Tsvg -o its.svg graph.dot && "
                          "python3 check.py");
    scratch_remove(&scratch);
    diagram_free(&diagram);
    free(text);
}

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
    add_arrow(diagram, 0, 1, ".customer", 0);
    add_arrow(diagram, 0, 2, ".lines", 0);
    add_arrow(diagram, 1, 2, ".orders", 0);
    diagram_arrow(diagram, &(struct diagram_arrow){.from = 1, .to = 0, .is_dashed = true});
    diagram_arrow(
        diagram, &(struct diagram_arrow){.from = 2, .to = 3, .name = "['k\n']", .is_dotted = true});
    add_arrow(diagram, 2, 3, "[1]", 0);
}

Test(diagram, for_a_terminal)
{
    struct diagram diagram;

    make_orders(&diagram);
    expect(&diagram, diagram_tree, &(struct render_style){0},
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
    diagram_box(&diagram, &first), add_box(&diagram, 2, 1, "E", NULL);
    diagram_arrow(&diagram, &named);
    diagram_arrow(&diagram, &unnamed);
    expect(&diagram, diagram_tree, &(struct render_style){0},
           "0x1  D  <D obj>\n├─ ['k']   0x2             E\n└─ via it  0x2             E\n");
    char *json = render(&diagram, as_json, NULL), *dot = render(&diagram, as_dot, NULL);
    cr_expect(strstr(json, "\"value\": \"<D obj>\"") && strstr(json, "\"name\": null"));
    cr_expect(strstr(dot, "D\\n<D o\"]") && strstr(dot, " [label=\"k\",weight=2];\n"), "%s", dot);
    diagram.draws_names = true;
    char *names = render(&diagram, as_dot, NULL);
    cr_expect(strstr(names, " [label=\"['k']\",weight=2];\n"), "%s", names);
    cr_expect(strstr(names, " [label=\"via it\"];\n"), "%s", names);
    free(json), free(dot), free(names);
    diagram_free(&diagram);
}

Test(diagram, for_a_terminal_without_utf8)
{
    struct diagram diagram;

    make_backrefs(&diagram);
    add_box(&diagram, 3, 1, "list", "1 items");
    add_arrow(&diagram, 2, 1, "[0]", 0);
    cr_assert_eq(setenv("LC_ALL", "C", 1), 0);
    expect(&diagram, diagram_tree, &(struct render_style){.colour = true},
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
    char *bytes = render(diagram, diagram_tree, &style), *next;
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
                                                   .title = hostile[rand() % HOSTILE],
                                                   .value = hostile[rand() % HOSTILE],
                                                   .extra = hostile[rand() % HOSTILE],
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
        diagram_arrow(diagram, &(struct diagram_arrow){.from = diagram->backwards ? far : near,
                                                       .to = diagram->backwards ? near : far,
                                                       .name = hostile[rand() % HOSTILE],
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
        add_box(&diagram, i, i, "list", "1 items");
    for (size_t i = 0; i + 1 < 100000; i++)
        add_arrow(&diagram, i, i + 1, "[0]", 0);
    expect_lines(&diagram, 100, 100000);
    diagram_free(&diagram);
}

Test(diagram, a_box_is_unfolded_where_it_is_nearest)
{
    struct diagram diagram;

    diagram_init(&diagram);
    for (unsigned i = 0; i < 4; i++)
        add_box(&diagram, i + 1, i ? 1 : 0, "list", NULL);
    add_arrow(&diagram, 0, 1, "[0]", 0);
    add_arrow(&diagram, 1, 1, "[1]", 0);
    add_arrow(&diagram, 1, 2, "[2]", 0);
    add_arrow(&diagram, 2, 3, "[3]", 0);
    add_arrow(&diagram, 0, 2, "[4]", 0);
    add_arrow(&diagram, 0, 2, "[5]", 0);
    expect(&diagram, diagram_tree, &(struct render_style){.width = 80},
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
    diagram.arrow_count = 2;
    diagram.arrows[1].name = "";
    expect(&diagram, as_json, NULL,
           "{\"target\": {\"name\": \"\\u001b\"}, \"nodes\": ["
           "{\"address\": \"0x7f3a5c0d1e80\", \"type\": \"app.models.Order\", \"value\": "
           "\"<Order 17>\", \"extra\": null, \"depth\": 0, \"refcount\": null, \"immortal\": "
           "false, \"more\": 0, \"root\": true, \"module\": false, \"highlighted\": false, "
           "\"has_del\": false, \"approximate\": false}, "
           "{\"address\": \"0x7f3a5c0d2000\", \"type\": \"app.models.Customer\", \"value\": "
           "\"<Customer 3>\", \"extra\": \"48 bytes\", \"depth\": 1, \"refcount\": null, "
           "\"immortal\": false, \"more\": 0, \"root\": false, \"module\": false, "
           "\"highlighted\": false, \"has_del\": false, \"approximate\": false}, "
           "{\"address\": \"0x7f3a5c0d3000\", \"type\": \"list\", \"value\": \"12 items\", "
           "\"extra\": null, \"depth\": 1, \"refcount\": 2, \"immortal\": false, \"more\": "
           "10, \"root\": false, \"module\": false, \"highlighted\": false, \"has_del\": false, "
           "\"approximate\": false}], \"edges\": ["
           "{\"from\": \"0x7f3a5c0d1e80\", \"to\": \"0x7f3a5c0d2000\", \"name\": "
           "\".customer\", \"label\": \".customer\", \"owned\": false, \"guess\": false}, "
           "{\"from\": \"0x7f3a5c0d1e80\", \"to\": \"0x7f3a5c0d3000\", \"name\": null, "
           "\"label\": \".lines\", \"owned\": false, \"guess\": false}]}\n");
    diagram_free(&diagram);
}

Test(diagram, one_that_is_not_whole_is_not_printed)
{
    renderer *const renderers[] = {as_dot, as_json, diagram_tree};
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
    add_box(&diagram, 1, 0, NULL, NULL);
    add_arrow(&diagram, 0, 1, "x", 0);
    cr_expect(diagram.failed);
    cr_expect_eq(diagram.arrow_count, 0);
    diagram_free(&diagram);
}
