// SPDX-License-Identifier: MIT
#include "inspector/command/watch_prometheus.h"
#include "inspector/report/prometheus.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *value;
} names[] = {
    {"app.models.Order", "app.models.Order"},
    {"Größe", "Größe"},
    {"a\"b", "a\\\"b"},
    {"a\\b", "a\\\\\\\\b"},
    {"a\nb", "a\\\\x0ab"},
    {"a\x1b[31mb", "a\\\\x1b[31mb"},
    {"\xff\xc3", "\\\\xff\\\\xc3"},
    {"\xed\xa0\x80", "\\\\ud800"},
    {"\xe2\x80\xae", "\\\\u202e"},
    {"", ""},
};

Test(prometheus, values_of_labels)
{
    struct text text = {0};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        text_clear(&text);
        text_add(&text, "");
        prometheus_add_value(&text, names[i].name, strlen(names[i].name));
        cr_expect_str_eq(text.bytes, names[i].value, "%zu: %s", i, text.bytes);
    }
    text_free(&text);
}

/* Is all of it characters of UTF-8 that Unicode allows, and lines that can be read? */
static bool is_readable(const struct text *text)
{
    int32_t code;

    for (size_t at = 0; at < text->length;) {
        at += text_decode(text->bytes + at, text->length - at, &code);
        if (code < 0 || (text_is_harmful(code) && code != '\n'))
            return false;
    }
    return true;
}

Test(prometheus, whatever_a_name_holds)
{
    struct text text = {0};
    char name[700];

    srandom(1);
    for (unsigned round = 0; round < 2000; round++) {
        size_t length = (size_t)random() % sizeof(name);
        for (size_t i = 0; i < length; i++)
            name[i] =
                (char)(round % 2 ? random() : "\xe2\x80\xed\xa0\xf0\x9f\n\"\\a"[random() % 10]);
        text_clear(&text);
        text_add_char(&text, '"');
        prometheus_add_value(&text, name, length);
        text_add_char(&text, '"');
        cr_assert(!text.failed && is_readable(&text) && !strchr(text.bytes, '\n'), "round %u",
                  round);
        size_t at = 1;
        while (at < text.length && text.bytes[at] != '"') {
            if (text.bytes[at] == '\\')
                cr_assert(strchr("\\\"", text.bytes[++at]));
            at++;
        }
        cr_assert_eq(at, text.length - 1, "round %u: a quote that is not escaped", round);
    }
    text_free(&text);
}

Test(prometheus, families_and_samples)
{
    const struct prometheus_label labels[] = {{"service", "shop", 4}, {"type", "dictionary", 4}};
    struct text text = {0};

    prometheus_family(&text, "a_total", PROMETHEUS_COUNTER, "What a is.");
    prometheus_count(&text, "a_total", NULL, 0, UINT64_MAX);
    prometheus_family(&text, "b_seconds", PROMETHEUS_GAUGE, "What b is.");
    prometheus_seconds(&text, "b_seconds", labels, 2, 1234567890);
    prometheus_seconds(&text, "b_seconds", labels, 1, 42);
    cr_expect_str_eq(text.bytes, "# HELP a_total What a is.\n"
                                 "# TYPE a_total counter\n"
                                 "a_total 18446744073709551615\n"
                                 "# HELP b_seconds What b is.\n"
                                 "# TYPE b_seconds gauge\n"
                                 "b_seconds{service=\"shop\",type=\"dict\"} 1234.567890\n"
                                 "b_seconds{service=\"shop\"} 0.000042\n");
    text_free(&text);
}

struct scene {
    struct scratch scratch;
    char path[128];
    struct watch_prometheus *metrics;
};

static void scene_begin(struct scene *scene, uint64_t types, const char *comm,
                        const struct watch_traces_options *traces)
{
    struct watch_prometheus_options options = {
        .path = scene->path, .types = types, .traces = traces};
    struct error err;

    scratch_make(&scene->scratch);
    snprintf(scene->path, sizeof(scene->path), "%s/shop.prom", scene->scratch.path);
    cr_assert(watch_prometheus_begin(&scene->metrics, &options, comm, &err), "%s", err.text);
}

static void scene_end(struct scene *scene)
{
    watch_prometheus_free(scene->metrics);
    scratch_remove(&scene->scratch);
}

