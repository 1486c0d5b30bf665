// SPDX-License-Identifier: MIT
/* `pyinspect report`: of histories of a real service, and of made-up ones. */
#include "inspector/store/census_file.h"
#include "tests/support/program.h"
#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 20, PATIENCE_MS = 30 * 1000, MOST_TYPES = 8 };

static const int64_t beginning_ms = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */

/* Of the one test that runs in this process; removed even where the test fails. */
static struct scratch scratch;
static pid_t service;

static void make(void)
{
    scratch_make(&scratch);
}

static void clean(void)
{
    if (service > 0) {
        kill(service, SIGKILL);
        waitpid(service, NULL, 0);
    }
    scratch_remove(&scratch);
}

TestSuite(report, .init = make, .fini = clean, .timeout = 300);

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", scratch.path, name);
    return path;
}

#define REPORT(program, ...)                                                                       \
    program_run((program), (const char *const[]){"report", __VA_ARGS__, NULL})

struct made_type {
    const char *name, *short_name;
    double slope; /* objects a second */
};

static int64_t set_back_ms; /* by how much the date was set back */

/* Adds a census of made-up types: each has 1000 objects, and `slope` more a second. */
static void add_made(struct census_file *file, pid_t pid, double seconds,
                     const struct made_type *types, size_t count)
{
    struct snapshot_row rows[MOST_TYPES];
    struct snapshot snapshot = {
        .origin = {.pid = pid,
                   .start_time = 77,
                   .boot = "a boot",
                   .stack_start = 0x7f00,
                   .executable = "/usr/bin/python3",
                   .version = "3.11.2",
                   .command_line = "python3 <app>.py"},
        .occasion = {.taken_ms = beginning_ms + (int64_t)(seconds * 1000) - set_back_ms,
                     .running_ms = (int64_t)(seconds * 1000),
                     .pause_milliseconds = 12.5,
                     .stopped_milliseconds = 12.5,
                     .complete = true,
                     .stopped = true,
                     .generations = {true, true, true, true}},
        .rows = rows,
        .row_count = count,
    };
    struct error err;

    for (size_t i = 0; i < count; i++) {
        uint64_t objects = 1000 + (uint64_t)(seconds * types[i].slope);
        rows[i] = (struct snapshot_row){.type = types[i].name,
                                        .type_length = strlen(types[i].name),
                                        .short_name = types[i].short_name,
                                        .short_length = strlen(types[i].short_name),
                                        .count = objects,
                                        .bytes = objects * 100,
                                        .is_exact = true};
        snapshot.objects += objects;
        snapshot.bytes += objects * 100;
    }
    cr_assert(census_file_add(file, &snapshot, 0, NULL, &err), "%s", err.text);
}

static struct census_file *open_to_add(const char *name)
{
    struct census_file *file;
    struct error err;

    cr_assert(census_file_open_to_add(&file, path_of(name), &err), "%s", err.text);
    return file;
}

static void make_history(const char *name, const struct made_type *types, size_t count,
                         size_t samples)
{
    struct census_file *file = open_to_add(name);

    for (size_t i = 0; i < samples; i++)
        add_made(file, 4711, (double)i, types, count);
    census_file_close(file);
}

/* Halfway through, the date goes back by an hour: nothing else has changed. */
Test(report, whoever_sets_the_date)
{
    static const struct made_type types[] = {{"app.Order", "Order", 10}, {"app.Same", "Same", 0}};
    struct program program;

    struct census_file *file = open_to_add("date.census");
    for (int i = 0; i < 20; i++) {
        set_back_ms = i < 10 ? 0 : 3600 * 1000;
        add_made(file, 4711, i, types, 2);
    }
    set_back_ms = 0;
    census_file_close(file);
    program_run(&program, (const char *const[]){"report", path_of("date.census"), "--json", NULL});
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_holds(&program, "answer[\"steady_types\"] == 1 and "
                                      "abs(answer[\"types\"][0][\"slope_per_hour\"] - 36000) < 1"),
              "%s", program.out);
    program_free(&program);
}

