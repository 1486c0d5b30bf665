// SPDX-License-Identifier: MIT
/*
 * `pyinspect refs` and `backrefs`: what objgraph draws inside the process itself, by equality, on
 * every interpreter; how references are named; and what is refused.
 */
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PLAN_WORDS = 16, PLANS = 4 };

static struct criterion_test_params pythons_all(void)
{
    static size_t indices[PYTHONS_MAX];
    struct interpreter pythons[PYTHONS_MAX];
    size_t found = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < found; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, found);
}

/* A process that has written down what it wants to be drawn. */
struct drawn {
    struct judge judge;
    struct scratch objgraph; /* a directory with objgraph alone */
    char *plans;
};

static void start_drawn(struct drawn *ret, const struct interpreter *python)
{
    size_t size;

    scratch_make(&ret->objgraph);
    scratch_run(&ret->objgraph, "cp \"$(/usr/bin/python3 -c 'import objgraph; "
                                "print(objgraph.__file__)')\" objgraph.py");
    judge_start(&ret->judge, python, "drawn.py",
                (const char *const[]){ret->objgraph.path, "@plans", python->version, NULL});
    unsigned char *plans = scratch_read(&ret->judge.scratch, "plans", &size);
    ret->plans = strndup((const char *)plans, size);
    free(plans);
}

/* A line of a plan is a verb and options; the addresses are in a file. */
static void draw_plan(struct drawn *drawn, unsigned number, char *line)
{
    char pid[16], output[160], roots[160], *save = NULL;
    const char *words[MOST_PLAN_WORDS + 1] = {strtok_r(line, " ", &save), pid, "-", "-o", output};
    struct program program;
    size_t count = 5;

    snprintf(pid, sizeof(pid), "%d", (int)drawn->judge.pid);
    snprintf(output, sizeof(output), "%s/%u.dot", drawn->judge.scratch.path, number);
    snprintf(roots, sizeof(roots), "%s/plans-%u", drawn->judge.scratch.path, number);
    while (count < MOST_PLAN_WORDS && (words[count] = strtok_r(NULL, " ", &save)))
        count++;
    cr_assert_lt(count, MOST_PLAN_WORDS);
    program_run_files(&program, words, roots, "/dev/null");
    cr_expect_eq(program.status, 0, "%s: %s: %s", drawn->judge.name, words[0], program.err);
    dprintf(drawn->judge.wake_fd, "%u %s\n", number, output);
    program_free(&program);
}

