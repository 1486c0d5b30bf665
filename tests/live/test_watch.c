// SPDX-License-Identifier: MIT
/* `pyinspect watch` of processes that do what they are told between two samples. */
#include "tests/support/proc.h"
#include "tests/support/scratch.h"
#include "tests/support/watching.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* Of the rows of each sample, one type's. */
#define LEAKS(member)                                                                              \
    "[[t[\"" member "\"] for t in row[\"types\"] if t[\"type\"] == \"__main__.Leak\"] "            \
    "for row in rows]"

ParameterizedTestParameters(watch, growth_is_what_grew)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, watch, growth_is_what_grew, .timeout = 120)
{
    struct interpreter python = pythons_get(index);
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    obedient_start(&target, &python);
    obedient_do(&target, "grow 100");
    WATCH(&lasting, target.pid, QUICKLY, "--count", "4");
    free(lasting_line(&lasting));
    obedient_do(&target, "grow 7");
    /* A sample may have been under way: the second after it is of what there is now. */
    watching_skip(&lasting, 2);
    obedient_do(&target, "shrink 20");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s: %s", python.name, rows.err);
    cr_expect(program_rows_hold(&rows, "[row[\"sample\"] for row in rows] == [1, 2, 3, 4]"));
    cr_expect(program_rows_hold(&rows, "all(row[\"complete\"] and not row[\"failed\"] and "
                                       "row[\"pause_ms\"] > 0 and row[\"target\"][\"pid\"] "
                                       "for row in rows)"));
    cr_expect(program_rows_hold(&rows, LEAKS("count") "[2] == [107]"), "%s", python.name);
    cr_expect(program_rows_hold(&rows, LEAKS("count") "[3] == [87]"), "%s", python.name);
    cr_expect(program_rows_hold(&rows, LEAKS("since_first") "== [[0], [7], [7], [-13]] or " LEAKS(
                                           "since_first") "== [[0], [0], [7], [-13]]"));
    cr_expect(program_rows_hold(&rows, LEAKS("since_last") "[3] == [-20]"));
    cr_expect(program_rows_hold(&rows,
                                "all(row[\"objects\"] == sum(t[\"count\"] for t in row[\"types\"])"
                                " and row[\"growth\"][\"since_first\"] == "
                                "row[\"objects\"] - rows[0][\"objects\"] for row in rows)"));
    program_free(&rows);
    obedient_end(&target);
}

/* A service is not held, nor is anything of it but a pidfd, while we wait. */
Test(watch, holds_nothing_between_samples, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    char path[64], link[256], of_target[32];
    const struct dirent *entry;
    unsigned pidfds = 0;

    watching_target(&target);
    WATCH(&lasting, target.pid, "--every", "1h", "--json");
    free(lasting_line(&lasting));
    /* It is printed when the sample is over. */
    cr_expect_eq(process_tracer(target.pid), 0);
    snprintf(of_target, sizeof(of_target), "/proc/%d/", (int)target.pid);
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)lasting.pid);
    DIR *fds = opendir(path);
    cr_assert(fds);
    while ((entry = readdir(fds))) {
        ssize_t length = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);
        if (length <= 0)
            continue;
        link[length] = '\0';
        cr_expect_not(strstr(link, of_target), "%s", link);
        pidfds += strstr(link, "pidfd") != NULL;
    }
    closedir(fds);
    cr_expect_eq(pidfds, 1);
    kill(lasting.pid, SIGINT);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(strstr(rows.err, "1 sample of process"), "%s", rows.err);
    program_free(&rows);
    obedient_end(&target);
}

Test(watch, ends_with_the_process, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    watching_target(&target);
    WATCH(&lasting, target.pid, "--every", "1h", "--json");
    free(lasting_line(&lasting));
    obedient_end(&target);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 3);
    cr_expect(strstr(rows.err, " has ended; 1 sample of process "), "%s", rows.err);
    cr_expect(program_rows_hold(&rows, "len(rows) == 1 and rows[0][\"objects\"] > 1000"));
    program_free(&rows);
}

