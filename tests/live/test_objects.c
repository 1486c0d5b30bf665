// SPDX-License-Identifier: MIT
/* `pyinspect objects`, and what --all-objects adds, of real processes. */
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MORE = 10 };

/* `pyinspect objects PID` and more words, ended by NULL. */
static void list(struct program *ret, const struct target *target, const char *const *more)
{
    const char *words[MOST_MORE + 3] = {"objects"};
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)target->pid);
    words[1] = number;
    for (size_t i = 0; i < MOST_MORE && more[i]; i++)
        words[i + 2] = more[i];
    program_run(ret, words);
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

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

/* Do the rows tell of each of these objects, once? Others may be among them. */
static void expect_all(const struct program *rows, const struct truth *truth, const char *where)
{
    uint8_t *met = calloc(truth->object_count, 1);
    size_t found = 0;

    cr_assert(met);
    for (const char *row = rows->out; *row; row = strchr(row, '\n') + 1) {
        static const char before[] = "{\"address\": \"0x";
        cr_assert(strncmp(row, before, strlen(before)) == 0, "%s", where);
        uint64_t address = strtoull(row + strlen(before), NULL, 16);
        const struct truth_object *object = truth_find(truth, address);
        if (!object)
            continue;
        cr_expect_not(met[object - truth->objects], "%s: 0x%" PRIx64 " twice", where, address);
        met[object - truth->objects] = 1;
        found++;
    }
    free(met);
    cr_expect_eq(found, truth->object_count, "%s: %zu of %zu objects", where, found,
                 truth->object_count);
}

ParameterizedTestParameters(objects, a_row_for_each)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, objects, a_row_for_each, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct program tracked, all;
    struct target target;
    struct truth truth;

    target_start(&target, &python, "stdlib");
    LIST(&tracked, &target, "--json", "--generation", "0,1,2");
    LIST(&all, &target, "--json", "--all-objects");
    target_tell(&target, &truth);
    cr_expect_eq(tracked.status, 0, "%s: %s", target.name, tracked.err);
    cr_expect_eq(all.status, 0, "%s: %s", target.name, all.err);
    expect_all(&tracked, &truth, target.name);
    expect_all(&all, &truth, target.name);
    cr_expect_eq(count_lines(tracked.out), truth.object_count, "%s", target.name);
    cr_expect(program_rows_hold(&tracked,
                                "all(row[\"tracked\"] and row[\"reached\"] == \"tracked\" "
                                "and row[\"refcount\"] > 0 and row[\"size\"] >= 16 "
                                "and row[\"repr\"] and row[\"generation\"] in (0, 1, 2) "
                                "for row in rows)"));
    cr_expect(program_rows_hold(&all, "len(set(row[\"address\"] for row in rows)) == len(rows) and "
                                      "set(row[\"reached\"] for row in rows) == "
                                      "{\"tracked\", \"referent\", \"owned\"} and "
                                      "{\"str\", \"int\", \"bytes\", \"code\", \"NoneType\"} <= "
                                      "set(row[\"type\"] for row in rows if not row[\"tracked\"] "
                                      "and row[\"generation\"] is None)"));
    program_free(&tracked);
    program_free(&all);
    truth_free(&truth);
    target_end(&target);
}

Test(objects, in_each_format, .timeout = 60)
{
    struct program text, json, csv;
    struct target target;

    start(&target);
    LIST(&text, &target, "--type", "module,dict");
    LIST(&json, &target, "--type", "module", "--type", "dict", "--json");
    LIST(&csv, &target, "--type", "[md]*[te]", "--csv");
    cr_expect_eq(text.status, 0);
    cr_expect_gt(count_lines(json.out), 10);
    cr_expect_eq(count_lines(text.out), count_lines(json.out) + 1);
    cr_expect(strncmp(text.out, "Address              Size     Refs  Gen  Type ", 46) == 0, "%s",
              text.out);
    cr_expect(strncmp(csv.out,
                      "address,type,size,exact_size,refcount,generation,tracked,reached,repr\n",
                      70) == 0,
              "%s", csv.out);
    cr_expect_gt(count_lines(csv.out), count_lines(json.out));
    cr_expect(program_rows_hold(&json, "set(row[\"type\"] for row in rows) == "
                                       "{\"module\", \"dict\"}"));
    cr_expect(program_rows_hold(&json, "all(len(row[\"repr\"]) <= 80 for row in rows)"));
    cr_expect_eq(count_lines(text.err), 1, "%s", text.err);
    cr_expect(strstr(text.err, " links verified; process "), "%s", text.err);
    program_free(&text);
    program_free(&json);
    program_free(&csv);
    target_end(&target);
}

/* Each value begins under its title, even where a count is as large as an immortal object's. */
Test(objects, columns_are_aligned, .timeout = 120)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i<count; i += count> 1 ? count - 1 : 1) { /* the oldest, the newest */
        struct program text, json;
        struct target target;

        target_start(&target, &pythons[i], "bare");
        LIST(&text, &target, "--all-objects", "--type", "NoneType,bool,ellipsis");
        LIST(&json, &target, "--all-objects", "--type", "NoneType,bool,ellipsis", "--json");
        const char *title = strstr(text.out, "Type"), *row = strchr(text.out, '\n');
        cr_assert(title && row, "%s", text.err);
        for (row++; *row; row = strchr(row, '\n') + 1) {
            const char *type = row + (title - text.out);
            cr_expect(type[-1] == ' ' && strchr("Nbe", *type), "%s: %s", target.name, text.out);
        }
        bool is_counted =
            program_rows_hold(&json, "max(row[\"refcount\"] for row in rows) < 1<<31");
        cr_expect_eq(strstr(text.out, "  immortal  ") == NULL, is_counted, "%s: %s", target.name,
                     text.out);
        program_free(&text);
        program_free(&json);
        target_end(&target);
    }
}