static unsigned draw_plans(struct drawn *drawn)
{
    unsigned count = 0;
    char *save = NULL;

    for (char *line = strtok_r(drawn->plans, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        draw_plan(drawn, count++, line);
    return count;
}

ParameterizedTestParameters(refs, as_objgraph_draws)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, refs, as_objgraph_draws, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct drawn drawn;
    struct program findings;

    start_drawn(&drawn, &python);
    unsigned plans = draw_plans(&drawn);
    judge_end(&drawn.judge, &findings);
    scratch_remove(&drawn.objgraph);
    free(drawn.plans);
    if (strstr(findings.out, "\"skipped\""))
        cr_skip_test("%s: %s", python.name, findings.out);
    cr_expect_eq(plans, PLANS);
    cr_expect(program_rows_hold(&findings,
                                "len(rows) == 4 and all(row[\"wrong\"] == 0 for row in rows) "
                                "and all(row[\"nodes\"] >= 18 for row in rows) "
                                "and sum(row[\"edges\"] for row in rows) > 500 "
                                "and sum(sum(row[\"excused\"].values()) for row in rows) "
                                "< sum(row[\"nodes\"] for row in rows) / 10"),
              "%s: %.6000s", drawn.judge.name, findings.out);
    program_free(&findings);
}

ParameterizedTestParameters(refs, are_called_as_python_calls_them)
{
    return pythons_all();
}

/* By the types' own traversals, and by what is known of them alone. */
ParameterizedTest(size_t *index, refs, are_called_as_python_calls_them, .timeout = 300)
{
    static const char *const words[][10] = {
        {"refs", "-", "--json", "--all-references", "--max-depth", "1", "--too-many", "0", NULL},
        {"refs", "-", "--json", "--all-references", "--max-depth", "1", "--too-many", "0",
         "--no-exec", NULL},
    };
    struct interpreter python = pythons_get(index);
    struct judge judge;
    struct program findings;

    judge_start(&judge, &python, "linked.py", (const char *const[]){"@roots", NULL});
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(judge_ask(&judge, "names", "roots", words[i]), 0, "%s: %s", judge.name,
                     judge.said);
    judge_end(&judge, &findings);
    cr_expect(program_rows_hold(&findings, "len(rows) == 2 and all(row[\"wrong\"] == [] and "
                                           "row[\"confirmed\"] > 90 and row[\"by_hand\"] > 10 and "
                                           "sum(row[\"inner\"].values()) < 20 for row in rows)"),
              "%s: %.6000s", judge.name, findings.out);
    program_free(&findings);
}

/* One process, and the addresses of some of its modules. */
struct single {
    struct target target;
    char pid[16], modules[2][24];
};

static void start_single(struct single *ret)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct program program;
    const char *at;

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(&ret->target, &pythons[count / 2], "bare");
    snprintf(ret->pid, sizeof(ret->pid), "%d", (int)ret->target.pid);
    program_run(&program, (const char *const[]){"objects", ret->pid, "--type", "module", "--limit",
                                                "2", "--json", NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    at = program.out;
    for (size_t i = 0; i < 2; i++) {
        at = strstr(at, "\"0x");
        cr_assert(at);
        snprintf(ret->modules[i], sizeof(ret->modules[i]), "0x%llx", strtoull(at + 1, NULL, 16));
        at = strchr(at, '\n');
    }
    program_free(&program);
}

/* `pyinspect VERB PID WORD...` */
static void ask_single(struct program *ret, const struct single *single, const char *verb,
                       const char *const *more)
{
    const char *words[16] = {verb, single->pid};

    for (size_t i = 0; i < 13 && more[i]; i++)
        words[2 + i] = more[i];
    program_run(ret, words);
}

#define ASK(program, single, verb, ...)                                                            \
    ask_single((program), (single), (verb), (const char *const[]){__VA_ARGS__, NULL})

Test(refs, for_a_person, .timeout = 120)
{
    struct single single;
    struct program program;

    start_single(&single);
    ASK(&program, &single, "refs", single.modules[0], single.modules[1], "--refcounts");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strncmp(program.out, single.modules[0], strlen(single.modules[0])) == 0);
    cr_expect(strstr(program.out, ".__dict__"), "%s", program.out);
    cr_expect(strstr(program.err, "more not drawn (--too-many)"), "%s", program.err);
    cr_expect_not(strstr(program.err, "tp_traverse"), "%s", program.err);
    cr_expect(strstr(program.err, ", all "), "%s", program.err);
    program_free(&program);
    ASK(&program, &single, "backrefs", single.modules[0], "--no-exec");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.err, "no tp_traverse was run"), "%s", program.err);
    cr_expect(strstr(program.err, "pyinspect: 1 object, 0 references"),
              "a module of sys.modules is where it ends: %s", program.err);
    program_free(&program);
    target_end(&single.target);
}

/* What its type's code alone can name: `option` is NULL or one more. */
static void expect_of_key(const char *pid, const char *key, const char *option, const char *claim)
{
    struct program program;

    program_run(&program, (const char *const[]){"refs", pid, key, "--max-depth", "1", "--json",
                                                option, NULL});
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_holds(&program, claim), "%s: %.3000s", claim, program.out);
    program_free(&program);
}

Test(refs, of_a_type_that_nobody_knows, .timeout = 120)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct program program, findings;
    struct judge judge;
    char pid[16], key[24];

    cr_assert_gt(count, 0, "no interpreter to test with");
    judge_start(&judge, &pythons[count / 2], "held.py",
                (const char *const[]){"fixtures", "@addresses", NULL});
    snprintf(pid, sizeof(pid), "%d", (int)judge.pid);
    program_run(&program, (const char *const[]){"objects", pid, "--type", "functools.KeyWrapper",
                                                "--limit", "1", "--json", NULL});
    const char *at = strstr(program.out, "\"0x");
    cr_assert(at, "%s", program.out);
    snprintf(key, sizeof(key), "0x%llx", strtoull(at + 1, NULL, 16));
    program_free(&program);
    expect_of_key(pid, key, NULL,
                  "not answer[\"nodes\"][0][\"approximate\"] and "
                  "None in [edge[\"name\"] for edge in answer[\"edges\"]] and not "
                  "any(edge[\"guess\"] for edge in answer[\"edges\"])");
    expect_of_key(pid, key, "--no-exec", "answer[\"nodes\"][0][\"approximate\"]");
    program_run(&program, (const char *const[]){"refs", pid, key, "--max-depth", "1", NULL});
    cr_expect(strstr(program.out, " via tp_traverse  0x"), "%s", program.out);
    program_free(&program);
    program_run(&program, (const char *const[]){"refs", pid, key, "--max-depth", "1", "--no-exec",
                                                "--all-references", NULL});
    cr_expect(strstr(program.out, " ?  ") && !strstr(program.out, "via"), "%s", program.out);
    program_free(&program);
    judge_end(&judge, &findings);
    program_free(&findings);
}

