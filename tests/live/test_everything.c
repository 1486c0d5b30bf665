// SPDX-License-Identifier: MIT
/*
 * A heap in which there is everything (tests/targets/everything.py), and what pyinspect says of
 * each object of it, held by the target itself against what it knows; on every interpreter. Its
 * referents against gc.get_referents(): by equality and in the same order where tp_traverse is run,
 * by share with --no-exec. All else (which objects there are, types, sys.getsizeof(), repr()) by
 * equality; what cannot be equal is listed with the reason in tests/targets/judging/known.py.
 *
 * The heap is made once for all that: to make it and to know it takes as long as to look at it.
 */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

TestSuite(everything, .timeout = 600);

struct heap {
    const char *scene;
    unsigned least;           /* so many objects */
    const char *judge_kinds;  /* what is judged of the answer that no tp_traverse helped with */
    const char *values_claim; /* of the last of those; NULL: values are not judged */
};

static void hold(const struct interpreter *python, const struct heap *heap)
{
    static const char *const by_traverse[] = {"objects", "--all-objects", "--referents",
                                              "--json",  "--no-values",   NULL};
    static const char *const by_kinds[] = {"objects",   "--all-objects", "--referents", "--json",
                                           "--no-exec", "--repr-len",    "120",         NULL};
    struct program findings;
    struct judge judge;
    char claim[256];

    judge_start(&judge, python, "judge.py", (const char *const[]){heap->scene, NULL});
    cr_expect_eq(judge_ask(&judge, "referents", NULL, by_traverse), 0, "%s: %s", judge.name,
                 judge.said);
    cr_expect_not(strstr(judge.said, "tp_traverse failed"), "%s: %s", judge.name, judge.said);
    cr_expect_not(strstr(judge.said, "no tp_traverse was run"), "%s: %s", judge.name, judge.said);
    cr_expect_eq(judge_ask(&judge, heap->judge_kinds, NULL, by_kinds), 0, "%s: %s", judge.name,
                 judge.said);
    cr_expect(strstr(judge.said, "no tp_traverse was run"), "%s: %s", judge.name, judge.said);
    judge_end(&judge, &findings);
    snprintf(claim, sizeof(claim), "row[\"checked\"] > %u and list(row[\"by\"]) == [\"traverse\"]",
             heap->least);
    judge_expect(&judge, &findings, 0, claim);
    snprintf(claim, sizeof(claim),
             "row[\"checked\"] > %u and row[\"by\"][\"kind\"] > %u and row[\"share\"] > 0.9995",
             heap->least, heap->least / 10);
    judge_expect(&judge, &findings, 1, claim);
    if (heap->values_claim)
        judge_expect(&judge, &findings, 2, heap->values_claim);
    program_free(&findings);
}

/* repr() may make things grow, so values are judged last. On debug builds, where all takes thrice
 * as long, without the standard library. */
static const struct heap whole = {
    "everything", 200000, "approximate,objects 120",
    "row[\"objects\"] > 100000 and not row[\"unneeded\"] and "
    "row[\"repr\"][\"checked\"][\"equal\"] > 100000 and row[\"sizes\"][\"checked\"] > 100000"};
static const struct heap smaller = {"families", 50000, "approximate,objects 120",
                                    "row[\"repr\"][\"checked\"][\"equal\"] > 50000"};

ParameterizedTestParameters(everything, is_told_as_it_is)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, everything, is_told_as_it_is)
{
    struct interpreter python = pythons_get(index);

    hold(&python, python.debug_build ? &smaller : &whole);
}

/* numpy, pandas, lxml, SQLAlchemy and what Cython has made of them, as Debian has them. */
Test(everything, with_packages)
{
    static const struct heap packages = {"packages", 300000, "approximate", NULL};
    struct interpreter pythons[PYTHONS_MAX];
    size_t found = pythons_find(pythons, PYTHON_SUPPORTED), held = 0;

    for (size_t i = 0; i < found; i++) {
        if (!pythons[i].debug_build &&
            interpreter_imports(&pythons[i], "lxml.etree, numpy, pandas, sqlalchemy")) {
            hold(&pythons[i], &packages);
            held++;
        }
    }
    cr_expect(held > 0, "no interpreter has numpy, pandas, lxml and sqlalchemy");
}