Test(objects, the_largest, .timeout = 60)
{
    struct program some, all;
    struct target target;

    start(&target);
    LIST(&some, &target, "--json", "--sort", "size", "--limit", "20", "--no-values");
    LIST(&all, &target, "--json", "--min-size", "1");
    cr_expect(program_rows_hold(&some, "len(rows) == 20 and \"repr\" not in rows[0]"));
    cr_expect(program_rows_hold(&some, "[row[\"size\"] for row in rows] == "
                                       "sorted((row[\"size\"] for row in rows), reverse=True)"));
    cr_expect(strstr(some.err, "(20 shown)"), "%s", some.err);
    /* The 20th of them, found the other way. */
    const char *last = strstr(strstr(some.out, "\"size\""), "\"size\"");
    for (const char *next = last; next; next = strstr(next + 1, "\"size\""))
        last = next;
    char claim[128];
    snprintf(claim, sizeof(claim), "sorted(row[\"size\"] for row in rows)[-20] == %llu",
             strtoull(last + strlen("\"size\": "), NULL, 10));
    cr_expect(program_rows_hold(&all, claim), "%s", claim);
    program_free(&some);
    program_free(&all);
    target_end(&target);
}

Test(objects, an_attribute_that_is_named_twice, .timeout = 60)
{
    struct program program;
    struct target target;

    start(&target);
    LIST(&program, &target, "--type", "module", "--csv", "--attrs", "b,a,bb,b,a", "--attrs=a,c");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.out, ",repr,attrs.b,attrs.a,attrs.bb,attrs.c\n"), "%s", program.out);
    program_free(&program);
    target_end(&target);
}

/* Of a copy in pieces nothing is left when the rows are printed. */
Test(objects, in_pieces, .timeout = 60)
{
    struct program whole, pieces;
    struct target target;

    start(&target);
    LIST(&whole, &target, "--json", "--all-objects", "--attrs", "__name__,name");
    LIST(&pieces, &target, "--json", "--all-objects", "--attrs", "__name__,name", "--max-memory",
         "4M");
    cr_expect_eq(pieces.status, 0, "%s", pieces.err);
    cr_expect(strstr(pieces.err, "copied in pieces"), "%s", pieces.err);
    cr_expect_gt(whole.out_length, 10000);
    cr_expect_eq(whole.out_length, pieces.out_length);
    cr_expect(memcmp(whole.out, pieces.out, whole.out_length) == 0);
    program_free(&whole);
    program_free(&pieces);
    target_end(&target);
}

Test(objects, a_census_of_all, .timeout = 60)
{
    struct program all, tracked, rows;
    struct target target;
    char claim[128];

    start(&target);
    program_attach(&all, target.pid, "--json", "--all-objects", "--most-common=0");
    program_attach(&tracked, target.pid, "--json", "--most-common=0", NULL);
    LIST(&rows, &target, "--all-objects", "--json", "--no-values");
    cr_expect_eq(all.status, 0, "%s", all.err);
    cr_expect(program_holds(&all, "sum(answer[\"reached\"].values()) == answer[\"objects\"] == "
                                  "sum(row[\"count\"] for row in answer[\"types\"])"));
    cr_expect(program_holds(&all, "answer[\"sizes\"][\"exact\"] + "
                                  "answer[\"sizes\"][\"python_sizeof\"] + "
                                  "answer[\"sizes\"][\"c_sizeof\"] == answer[\"objects\"]"));
    cr_expect(program_holds(&all, "isinstance(answer[\"sizes\"][\"types\"], list)"));
    cr_expect(program_holds(&all, "min(answer[\"reached\"].values()) > 100"));
    cr_expect(program_holds(&tracked, "answer[\"reached\"] == {\"tracked\": answer[\"objects\"], "
                                      "\"referent\": 0, \"owned\": 0}"));
    snprintf(claim, sizeof(claim), "answer[\"objects\"] == %zu", count_lines(rows.out));
    cr_expect(program_holds(&all, claim), "%s: %s", claim, all.err);
    program_free(&all);
    program_free(&tracked);
    program_free(&rows);
    target_end(&target);
}

static const struct usage usages[] = {
    {{"objects", NULL}, "objects takes one PID"},
    {{"objects", "1", "--type", "", NULL}, "names of types"},
    {{"objects", "1", "--limit", "-1", NULL}, "it takes a number"},
    {{"objects", "1", "--min-size", "4x", NULL}, "--min-size: '4x' is no size"},
    {{"objects", "1", "--sort", "name", NULL}, "size, refcount or address"},
    {{"objects", "1", "--attrs", "a,,b", NULL}, "names of attributes"},
    {{"objects", "1", "--repr-len", "2", NULL}, "from 3 to 1048576"},
    {{"objects", "1", "--repr-len", "1048577", NULL}, "from 3 to 1048576"},
    {{"objects", "1", "--no-values", "--attrs=a", NULL}, "exclude each other"},
    {{"objects", "1", "--attrs=a", "--no-values", NULL}, "exclude each other"},
    {{"objects", "1", "--all-objects", "--generation=1", NULL}, "exclude each other"},
    {{"attach", "1", "--generation=1", "--all-objects", NULL}, "exclude each other"},
    {{"objects", "1", "--generation", "3", NULL}, "0, 1, 2 and permanent"},
    {{"objects", "1", "--json", "--csv", NULL}, "exclude each other"},
};

Test(objects, a_wrong_command_line, .timeout = 60)
{
    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}