/* The process is the same, the program is not. */
Test(watch, another_program_is_another_series, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    watching_target(&target);
    obedient_do(&target, "grow 1000");
    WATCH(&lasting, target.pid, QUICKLY, "--every", "1s", "--count", "3");
    free(lasting_line(&lasting));
    obedient_do(&target, "exec");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(program_rows_hold(&rows, "[row[\"new_program\"] for row in rows] == "
                                       "[False, True, False]"),
              "%s", rows.out);
    cr_expect(program_rows_hold(&rows, "[row[\"growth\"][\"samples\"] for row in rows] == "
                                       "[1, 1, 2]"));
    cr_expect(program_rows_hold(&rows, "[row[\"growth\"][\"since_first\"] for row in rows] == "
                                       "[0, 0, 0]"));
    program_free(&rows);
    obedient_end(&target);
}

Test(watch, goes_on_after_failures, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program json, csv;

    watching_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--count", "3", "--max-pause", "0.001ms");
    lasting_end(&lasting, &json);
    cr_expect_eq(json.status, 1, "%s", json.err);
    cr_expect(strstr(json.err, "3 samples"), "%s", json.err);
    cr_expect(strstr(json.err, ", 3 of them FAILED (last: "), "%s", json.err);
    cr_expect(program_rows_hold(&json, "len(rows) == 3 and all(row[\"failed\"] and "
                                       "\"--max-pause\" in row[\"error\"] and "
                                       "\"types\" not in row for row in rows)"));
    WATCH(&lasting, target.pid, "--csv", "--count", "2", "--every", "10ms", "--max-pause",
          "0.001ms");
    lasting_end(&lasting, &csv);
    cr_expect_eq(csv.out_length, 0, "%s", csv.out);
    cr_expect(strstr(csv.err, "sample 2 of 2: FAILED: "), "%s", csv.err);
    program_free(&json);
    program_free(&csv);
    obedient_end(&target);
}

/* The time for which it stands still in a sample is at most a hundredth of the time until the next.
 */
Test(watch, keeps_to_its_share, .timeout = 60)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;

    watching_target(&target);
    WATCH(&lasting, target.pid, "--every", "1ms", "--count", "6", "--json");
    lasting_end(&lasting, &rows);
    cr_expect(program_rows_hold(
                  &rows,
                  "(lambda ms: all(row[\"stopped_ms\"] <= 0.0101 * (ms(later) - ms(row)) for row, "
                  "later in zip(rows, rows[1:])))(lambda row: __import__(\"datetime\").datetime."
                  "strptime(row[\"time\"], \"%Y-%m-%dT%H:%M:%S.%fZ\").timestamp() * 1000 + 1)"),
              "%s", rows.out);
    cr_expect(program_rows_hold(&rows, "all(row[\"put_off_ms\"] > 0 for row in rows[1:])"));
    program_free(&rows);
    obedient_end(&target);
}

#define SUMS "[row for row in rows if \"targets\" in row]"

Test(watch, workers_join_and_leave, .timeout = 120)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    char order[32], claim[512];

    watching_target(&target);
    obedient_do(&target, "grow 50");
    long first = obedient_do(&target, "fork");
    WATCH(&lasting, target.pid, QUICKLY, "--every", "1s", "--children", "--count", "3");
    watching_skip(&lasting, 3);
    long second = obedient_do(&target, "fork");
    watching_skip(&lasting, 4);
    snprintf(order, sizeof(order), "end %ld", first);
    obedient_do(&target, order);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    snprintf(claim, sizeof(claim),
             "[set(row[\"targets\"]) for row in " SUMS
             "] == [{%d, %ld}, {%d, %ld, %ld}, {%d, %ld}]",
             (int)target.pid, first, (int)target.pid, first, second, (int)target.pid, second);
    cr_expect(program_rows_hold(&rows, claim), "%s", claim);
    cr_expect(program_rows_hold(&rows, "[t[\"count\"] for row in " SUMS " for t in row[\"types\"] "
                                       "if t[\"type\"] == \"__main__.Leak\"] == [100, 150, 100]"));
    /* Who joins and who ends is no growth. */
    cr_expect(program_rows_hold(&rows, "[t[\"since_first\"] for row in " SUMS " for t in "
                                       "row[\"types\"] if t[\"type\"] == \"__main__.Leak\"] == "
                                       "[0, 0, 0]"));
    cr_expect(program_rows_hold(&rows,
                                "all(row[\"objects\"] == sum(one[\"objects\"] for one in rows if "
                                "\"target\" in one and one[\"sample\"] == row[\"sample\"]) "
                                "for row in " SUMS ")"));
    snprintf(claim, sizeof(claim),
             "\"process %ld has joined, a child of %d\" in " SUMS "[1][\"events\"] and "
             "\"process %ld has ended\" in " SUMS "[2][\"events\"]",
             second, (int)target.pid, first);
    cr_expect(program_rows_hold(&rows, claim), "%s", claim);
    cr_expect(strstr(rows.err, ", 1 joined, 1 ended: "), "%s", rows.err);
    program_free(&rows);
    snprintf(order, sizeof(order), "end %ld", second);
    obedient_do(&target, order);
    obedient_end(&target);
}

