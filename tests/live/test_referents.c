// SPDX-License-Identifier: MIT
/* `pyinspect objects --referents` of real processes: what is printed, and how. */
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MORE = 8 };

/* `pyinspect objects PID --referents` and more words, ended by NULL. */
static void list(struct program *ret, const struct target *target, const char *const *more)
{
    const char *words[MOST_MORE + 4] = {"objects", NULL, "--referents"};
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)target->pid);
    words[1] = number;
    for (size_t i = 0; i < MOST_MORE && more[i]; i++)
        words[i + 3] = more[i];
    program_run(ret, words);
    cr_assert_eq(ret->status, 0, "%s: %s", target->name, ret->err);
}

#define LIST(program, target, ...)                                                                 \
    list((program), (target), (const char *const[]){__VA_ARGS__, NULL})

static void start(struct target *target)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(target, &pythons[count / 2], "bare");
}

/* The rows of one, and behind them those of the other. */
static void join(struct program *ret, const struct program *one, const struct program *other)
{
    *ret = *one;
    ret->out_length = one->out_length + other->out_length;
    ret->out = malloc(ret->out_length + 1);
    cr_assert(ret->out);
    memcpy(ret->out, one->out, one->out_length);
    memcpy(ret->out + one->out_length, other->out, other->out_length + 1);
}

/* Do both have the same objects, and does the claim hold of nearly all `a` of one and `b` of the
 * other?
 */
static void expect_alike(const struct program *one, const struct program *other, const char *claim)
{
    struct program both;
    char whole[1024];

    join(&both, one, other);
    snprintf(whole, sizeof(whole),
             "(lambda half: [a[\"address\"] for a in half[0]] == [b[\"address\"] for b in half[1]] "
             "and sum(1 for a, b in zip(*half) if %s) >= 0.995 * len(half[0]) > 0)"
             "((rows[:len(rows) // 2], rows[len(rows) // 2:]))",
             claim);
    cr_expect(program_rows_hold(&both, whole), "%s", whole);
    free(both.out);
}

ParameterizedTestParameters(referents, by_traversal_and_by_kind)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, referents, by_traversal_and_by_kind, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct program run, not_run;
    struct target target;

    target_start(&target, &python, "bare");
    LIST(&run, &target, "--json", "--all-objects", "--no-values");
    LIST(&not_run, &target, "--json", "--all-objects", "--no-values", "--no-exec");
    /* Each leads to another row. */
    cr_expect(program_rows_hold(&run, "all(row[\"referents_by\"] == \"traverse\" for row in rows) "
                                      "and set(to for row in rows for to in row[\"referents\"]) <= "
                                      "set(row[\"address\"] for row in rows) "
                                      "and sum(len(row[\"referents\"]) for row in rows) > 5000 "
                                      "and all(row[\"referents\"] == [] for row in rows "
                                      "if row[\"type\"] in (\"str\", \"int\", \"bytes\"))"),
              "%s: %s", target.name, run.err);
    cr_expect(program_rows_hold(&not_run, "set(row[\"referents_by\"] for row in rows) >= "
                                          "{\"kind\", \"traverse\"} "
                                          "and all((row[\"referents_by\"] == \"traverse\") <= "
                                          "(row[\"referents\"] == []) for row in rows)"),
              "%s: %s", target.name, not_run.err);
    cr_expect(strstr(not_run.err, " no tp_traverse was run, "), "%s", not_run.err);
    expect_alike(&run, &not_run, "sorted(a[\"referents\"]) == sorted(b[\"referents\"])");
    program_free(&run);
    program_free(&not_run);
    target_end(&target);
}

Test(referents, in_each_format, .timeout = 120)
{
    static const char titles[] = "Address              Size     Refs  Gen  Referents  Known by  ";
    struct program text, json, csv;
    struct target target;

    start(&target);
    LIST(&text, &target, "--type", "list", "--no-values");
    LIST(&json, &target, "--type", "list", "--json");
    LIST(&csv, &target, "--type", "list", "--csv", "--no-values");
    cr_expect(strncmp(text.out, titles, strlen(titles)) == 0, "%s", text.out);
    cr_expect(strstr(text.out, "  traverse  list"), "%s", text.out);
    cr_expect(strncmp(csv.out,
                      "address,type,size,exact_size,refcount,generation,tracked,reached,"
                      "referents_by,referents\n",
                      87) == 0,
              "%s", csv.out);
    cr_expect(strstr(csv.out, ",traverse,0x"), "%s", csv.out);
    cr_expect(program_rows_hold(&json, "all(isinstance(row[\"referents\"], list) and "
                                       "all(to.startswith(\"0x\") for to in row[\"referents\"]) "
                                       "for row in rows)"));
    cr_expect(program_rows_hold(&json, "any(len(row[\"referents\"]) > 1 for row in rows)"));
    program_free(&text);
    program_free(&json);
    program_free(&csv);
    target_end(&target);
}

Test(referents, of_some_objects, .timeout = 120)
{
    struct program all, some;
    struct target target;

    start(&target);
    LIST(&all, &target, "--type", "dict", "--json", "--no-values", "--sort", "size");
    LIST(&some, &target, "--type", "dict", "--json", "--no-values", "--sort", "size", "--limit",
         "5");
    cr_expect_gt(some.out_length, 100);
    cr_expect(strncmp(all.out, some.out, some.out_length) == 0);
    program_free(&all);
    program_free(&some);
    target_end(&target);
}

/* Of a copy in pieces nothing is run, and nothing is left when the rows are printed. */
Test(referents, in_pieces, .timeout = 120)
{
    struct program whole, pieces;
    struct target target;

    start(&target);
    LIST(&whole, &target, "--json", "--all-objects", "--no-values", "--no-exec");
    LIST(&pieces, &target, "--json", "--all-objects", "--no-values", "--max-memory", "4M",
         "--max-pause", "10s");
    cr_expect(strstr(pieces.err, "copied in pieces"), "%s", pieces.err);
    cr_expect(strstr(pieces.err, "no tp_traverse was run: the memory for a whole copy"), "%s",
              pieces.err);
    cr_expect_gt(whole.out_length, 10000);
    cr_expect_eq(whole.out_length, pieces.out_length);
    cr_expect(memcmp(whole.out, pieces.out, whole.out_length) == 0);
    program_free(&whole);
    program_free(&pieces);
    target_end(&target);
}

static const struct usage usages[] = {
    {{"objects", "1", "--no-exec", NULL}, "with --referents only"},
    {{"objects", "1", "--referents=x", NULL}, "--referents"},
};

Test(referents, a_wrong_command_line, .timeout = 60)
{
    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}