/* What a target may call its types; ordered, as a snapshot's rows are. */
static const struct made_type hostile[] = {
    {"\xff\xfe'\"&", "\xff", 3},
    {"</script><script>document.documentElement.dataset.broken=1</script>", "a", 2},
    {"<img src=x onerror=\"document.documentElement.dataset.broken=1\">", "b", 4},
    {"app.\xe2\x80\xa8\xe2\x80\xae\x1b[31m", "c", 5},
    {"app.Order", "Order", 10},
    {"app.constant", "constant", 0},
    {"other.Order", "Order", 20},
};

/* A snapshot is ordered bytewise. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct made_type *)a)->name, ((const struct made_type *)b)->name);
}

static size_t make_hostile(const char *name, size_t samples)
{
    struct made_type types[sizeof(hostile) / sizeof(*hostile)];
    size_t count = sizeof(hostile) / sizeof(*hostile);

    memcpy(types, hostile, sizeof(hostile));
    qsort(types, count, sizeof(*types), by_name);
    make_history(name, types, count, samples);
    return count;
}

/* Starts a service whose clock is driven by the FIFOs that are returned. */
static void start_service(const char *python, const char *seed, int *ret_steps, int *ret_done)
{
    char steps[256], done[256];

    snprintf(steps, sizeof(steps), "%s", path_of("steps"));
    snprintf(done, sizeof(done), "%s", path_of("done"));
    unlink(steps);
    unlink(done);
    cr_assert(mkfifo(steps, 0600) == 0 && mkfifo(done, 0600) == 0);
    service = fork();
    cr_assert(service >= 0);
    if (service == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        unsetenv("ASAN_OPTIONS");
        execl(python, python, "tests/targets/leaky.py", seed, steps, done, NULL);
        _exit(127);
    }
    /* Opened for both, so that neither open nor the end of the service blocks us. */
    *ret_steps = open(steps, O_RDWR | O_CLOEXEC);
    *ret_done = open(done, O_RDWR | O_CLOEXEC);
    cr_assert(*ret_steps >= 0 && *ret_done >= 0);
}

static void let_second_pass(int steps, int done)
{
    struct pollfd waiting = {.fd = done, .events = POLLIN};
    char byte = '.';

    cr_assert_eq(write(steps, &byte, 1), 1);
    cr_assert_eq(poll(&waiting, 1, PATIENCE_MS), 1, "the service does not answer");
    cr_assert_eq(read(done, &byte, 1), 1);
}

/* One more census of the service, taken at that second of its own time. */
static void add_census(struct census_file *file, int second)
{
    struct census_file *saved;
    struct snapshot snapshot;
    struct program program;
    struct error err;
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)service);
    program_run(&program,
                (const char *const[]){"attach", pid, "--save", path_of("one.census"), NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    program_free(&program);
    cr_assert(census_file_open(&saved, path_of("one.census"), &err), "%s", err.text);
    cr_assert(census_file_load(saved, 1, &snapshot, &err), "%s", err.text);
    snapshot.occasion.taken_ms = beginning_ms + 1000 * second;
    snapshot.occasion.running_ms = 1000 * second;
    cr_assert(census_file_add(file, &snapshot, 0, NULL, &err), "%s", err.text);
    snapshot_free(&snapshot);
    census_file_close(saved);
}

static const char *const seeds[] = {"1", "2", "3"};

ParameterizedTestParameters(report, names_the_three_that_leak)
{
    static size_t indices[] = {0, 1, 2};

    return cr_make_param_array(size_t, indices, sizeof(indices) / sizeof(*indices));
}

ParameterizedTest(size_t *index, report, names_the_three_that_leak)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct program program;
    int steps, done;

    cr_assert_gt(count, 0, "no interpreter to test with");
    struct census_file *file = open_to_add("history.census");
    start_service(pythons[*index * (count - 1) / 2].path, seeds[*index], &steps, &done);
    for (int i = 0; i < SAMPLES; i++) {
        let_second_pass(steps, done);
        add_census(file, i);
    }
    census_file_close(file);
    close(steps);
    close(done);
    REPORT(&program, path_of("history.census"), "--json");
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect(program_holds(&program,
                            "[row[\"type\"] for row in answer[\"types\"] if row[\"steady\"]]"
                            " == [\"app.Leak100\", \"app.Leak10\", \"app.Leak1\"]"),
              "%s", program.out);
    cr_expect(program_holds(&program,
                            "all(abs(row[\"slope_per_hour\"] / 3600 / rate - 1) < 0.2 and "
                            "row[\"confidence\"] > 0.99 and row[\"bytes_per_hour\"] > 3600 * rate "
                            "for row, rate in zip(answer[\"types\"], (100, 10, 1)))"),
              "%s", program.out);
    cr_expect(
        program_holds(&program, "answer[\"censuses\"] == 20 and answer[\"steady_types\"] == 3"));
    program_free(&program);
    REPORT(&program, path_of("history.census"));
    cr_expect(strncmp(program.out, "3 types grow steadily: app.Leak100 (+3", 38) == 0, "%s",
              program.out);
    program_free(&program);
}

