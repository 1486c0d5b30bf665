// SPDX-License-Identifier: MIT
/* `pyinspect watch --traces`, of processes that allocate on a known line between two samples. */
#include "tests/support/scratch.h"
#include "tests/support/watching.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the target holds, and what each of its blocks takes. */
#define LINE                                                                                       \
    "next(n for n, l in enumerate(open(\"tests/targets/watched.py\"), 1) if \"# held here\" in l)"
#define BLOCK "__import__(\"sys\").getsizeof(bytes(10000))"

/* Of the rows of each sample, that line's. */
#define HELD(member)                                                                               \
    "[[t[\"" member "\"] for t in row[\"statistics\"] if t[\"line\"] == " LINE " and "             \
    "t[\"file\"].endswith(\"watched.py\")] for row in rows]"

#define TELLING(words) "[row[\"sample\"] for row in rows if \"" words "\" in str(row[\"events\"])]"

static void tracing_target(struct obedient *ret)
{
    watching_target(ret);
    obedient_do(ret, "trace 3 100");
}

ParameterizedTestParameters(watch_traces, growth_is_what_was_allocated)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, watch_traces, growth_is_what_was_allocated, .timeout = 120)
{
    struct interpreter python = pythons_get(index);
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    obedient_start(&target, &python);
    obedient_do(&target, "trace 3 100");
    WATCH(&lasting, target.pid, QUICKLY, "--traces", "--count", "4");
    free(lasting_line(&lasting));
    obedient_do(&target, "hold 7");
    /* A sample may have been under way: the second after it is of what there is now. */
    watching_skip(&lasting, 2);
    obedient_do(&target, "drop 20");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s: %s", python.name, rows.err);
    cr_expect(program_rows_hold(&rows,
                                "all(row[\"complete\"] and row[\"tracing\"] and not "
                                "row[\"failed\"] and row[\"pause_ms\"] > 0 for row in rows)"),
              "%s: %s", python.name, rows.out);
    cr_expect(program_rows_hold(&rows, HELD("count") "[0] == [100]"), "%s: %s", python.name,
              rows.out);
    cr_expect(program_rows_hold(&rows, HELD("size") "[2] == [107 * " BLOCK "]"));
    cr_expect(program_rows_hold(&rows, HELD("count") "[3] == [87]"));
    cr_expect(program_rows_hold(&rows, HELD("since_first") "[2] == [7 * " BLOCK "]"));
    cr_expect(program_rows_hold(&rows, HELD("since_first") "[3] == [-13 * " BLOCK "]"));
    cr_expect(program_rows_hold(&rows, HELD("since_last") "[3] == [-20 * " BLOCK "]"));
    cr_expect(program_rows_hold(&rows, "rows[2][\"statistics\"][0][\"line\"] == " LINE),
              "%s: what grows is not on top: %s", python.name, rows.out);
    cr_expect(program_rows_hold(
        &rows, "all(row[\"bytes\"] == sum(t[\"size\"] for t in row[\"statistics\"]) and "
               "row[\"blocks\"] == sum(t[\"count\"] for t in row[\"statistics\"]) and "
               "row[\"growth\"][\"since_first\"] == row[\"bytes\"] - rows[0][\"bytes\"] "
               "for row in rows)"));
    program_free(&rows);
    obedient_end(&target);
}

Test(watch_traces, who_does_not_trace_is_told_how_to, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program json, csv, text;

    watching_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--traces");
    lasting_end(&lasting, &json);
    cr_expect_eq(json.status, 1, "%s", json.err);
    cr_expect(program_rows_hold(&json, "len(rows) == 1 and not rows[0][\"tracing\"] and "
                                       "rows[0][\"statistics\"] == []"),
              "%s", json.out);
    cr_expect(program_rows_hold(&json, TELLING("PYTHONTRACEMALLOC=10") " == [1]"), "%s", json.out);
    WATCH(&lasting, target.pid, "--traces", "--csv");
    lasting_end(&lasting, &csv);
    cr_expect_eq(csv.status, 1);
    cr_expect(strstr(csv.err, "PYTHONTRACEMALLOC=10"), "%s", csv.err);
    cr_expect(strstr(csv.err, "1 without traces"), "%s", csv.err);
    WATCH(&lasting, target.pid, "--traces");
    lasting_end(&lasting, &text);
    cr_expect_eq(text.status, 1);
    cr_expect(strstr(text.out, "PYTHONTRACEMALLOC=10"), "%s", text.out);
    cr_expect_not(strstr(text.out, "Since last"), "%s", text.out);
    program_free(&json);
    program_free(&csv);
    program_free(&text);
    obedient_end(&target);
}

