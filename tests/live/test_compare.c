// SPDX-License-Identifier: MIT
/*
 * `pyinspect compare`: what objgraph.get_new_ids() says in the process itself of the same moments,
 * by equality, on every interpreter; and what is refused.
 */
#include "inspector/store/census_name.h"
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { MOST_WORDS = 15 };

/* A process, three files in a directory, and the words for them. */
struct growing {
    struct judge judge;
    struct scratch objgraph; /* a directory with objgraph alone */
    char pid[16], first[128], second[128];
    unsigned asked;
};

static void save(struct growing *growing, const char *file)
{
    struct program program;

    program_run(&program, (const char *const[]){"attach", growing->pid, "--generation", "0,1,2",
                                                "--save", file, NULL});
    cr_assert_eq(program.status, 0, "%s: %s", growing->judge.name, program.err);
    program_free(&program);
}

/* It stands still for the third time, and was saved the first and the second time. */
static void start(struct growing *ret, const struct interpreter *python)
{
    scratch_make(&ret->objgraph);
    scratch_run(&ret->objgraph, "cp \"$(/usr/bin/python3 -c 'import objgraph; "
                                "print(objgraph.__file__)')\" objgraph.py");
    judge_start(&ret->judge, python, "growing.py", (const char *const[]){ret->objgraph.path, NULL});
    ret->asked = 0;
    snprintf(ret->pid, sizeof(ret->pid), "%d", (int)ret->judge.pid);
    snprintf(ret->first, sizeof(ret->first), "%s/first.census", ret->judge.scratch.path);
    snprintf(ret->second, sizeof(ret->second), "%s/second.census", ret->judge.scratch.path);
    save(ret, ret->first);
    judge_step(&ret->judge);
    save(ret, ret->second);
    judge_step(&ret->judge);
}

/* `pyinspect COMMAND WORD...`, whose words end with NULL, for the process to judge by `order`. */
static void ask(struct growing *growing, const char *order, const char *command,
                const char *const *words)
{
    const char *all[MOST_WORDS + 1] = {command};
    char output[128];
    struct program program;

    for (size_t i = 0; i + 1 < MOST_WORDS && words[i]; i++)
        all[i + 1] = words[i];
    snprintf(output, sizeof(output), "%s/said-%u", growing->judge.scratch.path, growing->asked++);
    program_run_files(&program, all, NULL, output);
    cr_expect_eq(program.status, 0, "%s: %s: %s", growing->judge.name, order, program.err);
    dprintf(growing->judge.wake_fd, "%s %s\n", order, output);
    program_free(&program);
}

#define ASK(growing, order, ...)                                                                   \
    ask((growing), (order), "compare", (const char *const[]){__VA_ARGS__, NULL})

/* What is new is listed too, and so is what is at the addresses of a file. */
static void ask_for_objects(struct growing *growing, const char *addresses)
{
    ask(growing, "ids 2 long", "objects",
        (const char *const[]){growing->pid, "--new-since", growing->second, "--generation", "0,1,2",
                              "--json", NULL});
    ask(growing, "ids 2 long", "objects",
        (const char *const[]){growing->pid, "--ids", addresses, "--generation", "0,1,2", "--json",
                              NULL});
}

/* Between the first two moments, of which both are files, and the last two, of which one is now. */
static void ask_all(struct growing *growing)
{
    const char *first = growing->first, *second = growing->second, *now = growing->pid;
    char addresses[128];

    ASK(growing, "table 1 short deltas 10", first, second, "--short-names");
    ASK(growing, "table 1 short new 0", first, second, "--short-names", "--sort", "new", "--limit",
        "0");
    ASK(growing, "table 2 short deltas 0", second, now, "--short-names", "--limit", "0");
    ASK(growing, "table 2 short current 25", second, now, "--short-names", "--sort", "current",
        "--limit", "25");
    ASK(growing, "table 2 short old 0", second, now, "--short-names", "--sort=old", "--limit=0");
    ASK(growing, "table 2 long deltas 10", second, now);
    ASK(growing, "json 1 long new 0", first, second, "--sort", "new", "--limit", "0", "--json");
    ASK(growing, "json 2 short deltas 10", second, now, "--short-names", "--json");
    ASK(growing, "ids 1 short", first, second, "--short-names", "--ids", "--json");
    ASK(growing, "ids 2 long", second, now, "--ids", "--json");
    snprintf(addresses, sizeof(addresses), "%s/said-%u", growing->judge.scratch.path,
             growing->asked);
    ASK(growing, "addresses 2 long", second, now, "--ids");
    ask_for_objects(growing, addresses);
    ASK(growing, "suspects long", first, second, now, "--json", "--limit", "0");
    ASK(growing, "suspects short", first, second, now, "--json", "--limit", "0", "--short-names");
}

