// SPDX-License-Identifier: MIT
/*
 * What `objects --all-objects` and `show` say of a heap in which there is everything, held by the
 * target itself against what it knows: which objects, their types, sys.getsizeof(), repr(), vars(),
 * items. By equality, on every interpreter; what cannot be equal is listed with the reason in
 * tests/targets/judging/known.py.
 */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

static const char *const objects_words[] = {"objects",    "--all-objects", "--json",
                                            "--repr-len", "120",           NULL};

/* There is no complaint, and `claim` holds of each line. */
static void expect_no_complaint(struct judge *judge, const char *claim)
{
    struct program findings;
    char all[512];

    judge_end(judge, &findings);
    const char *complaints = strstr(findings.out, "\"complaints\": [");
    snprintf(all, sizeof(all), "rows and all(row[\"wrong\"] == 0 and (%s) for row in rows)", claim);
    cr_expect(program_rows_hold(&findings, all), "%s: %s: %.6000s", judge->name, claim,
              complaints ? complaints : findings.out);
    program_free(&findings);
}

ParameterizedTestParameters(judged, everything)
{
    return pythons_each(true);
}

/* On debug builds, where all takes thrice as long, without the standard library. */
ParameterizedTest(size_t *index, judged, everything, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    const char *scene = python.debug_build ? "families" : "everything";
    struct judge judge;

    judge_start(&judge, &python, "judge.py", (const char *const[]){scene, NULL});
    cr_expect_eq(judge_ask(&judge, "objects 120", NULL, objects_words), 0, "%s: %s", judge.name,
                 judge.said);
    expect_no_complaint(&judge, python.debug_build
                                    ? "row[\"repr\"][\"checked\"][\"equal\"] > 50000"
                                    : "row[\"objects\"] > 100000 and not row[\"unneeded\"] and "
                                      "row[\"repr\"][\"checked\"][\"equal\"] > 100000 and "
                                      "row[\"sizes\"][\"checked\"] > 100000");
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