/* We are a child of what we watch, and have the name of a Python: even so nothing of us, nor of our
 * own children, is sampled. */
Test(watch, never_ourselves, .timeout = 60)
{
    struct scratch scratch;
    struct obedient target;
    struct program rows;
    char own[16], claim[128], path[128];

    scratch_make(&scratch);
    scratch_run(&scratch, "cp %s python3.11", getenv("PYINSPECT"));
    snprintf(path, sizeof(path), "%s/python3.11", scratch.path);
    setenv("PYINSPECT", path, 1);
    watching_target(&target);
    snprintf(own, sizeof(own), "%d", (int)getpid());
    program_run(&rows, (const char *const[]){"watch", own, "--children", "--count", "2", "--every",
                                             "10ms", "--max-share", "100%", "--json", NULL});
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    snprintf(claim, sizeof(claim), "all(row[\"targets\"] == [%d] for row in " SUMS ")",
             (int)target.pid);
    cr_expect(program_rows_hold(&rows, claim), "%s: %s", claim, rows.out);
    program_free(&rows);
    obedient_end(&target);
    scratch_remove(&scratch);
}

Test(watch, several_go_on_without_one, .timeout = 60)
{
    struct obedient one, other;
    struct lasting lasting;
    struct program rows;
    char second[16];

    watching_target(&one);
    watching_target(&other);
    snprintf(second, sizeof(second), "%d", (int)other.pid);
    WATCH(&lasting, one.pid, second, QUICKLY, "--every", "1s");
    watching_skip(&lasting, 3);
    obedient_end(&one);
    watching_skip(&lasting, 2);
    obedient_end(&other);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 3);
    cr_expect(strstr(rows.err, "all processes have ended"), "%s", rows.err);
    cr_expect(
        program_rows_hold(&rows, "[len(row[\"targets\"]) for row in " SUMS "][:2] == [2, 1]"));
    program_free(&rows);
}

Test(watch, csv_has_one_header, .timeout = 60)
{
    static const char header[] =
        "time,sample,pid,type,count,since_last,since_first,per_hour,bytes\n";
    struct obedient target;
    struct lasting lasting;
    struct program csv;

    watching_target(&target);
    WATCH(&lasting, target.pid, "--csv", "--count", "3", "--every", "10ms", "--max-share", "100%",
          "--most-common", "2");
    lasting_end(&lasting, &csv);
    cr_expect(strncmp(csv.out, header, strlen(header)) == 0, "%s", csv.out);
    cr_expect_not(strstr(csv.out + 1, "time,"), "%s", csv.out);
    unsigned lines = 0;
    for (const char *at = csv.out; (at = strchr(at, '\n')); at++)
        lines++;
    cr_expect_eq(lines, 7, "%s", csv.out);
    program_free(&csv);
    obedient_end(&target);
}