Test(refs, in_json, .timeout = 120)
{
    struct single single;
    struct program program;

    start_single(&single);
    ASK(&program, &single, "refs", single.modules[0], "--json", "--max-depth", "2", "--extra-info",
        "size,generation", "--highlight", "type == 'dict'");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_holds(
                  &program,
                  "len(answer[\"nodes\"]) == answer[\"drawn\"][\"objects\"] > 2 and "
                  "len(answer[\"edges\"]) == answer[\"drawn\"][\"references\"] and "
                  "answer[\"nodes\"][0][\"root\"] and answer[\"nodes\"][0][\"module\"] and "
                  "answer[\"nodes\"][1][\"highlighted\"] and answer[\"graph\"][\"nodes\"] > 1000 "
                  "and all(\" bytes, \" in node[\"extra\"] for node in answer[\"nodes\"]) and "
                  "set(edge[\"from\"] for edge in answer[\"edges\"]) <= "
                  "set(node[\"address\"] for node in answer[\"nodes\"])"),
              "%.3000s", program.out);
    program_free(&program);
    target_end(&single.target);
}

Test(refs, without_values_nothing_of_the_targets, .timeout = 120)
{
    struct single single;
    struct program program;

    start_single(&single);
    ASK(&program, &single, "refs", single.modules[0], "--json", "--no-values", "--all-references",
        "--too-many", "0", "--max-depth", "4", "--extra-info", "repr,size");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_holds(&program,
                            "all(node[\"value\"] is None or node[\"value\"].endswith(\" items\") "
                            "or node[\"value\"].replace(\".\", \"\").isidentifier() for node in "
                            "answer[\"nodes\"]) and "
                            "len(answer[\"nodes\"]) > 20 and \".py\" not in str(answer[\"nodes\"])"
                            " and \"[%s__\" % chr(39) not in str(answer[\"edges\"])"),
              "%.3000s", program.out);
    program_free(&program);
    target_end(&single.target);
}

Test(refs, in_a_file, .timeout = 120)
{
    struct single single;
    struct scratch scratch;
    struct program program;
    char dot[128], nowhere[128];

    start_single(&single);
    scratch_make(&scratch);
    snprintf(dot, sizeof(dot), "%s/x.dot", scratch.path);
    snprintf(nowhere, sizeof(nowhere), "%s/none/x.dot", scratch.path);
    ASK(&program, &single, "refs", single.modules[0], "-o", dot);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect_str_eq(program.out, "");
    cr_expect(strstr(program.err, "/x.dot"), "%s", program.err);
    program_free(&program);
    scratch_run(&scratch, "grep -q '^digraph ObjectGraph {$' x.dot && grep -q fontcolor=red x.dot");
    ASK(&program, &single, "refs", "0x10", "-o", dot);
    cr_expect_eq(program.status, 1, "%s", program.err);
    cr_expect(strstr(program.err, "nothing to draw: "), "%s", program.err);
    program_free(&program);
    scratch_run(&scratch, "grep -q fontcolor=red x.dot");
    ASK(&program, &single, "refs", single.modules[0], "-o", nowhere);
    program_expect_refusal(&program, 7, "none");
    program_free(&program);
    scratch_remove(&scratch);
    target_end(&single.target);
}

