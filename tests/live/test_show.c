// SPDX-License-Identifier: MIT
/* `pyinspect show` of real processes. */
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ADDRESSES = 10, MOST_WORDS = MOST_ADDRESSES + 8 };

struct addresses {
    uint64_t items[MOST_ADDRESSES];
    size_t count;
};

/* `pyinspect show PID`, addresses, and more words, ended by NULL. */
static void show(struct program *ret, const struct target *target,
                 const struct addresses *addresses, const char *const *more)
{
    const char *words[MOST_WORDS] = {"show"};
    char texts[MOST_ADDRESSES + 1][24];
    size_t count = 1;

    snprintf(texts[0], sizeof(texts[0]), "%d", (int)target->pid);
    words[count++] = texts[0];
    for (size_t i = 0; i < addresses->count; i++) {
        snprintf(texts[i + 1], sizeof(texts[0]), "0x%" PRIx64, addresses->items[i]);
        words[count++] = texts[i + 1];
    }
    for (; *more && count + 1 < MOST_WORDS; more++)
        words[count++] = *more;
    program_run(ret, words);
}

#define SHOW(program, target, addresses, ...)                                                      \
    show((program), (target), (addresses), (const char *const[]){__VA_ARGS__, NULL})

/* The first objects of a type, as `pyinspect objects` lists them. */
static struct addresses find(const struct target *target, const char *type, const char *more)
{
    char pid[16];
    const char *words[] = {"objects", pid, "--type", type, "--limit", "10", "--json", more, NULL};
    struct addresses ret = {.count = 0};
    struct program program;

    snprintf(pid, sizeof(pid), "%d", (int)target->pid);
    program_run(&program, words);
    cr_assert_eq(program.status, 0, "%s", program.err);
    for (const char *at = program.out; ret.count < MOST_ADDRESSES && (at = strstr(at, "\"0x"));
         at = strchr(at, '\n'))
        ret.items[ret.count++] = strtoull(at + 1, NULL, 16);
    program_free(&program);
    return ret;
}

static void expect(const struct target *target, const struct addresses *addresses, int status,
                   const char *claim)
{
    struct program program;

    cr_assert_gt(addresses->count, 0, "%s: none for %s", target->name, claim);
    SHOW(&program, target, addresses, "--json");
    cr_expect_eq(program.status, status, "%s: %s", target->name, program.err);
    cr_expect(program_rows_hold(&program, claim), "%s: %s", target->name, claim);
    program_free(&program);
}

static void start(struct target *target, const char *scene)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(target, &pythons[count / 2], scene);
}

ParameterizedTestParameters(show, objects_in_full)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, show, objects_in_full, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct target target;
    struct addresses found;

    target_start(&target, &python, "stdlib");
    found = find(&target, "module", NULL);
    expect(
        &target, &found, 0,
        "all(row[\"type\"] == \"module\" and row[\"tracked\"] and row[\"generation\"] in (0, 1, 2) "
        "and row[\"refcount\"] > 0 and row[\"size\"] > 0 and row[\"items\"] == [] "
        "and [a[\"type\"] for a in row[\"attributes\"] if a[\"name\"] == \"__name__\"] == "
        "[\"str\"] "
        "for row in rows)");
    found = find(&target, "function", NULL);
    expect(
        &target, &found, 0,
        "all([f[\"type\"] for f in row[\"fields\"] if f[\"name\"] == \"__code__\"] == [\"code\"] "
        "for row in rows)");
    found = find(&target, "dict", NULL);
    expect(&target, &found, 0,
           "all(len(row[\"items\"]) == min(10, row[\"item_count\"]) "
           "and all(set(item) == {\"key\", \"key_address\", \"address\", \"type\", \"repr\"} "
           "for item in row[\"items\"]) for row in rows)");
    found = find(&target, "type", NULL);
    expect(&target, &found, 0,
           "all(row[\"instances\"] >= 0 and row[\"subclass_instances\"] >= 0 "
           "and all(base[\"repr\"].startswith(\"<class \") for base in row[\"bases\"]) for row in "
           "rows)");
    found = find(&target, "frame", "--all-objects");
    if (found.count) /* since 3.11 there is none before somebody asks for it */
        expect(&target, &found, 0, "all(row[\"file\"] and int(row[\"line\"]) > 0 for row in rows)");
    found = find(&target, "str", "--all-objects");
    expect(&target, &found, 0,
           "all(row[\"generation\"] is None and not row[\"tracked\"] and row[\"attributes\"] == [] "
           "for row in rows)");
    target_end(&target);
}