Test(report, in_each_format)
{
    struct program text, json, csv, few;

    make_hostile("made.census", SAMPLES);
    REPORT(&text, path_of("made.census"), "--limit", "0");
    REPORT(&json, path_of("made.census"), "--json", "--short-names");
    REPORT(&csv, path_of("made.census"), "--csv");
    REPORT(&few, path_of("made.census"), "--limit", "2");
    cr_expect_eq(text.status, 0, "%s", text.err);
    cr_expect(strncmp(text.out,
                      "6 types grow steadily: other.Order (+72,000/h), app.Order (+36,000/h), ",
                      71) == 0,
              "%s", text.out);
    cr_expect(strstr(text.out, " and 1 more\n"), "%s", text.out);
    cr_expect(strstr(text.out, "\n1 type did not grow\n"), "%s", text.out);
    cr_expect_null(strchr(text.out, '\x1b'));
    cr_expect_null(strchr(text.out, '\xff'));
    cr_expect(strstr(text.out, "longest 12.5 ms, 250.0 ms together, 1.32 % of the time"), "%s",
              text.out);
    cr_expect(strstr(few.out, "\n4 more types grew (4 of them steadily); 1 type did not grow\n"),
              "%s", few.out);
    cr_expect(program_holds(&json, "answer[\"types\"][0][\"type\"] == \"Order\" and "
                                   "abs(answer[\"types\"][0][\"slope_per_hour\"] - 108000) < 1 and "
                                   "answer[\"types\"][0][\"growth\"] == 570 and "
                                   "len(answer[\"types\"]) == 5"),
              "%s", json.out);
    cr_expect(program_holds(&json, "answer[\"first\"] == \"2026-09-21T14:13:20.000Z\" and "
                                   "answer[\"processes\"][0][\"pid\"] == 4711 and "
                                   "answer[\"pauses\"][\"longest_ms\"] == 12.5"),
              "%s", json.out);
    cr_expect(strncmp(csv.out, "type,steady,trend,processes,pids,slope_per_hour,", 48) == 0, "%s",
              csv.out);
    cr_expect(strstr(csv.out, "\nother.Order,true,steady,1,4711,72000.000,"), "%s", csv.out);
    program_free(&text);
    program_free(&json);
    program_free(&csv);
    program_free(&few);
}

