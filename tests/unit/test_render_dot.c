// SPDX-License-Identifier: MIT
#include "inspector/report/diagram.h"
#include "inspector/report/rows.h"
#include "tests/support/made_diagram.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MEGABYTE = 1 << 20 };

TestSuite(render_dot, .init = made_diagram_use_utf8, .timeout = 300);

/* What show_refs drew; objgraph 3.5 wrote the golden text below. */
static void make_refs(struct diagram *diagram)
{
    static const struct diagram_box boxes[] = {
        {1, "dict", "3 items", "e", DIAGRAM_ROOT, 0, 0, true, false, 2, NULL, NULL},
        {2, "list", "5 items", "e", 0, 1, 2, true, false, 0, NULL, NULL},
        {3, "dict", "4 items", "e", 0, 1, 5, true, false, 0, NULL, NULL},
        {4, "module", "app", "e", DIAGRAM_MODULE, 1, 0, true, false, 2, NULL, NULL},
        {5, "float", "3.5", "e", 0, 2, 0, true, false, 2, NULL, NULL},
        {8, "D", "D()", "e", DIAGRAM_HIGHLIGHTED | DIAGRAM_DEL, 2, 0, true, false, 4, NULL, NULL},
        {9976896, "str", "'key'", "e", 0, 2, 0, true, false, 1000000080, NULL, NULL},
    };

    diagram_init(diagram);
    diagram->max_depth = 2;
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
        cr_assert_eq(diagram_box(diagram, &boxes[i]), i);
    made_diagram_arrow(diagram, 0, 1, "lines", 2);
    made_diagram_arrow(diagram, 0, 2, "table", 2);
    made_diagram_arrow(diagram, 0, 3, "mod", 2);
    made_diagram_arrow(diagram, 1, 4, "", 0);
    made_diagram_arrow(diagram, 2, 5, "key", 2);
    made_diagram_arrow(diagram, 2, 6, NULL, 0);
    made_diagram_arrow(diagram, 2, 5, "tuple\n(1, \"2\")", 0);
}

Test(render_dot, is_drawn_as_objgraph_draws_references)
{
    struct diagram diagram;

    make_refs(&diagram);
    made_diagram_expect(&diagram, diagram_as_dot, NULL,
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

Test(render_dot, is_drawn_as_objgraph_draws_back_references)
{
    struct diagram diagram;

    made_diagram_backrefs(&diagram);
    made_diagram_expect(
        &diagram, diagram_as_dot, NULL,
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

Test(render_dot, draws_what_objgraph_does_not_know)
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
    made_diagram_expect(&diagram, diagram_as_dot, NULL,
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

static void save(const struct diagram *diagram, const struct scratch *scratch, renderer *make,
                 const char *name)
{
    char *bytes = made_diagram_render(diagram, make, NULL);

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

Test(render_dot, is_valid_whatever_texts_hold)
{
    struct diagram diagram;
    struct scratch scratch;

    diagram_init(&diagram);
    for (size_t i = 0; i < HOSTILE; i++)
        made_diagram_box(&diagram, 0x7f0000001000 + i, i > 0, made_diagram_hostile[i],
                         made_diagram_hostile[(i * 7 + 3) % HOSTILE]);
    for (size_t i = 0; i < HOSTILE; i++)
        made_diagram_arrow(&diagram, 0, i, made_diagram_hostile[i], 1);
    scratch_make(&scratch);
    save(&diagram, &scratch, diagram_as_dot, "graph.dot");
    save(&diagram, &scratch, diagram_as_json, "ours.json");
    scratch_write(&scratch, "check.py", checker);
    scratch_run(&scratch, "dot -Tjson -o its.json graph.dot && dot -Tsvg -o its.svg graph.dot && "
                          "python3 check.py");
    scratch_remove(&scratch);
    diagram_free(&diagram);
}

Test(render_dot, is_valid_however_long_texts_are)
{
    struct diagram diagram;
    struct scratch scratch;
    char *text = calloc(1, MEGABYTE + 1);

    cr_assert(text);
    for (size_t i = 0; i < MEGABYTE; i++)
        text[i] = "x\"y\\ &lt;\x1b"[i % 11];
    diagram_init(&diagram);
    made_diagram_box(&diagram, 1, 0, text, text);
    made_diagram_box(&diagram, 2, 1, "", text + 1);
    made_diagram_arrow(&diagram, 0, 1, text, 0);
    scratch_make(&scratch);
    save(&diagram, &scratch, diagram_as_dot, "graph.dot");
    save(&diagram, &scratch, diagram_as_json, "ours.json");
    scratch_write(&scratch, "check.py", checker);
    scratch_run(&scratch, "dot -Tjson -o its.json graph.dot && dot -Tsvg -o its.svg graph.dot && "
                          "python3 check.py");
    scratch_remove(&scratch);
    diagram_free(&diagram);
    free(text);
}
