// SPDX-License-Identifier: MIT
/*
 * What `traces` says: the same groups, in the same order and the same words, as tracemalloc itself
 * in the process that is looked at; and of those that do not trace.
 */
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(traces, .timeout = 600);

/* Runs `pyinspect traces PID WORD...` on the judge, its answer to the file `name`. */
static void ask(const struct judge *judge, const char *name, const char *const *words)
{
    const char *all[16] = {"traces"};
    char number[16], output[256];
    struct program program;

    snprintf(number, sizeof(number), "%d", (int)judge->pid);
    snprintf(output, sizeof(output), "%s/%s", judge->scratch.path, name);
    all[1] = number;
    for (size_t i = 0; words[i]; i++)
        all[2 + i] = words[i];
    program_run_files(&program, all, NULL, output);
    cr_expect_eq(program.status, 0, "%s: %s", judge->name, program.err);
    program_free(&program);
}

ParameterizedTestParameters(traces, are_grouped_and_told_as_tracemalloc_does)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, traces, are_grouped_and_told_as_tracemalloc_does)
{
    struct interpreter python = pythons_get(index);
    char first[256], second[256];
    struct program findings;
    struct judge judge;

    judge_start(&judge, &python, "grouped.py",
                (const char *const[]){getenv("PYINSPECT"), "@.", NULL});
    snprintf(first, sizeof(first), "%s/first.traces", judge.scratch.path);
    snprintf(second, sizeof(second), "%s/second.traces", judge.scratch.path);
    ask(&judge, "ignored", (const char *const[]){"--save", first, NULL});
    judge_step(&judge);
    ask(&judge, "printed",
        (const char *const[]){"--save", second, "--limit", "0", "--exclude", "*/grouped.py",
                              "--exclude", "*/traced.py", NULL});
    judge_end(&judge, &findings);
    cr_expect(program_holds(&findings, "answer[\"wrong\"] == 0 and answer[\"checked\"] > 50 and "
                                       "answer[\"lines\"] > 5000"),
              "%s: %s", judge.name, findings.out);
    program_free(&findings);
}

/* Nothing is wrong with the process: the answer is that there is nothing to tell, and what helps.
 */
Test(traces, of_a_process_without_tracemalloc)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        struct program program;
        struct target target;
        char number[16];
        if (!pythons_is_first(pythons, i))
            continue;
        target_start(&target, &pythons[i], "bare");
        snprintf(number, sizeof(number), "%d", (int)target.pid);
        program_run(&program, (const char *const[]){"traces", number, NULL});
        cr_expect_eq(program.status, 1, "%s: %s", target.name, program.err);
        cr_expect_str_eq(program.out, "", "%s", target.name);
        cr_expect(strstr(program.err, "PYTHONTRACEMALLOC=10") &&
                      strstr(program.err, "-X tracemalloc=10"),
                  "%s: %s", target.name, program.err);
        program_free(&program);
        program_run(&program, (const char *const[]){"traces", number, "--json", NULL});
        cr_expect(program_holds(&program, "answer[\"tracing\"] is False and "
                                          "answer[\"statistics\"] == []"),
                  "%s: %s", target.name, program.out);
        program_free(&program);
        target_end(&target);
    }
}

Test(traces, refuses_what_does_not_go_together)
{
    static const struct {
        const char *words[8];
        const char *said;
    } cases[] = {
        {{"traces"}, "a PID, or a file"},
        {{"traces", "1", "2"}, "a PID, or a file"},
        {{"traces", "1", "--by", "line"}, "lineno, filename or traceback"},
        {{"traces", "1", "--by", "traceback", "--cumulative"}, "--cumulative"},
        {{"traces", "1", "--include", ""}, "--include"},
        {{"traces", "1", "--exclude", "a.py:99999999999"}, "--exclude"},
        {{"traces", "1", "--domain", "x"}, "--domain"},
        {{"traces", "1", "-o", "x"}, "--export"},
        {{"traces", "1", "--export", "svg"}, "pickle, folded or pprof"},
        {{"traces", "1", "--export", "pprof", "--json"}, "-o FILE"},
        {{"traces", "1", "--export", "pprof", "--since", "/dev/null"}, "--since"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct program program;
        program_run(&program, cases[i].words);
        cr_expect_eq(program.status, 2, "case %zu: %d", i, program.status);
        cr_expect(strstr(program.err, cases[i].said), "case %zu: %s", i, program.err);
        program_free(&program);
    }
}