/* Three of four workers leak, and one was started anew: a line a type all the same. */
Test(report, of_several_processes)
{
    static const struct made_type leak[] = {{"app.Order", "Order", 10}};
    static const struct made_type none[] = {{"app.Order", "Order", 0}};
    struct census_file *file = open_to_add("workers.census");
    struct program program;

    for (size_t i = 0; i < SAMPLES; i++) {
        for (pid_t worker = 0; worker < 4; worker++) {
            pid_t pid = worker == 1 && i >= SAMPLES / 2 ? 200 : 100 + worker;
            add_made(file, pid, (double)i + worker / 10.0, worker == 3 ? none : leak, 1);
        }
    }
    census_file_close(file);
    REPORT(&program, path_of("workers.census"), "--json");
    cr_expect(program_holds(&program, "[row[\"pids\"] for row in answer[\"types\"]] == "
                                      "[[\"100\", \"101\", \"102\", \"200\"]]"),
              "%s", program.out);
    cr_expect(program_holds(&program, "abs(answer[\"types\"][0][\"slope_per_hour\"] - 108000) < 1 "
                                      "and len(answer[\"processes\"]) == 5"),
              "%s", program.out);
    program_free(&program);
    REPORT(&program, path_of("workers.census"));
    cr_expect(strstr(program.out, "app.Order (+108,000/h, 4 of 5 processes)\n"), "%s", program.out);
    cr_expect(strstr(program.out, "  5, each judged by itself: 100, 101, 102, 103, 200\n"), "%s",
              program.out);
    program_free(&program);
}

Test(report, of_too_few_samples)
{
    struct program program;

    make_hostile("few.census", 5);
    REPORT(&program, path_of("few.census"));
    cr_expect_eq(program.status, 0);
    cr_expect(strncmp(program.out,
                      "too few samples to tell what grows steadily: it takes 6 censuses of a "
                      "process or more, and there are 5\n",
                      102) == 0,
              "%s", program.out);
    cr_expect(strstr(program.out, "other.Order"), "%s", program.out);
    program_free(&program);
}

/* What the browser makes of a page, without any network; what it complains of is in `log`. */
static struct text browse(const char *page)
{
    struct text dom = {0};
    size_t size;

    scratch_run(&scratch,
                "HOME=\"$PWD\" chromium --headless --no-sandbox --disable-gpu "
                "--user-data-dir=browser --host-resolver-rules=\"MAP * ~NOTFOUND\" "
                "--proxy-server=127.0.0.1:9 --enable-logging=stderr --virtual-time-budget=5000 "
                "--dump-dom \"file://$PWD/%s\" >dom 2>log",
                page);
    unsigned char *bytes = scratch_read(&scratch, "dom", &size);
    text_add_bytes(&dom, (const char *)bytes, size);
    free(bytes);
    cr_assert_not(dom.failed);
    return dom;
}

/* The root element tells what the page's script has seen. */
static struct text root_element(const struct text *dom)
{
    struct text root = {0};
    const char *from = strstr(dom->bytes, "<html");

    cr_assert(from && strchr(from, '>'), "no page");
    text_add_bytes(&root, from, (size_t)(strchr(from, '>') - from));
    return root;
}

Test(report, a_page_in_a_browser)
{
    struct program program;
    size_t size;

    cr_assert(scratch_has_program("chromium"), "no chromium: make check installs it");
    make_hostile("made.census", 200);
    REPORT(&program, path_of("made.census"), "-o", path_of("report.html"));
    cr_assert_eq(program.status, 0, "%s", program.err);
    cr_expect(strstr(program.err, "; written to "), "%s", program.err);
    program_free(&program);
    struct text dom = browse("report.html");
    struct text root = root_element(&dom);
    cr_expect(strstr(root.bytes, " data-curves=\"7\""), "six types and the pauses: %s", root.bytes);
    cr_expect_null(strstr(root.bytes, "data-error"), "%s", root.bytes);
    cr_expect_null(strstr(root.bytes, "data-violation"), "%s", root.bytes);
    cr_expect_null(strstr(root.bytes, "data-broken"), "%s", root.bytes);
    cr_expect(strstr(dom.bytes, "<h1>6 types grow steadily</h1>"));
    cr_expect(strstr(dom.bytes, "<h3>&lt;/script&gt;&lt;script&gt;document."));
    unsigned char *log = scratch_read(&scratch, "log", &size);
    cr_expect_null(memmem(log, size, "CONSOLE", 7), "%.*s", (int)size, (const char *)log);
    free(log);
    text_free(&root);
    text_free(&dom);
}