Test(show, places_that_are_no_objects, .timeout = 60)
{
    struct target target;
    struct addresses found;

    start(&target, "bare");
    found = find(&target, "list", NULL);
    found.count = 1;
    found.items[found.count++] = found.items[0] + 9;
    found.items[found.count++] = found.items[0];
    expect(&target, &found, 0,
           "len(rows) == 3 and len(set(row[\"address\"] for row in rows)) == 1 "
           "and rows[1][\"offset\"] == 9 and int(rows[1][\"asked\"], 16) == "
           "int(rows[0][\"address\"], 16) + 9 and \"asked\" not in rows[2]");
    found.items[1] = 16;
    found.items[2] = UINT64_MAX;
    expect(&target, &found, 1,
           "rows[0][\"type\"] == \"list\" and all(row[\"found\"] == \"nothing\" and row[\"there\"] "
           "and \"type\" not in row for row in rows[1:])");
    target_end(&target);
}

Test(show, without_values_nothing_of_the_targets, .timeout = 60)
{
    static const char *const types[] = {"dict", "module", "function", "type", "frame"};
    struct target target;

    start(&target, "bare");
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct addresses found = find(&target, types[i], "--all-objects");
        struct program program;
        if (!found.count)
            continue;
        SHOW(&program, &target, &found, "--no-values", "--items", "0", "--json");
        cr_expect_eq(program.status, 0, "%s", program.err);
        cr_expect_null(strstr(program.out, "\"repr\""), "%s", types[i]);
        cr_expect_null(strstr(program.out, "\"key\""), "%s", types[i]);
        cr_expect_null(strstr(program.out, ".py"), "%s", types[i]);
        cr_expect(program_rows_hold(&program,
                                    "all(set(a) == {\"address\", \"type\"} for row in rows "
                                    "for a in row[\"attributes\"] + row[\"locals\"])"));
        program_free(&program);
    }
    target_end(&target);
}

ParameterizedTestParameters(show, static_types)
{
    return pythons_some();
}

/* Since 3.12 their dictionaries are elsewhere. */
ParameterizedTest(size_t *index, show, static_types, .timeout = 120)
{
    static const char before[] = "{\"address\": \"", value[] = "\"repr\": \"<class 'int'>\"";
    struct interpreter python = pythons_get(index);
    struct addresses found = {.count = 0};
    struct program program;
    struct target target;
    char pid[16];

    target_start(&target, &python, "bare");
    snprintf(pid, sizeof(pid), "%d", (int)target.pid);
    program_run(&program, (const char *const[]){"objects", pid, "--all-objects", "--type", "type",
                                                "--json", NULL});
    const char *row = strstr(program.out, value);
    cr_assert(row, "%s: %s", target.name, program.err);
    while (row > program.out && row[-1] != '\n')
        row--;
    found.items[found.count++] = strtoull(row + strlen(before), NULL, 16);
    program_free(&program);
    expect(&target, &found, 0,
           "{\"__add__\", \"__doc__\", \"from_bytes\", \"real\"} < "
           "set(a[\"name\"] for a in rows[0][\"attributes\"]) "
           "and [f[\"type\"] for f in rows[0][\"fields\"] if f[\"name\"] == \"__dict__\"] == "
           "[\"dict\"]");
    target_end(&target);
}

Test(show, an_input_without_addresses, .timeout = 60)
{
    static const char *const words[] = {"show", "1", "-", NULL};
    struct program program;

    program_run_files(&program, words, "/dev/null", NULL);
    program_expect_refusal(&program, 2, "the standard input has no addresses in it");
    program_free(&program);
}

Test(show, for_a_person, .timeout = 60)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    struct addresses found = find(&target, "module", NULL);
    found.count = 2;
    SHOW(&program, &target, &found, NULL);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(strncmp(program.out, "0x", 2) == 0);
    cr_expect(strstr(program.out, "\n\n0x"), "one page only: %s", program.out);
    cr_expect(strstr(program.out, "\n  refcount "), "%s", program.out);
    cr_expect(strstr(program.out, "\nAttribute "), "%s", program.out);
    cr_expect(strstr(program.err, "pyinspect: 2 objects, all "), "%s", program.err);
    program_free(&program);
    target_end(&target);
}

static const struct usage usages[] = {
    {{"show", NULL}, "show takes a PID"},
    {{"show", "1", NULL}, "show takes a PID and addresses"},
    {{"show", "x", "0x10", NULL}, "is no process id"},
    {{"show", "1", "x", NULL}, "'x' is no address"},
    {{"show", "1", "0x", NULL}, "'0x' is no address"},
    {{"show", "1", "12ab", NULL}, "'12ab' is no address"},
    {{"show", "1", "0x10000000000000000", NULL}, "is no address"},
    {{"show", "1", "18446744073709551616", NULL}, "is no address"},
    {{"show", "1", "0x10", "--items", "-1", NULL}, "--items '-1': it takes a number"},
    {{"show", "1", "0x10", "--csv", NULL}, "unknown option --csv"},
};

Test(show, a_wrong_command_line, .timeout = 60)
{
    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}
