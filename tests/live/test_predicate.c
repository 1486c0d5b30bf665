// SPDX-License-Identifier: MIT
/* The expressions of --filter, of objects of many sorts on every interpreter: what filtered.py
 * says. */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan is the address of a list and an expression about its items. */
static void ask(struct judge *judge, unsigned number, char *plan)
{
    char order[16], *expression = strchr(plan, ' ');

    cr_assert(expression);
    *expression++ = '\0';
    snprintf(order, sizeof(order), "%u", number);
    int status = judge_ask(judge, order, NULL,
                           (const char *const[]){"refs", plan, "--max-depth", "1", "--too-many",
                                                 "0", "--all-references", "--filter", expression,
                                                 "--json", NULL});
    cr_expect_eq(status, 0, "%s: %s: %s", judge->name, expression, judge->said);
}

ParameterizedTestParameters(predicate, of_many_sorts_of_objects)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, predicate, of_many_sorts_of_objects, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct judge judge;
    struct program findings;
    unsigned plans = 0;
    char claim[200], *save = NULL;
    size_t size;

    judge_start(&judge, &python, "filtered.py", (const char *const[]){"@plans", NULL});
    unsigned char *bytes = scratch_read(&judge.scratch, "plans", &size);
    char *text = strndup((const char *)bytes, size);
    for (char *plan = strtok_r(text, "\n", &save); plan; plan = strtok_r(NULL, "\n", &save))
        ask(&judge, plans++, plan);
    judge_end(&judge, &findings);
    snprintf(claim, sizeof(claim),
             "len(rows) == %u and all(row[\"wrong\"] == [] for row in rows) "
             "and sum(row[\"held\"] > 0 for row in rows) >= %u",
             plans, plans - 3);
    cr_expect(program_rows_hold(&findings, claim), "%s: %.6000s", judge.name, findings.out);
    program_free(&findings);
    free(text);
    free(bytes);
}