/* The file after a round; to be freed. */
static char *write_metrics(const struct scene *scene, const struct watch_prometheus_round *sample)
{
    struct error err;
    size_t size;

    cr_assert(watch_prometheus_write(scene->metrics, sample, &err), "%s", err.text);
    char *text = (char *)scratch_read(&scene->scratch, "shop.prom", &size);
    char *ended = realloc(text, size + 1);
    cr_assert(ended);
    ended[size] = '\0';
    return ended;
}

static const struct watch_prometheus_round failed_round = {.failed = 1};

static struct growth_row row_of(const char *type, uint64_t count, uint64_t bytes)
{
    return (struct growth_row){
        .type = type, .type_length = strlen(type), .count = count, .bytes = bytes};
}

static void expect_line(const char *text, const char *line)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    cr_expect(strstr(text, whole), "no line '%s' in:\n%s", line, text);
}

/* A file may hold colons, and is cut where it is long, but its line is not. */
Test(prometheus, lines_of_traces)
{
    static const struct watch_traces_options by_line = {.key = TRACE_BY_LINENO},
                                             by_file = {.key = TRACE_BY_FILENAME};
    const struct watch_prometheus_process processes[] = {{4711, 200, 20000, 1 << 20}};
    char long_name[600];
    memset(long_name, 'a', sizeof(long_name));
    memcpy(long_name + sizeof(long_name) - 4, ":77", 4);
    const struct growth_row rows[] = {row_of("/a:b.py:12", 300, 30000), row_of("other:1", 20, 2000),
                                      row_of(long_name, 7, 700), row_of("x.py:1", 1, 50)};
    const struct watch_prometheus_round round = {
        .sampled = 1, .rows = rows, .row_count = 4, .processes = processes, .process_count = 1};
    struct scene scene;

    scene_begin(&scene, 3, "shop", &by_line);
    char *text = write_metrics(&scene, &round);
    expect_line(text, "pyinspect_tracemalloc_bytes{service=\"shop\",file=\"/a:b.py\",line=\"12\"} "
                      "30000");
    expect_line(text,
                "pyinspect_tracemalloc_blocks{service=\"shop\",file=\"other\",line=\"1\"} 20");
    expect_line(text, "pyinspect_tracemalloc_bytes{service=\"shop\",file=\"other\"} 50");
    expect_line(text, "pyinspect_process_tracemalloc_bytes{service=\"shop\",pid=\"4711\"} 20000");
    cr_expect(strstr(text, "\",line=\"77\"} 700\n"), "%s", text);
    cr_expect_not(strstr(text, "pyinspect_type_"), "%s", text);
    cr_expect_not(strstr(text, "objects{"), "%s", text);
    free(text);
    scene_end(&scene);

    scene_begin(&scene, 3, "shop", &by_file);
    text = write_metrics(&scene, &round);
    expect_line(text, "pyinspect_tracemalloc_bytes{service=\"shop\",file=\"/a:b.py:12\"} 30000");
    free(text);
    scene_end(&scene);
}

