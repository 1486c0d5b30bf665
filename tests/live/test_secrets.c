// SPDX-License-Identifier: MIT
/*
 * --no-values: of what a process has stored nothing is printed, in no format. Secrets are planted
 * as strings, numbers, keys, names of attributes, in code, frames, exceptions and more; without the
 * option each of them is printed.
 */
#include "tests/support/judge.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_WORDS = 10 };

/* `format` is NULL for text. */
static void ask(struct judge *judge, const char *command, const char *format, bool no_values)
{
    const char *words[MOST_WORDS] = {command};
    bool is_show = command[0] == 's';
    size_t count = 1;

    words[count++] = is_show ? "-" : "--all-objects";
    words[count++] = "--repr-len";
    words[count++] = "1000";
    if (is_show) {
        words[count++] = "--items";
        words[count++] = "0";
    }
    if (format)
        words[count++] = format;
    if (no_values)
        words[count++] = "--no-values";
    words[count] = NULL;
    judge_ask(judge, no_values ? "hidden" : "shown", is_show ? "addresses" : NULL, words);
}

static void expect_fine(struct judge *judge)
{
    struct program findings;

    judge_end(judge, &findings);
    cr_expect(
        program_rows_hold(&findings, "rows[0][\"wrong\"] == 0 and rows[0][\"secrets\"] > 100"),
        "%s: %s", judge->name, findings.out);
    program_free(&findings);
}

ParameterizedTestParameters(secrets, no_values_hides_them)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, secrets, no_values_hides_them, .timeout = 300)
{
    static const char *const formats[] = {NULL, "--json", "--csv"};
    struct interpreter python = pythons_get(index);
    struct judge judge;

    judge_start(&judge, &python, "kept_secrets.py", (const char *const[]){"@addresses", NULL});
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        ask(&judge, "objects", formats[i], true);
    ask(&judge, "show", NULL, true);
    ask(&judge, "show", "--json", true);
    ask(&judge, "objects", NULL, false);
    ask(&judge, "show", NULL, false);
    expect_fine(&judge);
}

/* Every format would have shown them. */
Test(secrets, are_printed_without_it, .timeout = 300)
{
    static const struct {
        const char *objects, *show;
    } formats[] = {{"--csv", NULL}, {"--json", "--json"}};
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct judge judge;
        judge_start(&judge, &pythons[count / 2], "kept_secrets.py",
                    (const char *const[]){"@addresses", NULL});
        ask(&judge, "objects", formats[i].objects, false);
        ask(&judge, "show", formats[i].show, false);
        expect_fine(&judge);
    }
}