enum { ORDERS = 15 };

ParameterizedTestParameters(compare, as_objgraph_has_it)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, compare, as_objgraph_has_it, .timeout = 300)
{
    struct interpreter python = pythons_get(index);
    struct growing growing;
    struct program findings;
    char claim[128];

    start(&growing, &python);
    ask_all(&growing);
    judge_end(&growing.judge, &findings);
    scratch_remove(&growing.objgraph);
    if (strstr(findings.out, "\"skipped\""))
        cr_skip_test("%s: %s", python.name, findings.out);
    snprintf(claim, sizeof(claim),
             "len(rows) == %d and all(row[\"wrong\"] == 0 and row[\"rows\"] > 5 for row in rows)",
             ORDERS);
    cr_expect(program_rows_hold(&findings, claim), "%s: %.6000s", growing.judge.name, findings.out);
    program_free(&findings);
}

/* Two bare processes, and a census of the first. */
struct pair {
    struct scratch scratch;
    struct target targets[2];
    char pids[2][16];
    char file[128], wider[128]; /* of the first one: as usual, and of all objects */
};

static void attach(const struct pair *pair, const char *option, const char *file)
{
    struct program program;

    program_run(&program,
                (const char *const[]){"attach", pair->pids[0], "--save", file, option, NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    program_free(&program);
}

static void pair_start(struct pair *ret)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    scratch_make(&ret->scratch);
    for (size_t i = 0; i < 2; i++) {
        target_start(&ret->targets[i], &pythons[count / 2], "bare");
        snprintf(ret->pids[i], sizeof(ret->pids[i]), "%d", (int)ret->targets[i].pid);
    }
    snprintf(ret->file, sizeof(ret->file), "%s/first.census", ret->scratch.path);
    snprintf(ret->wider, sizeof(ret->wider), "%s/wider.census", ret->scratch.path);
    attach(ret, NULL, ret->file);
    attach(ret, "--all-objects", ret->wider);
}

static void pair_end(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++)
        target_end(&pair->targets[i]);
    scratch_remove(&pair->scratch);
}

static void expect_run(int status, struct program *ret, const char *const *words)
{
    const char *all[MOST_WORDS + 1] = {"compare"};

    for (size_t i = 0; i + 1 < MOST_WORDS && words[i]; i++)
        all[i + 1] = words[i];
    program_run(ret, all);
    cr_expect_eq(ret->status, status, "%s %s %s: status %d: %s", words[0], words[1], words[2],
                 ret->status, ret->err);
}

#define EXPECT_RUN(status, program, ...)                                                           \
    expect_run((status), (program), (const char *const[]){__VA_ARGS__, NULL})

/* Fails with that status, and says so. */
static void expect_refusal(int status, const char *says, const char *const *words)
{
    struct program program;

    expect_run(status, &program, words);
    cr_expect(strstr(program.err, says), "%s", program.err);
    cr_expect_eq(program.out_length, 0);
    program_free(&program);
}

#define EXPECT_REFUSAL(status, says, ...)                                                          \
    expect_refusal((status), (says), (const char *const[]){__VA_ARGS__, NULL})