Test(refs, of_what_is_no_object, .timeout = 120)
{
    struct single single;
    struct program program;
    char inside[24];

    start_single(&single);
    snprintf(inside, sizeof(inside), "0x%llx", strtoull(single.modules[0], NULL, 16) + 9);
    ASK(&program, &single, "refs", "0x10");
    cr_expect_eq(program.status, 1, "as show and why have it: %s", program.err);
    cr_expect_str_eq(program.out, "0x10 is no object: it lies in no memory of the process\n");
    cr_expect(strstr(program.err, ", 1 place that is no object's"), "%s", program.err);
    program_free(&program);
    ASK(&program, &single, "backrefs", "0x10", "0x20", "--json");
    cr_expect_eq(program.status, 1, "%s", program.err);
    cr_expect(program_holds(&program, "answer[\"nodes\"] == [] and answer[\"edges\"] == [] and "
                                      "answer[\"asked\"] == {\"addresses\": 2, \"no_object\": 2}"),
              "%.3000s", program.out);
    cr_expect(strstr(program.err, "0x20 is no object"), "%s", program.err);
    program_free(&program);
    ASK(&program, &single, "refs", "0x10", "-o", "/nowhere/x.dot");
    program_expect_refusal(&program, 7, "nowhere");
    program_free(&program);
    ASK(&program, &single, "refs", inside, "--max-depth", "0");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.err, "lies within the module at 0x"), "%s", program.err);
    program_free(&program);
    ASK(&program, &single, "refs", single.modules[0], "0x10", "--max-depth", "0");
    cr_expect_eq(program.status, 1, "%s", program.err);
    cr_expect(strstr(program.err, "0x10 is no object"), "%s", program.err);
    program_free(&program);
    target_end(&single.target);
}

/* DOT on the standard output, with either kind of labels. */
Test(refs, as_dot_on_the_standard_output, .timeout = 120)
{
    struct single single;
    struct program program;

    start_single(&single);
    ASK(&program, &single, "refs", single.modules[0], "-o", "-", "--max-depth", "1");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strncmp(program.out, "digraph ObjectGraph {\n", 22) == 0, "%.200s", program.out);
    cr_expect(strstr(program.out, "[label=\"__dict__\",weight=10]"), "%s", program.out);
    program_free(&program);
    ASK(&program, &single, "refs", single.modules[0], "-o", "-", "--max-depth", "1", "--labels",
        "names");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.out, "[label=\".__dict__\",weight=10]"), "%s", program.out);
    program_free(&program);
    ASK(&program, &single, "refs", "0x10", "-o", "-");
    cr_expect_eq(program.status, 1, "%s", program.err);
    cr_expect_str_eq(program.out, "digraph ObjectGraph {\n"
                                  "  node[shape=box, style=filled, fillcolor=white];\n}\n");
    program_free(&program);
    ASK(&program, &single, "why", single.modules[0], "0x10", "-o", "-", "--labels", "names");
    cr_expect_eq(program.status, 1, "%s", program.err);
    cr_expect(strncmp(program.out, "digraph ObjectGraph {\n", 22) == 0, "%.200s", program.out);
    cr_expect(program.out[strlen(program.out) - 2] == '}', "and nothing else: %s", program.out);
    cr_expect(strstr(program.err, "1 place that is no object's"), "%s", program.err);
    program_free(&program);
    target_end(&single.target);
}

static const struct usage usages[] = {
    {{"refs", NULL}, "refs takes a PID"},
    {{"refs", "1", NULL}, "refs takes a PID and addresses"},
    {{"backrefs", "1", NULL}, "backrefs takes a PID and addresses"},
    {{"refs", "1", "x", NULL}, "'x' is no address"},
    {{"refs", "1", "16", "--max-depth", "-1", NULL}, "--max-depth '-1': it takes a number"},
    {{"refs", "1", "16", "--too-many", "x", NULL}, "--too-many 'x': it takes a number"},
    {{"refs", "1", "16", "--filter", "colour == 1", NULL}, "--filter"},
    {{"refs", "1", "16", "--highlight", "(", NULL}, "--highlight"},
    {{"refs", "1", "16", "--ignore", "0x10,", NULL}, "--ignore: '' is no address"},
    {{"refs", "1", "16", "--extra-info", "sise", NULL}, "--extra-info: 'sise': it takes size"},
    {{"refs", "1", "16", "-o", "picture", NULL}, "-o"},
    {{"refs", "--json", "-o", "-", NULL}, "-o - and --json"},
    {{"refs", "1", "16", "--labels", "x", NULL}, "--labels 'x': it takes objgraph or names"},
    {{"refs", "1", "16", "--csv", NULL}, "unknown option --csv"},
};

Test(refs, a_wrong_command_line, .timeout = 60)
{
    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}