/* A terminal of ten rows: each page after the first goes back over no more than nine. */
Test(watch, renews_itself_on_a_terminal, .timeout = 60)
{
    struct winsize size = {.ws_row = 10, .ws_col = 80};
    struct obedient target;
    char number[16], piece[4096];
    char *all = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&all, &length);
    int terminal, status;
    ssize_t got;

    watching_target(&target);
    snprintf(number, sizeof(number), "%d", (int)target.pid);
    pid_t pid = forkpty(&terminal, NULL, NULL, &size);
    cr_assert(pid >= 0 && memory);
    if (pid == 0) {
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        execl(getenv("PYINSPECT"), "pyinspect", "watch", number, "--every", "50ms", "--max-share",
              "100%", "--count", "3", (char *)NULL);
        _exit(127);
    }
    while ((got = read(terminal, piece, sizeof(piece))) > 0)
        fwrite(piece, 1, (size_t)got, memory);
    fclose(memory);
    cr_assert(waitpid(pid, &status, 0) == pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", all);
    unsigned ups = 0;
    for (const char *at = all; (at = strstr(at, "\033[9A")); at++)
        ups++;
    cr_expect_eq(ups, 3, "the last page is shown again, uncut: %s", all);
    cr_expect(strstr(all, "more lines)"), "%s", all);
    const char *last = all;
    for (const char *at = all; (at = strstr(at, "\033[9A")); at++)
        last = at;
    cr_expect_null(strstr(last, "more lines)"), "%s", last);
    cr_expect(strstr(last, "All "), "%s", last);
    free(all);
    close(terminal);
    obedient_end(&target);
}

struct footprint {
    unsigned long rss; /* KiB */
    unsigned fds;
};

static struct footprint footprint_of(pid_t pid)
{
    struct footprint footprint = {0};
    char path[32];
    char *status = process_file(pid, "status");

    footprint.rss = strtoul(strstr(status, "VmRSS:") + strlen("VmRSS:"), NULL, 10);
    free(status);
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    cr_assert(fds);
    while (readdir(fds))
        footprint.fds++;
    closedir(fds);
    return footprint;
}

/* Both are looked at when a line was printed, and the next sample is under way or not: a few
 * descriptors and a copy of the small heap more or less. */
Test(watch, stays_as_small_as_it_is, .timeout = 550)
{
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    const char *sanitizer = getenv("ASAN_OPTIONS");
    char options[1024];

    /* What is freed would stay there for long. */
    snprintf(options, sizeof(options), "%s:quarantine_size_mb=1", sanitizer ? sanitizer : "");
    setenv("ASAN_OPTIONS", options, 1);
    watching_target(&target);
    WATCH(&lasting, target.pid, "--every", "1ms", "--max-share", "100%", "--json", "--most-common",
          "1");
    watching_skip(&lasting, 200);
    struct footprint before = footprint_of(lasting.pid);
    watching_skip(&lasting, 1800);
    struct footprint after = footprint_of(lasting.pid);
    kill(lasting.pid, SIGTERM);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect_leq(after.fds, before.fds + 20, "%u, then %u", before.fds, after.fds);
    cr_expect_leq(after.rss, before.rss + before.rss / 10 + 8 * 1024, "%lu KiB, then %lu",
                  before.rss, after.rss);
    program_free(&rows);
    obedient_end(&target);
}

static const struct {
    const char *words[4]; /* after a PID */
    const char *says;
} mistakes[] = {
    {{"--count", "3", "--for", "1h"}, "exclude each other"},
    {{"--every", "0s"}, "1ms is the least"},
    {{"--every", "30"}, "ms, s, m or h"},
    {{"--count", "0"}, "--count '0'"},
    {{"--for", "0s"}, "--for 0s"},
    {{"README.md"}, "README.md is a file"},
    {{"python"}, "'python' is no process id"},
    {{"--max-share", "0%"}, "--max-share '0%'"},
    {{"--max-share", "101%"}, "--max-share '101%'"},
    {{"--max-share", "1"}, "--max-share '1'"},
    {{"--max-file", "2G"}, "there is no --save"},
    {{"--each"}, "--each is for several"},
    {{"--sort", "size"}, "--sort 'size'"},
};

Test(watch, mistakes, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        const char *words[7] = {"watch", "1"};
        struct program program;
        for (size_t j = 0; j < 4; j++)
            words[j + 2] = mistakes[i].words[j];
        program_run(&program, words);
        cr_expect_eq(program.status, 2, "%s", program.err);
        cr_expect(strstr(program.err, mistakes[i].says), "%s: %s", mistakes[i].says, program.err);
        cr_expect_eq(program.out_length, 0);
        program_free(&program);
    }
}