Test(compare, counts_alone_of_two_processes, .timeout = 60)
{
    struct program text, json;
    struct pair pair;

    pair_start(&pair);
    EXPECT_RUN(0, &text, pair.file, pair.pids[1], "--limit", "3", "--bytes");
    cr_expect(strstr(text.out, "Counts alone are compared, since these are two processes: "), "%s",
              text.out);
    cr_expect(strstr(text.out, pair.pids[1]), "%s", text.out);
    cr_expect(strstr(text.out, "  -  "), "%s", text.out);
    cr_expect_not(strstr(text.out, "counts as old"), "%s", text.out);
    program_free(&text);
    EXPECT_RUN(0, &json, pair.file, pair.pids[1], "--limit", "0", "--json");
    cr_expect(program_holds(&json, "answer[\"lack\"] == \"process\" and answer[\"types\"] and "
                                   "all(row[\"new\"] is None and row[\"delta\"] == "
                                   "row[\"current\"] - row[\"old\"] for row in "
                                   "answer[\"types\"])"));
    cr_expect(program_holds(&json, "answer[\"old\"][\"pid\"] != answer[\"current\"][\"pid\"]"));
    program_free(&json);
    EXPECT_REFUSAL(2, "what is new cannot be told, since these are two processes: ", pair.file,
                   pair.pids[1], "--ids");
    EXPECT_REFUSAL(2, "what is new cannot be told, since these are two processes: ", pair.file,
                   pair.file, pair.pids[1]);
    pair_end(&pair);
}

/* Nothing has changed in a process that stands still. */
Test(compare, one_process_with_itself, .timeout = 60)
{
    struct program program;
    struct pair pair;

    pair_start(&pair);
    EXPECT_RUN(0, &program, pair.pids[0], pair.pids[0], "--all-objects", "--json", "--limit", "0",
               "--bytes");
    cr_expect(program_holds(&program, "answer[\"totals\"][\"new\"] == 0 and "
                                      "answer[\"all_objects\"] and answer[\"lack\"] is None"));
    cr_expect(program_holds(&program, "all(row[\"old_bytes\"] == row[\"current_bytes\"] > 0 == "
                                      "row[\"new_bytes\"] == row[\"delta_bytes\"] "
                                      "for row in answer[\"types\"])"));
    program_free(&program);
    EXPECT_RUN(0, &program, pair.pids[0], pair.file, "--type", "dict,mod*", "--csv");
    cr_expect(strncmp(program.out, "type,old,current,new,delta\n", 27) == 0, "%s", program.out);
    cr_expect(strstr(program.out, "\nmodule,") && strstr(program.out, "\ndict,") &&
                  !strstr(program.out, "list"),
              "%s", program.out);
    program_free(&program);
    EXPECT_RUN(0, &program, pair.file, pair.pids[0], "--ids");
    cr_expect_eq(program.out_length, 0, "%s", program.out);
    cr_expect(strstr(program.err, "0 new objects; "), "%s", program.err);
    program_free(&program);
    pair_end(&pair);
}

/* A process is counted as the file was. */
Test(compare, counted_alike, .timeout = 60)
{
    struct program program;
    struct pair pair;

    pair_start(&pair);
    EXPECT_RUN(0, &program, pair.pids[0], pair.wider, "--json", "--type", "str");
    cr_expect(program_holds(&program, "answer[\"all_objects\"] and "
                                      "answer[\"types\"][0][\"old\"] > 1000"));
    program_free(&program);
    EXPECT_REFUSAL(2, "wider.census has all objects, ", pair.file, pair.wider);
    EXPECT_REFUSAL(2, "first.census the tracked objects: only what was counted alike", pair.file,
                   pair.wider);
    EXPECT_REFUSAL(2, "the command line asks for all objects", pair.file, pair.pids[0],
                   "--all-objects");
    EXPECT_REFUSAL(2, "the command line asks for the tracked objects of --generation 0,2",
                   pair.file, pair.pids[0], "--generation", "0,2");
    pair_end(&pair);
}

static void expect_objects(int status, const char *says, const char *const *words)
{
    struct program program;

    program_run(&program, words);
    cr_expect_eq(program.status, status, "%s", program.err);
    cr_expect(strstr(program.err, says), "%s", program.err);
    program_free(&program);
}

