// SPDX-License-Identifier: MIT
/* `pyinspect why` of real processes, which judge themselves what it says (tests/targets/held.py).
 */
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Asks for what the scene has written down; there is no complaint, and `claim` holds. */
static void judge_scene(const struct interpreter *python, const char *scene,
                        const char *const *words, const char *claim)
{
    struct program findings;
    struct judge judge;
    char all[256];

    judge_start(&judge, python, "held.py", (const char *const[]){scene, "@addresses", NULL});
    cr_expect_eq(judge_ask(&judge, "judge", "addresses", words), 0, "%s: %s", judge.name,
                 judge.said);
    judge_end(&judge, &findings);
    snprintf(all, sizeof(all), "len(rows) == 1 and all(row[\"wrong\"] == 0 and %s for row in rows)",
             claim);
    cr_expect(program_rows_hold(&findings, all), "%s: %s: %.6000s", judge.name, claim,
              findings.out);
    program_free(&findings);
}

ParameterizedTestParameters(why, tells_how_things_are_held)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, why, tells_how_things_are_held, .timeout = 300)
{
    struct interpreter python = pythons_get(index);

    judge_scene(&python, "fixtures", (const char *const[]){"why", "-", "--json", NULL},
                "row[\"checked\"] >= 25 and row[\"confirmed\"] > 50");
}

ParameterizedTestParameters(why, without_running_anything)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, why, without_running_anything, .timeout = 300)
{
    struct interpreter python = pythons_get(index);

    judge_scene(&python, "fixtures", (const char *const[]){"why", "-", "--json", "--no-exec", NULL},
                "row[\"checked\"] >= 25 and row[\"confirmed\"] > 50");
}

ParameterizedTestParameters(why, no_chain_is_longer_than_objgraphs)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, why, no_chain_is_longer_than_objgraphs, .timeout = 600)
{
    struct interpreter python = pythons_get(index);

    judge_scene(&python, "random", (const char *const[]){"why", "-", "--json", NULL},
                "row[\"checked\"] == 500 and row[\"confirmed\"] > 500");
}

/* A process, and the address of a function of one of its modules. */
struct single {
    struct target target;
    char pid[16], function[24];
};

static void start_single(struct single *ret)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct program program;

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(&ret->target, &pythons[count / 2], "bare");
    snprintf(ret->pid, sizeof(ret->pid), "%d", (int)ret->target.pid);
    program_run(&program, (const char *const[]){"objects", ret->pid, "--type", "function",
                                                "--limit", "1", "--json", NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    const char *at = strstr(program.out, "\"0x");
    cr_assert(at);
    snprintf(ret->function, sizeof(ret->function), "0x%llx", strtoull(at + 1, NULL, 16));
    program_free(&program);
}

static void ask(struct program *ret, const struct single *single, const char *option,
                const char *value)
{
    program_run(ret,
                (const char *const[]){"why", single->pid, single->function, option, value, NULL});
    cr_expect_eq(ret->status, 0, "%s", ret->err);
}

Test(why, names_the_module_that_is_asked_for, .timeout = 120)
{
    struct single single;
    struct program program;

    start_single(&single);
    ask(&program, &single, "--to", "is_proper_module");
    cr_expect(strncmp(program.out, "module ", 7) == 0, "%s", program.out);
    cr_expect(strncmp(program.out, "module 0x", 9) != 0, "%s", program.out);
    cr_expect(strstr(program.out, ".__dict__['"), "%s", program.out);
    program_free(&program);
    ask(&program, &single, "--to", "type == 'dict'");
    cr_expect(strncmp(program.out, "dict 0x", 7) == 0, "%s", program.out);
    program_free(&program);
    target_end(&single.target);
}

Test(why, tells_the_objects_on_the_way, .timeout = 120)
{
    struct single single;
    struct program plain, steps, no_values;
    char wanted[64];

    start_single(&single);
    ask(&plain, &single, NULL, NULL);
    ask(&steps, &single, "--steps", NULL);
    ask(&no_values, &single, "--steps", "--no-values");
    size_t length = strlen(plain.out);
    cr_expect(strncmp(plain.out, steps.out, length) == 0, "the line stays as it is: %s", steps.out);
    cr_expect(strncmp(steps.out + length, "    module ", 11) == 0, "%s", steps.out);
    const char *dict = strstr(steps.out + length, "\n    .__dict__ ");
    cr_assert(dict, "%s", steps.out);
    cr_expect(strstr(dict, "  dict  "), "%s", steps.out);
    cr_expect(strstr(dict, " items\n"), "%s", steps.out);
    snprintf(wanted, sizeof(wanted), "  %s  function  <function ", single.function);
    cr_expect(strstr(dict, wanted), "%s", steps.out);
    snprintf(wanted, sizeof(wanted), "  %s  function\n", single.function);
    cr_expect(strstr(no_values.out, wanted), "%s", no_values.out);
    program_free(&plain);
    program_free(&steps);
    program_free(&no_values);
    target_end(&single.target);
}

Test(why, refuses_what_it_does_not_understand, .timeout = 60)
{
    static const struct usage usages[] = {
        {{"why"}, "why takes a PID"},
        {{"why", "1"}, "why takes a PID and addresses"},
        {{"why", "1", "x"}, "x"},
        {{"why", "1", "0x10", "--all-paths", "0"}, "--all-paths '0'"},
        {{"why", "1", "0x10", "--max-depth", "-1"}, "--max-depth '-1'"},
        {{"why", "1", "0x10", "--to", "type ="}, "--to"},
        {{"why", "1", "0x10", "-o", "chain"}, "-o"},
        {{"why", "--json", "-o", "-"}, "-o - and --json"},
        {{"why", "1", "0x10", "--labels", "x"}, "--labels 'x'"},
    };

    program_refuses_usages(usages, sizeof(usages) / sizeof(usages[0]));
}