Test(prometheus, a_sample)
{
    const struct growth_row rows[] = {row_of("dict", 300, 30000),
                                      row_of("app.\"Or\xff"
                                             "der\"",
                                             20, 2000),
                                      row_of("list", 7, 700), row_of("set", 1, 50)};
    const struct watch_prometheus_process processes[] = {{4711, 200, 20000, 1 << 20},
                                                         {4712, 128, 12750, 1 << 21}};
    struct scene scene;

    scene_begin(&scene, 2, "gunicorn", NULL);
    char *text = write_metrics(&scene, &(struct watch_prometheus_round){
                                           .sampled = 2,
                                           .rows = rows,
                                           .row_count = 4,
                                           .processes = processes,
                                           .process_count = 2,
                                           .taken_ms = INT64_C(1795262400123),
                                           .pause_milliseconds = 14.25,
                                           .stopped_milliseconds = 20.5,
                                           .complete = true,
                                       });
    static const char *const lines[] = {
        "# TYPE pyinspect_type_objects gauge",
        "pyinspect_type_objects{service=\"gunicorn\",type=\"dict\"} 300",
        "pyinspect_type_objects{service=\"gunicorn\",type=\"app.\\\"Or\\\\xffder\\\"\"} 20",
        "pyinspect_type_objects{service=\"gunicorn\",type=\"other\"} 8",
        "# TYPE pyinspect_type_bytes gauge",
        "pyinspect_type_bytes{service=\"gunicorn\",type=\"dict\"} 30000",
        "pyinspect_type_bytes{service=\"gunicorn\",type=\"other\"} 750",
        "pyinspect_objects{service=\"gunicorn\"} 328",
        "pyinspect_bytes{service=\"gunicorn\"} 32750",
        "pyinspect_processes{service=\"gunicorn\"} 2",
        "pyinspect_process_objects{service=\"gunicorn\",pid=\"4711\"} 200",
        "pyinspect_process_bytes{service=\"gunicorn\",pid=\"4712\"} 12750",
        "pyinspect_process_resident_bytes{service=\"gunicorn\",pid=\"4712\"} 2097152",
        "pyinspect_pause_seconds{service=\"gunicorn\"} 0.014250",
        "pyinspect_complete{service=\"gunicorn\"} 1",
        "pyinspect_up{service=\"gunicorn\"} 1",
        "# TYPE pyinspect_samples_total counter",
        "pyinspect_samples_total{service=\"gunicorn\"} 2",
        "pyinspect_samples_failed_total{service=\"gunicorn\"} 0",
        "# TYPE pyinspect_stopped_seconds_total counter",
        "pyinspect_stopped_seconds_total{service=\"gunicorn\"} 0.020500",
        "pyinspect_last_success_timestamp_seconds{service=\"gunicorn\"} 1795262400.123000",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        expect_line(text, lines[i]);
    cr_expect_not(strstr(text, "list"), "%s", text);
    free(text);
    scene_end(&scene);
}

Test(prometheus, a_sample_that_failed)
{
    const struct growth_row rows[] = {row_of("dict", 300, 30000)};
    struct watch_prometheus_round sample = {.sampled = 1,
                                            .rows = rows,
                                            .row_count = 1,
                                            .taken_ms = 5000,
                                            .pause_milliseconds = 3,
                                            .stopped_milliseconds = 3};
    struct scene scene;

    scene_begin(&scene, 0, "app", NULL);
    char *text = write_metrics(&scene, &failed_round);
    expect_line(text, "pyinspect_up{service=\"app\"} 0");
    expect_line(text, "pyinspect_last_success_timestamp_seconds{service=\"app\"} 0.000000");
    cr_expect_not(strstr(text, "pyinspect_objects"), "%s", text);
    free(text);
    free(write_metrics(&scene, &sample));
    text = write_metrics(&scene, &failed_round);
    expect_line(text, "pyinspect_up{service=\"app\"} 0");
    expect_line(text, "pyinspect_samples_total{service=\"app\"} 3");
    expect_line(text, "pyinspect_samples_failed_total{service=\"app\"} 2");
    expect_line(text, "pyinspect_last_success_timestamp_seconds{service=\"app\"} 5.000000");
    expect_line(text, "pyinspect_stopped_seconds_total{service=\"app\"} 0.003000");
    expect_line(text, "pyinspect_objects{service=\"app\"} 300");
    free(text);
    text = write_metrics(&scene, &sample);
    expect_line(text, "pyinspect_up{service=\"app\"} 1");
    expect_line(text, "pyinspect_samples_total{service=\"app\"} 4");
    expect_line(text, "pyinspect_stopped_seconds_total{service=\"app\"} 0.006000");
    free(text);
    sample.sampled = 3;
    sample.failed = 1;
    sample.taken_ms = 6000;
    text = write_metrics(&scene, &sample);
    expect_line(text, "pyinspect_up{service=\"app\"} 0");
    expect_line(text, "pyinspect_samples_total{service=\"app\"} 8");
    expect_line(text, "pyinspect_samples_failed_total{service=\"app\"} 3");
    expect_line(text, "pyinspect_last_success_timestamp_seconds{service=\"app\"} 5.000000");
    free(text);
    scene_end(&scene);
}

/* Names that are not the same, but read alike; and those that would be taken for our own. */
static const char *const confusing[] = {
    "other", "",          "\x80", "\xc2\x80", "a\\b", "a\\\\b", "a\nb", "a\\x0ab",
    "a\"b",  "\"} 1\nx{", "{",    "\xff",     "#",    " ",      "é",    "e\xcc\x81",
};
enum { CONFUSING = sizeof(confusing) / sizeof(*confusing), LONG_NAMES = 4 };

/* Some names that differ only where they are cut off. */
static void add_confusing(struct growth_row *rows, char long_names[LONG_NAMES][1024])
{
    for (size_t i = 0; i < CONFUSING; i++)
        rows[i] = row_of(confusing[i], 1000 + i, 10000 + i);
    for (size_t i = 0; i < LONG_NAMES; i++) {
        memset(long_names[i], 'x', 1023);
        long_names[i][1023] = '\0';
        long_names[i][1000 + i] = 'y';
        rows[CONFUSING + i] = row_of(long_names[i], 500 + i, 5000 + i);
    }
}

/* Says what is wrong with the series of this metric: too many, two equal ones, another sum. */
static void expect_series(const char *text, const char *metric, size_t most, uint64_t sum)
{
    char start[64];
    const char *series[128];
    size_t lengths[128], count = 0;
    uint64_t found = 0;

    snprintf(start, sizeof(start), "\n%s{", metric);
    for (const char *at = text; (at = strstr(at, start)); count++) {
        const char *end = strchr(++at, '\n');
        const char *value = memrchr(at, ' ', (size_t)(end - at));
        cr_assert(count < 128 && value);
        series[count] = at;
        lengths[count] = (size_t)(value - at);
        found += strtoull(value, NULL, 10);
        for (size_t i = 0; i < count; i++)
            cr_expect(lengths[i] != lengths[count] || memcmp(series[i], at, lengths[i]) != 0,
                      "twice: %.*s", (int)lengths[i], at);
    }
    cr_expect(count > 1 && count <= most, "%s: %zu series", metric, count);
    cr_expect_eq(found, sum, "%s: %ju, not %ju", metric, (uintmax_t)found, (uintmax_t)sum);
}

Test(prometheus, no_two_series_are_equal)
{
    static const struct watch_traces_options lines = {.key = TRACE_BY_LINENO};
    struct growth_row rows[CONFUSING + LONG_NAMES];
    char long_names[LONG_NAMES][1024];
    struct watch_prometheus_round sample = {
        .sampled = 1, .rows = rows, .row_count = CONFUSING + LONG_NAMES};
    uint64_t objects = 0, bytes = 0;
    struct scene scene;

    add_confusing(rows, long_names);
    for (size_t i = 0; i < sample.row_count; i++) {
        objects += rows[i].count;
        bytes += rows[i].bytes;
    }
    for (uint64_t types = 1; types < 60; types += types < 5 ? 1 : 27) {
        scene_begin(&scene, types, "sh\nop\"", NULL);
        char *text = write_metrics(&scene, &sample);
        expect_series(text, "pyinspect_type_objects", types + 1, objects);
        expect_series(text, "pyinspect_type_bytes", types + 1, bytes);
        cr_expect(strstr(text, "{service=\"sh\\\\x0aop\\\"\",type=\"other\"} "), "%s", text);
        free(text);
        scene_end(&scene);
        scene_begin(&scene, types, "shop", &lines);
        text = write_metrics(&scene, &sample);
        expect_series(text, "pyinspect_tracemalloc_blocks", types + 1, objects);
        expect_series(text, "pyinspect_tracemalloc_bytes", types + 1, bytes);
        free(text);
        scene_end(&scene);
    }
}

Test(prometheus, promtool_takes_what_is_hostile, .timeout = 60)
{
    struct growth_row rows[CONFUSING + LONG_NAMES];
    char long_names[LONG_NAMES][1024];
    struct watch_prometheus_process processes[WATCH_PROMETHEUS_PROCESSES + 50];
    struct watch_prometheus_round sample = {.sampled = 1,
                                            .rows = rows,
                                            .row_count = CONFUSING + LONG_NAMES,
                                            .processes = processes,
                                            .process_count = WATCH_PROMETHEUS_PROCESSES + 50};
    struct scene scene;

    if (!scratch_has_program("promtool"))
        cr_skip_test("no promtool: make check brings it");
    add_confusing(rows, long_names);
    for (size_t i = 0; i < sample.process_count; i++)
        processes[i] = (struct watch_prometheus_process){.pid = (pid_t)i + 1, .objects = 1};
    scene_begin(&scene, 0, "\x1b\xff\"\\\n", NULL);
    free(write_metrics(&scene, &failed_round));
    scratch_run(&scene.scratch, "promtool check metrics <shop.prom >said 2>&1 && test ! -s said");
    char *text = write_metrics(&scene, &sample);
    scratch_run(&scene.scratch, "promtool check metrics <shop.prom >said 2>&1 && test ! -s said");
    expect_series(text, "pyinspect_process_objects", WATCH_PROMETHEUS_PROCESSES,
                  WATCH_PROMETHEUS_PROCESSES);
    free(text);
    scene_end(&scene);
    scene_begin(&scene, 0, "shop", &(struct watch_traces_options){.key = TRACE_BY_LINENO});
    free(write_metrics(&scene, &sample));
    scratch_run(&scene.scratch, "promtool check metrics <shop.prom >said 2>&1 && test ! -s said");
    scene_end(&scene);
}

Test(prometheus, the_file_is_for_others_to_read)
{
    const struct growth_row rows[] = {row_of("dict", 1, 1)};
    const struct watch_prometheus_round sample = {.sampled = 1, .rows = rows, .row_count = 1};
    struct scene scene;
    struct stat status;
    struct error err;

    umask(077);
    scene_begin(&scene, 0, "app", NULL);
    free(write_metrics(&scene, &sample));
    cr_assert(stat(scene.path, &status) == 0);
    cr_expect_eq(status.st_mode & 07777, 0644, "%o", status.st_mode);
    scratch_run(&scene.scratch, "test \"$(ls)\" = shop.prom");
    watch_prometheus_remove(scene.metrics);
    cr_expect(access(scene.path, F_OK) < 0);
    scratch_run(&scene.scratch, "mkdir shop.prom");
    cr_expect_not(watch_prometheus_write(scene.metrics, &sample, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
    scratch_run(&scene.scratch, "rmdir shop.prom && test -z \"$(ls)\"");
    char *text = write_metrics(&scene, &sample);
    expect_line(text, "pyinspect_samples_total{service=\"app\"} 3");
    free(text);
    scene_end(&scene);
}

static bool set(const char *name, const char *value, struct watch_prometheus_options *options,
                struct error *err)
{
    for (const struct option_row *row = watch_prometheus_options; row->name; row++) {
        if (strcmp(row->name, name) == 0)
            return row->set(options, value, err);
    }
    cr_assert_fail("no option %s", name);
    return false;
}

/* Its own file is continued, another watch's too; no other is touched. */
Test(prometheus, replaces_metrics_only)
{
    const struct growth_row rows[] = {row_of("dict", 1, 1)};
    const struct watch_prometheus_round sample = {.sampled = 1, .rows = rows, .row_count = 1};
    struct watch_prometheus_options options = {0};
    struct watch_prometheus *metrics = NULL;
    struct scene scene;
    struct error err;

    scene_begin(&scene, 0, "app", NULL);
    free(write_metrics(&scene, &sample));
    options.path = scene.path;
    cr_assert(watch_prometheus_begin(&metrics, &options, "other", &err), "%s", err.text);
    watch_prometheus_free(metrics);
    scratch_write(&scene.scratch, "shop.prom", "import os\n");
    cr_expect_not(watch_prometheus_begin(&metrics, &options, "app", &err));
    cr_expect_eq(err.kind, ERROR_USAGE);
    cr_expect(strstr(err.text, "is no file of metrics"), "%s", err.text);
    scratch_run(&scene.scratch, "test \"$(ls)\" = shop.prom && grep -q import shop.prom");
    scene_end(&scene);
}

Test(prometheus, options)
{
    struct watch_prometheus_options options = {0};
    struct watch_prometheus *metrics = NULL;
    struct error err;

    cr_expect(watch_prometheus_begin(&metrics, &options, "app", &err));
    cr_expect_null(metrics);
    cr_expect(watch_prometheus_write(NULL, &failed_round, &err));
    watch_prometheus_remove(NULL);
    watch_prometheus_free(NULL);
    cr_expect_not(set("service", "", &options, &err));
    cr_expect_not(set("prometheus", "", &options, &err));
    cr_expect_not(set("prometheus", "shop.prom.txt", &options, &err));
    cr_expect_not(set("prometheus", "prom", &options, &err));
    cr_expect_not(set("prometheus-types", "0", &options, &err));
    cr_expect_not(set("prometheus-types", "1001", &options, &err));
    cr_expect(set("prometheus-types", "1000", &options, &err));
    cr_expect_not(watch_prometheus_begin(&metrics, &options, "app", &err));
    cr_expect_eq(err.kind, ERROR_USAGE);
    cr_expect_str_eq(err.text, "--prometheus-types goes with --prometheus FILE only");
    cr_expect(set("prometheus", "/proc/no/such.prom", &options, &err));
    cr_expect_not(watch_prometheus_begin(&metrics, &options, "app", &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
}
