// SPDX-License-Identifier: MIT
/*
 * What `objects --all-objects` and `show` say of heaps, held by the target itself against what it
 * knows: which objects, their types, sys.getsizeof(), repr(), vars(), items. By equality; what
 * cannot be equal is listed with the reason in tests/targets/judging/known.py. The heap in which
 * there is everything is that of test_everything.c.
 */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static const char *const objects_words[] = {"objects",    "--all-objects", "--json",
                                            "--repr-len", "120",           NULL};

/* There is no complaint, and `claim` holds of the one line. */
static void expect_no_complaint(struct judge *judge, const char *claim)
{
    struct program findings;

    judge_end(judge, &findings);
    judge_expect(judge, &findings, 0, claim);
    program_free(&findings);
}

ParameterizedTestParameters(judged, with_a_permanent_generation)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, judged, with_a_permanent_generation, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct judge judge;

    if (python.minor < 7)
        cr_skip_test("%s has no gc.freeze()", python.name);
    judge_start(&judge, &python, "judge.py", (const char *const[]){"frozen", NULL});
    cr_expect_eq(judge_ask(&judge, "objects 120", NULL, objects_words), 0, "%s: %s", judge.name,
                 judge.said);
    expect_no_complaint(&judge, "row[\"objects\"] > 100000");
}

/* Each in full; not on debug builds, which differ in sizes alone and take thrice as long. */
ParameterizedTestParameters(judged, ten_thousand_values)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, judged, ten_thousand_values, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct judge judge;

    judge_start(&judge, &python, "judge.py", (const char *const[]){"values", "1", "10000", NULL});
    cr_expect_eq(judge_ask(&judge, "objects 100000", NULL,
                           (const char *const[]){"objects", "--all-objects", "--json", "--repr-len",
                                                 "100000", NULL}),
                 0, "%s: %s", judge.name, judge.said);
    expect_no_complaint(&judge, "row[\"repr\"][\"checked\"][\"equal\"] > 50000");
}

ParameterizedTestParameters(judged, attributes_and_items)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, judged, attributes_and_items, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct judge judge;

    judge_start(&judge, &python, "judge.py",
                (const char *const[]){"attributes", "@addresses", NULL});
    cr_expect_eq(judge_ask(&judge, "show 120", "addresses",
                           (const char *const[]){"show", "-", "--json", "--items", "0",
                                                 "--repr-len", "120", NULL}),
                 0, "%s: %s", judge.name, judge.said);
    expect_no_complaint(&judge, "row[\"asked\"] > 100 and row[\"checked\"] > 1000");
}

/* numpy's, of which what it publishes is read: their sizes. */
Test(judged, arrays_of_numpy, .timeout = 600)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t found = pythons_find(pythons, PYTHON_SUPPORTED), judged = 0;

    for (size_t i = 0; i < found; i++) {
        struct program findings;
        struct judge judge;
        if (pythons[i].debug_build || !interpreter_imports(&pythons[i], "numpy"))
            continue;
        judge_start(&judge, &pythons[i], "judge.py", (const char *const[]){"arrays", NULL});
        cr_expect_eq(judge_ask(&judge, "objects 120", NULL, objects_words), 0, "%s: %s", judge.name,
                     judge.said);
        judge_end(&judge, &findings);
        cr_expect(program_rows_hold(&findings,
                                    "rows[0][\"sizes\"][\"checked\"] > 20000 and not "
                                    "[text for text in rows[0][\"complaints\"] if \"size of \" in "
                                    "text and (\".ndarray:\" in text or \".Child:\" in text)]"),
                  "%s: %.4000s", judge.name, findings.out);
        program_free(&findings);
        judged++;
    }
    cr_expect(judged > 0, "no interpreter has numpy");
}
