// SPDX-License-Identifier: MIT
/*
 * `show` survives any address, and finds what is there: a million random ones, and examples of
 * which the target knows what they are.
 */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

/* Of each of three interpreters, as often as 1000000 / 3 and one. */
#define EACH "333334"

ParameterizedTestParameters(addresses, a_million)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, addresses, a_million, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct program findings;
    struct judge judge;

    judge_start(&judge, &python, "addresses.py",
                (const char *const[]){"@random", EACH, "@examples", NULL});
    int status = judge_ask(
        &judge, "random", "random",
        (const char *const[]){"show", "-", "--json", "--no-values", "--items", "1", NULL});
    cr_expect_eq(status, 1, "%s: %d", judge.name, status);
    status = judge_ask(&judge, "examples", "examples",
                       (const char *const[]){"show", "-", "--json", NULL});
    cr_expect_eq(status, 1, "%s: %d", judge.name, status);
    judge_end(&judge, &findings);
    cr_expect(program_rows_hold(&findings, "len(rows) == 2 and all(row[\"wrong\"] == 0 for row in "
                                           "rows)"),
              "%s: %s", judge.name, findings.out);
    cr_expect(program_rows_hold(&findings, "sum(rows[0][\"found\"].values()) == " EACH), "%s: %s",
              judge.name, findings.out);
    program_free(&findings);
}