#define EXPECT_OBJECTS(status, says, ...)                                                          \
    expect_objects((status), (says), (const char *const[]){"objects", __VA_ARGS__, NULL})

/* What a census says nothing of is not called new. */
Test(compare, objects_new_since_a_census_that_fits, .timeout = 60)
{
    char young[128];
    struct pair pair;

    pair_start(&pair);
    snprintf(young, sizeof(young), "%s/young.census", pair.scratch.path);
    EXPECT_OBJECTS(0, "0 objects of 0 B together, new since ", pair.pids[0], "--new-since",
                   pair.file);
    EXPECT_OBJECTS(0, "0 objects of 0 B together, new since ", pair.pids[0], "--new-since",
                   pair.wider, "--all-objects");
    EXPECT_OBJECTS(2, "it was saved without --all-objects", pair.pids[0], "--new-since", pair.file,
                   "--all-objects");
    EXPECT_OBJECTS(2, "it is of another process", pair.pids[1], "--new-since", pair.file);
    EXPECT_OBJECTS(6, young, pair.pids[0], "--new-since", young);
    expect_objects(
        0, "; saved in ",
        (const char *const[]){"attach", pair.pids[0], "--generation", "0", "--save", young, NULL});
    EXPECT_OBJECTS(2, "it was saved with --generation", pair.pids[0], "--new-since", young);
    EXPECT_OBJECTS(0, "new since ", pair.pids[0], "--new-since", young, "--generation", "0");
    pair_end(&pair);
}

/* 8, whatever else there is to say, and the whole answer all the same. */
Test(compare, thresholds, .timeout = 60)
{
    struct program program;
    struct pair pair;

    pair_start(&pair);
    EXPECT_RUN(8, &program, pair.file, pair.pids[0], "--fail-if", "dict:1", "--fail-if", "list:+1",
               "--fail-if=m[aeiou]dule:2", "--type", "list", "--limit", "1");
    cr_expect(strstr(program.out, "\nlist  "), "%s", program.out);
    cr_expect(strstr(program.out, "\nCROSSED: --fail-if 'dict:1': dict has "), "%s", program.out);
    cr_expect(strstr(program.out, "\nCROSSED: --fail-if 'm[aeiou]dule:2': module has "), "%s",
              program.out);
    cr_expect_not(strstr(program.out, "list:+1"), "%s", program.out);
    cr_expect(strstr(program.err, "pyinspect: CROSSED: --fail-if 'dict:1': dict has "), "%s",
              program.err);
    program_free(&program);
    EXPECT_RUN(8, &program, pair.file, pair.pids[0], "--no-stop", "--fail-if", "dict:1", "--json");
    cr_expect(program_holds(&program, "len(answer[\"crossed\"]) == 1 and not answer[\"complete\"] "
                                      "and len(answer[\"types\"]) == 10"));
    program_free(&program);
    EXPECT_RUN(8, &program, pair.file, pair.pids[0], "--ids", "--fail-if", "dict:1k");
    program_free(&program);
    EXPECT_RUN(1, &program, pair.file, pair.pids[0], "--no-stop", "--fail-if", "dict:+1");
    program_free(&program);
    EXPECT_RUN(0, &program, pair.file, pair.file, pair.pids[0], "--fail-if", "*:+1");
    program_free(&program);
    pair_end(&pair);
}

/* What would never fail is said where scripts look. */
Test(compare, warnings, .timeout = 60)
{
    static const char unfitting[] = "--fail-if 'Set:+1': no type is called that, before or now";
    struct program program;
    struct pair pair;

    pair_start(&pair);
    EXPECT_RUN(0, &program, pair.file, pair.pids[0], "--fail-if", "Set:+1");
    cr_expect(strstr(program.out, unfitting), "%s", program.out);
    cr_expect(strstr(program.err, unfitting), "%s", program.err);
    program_free(&program);
    EXPECT_RUN(0, &program, pair.pids[0], pair.file, "--json", "--fail-if", "ABCMeta:1");
    cr_expect(strstr(program.err, "BACKWARDS: "), "%s", program.err);
    cr_expect(program_holds(&program, "len(answer[\"warnings\"]) == 2 and \"(there is "
                                      "abc.ABCMeta)\" in answer[\"warnings\"][1]"));
    program_free(&program);
    EXPECT_RUN(0, &program, pair.file, pair.pids[1], "--fail-if", "dict:+100000");
    cr_expect(strstr(program.err, "Counts alone are compared, since "), "%s", program.err);
    program_free(&program);
    EXPECT_REFUSAL(2, "the older one comes first", pair.pids[0], pair.file, "--fail-if", "dict:+1");
    EXPECT_REFUSAL(2, "the older one comes first", pair.file, pair.pids[0], pair.file);
    pair_end(&pair);
}