/* The checks above would see it. */
Test(report, a_page_that_is_broken)
{
    struct program program;

    make_hostile("made.census", SAMPLES);
    REPORT(&program, path_of("made.census"), "-o", path_of("report.html"));
    program_free(&program);
    scratch_run(&scratch, "sed \"s/{\\\"base\\\"/{base/\" report.html >error.html; "
                          "sed \"s/<h1>/<h1><img src=http:\\/\\/127.0.0.1:9\\/x>/\" report.html "
                          ">violation.html");
    struct text dom = browse("error.html");
    struct text root = root_element(&dom);
    cr_expect(strstr(root.bytes, "data-error"), "%s", root.bytes);
    cr_expect_null(strstr(root.bytes, "data-curves"), "%s", root.bytes);
    text_free(&root);
    text_free(&dom);
    dom = browse("violation.html");
    scratch_run(&scratch, "grep -q \"Content Security Policy\" log");
    text_free(&dom);
}

Test(report, writes_a_page_or_leaves_it)
{
    struct program program;
    struct stat status;

    make_hostile("made.census", SAMPLES);
    umask(027);
    REPORT(&program, path_of("made.census"), "-o", path_of("report.html"));
    cr_expect_eq(program.status, 0, "%s", program.err);
    program_free(&program);
    cr_assert(stat(path_of("report.html"), &status) == 0);
    cr_expect_eq(status.st_mode & 0777, 0640);
    REPORT(&program, path_of("made.census"), "-o", path_of("nowhere/report.html"));
    cr_expect_eq(program.status, 7, "%s", program.err);
    cr_expect_eq(program.out_length, 0);
    program_free(&program);
}

Test(report, replaces_nothing_but_pages)
{
    struct program program;

    make_hostile("made.census", SAMPLES);
    scratch_write(&scratch, "mine.html", "<!DOCTYPE html>\n<html>mine");
    scratch_run(&scratch, "ln -s mine.html link.html; ln -s made.census history.html");
    REPORT(&program, path_of("made.census"), "-o", path_of("link.html"));
    cr_expect_eq(program.status, 2, "%s", program.err);
    cr_expect(strstr(program.err, "is no page that pyinspect wrote"), "%s", program.err);
    program_free(&program);
    REPORT(&program, path_of("made.census"), "-o", path_of("history.html"));
    cr_expect_eq(program.status, 2, "%s", program.err);
    cr_expect(strstr(program.err, "is the history itself"), "%s", program.err);
    program_free(&program);
    scratch_run(&scratch, "grep -q mine mine.html");
    for (int i = 0; i < 2; i++) {
        REPORT(&program, path_of("made.census"), "-o", path_of("report.html"));
        cr_expect_eq(program.status, 0, "%s", program.err);
        program_free(&program);
    }
}

Test(report, refuses)
{
    struct program program;

    scratch_write(&scratch, "text", "no census");
    REPORT(&program, path_of("text"));
    cr_expect_eq(program.status, 6, "%s", program.err);
    program_free(&program);
    REPORT(&program, path_of("missing"));
    cr_expect_eq(program.status, 6, "%s", program.err);
    program_free(&program);
}

static const struct {
    const char *words[6];
    const char *cause;
} usages[] = {
    {{"report", NULL}, "report takes one file of censuses"},
    {{"report", "a", "b", NULL}, "report takes one file of censuses"},
    {{"report", "a", "-o", "report.pdf", NULL}, "a file that ends in .html"},
    {{"report", "a", "-o", ".html", NULL}, "a file that ends in .html"},
    {{"report", "a", "-o", NULL}, "option -o needs a value: -o FILE.html"},
    {{"report", "a", "--limit", "x", NULL}, "--limit 'x'"},
    {{"report", "a", "--json", "--csv", NULL}, "exclude each other"},
    {{"report", "a", "-x", NULL}, "unknown option -x"},
};

Test(report, a_wrong_command_line)
{
    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++) {
        struct program program;

        program_run(&program, usages[i].words);
        cr_expect_eq(program.status, 2, "%s", usages[i].cause);
        cr_expect(strstr(program.err, usages[i].cause), "%s", program.err);
        program_free(&program);
    }
}
