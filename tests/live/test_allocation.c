// SPDX-License-Identifier: MIT
/*
 * Where objects were allocated: `show`, `objects --traceback`, `refs --extra-info alloc` and
 * `traces --types` say what tracemalloc says inside, and say so where it does not trace.
 */
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ask(struct judge *judge, const char *order, const char *input, const char *const *words)
{
    int status = judge_ask(judge, order, input, words);

    cr_expect_eq(status, 0, "%s, %s: %d, %s", judge->name, order, status, judge->said);
}

#define ASK(judge, order, input, ...)                                                              \
    ask((judge), (order), (input), (const char *const[]){__VA_ARGS__, NULL})

ParameterizedTestParameters(allocation, as_the_target_says)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, allocation, as_the_target_says, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct program findings;
    struct judge judge;

    judge_start(&judge, &python, "allocated.py",
                (const char *const[]){"@addresses", "@slim", NULL});
    ASK(&judge, "show", "addresses", "show", "-", "--json", "--items", "1");
    ASK(&judge, "objects", "addresses", "objects", "--all-objects", "--traceback", "--json",
        "--ids", "-");
    ASK(&judge, "refs", "slim", "refs", "-", "--extra-info", "alloc", "--json");
    ASK(&judge, "types", NULL, "traces", "--types", "--limit", "0", "--json");
    ASK(&judge, "excluded", NULL, "traces", "--types", "--limit", "0", "--json", "--exclude",
        "*allocated.py");
    judge_end(&judge, &findings);
    cr_expect(program_rows_hold(&findings, "len(rows) == 5 and all(row[\"wrong\"] == 0 for row in "
                                           "rows)"),
              "%s: %s", judge.name, findings.out);
    cr_expect(program_rows_hold(&findings, "all(row[\"checked\"] == 1000 and row[\"traced\"] > 500 "
                                           "for row in rows[:2])"),
              "%s: %s", judge.name, findings.out);
    cr_expect(program_rows_hold(&findings, "all(row[\"checked\"] > 1000 for row in rows[3:])"),
              "%s: %s", judge.name, findings.out);
    program_free(&findings);
}

static void run(struct program *ret, const struct judge *judge, const char *const *words)
{
    const char *all[8] = {words[0]};
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)judge->pid);
    all[1] = pid;
    for (size_t i = 1; i < 6 && words[i]; i++)
        all[i + 1] = words[i];
    program_run(ret, all);
    cr_expect_eq(ret->status, 0, "%s: %s", judge->name, ret->err);
}

static void expect(const struct judge *judge, const char *const *words, const char *const *parts)
{
    struct program program;

    run(&program, judge, words);
    for (; *parts; parts++)
        cr_expect(strstr(program.out, *parts), "%s: no \"%s\" in: %s", judge->name, *parts,
                  program.out);
    program_free(&program);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* For a person. */
Test(allocation, in_text, .timeout = 300)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED), size;
    struct program program;
    struct judge judge;
    char address[32];

    cr_assert_gt(count, 0, "no interpreter to test with");
    judge_start(&judge, &pythons[count / 2], "allocated.py", WORDS("@addresses", "@slim"));
    unsigned char *slim = scratch_read(&judge.scratch, "slim", &size);
    snprintf(address, sizeof(address), "%.*s", (int)size - 1, (const char *)slim);
    free(slim);
    expect(&judge, WORDS("show", address),
           WORDS("\nAllocated (most recent call last):\n  File \"",
                 "tests/targets/allocated.py\", line ",
                 "\n    return [Slim() for _ in range(SLIMS)]  # slims\n"));
    expect(&judge, WORDS("objects", "--type", "__main__.Slim", "--traceback"),
           WORDS("  Allocated  ", "tests/targets/allocated.py:", "  -  "));
    expect(&judge, WORDS("traces", "--types", "--limit", "0"),
           WORDS("\n    no objects, but tables and buffers: size=", "\n    bytearray: size=",
                 "\n__main__.Slim: size=", " (and 50 not traced)\n    ",
                 "\nnot traced (made before tracing began, static, or from a free list): size="));
    run(&program, &judge, WORDS("show", address, "--no-values"));
    cr_expect(strstr(program.out, "allocated.py") == NULL, "%s", program.out);
    program_free(&program);
    judge_end(&judge, &program);
    program_free(&program);
}

static const struct usage wrong[] = {
    {{"objects", "1", "--traceback", "--no-values"}, "exclude each other"},
    {{"refs", "1", "0x10", "--extra-info=alloc", "--no-values"}, "exclude each other"},
    {{"refs", "1", "0x10", "--extra-info", "place"}, "address, generation and alloc"},
    {{"traces", "1", "--types", "--cumulative"}, "give one of the two"},
    {{"traces", "1", "--types", "--csv"}, "use --json"},
    {{"traces", "file.traces", "--types"}, "give its PID"},
    {{"traces", "1", "--types", "--export", "folded"}, "add -o FILE"},
};

Test(allocation, what_does_not_go_together, .timeout = 60)
{
    program_refuses_usages(wrong, sizeof(wrong) / sizeof(*wrong));
}

ParameterizedTestParameters(allocation, when_nothing_is_traced)
{
    return pythons_some();
}

static void expect_off(const struct target *target, const char *const *words)
{
    struct program program;

    program_run(&program, words);
    cr_expect_eq(program.status, 1, "%s: %s", target->name, words[0]);
    cr_expect(strstr(program.err, "does not trace its allocations: start it with "
                                  "PYTHONTRACEMALLOC=10"),
              "%s: %s", target->name, program.err);
    cr_expect(program.out_length || strcmp(words[0], "traces") == 0, "%s: %s", target->name,
              words[0]);
    program_free(&program);
}

ParameterizedTest(size_t *index, allocation, when_nothing_is_traced, .timeout = 120)
{
    struct interpreter python = pythons_get(index);
    struct program program;
    struct target target;
    char pid[16], address[32] = "";

    target_start(&target, &python, "bare");
    snprintf(pid, sizeof(pid), "%d", (int)target.pid);
    program_run(&program, (const char *const[]){"objects", pid, "--type", "module", "--limit", "1",
                                                "--json", NULL});
    cr_assert(sscanf(program.out, "{\"address\": \"%31[0-9a-fx]\"", address) == 1, "%s",
              program.out);
    program_free(&program);
    program_run(&program, (const char *const[]){"show", pid, address, "--json", NULL});
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_rows_hold(&program, "\"allocated\" not in rows[0]"), "%s", program.out);
    program_free(&program);
    expect_off(&target, (const char *const[]){"objects", pid, "--traceback", NULL});
    expect_off(&target,
               (const char *const[]){"refs", pid, address, "--extra-info", "alloc,size", NULL});
    expect_off(&target, (const char *const[]){"traces", pid, "--types", NULL});
    expect_off(&target, (const char *const[]){"traces", pid, "--types", "--json", NULL});
    target_end(&target);
}