/* A history of two, the second without addresses. */
static void make_history(const struct pair *pair, const char *path)
{
    struct census_file *file;
    struct snapshot snapshot;
    struct error err;

    cr_assert(census_name_load(pair->file, &snapshot, &err), "%s", err.text);
    cr_assert(census_file_open_to_add(&file, path, &err), "%s", err.text);
    cr_assert(census_file_add(file, &snapshot, 0, NULL, &err), "%s", err.text);
    snapshot.has_objects = false;
    for (size_t i = 0; i < snapshot.row_count; i++)
        snapshot.rows[i].objects = NULL;
    cr_assert(census_file_add(file, &snapshot, 0, NULL, &err), "%s", err.text);
    census_file_close(file);
    snapshot_free(&snapshot);
}

Test(compare, members_of_a_history, .timeout = 60)
{
    char history[128], first[160], last[160], says[512];
    struct program program;
    struct pair pair;

    pair_start(&pair);
    snprintf(history, sizeof(history), "%s/history", pair.scratch.path);
    snprintf(first, sizeof(first), "%s@first", history);
    snprintf(last, sizeof(last), "%s@last", history);
    snprintf(says, sizeof(says), "two or three: pyinspect compare %s %s\n", first, last);
    make_history(&pair, history);
    EXPECT_REFUSAL(2, says, history);
    EXPECT_REFUSAL(2, says, first);
    EXPECT_RUN(0, &program, first, pair.pids[0], "--json");
    cr_expect(program_holds(&program, "answer[\"lack\"] is None and "
                                      "answer[\"old\"][\"name\"].endswith(\"@first\")"));
    program_free(&program);
    EXPECT_RUN(0, &program, first, history);
    cr_expect(strstr(program.out, "Counts alone are compared, since "), "%s", program.out);
    cr_expect(strstr(program.out, "/history has counts alone, its addresses were dropped"), "%s",
              program.out);
    program_free(&program);
    EXPECT_REFUSAL(2, "@last has counts alone", first, last, "--ids");
    pair_end(&pair);
}

Test(compare, refused, .timeout = 60)
{
    struct pair pair;
    char gone[16];

    pair_start(&pair);
    scratch_write(&pair.scratch, "other", "this is no census at all, but a text\n");
    char other[160];
    snprintf(other, sizeof(other), "%s/other", pair.scratch.path);
    EXPECT_REFUSAL(6, "/other", pair.file, other);
    EXPECT_REFUSAL(2, "--fail-if 'dict': it takes TYPE:+N ", pair.file, pair.pids[0], "--fail-if",
                   "dict");
    EXPECT_REFUSAL(2, "--sort 'size': it takes deltas, new, current or old", pair.file,
                   pair.pids[0], "--sort", "size");
    EXPECT_REFUSAL(2, "--sort is for two", pair.file, pair.file, pair.pids[0], "--sort", "new");
    EXPECT_REFUSAL(2, "--fail-if '*:+1%': of three, ", pair.file, pair.file, pair.pids[0],
                   "--fail-if", "*:+1%");
    EXPECT_REFUSAL(2, "compare takes two or three, ", pair.file);
    EXPECT_REFUSAL(2, "compare takes two or three, ", "1", "2", "3", "4");
    target_end(&pair.targets[1]);
    snprintf(gone, sizeof(gone), "%s", pair.pids[1]);
    EXPECT_REFUSAL(3, gone, pair.file, gone);
    pair_end(&pair);
}
