// SPDX-License-Identifier: MIT
/* `pyinspect why` of real processes, which judge themselves what it says (tests/targets/held.py).
 */
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
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
                "row[\"checked\"] >= 16 and row[\"confirmed\"] > 30");
}

ParameterizedTestParameters(why, without_running_anything)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, why, without_running_anything, .timeout = 300)
{
    struct interpreter python = pythons_get(index);

    judge_scene(&python, "fixtures", (const char *const[]){"why", "-", "--json", "--no-exec", NULL},
                "row[\"checked\"] >= 16 and row[\"confirmed\"] > 30");
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
    };

    program_refuses_usages(usages, sizeof(usages) / sizeof(usages[0]));
}