/* The one that traces goes on, and the other is asked again, but told of once. */
Test(watch_traces, others_go_on, .timeout = 60)
{
    struct obedient one, other;
    struct lasting lasting;
    struct program rows;
    char second[16], claim[256];

    tracing_target(&one);
    watching_target(&other);
    snprintf(second, sizeof(second), "%d", (int)other.pid);
    WATCH(&lasting, one.pid, second, QUICKLY, "--traces", "--count", "5");
    watching_skip(&lasting, 6);
    obedient_do(&other, "trace 1 5");
    obedient_do(&one, "hold 7");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(program_rows_hold(&rows,
                                "[\"does not trace\" in str(row[\"events\"]) for row in rows "
                                "if \"targets\" in row] == [True] + 4 * [False]"),
              "%s", rows.out);
    snprintf(claim, sizeof(claim),
             "[row[\"tracing\"] for row in rows if row.get(\"target\", {}).get(\"pid\") == %d]"
             "[::4] == [False, True]",
             (int)other.pid);
    cr_expect(program_rows_hold(&rows, claim), "%s", rows.out);
    /* What the other had when it began has not grown. */
    cr_expect(program_rows_hold(&rows, "[" HELD("count") "[i] for i in (2, -1)] == [[100], [112]]"),
              "%s", rows.out);
    cr_expect(program_rows_hold(&rows, HELD("since_first") "[-1] == [7 * " BLOCK "]"), "%s",
              rows.out);
    program_free(&rows);
    obedient_end(&one);
    obedient_end(&other);
}

Test(watch_traces, tracing_that_begins_again_is_another_series, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    tracing_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--every", "1s", "--traces", "--count", "3");
    free(lasting_line(&lasting));
    obedient_do(&target, "untrace");
    free(lasting_line(&lasting));
    obedient_do(&target, "trace 2 3");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(program_rows_hold(&rows, "[row[\"tracing\"] for row in rows] == "
                                       "[True, False, True]"),
              "%s", rows.out);
    cr_expect(program_rows_hold(&rows, TELLING("does not trace") " == [2]"), "%s", rows.out);
    cr_expect(program_rows_hold(&rows, "[row[\"growth\"][\"samples\"] for row in rows] == "
                                       "[1, 1, 1]"),
              "%s", rows.out);
    cr_expect(program_rows_hold(&rows, HELD("count") " == [[100], [], [3]]"), "%s", rows.out);
    program_free(&rows);
    obedient_end(&target);
}

Test(watch_traces, files_and_filters, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program files, filtered, none;

    tracing_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--traces", "--by", "filename", "--count", "1");
    lasting_end(&lasting, &files);
    cr_expect(program_rows_hold(&files, "[t for t in rows[0][\"statistics\"] if \"line\" not in t "
                                        "and t[\"file\"].endswith(\"watched.py\") and t[\"size\"] "
                                        ">= 100 * " BLOCK "]"),
              "%s", files.out);
    WATCH(&lasting, target.pid, "--csv", "--traces", "--include", "*/watched.py", "--count", "1");
    lasting_end(&lasting, &filtered);
    cr_expect_eq(strncmp(filtered.out, "time,sample,pid,file,line,size,since_last,since_first,",
                         strlen("time,sample,pid,file,line,size,since_last,since_first,")),
                 0, "%s", filtered.out);
    cr_expect(strstr(filtered.out, "watched.py,"), "%s", filtered.out);
    WATCH(&lasting, target.pid, QUICKLY, "--traces", "--exclude", "*/watched.py", "--count", "1");
    lasting_end(&lasting, &none);
    cr_expect(program_rows_hold(&none, HELD("count") " == [[]]"), "%s", none.out);
    program_free(&files);
    program_free(&filtered);
    program_free(&none);
    obedient_end(&target);
}

Test(watch_traces, metrics_are_of_lines, .timeout = 60)
{
    struct scratch scratch;
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    char path[128];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/lines.prom", scratch.path);
    tracing_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--traces", "--count", "1", "--prometheus", path,
          "--service", "shop", "--prometheus-types", "1");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    scratch_run(&scratch, "grep -q '^pyinspect_tracemalloc_bytes{service=\"shop\",file=\"[^\"]*"
                          "/watched.py\",line=\"[0-9]*\"} 100[0-9]*$' lines.prom");
    scratch_run(&scratch, "grep -q '^pyinspect_tracemalloc_blocks{.*,file=\"other\"} ' lines.prom");
    scratch_run(&scratch, "! grep -q pyinspect_type_ lines.prom");
    program_free(&rows);
    obedient_end(&target);
    scratch_remove(&scratch);
}

Test(watch_traces, takes_what_makes_sense, .timeout = 60)
{
    static const struct usage usages[] = {
        {{"watch", "1", "--by", "lineno"}, "there is no --traces"},
        {{"watch", "1", "--include", "*"}, "there is no --traces"},
        {{"watch", "1", "--traces", "--by", "traceback"}, "takes lineno or filename"},
        {{"watch", "1", "--traces", "--save", "a.census"}, "pyinspect traces PID --save"},
        {{"watch", "1", "--traces", "--all-objects"}, "--traces does not look at it"},
        {{"watch", "1", "--traces", "--short-names"}, "--traces does not look at it"},
    };

    program_refuses_usages(usages, sizeof(usages) / sizeof(usages[0]));
}
