// SPDX-License-Identifier: MIT
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "symbols/base/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column census[] = {
    {"type", "Type", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
    {"bytes", "Bytes", UNIT_BYTES},
};

static const struct column names[] = {{"name", "Name", UNIT_TEXT}};

static const struct column mixed[] = {
    {"ready", "Ready", UNIT_BOOL},
    {"pause_ms", "Pause", UNIT_MILLISECONDS},
    {"note", "Note", UNIT_TEXT},
};

static const struct render_style plain = {.colour = false};
static const struct render_style colour = {.colour = true};

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(report, .init = use_utf8, .timeout = 60);

struct output {
    char *bytes;
    size_t length;
};

static struct output render(render_function *renderer, const struct report *report,
                            const struct render_style *style)
{
    struct output output = {0};
    struct error err = {0};
    FILE *out = open_memstream(&output.bytes, &output.length);

    cr_assert(out);
    cr_assert(renderer(report, style, out, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    return output;
}

static void expect(render_function *renderer, const struct report *report,
                   const struct render_style *style, const char *golden)
{
    struct output output = render(renderer, report, style);

    cr_expect_eq(output.length, strlen(golden));
    cr_expect_str_eq(output.bytes, golden, "got:\n%s\nwanted:\n%s", output.bytes, golden);
    free(output.bytes);
}

static void add_row(struct report *report, const char *type, uint64_t count, uint64_t bytes)
{
    report_cell_text(report, type, strlen(type));
    report_cell_number(report, count);
    report_cell_number(report, bytes);
}

static void make_census(struct report *report)
{
    report_init(report, "types", census, COUNT(census));
    report_fact_number(report, "target.pid", UNIT_COUNT, 4711);
    report_fact_text(report, "target.executable", "/usr/bin/python3");
    report_fact_number(report, "objects", UNIT_COUNT, 58369);
    report_fact_number(report, "generations.0", UNIT_COUNT, 5);
    add_row(report, "dict", 12345, 3250586);
    add_row(report, "app.models.Order", 1024, 98304);
    report_summary_text(report, "1,234 other types");
    report_summary_number(report, 45000);
    report_summary_number(report, 1258291);
    report_summary_text(report, "All 1,236 types");
    report_summary_number(report, 58369);
    report_summary_number(report, 4607181);
}

/* One column of one text, which may hold NUL. */
static void make_name(struct report *report, const char *name, size_t length)
{
    report_init(report, "names", names, COUNT(names));
    report_cell_text(report, name, length);
}

Test(report, text_table)
{
    struct report report;

    make_census(&report);
    expect(render_text, &report, &plain,
           "Type                Count     Bytes\n"
           "dict               12,345   3.1 MiB\n"
           "app.models.Order    1,024  96.0 KiB\n"
           "1,234 other types  45,000   1.2 MiB\n"
           "All 1,236 types    58,369   4.4 MiB\n");
    expect(render_text, &report, &colour,
           "\033[1mType                Count     Bytes\033[0m\n"
           "dict               12,345   3.1 MiB\n"
           "app.models.Order    1,024  96.0 KiB\n"
           "\033[2m1,234 other types  45,000   1.2 MiB\033[0m\n"
           "\033[2mAll 1,236 types    58,369   4.4 MiB\033[0m\n");
    report_free(&report);
}

Test(report, json_census)
{
    struct report report;

    make_census(&report);
    expect(
        render_json, &report, &plain,
        "{\"target\": {\"pid\": 4711, \"executable\": \"/usr/bin/python3\"}, \"objects\": 58369, "
        "\"generations\": {\"0\": 5}, \"types\": ["
        "{\"type\": \"dict\", \"count\": 12345, \"bytes\": 3250586}, "
        "{\"type\": \"app.models.Order\", \"count\": 1024, \"bytes\": 98304}]}\n");
    report_free(&report);
}

Test(report, csv_census)
{
    struct report report;

    make_census(&report);
    expect(render_csv, &report, &plain,
           "type,count,bytes\n"
           "dict,12345,3250586\n"
           "app.models.Order,1024,98304\n");
    report_free(&report);
}

Test(report, json_nests_by_dots)
{
    struct report report;

    report_init(&report, "rows", names, COUNT(names));
    report_fact_number(&report, "a.b.c", UNIT_COUNT, 1);
    report_fact_number(&report, "a.b.d", UNIT_BOOL, 1);
    report_fact_number(&report, "a.bc", UNIT_BOOL, 0);
    report_fact_number(&report, "ab.b.c", UNIT_BYTES, 2);
    report_fact_milliseconds(&report, "pause_ms", 14.2);
    report_fact_number(&report, "z.y", UNIT_COUNT, UINT64_MAX);
    expect(render_json, &report, &plain,
           "{\"a\": {\"b\": {\"c\": 1, \"d\": true}, \"bc\": false}, \"ab\": {\"b\": {\"c\": 2}}, "
           "\"pause_ms\": 14.200, \"z\": {\"y\": 18446744073709551615}, \"rows\": []}\n");
    report_free(&report);
}

Test(report, empty_tables)
{
    struct report report;

    report_init(&report, "types", census, COUNT(census));
    expect(render_text, &report, &plain, "Type  Count  Bytes\n");
    expect(render_json, &report, &plain, "{\"types\": []}\n");
    expect(render_csv, &report, &plain, "type,count,bytes\n");
    report_free(&report);
}

Test(report, only_whole_rows_are_printed)
{
    struct report report;

    report_init(&report, "types", census, COUNT(census));
    add_row(&report, "dict", 1, 2);
    report_cell_text(&report, "half", 4);
    report_cell_number(&report, 3);
    expect(render_text, &report, &plain, "Type  Count  Bytes\ndict      1    2 B\n");
    expect(render_json, &report, &plain,
           "{\"types\": [{\"type\": \"dict\", \"count\": 1, \"bytes\": 2}]}\n");
    expect(render_csv, &report, &plain, "type,count,bytes\ndict,1,2\n");
    report_free(&report);
}

Test(report, every_unit_and_no_trailing_blanks)
{
    struct report report;

    report_init(&report, "rows", mixed, COUNT(mixed));
    report_cell_number(&report, 1);
    report_cell_number(&report, 1234);
    report_cell_text(&report, "  both ", 7);
    report_cell_number(&report, 0);
    report_cell_number(&report, 0);
    report_cell_text(&report, "", 0);
    expect(render_text, &report, &plain,
           "Ready       Pause  Note\n"
           "yes    1,234.0 ms    both\n"
           "no         0.0 ms\n");
    expect(render_json, &report, &plain,
           "{\"rows\": [{\"ready\": true, \"pause_ms\": 1234.000, \"note\": \"  both \"}, "
           "{\"ready\": false, \"pause_ms\": 0.000, \"note\": \"\"}]}\n");
    expect(render_csv, &report, &plain,
           "ready,pause_ms,note\n"
           "true,1234.000,  both \n"
           "false,0.000,\n");
    report_free(&report);
}

Test(report, wide_and_combining_characters_are_aligned)
{
    struct report report;

    report_init(&report, "types", census, COUNT(census));
    add_row(&report, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 1, 1); /* three wide characters */
    add_row(&report, "e\xcc\x81t\xc3\xa9", 2, 2); /* four code points, three wide */
    add_row(&report, "plain", 3, 3);
    expect(render_text, &report, &plain,
           "Type    Count  Bytes\n"
           "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e      1    1 B\n"
           "e\xcc\x81t\xc3\xa9         2    2 B\n"
           "plain       3    3 B\n");
    report_free(&report);
}

struct hostile {
    const char *name;
    size_t length;
    const char *text, *json, *csv;
};

/* clang-format off */
static const struct hostile hostiles[] = {
    {"\033[2J", 4, "\\x1b[2J", "\\u001b[2J", "\\x1b[2J"},
    {"\033]0;t\a", 6, "\\x1b]0;t\\x07", "\\u001b]0;t\\u0007", "\\x1b]0;t\\x07"},
    {"\xc2\x9b" "2J", 4, "\\x9b2J", "\\u009b2J", "\\x9b2J"},
    {"\x9b" "2J", 3, "\\x9b2J", "\xef\xbf\xbd" "2J", "\\x9b2J"},
    {"a\nb", 3, "a\\x0ab", "a\\u000ab", "a\\x0ab"},
    {"a\rb", 3, "a\\x0db", "a\\u000db", "a\\x0db"},
    {"a\tb", 3, "a\\x09b", "a\\u0009b", "a\\x09b"},
    {"a\0b", 3, "a\\x00b", "a\\u0000b", "a\\x00b"},
    {"a\177", 2, "a\\x7f", "a\\u007f", "a\\x7f"},
    {"\xe2\x80\xae" "txt", 6, "\\u202etxt", "\\u202etxt", "\\u202etxt"},
    {"\xe2\x80\xa8\xe2\x80\xa9", 6, "\\u2028\\u2029", "\\u2028\\u2029", "\\u2028\\u2029"},
    {"\xed\xa0\x80\xed\xbf\xbf", 6, "\\ud800\\udfff", "\\ud800\\udfff", "\\ud800\\udfff"},
    {"\xf3\xa0\x80\x81", 4, "\\U000e0001", "\\udb40\\udc01", "\\U000e0001"},
    {"\xff\xc3", 2, "\\xff\\xc3", "\xef\xbf\xbd\xef\xbf\xbd", "\\xff\\xc3"},
    {"\xc0\xaf", 2, "\\xc0\\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\\xc0\\xaf"},
    {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"a\\b", 3, "a\\\\b", "a\\\\b", "a\\\\b"},
    {"a\"b", 3, "a\"b", "a\\\"b", "\"a\"\"b\""},
    {"\"", 1, "\"", "\\\"", "\"\"\"\""},
    {"a,b", 3, "a,b", "a,b", "\"a,b\""},
    {"=1+1", 4, "=1+1", "=1+1", "'=1+1"},
    {"+1", 2, "+1", "+1", "'+1"},
    {"-1", 2, "-1", "-1", "'-1"},
    {"@A1", 3, "@A1", "@A1", "'@A1"},
    {"\t=1", 3, "\\x09=1", "\\u0009=1", "\\x09=1"},
    {"\r=1", 3, "\\x0d=1", "\\u000d=1", "\\x0d=1"},
    {"=A(\"x\",1)", 9, "=A(\"x\",1)", "=A(\\\"x\\\",1)", "\"'=A(\"\"x\"\",1)\""},
    {"", 0, "", "", "\"\""},
};
/* clang-format on */

static void expect_around(render_function *renderer, const struct report *report,
                          const char *before, const char *field, const char *after)
{
    struct text golden = {0};

    text_addf(&golden, "%s%s%s", before, field, after);
    expect(renderer, report, &plain, golden.bytes);
    text_free(&golden);
}

Test(report, hostile_names)
{
    for (size_t i = 0; i < COUNT(hostiles); i++) {
        const struct hostile *row = &hostiles[i];
        struct report report;

        make_name(&report, row->name, row->length);
        expect_around(render_text, &report, "Name\n", row->text, "\n");
        expect_around(render_json, &report, "{\"names\": [{\"name\": \"", row->json, "\"}]}\n");
        expect_around(render_csv, &report, "name\n", row->csv, "\n");
        report_free(&report);
    }
}

Test(report, hostile_names_keep_the_columns)
{
    struct report report;

    report_init(&report, "types", census, COUNT(census));
    add_row(&report, "\033[31m", 1, 1);
    add_row(&report, "int", 20, 20);
    expect(render_text, &report, &plain,
           "Type      Count  Bytes\n"
           "\\x1b[31m      1    1 B\n"
           "int          20   20 B\n");
    report_free(&report);
}

/* What JSON says must be what the name was; Python judges. */
Test(report, json_is_read_by_python)
{
    static const char program[] =
        "python3 -c '\n"
        "import json, sys\n"
        "report = json.loads(sys.stdin.buffer.read().decode(\"utf-8\"))\n"
        "names = [row[\"name\"] for row in report[\"names\"]]\n"
        "wanted = [bytes.fromhex(line).decode(\"utf-8\", \"surrogatepass\")\n"
        "          for line in open(sys.argv[1])]\n"
        "sys.exit(names != wanted or report[\"a\"][\"b\"] != 14.2)\n"
        "' ";
    char path[] = "/tmp/pyinspect-test-XXXXXX";
    struct report report;
    struct text command = {0};
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    FILE *hex = fdopen(fd, "w");
    cr_assert(hex);
    report_init(&report, "names", names, COUNT(names));
    report_fact_milliseconds(&report, "a.b", 14.2);
    for (int32_t code = 0; code < 0x10ffff; code += code < 0x3000 ? 1 : 997) {
        struct text one = {0};

        text_add_char(&one, 'x');
        text_add_code(&one, (uint32_t)code);
        report_cell_text(&report, one.bytes, one.length);
        for (size_t i = 0; i < one.length; i++)
            fprintf(hex, "%02x", (unsigned char)one.bytes[i]);
        fputc('\n', hex);
        text_free(&one);
    }
    cr_assert_eq(fclose(hex), 0);

    struct output output = render(render_json, &report, &plain);
    text_addf(&command, "%s%s", program, path);
    FILE *python = popen(command.bytes, "w");
    cr_assert(python);
    cr_expect_eq(fwrite(output.bytes, 1, output.length, python), output.length);
    cr_expect_eq(pclose(python), 0);
    unlink(path);
    free(output.bytes);
    text_free(&command);
    report_free(&report);
}

Test(report, json_from_garbage_is_read_by_python)
{
    struct report report;
    char garbage[100000];
    uint32_t random = 1;

    for (size_t at = 0; at < sizeof(garbage); at++) {
        random = random * 1664525 + 1013904223;
        garbage[at] = (char)(random >> 24);
    }
    make_name(&report, garbage, sizeof(garbage));

    struct output output = render(render_json, &report, &plain);
    FILE *python = popen("python3 -c 'import json,sys; json.loads(sys.stdin.read())'", "w");
    cr_assert(python);
    cr_expect_eq(fwrite(output.bytes, 1, output.length, python), output.length);
    cr_expect_eq(pclose(python), 0);
    free(output.bytes);
    report_free(&report);
}

Test(report, names_of_a_million_bytes)
{
    enum { LENGTH = 1000000, CUT = 256 };
    struct report report;
    char *name = malloc(LENGTH);

    cr_assert(name);
    memset(name, 'x', LENGTH);
    make_name(&report, name, LENGTH);

    struct output output = render(render_text, &report, &plain);
    cr_assert_eq(output.length, strlen("Name\n") + CUT + strlen("...(+999744)\n"));
    cr_assert_str_eq(output.bytes + strlen("Name\n") + CUT, "...(+999744)\n");
    free(output.bytes);

    output = render(render_json, &report, &plain);
    cr_assert_eq(output.length, strlen("{\"names\": [{\"name\": \"\"}]}\n") + LENGTH);
    free(output.bytes);

    output = render(render_csv, &report, &plain);
    cr_assert_eq(output.length, strlen("name\n\n") + LENGTH);
    free(output.bytes);
    report_free(&report);
    free(name);
}

Test(report, a_long_text_is_cut_for_the_terminal)
{
    const struct render_style narrow = {.width = 10};
    struct report report;
    char name[60];

    memset(name, 'A', sizeof(name));
    make_name(&report, name, sizeof(name));
    expect(render_text, &report, &narrow, "Name\nAAAAAAAAAAAAAAAAAAAAAAAA...(+36)\n");
    report_free(&report);
}

struct duration {
    double milliseconds;
    const char *text, *json;
};

static const struct duration durations[] = {
    {0, "0.0 ms", "0.000"},
    {14.2, "14.2 ms", "14.200"},
    {0.0005, "0.0 ms", "0.001"},
    {0.95, "1.0 ms", "0.950"},
    {9.9996, "10.0 ms", "10.000"},
    {1234567.89, "1,234,567.9 ms", "1234567.890"},
    {-3, "0.0 ms", "0.000"},
    {(double)NAN, "0.0 ms", "0.000"},
    {(double)INFINITY, "1,000,000,000,000.0 ms", "1000000000000.000"},
};

Test(report, durations)
{
    for (size_t i = 0; i < COUNT(durations); i++) {
        struct report report;
        char buffer[32];

        format_milliseconds(buffer, durations[i].milliseconds);
        cr_expect_str_eq(buffer, durations[i].text, "%s", buffer);
        report_init(&report, "names", names, COUNT(names));
        report_fact_milliseconds(&report, "t", durations[i].milliseconds);
        expect_around(render_json, &report, "{\"t\": ", durations[i].json, ", \"names\": []}\n");
        report_free(&report);
    }
}

static render_function *const renderers[] = {render_text, render_json, render_csv};

Test(report, failed_report_is_not_printed)
{
    for (size_t i = 0; i < COUNT(renderers); i++) {
        struct report report;
        struct error err = {0};
        struct output output = {0};
        FILE *out = open_memstream(&output.bytes, &output.length);

        make_census(&report);
        report.failed = true;
        add_row(&report, "late", 1, 1);
        report_fact_text(&report, "late", "late");
        report_summary_text(&report, "late");
        cr_expect_not(renderers[i](&report, &plain, out, &err));
        cr_expect_eq(err.kind, ERROR_SYSTEM);
        cr_expect(strstr(err.text, "out of memory"));
        fclose(out);
        cr_expect_eq(output.length, 0);
        free(output.bytes);
        report_free(&report);
    }
}

static void expect_refusal(FILE *out, const struct report *report, const char *reason,
                           const char *advice)
{
    for (size_t i = 0; i < COUNT(renderers); i++) {
        struct error err = {0};

        cr_expect_not(renderers[i](report, &plain, out, &err));
        cr_expect_eq(err.kind, ERROR_OUTPUT);
        cr_expect(strstr(err.text, "cannot write the report: "), "%s", err.text);
        cr_expect(strstr(err.text, reason), "%s", err.text);
        cr_expect(strstr(err.text, advice), "%s", err.text);
        clearerr(out);
    }
}

Test(report, full_disk)
{
    struct report report;
    FILE *out = fopen("/dev/full", "w");

    cr_assert(out);
    make_census(&report);
    expect_refusal(out, &report, "No space left on device", "make room");
    fclose(out);
    report_free(&report);
}

Test(report, closed_pipe)
{
    struct report report;
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    FILE *out = fdopen(ends[1], "w");
    cr_assert(out);
    make_census(&report);
    expect_refusal(out, &report, "Broken pipe", "has ended");
    fclose(out);
    report_free(&report);
}

struct sink {
    size_t writes, refused; /* so many came; so many are refused, the first ones */
};

static ssize_t refuse(void *cookie, const char *bytes, size_t length)
{
    struct sink *sink = cookie;

    (void)bytes;
    errno = ENOSPC;
    return sink->writes++ < sink->refused ? 0 : (ssize_t)length;
}

static const cookie_io_functions_t sink_functions = {.write = refuse};

Test(report, first_failed_write_is_the_last)
{
    struct report report;

    report_init(&report, "types", census, COUNT(census));
    for (uint64_t i = 0; i < 100000; i++)
        add_row(&report, "a.module.of.some.length.Type", i, i);
    for (size_t i = 0; i < COUNT(renderers); i++) {
        struct error err = {0};
        struct sink sink = {.refused = SIZE_MAX};
        FILE *out = fopencookie(&sink, "w", sink_functions);

        cr_expect_not(renderers[i](&report, &plain, out, &err));
        cr_expect_eq(err.kind, ERROR_OUTPUT);
        cr_expect_eq(sink.writes, 1, "%zu writes", sink.writes);
        fclose(out);
    }
    report_free(&report);
}

Test(report, earlier_loss_is_noticed)
{
    struct report report;
    struct error err = {0};
    struct sink sink = {.refused = 1};
    FILE *out = fopencookie(&sink, "w", sink_functions);

    make_census(&report);
    fputs("lost", out);
    cr_assert_neq(fflush(out), 0);
    cr_expect_not(render_csv(&report, &plain, out, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    fclose(out);
    report_free(&report);
}

Test(report, locale_does_not_move_the_decimal_point)
{
    struct report report;

    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        cr_skip("no de_DE.UTF-8 locale here");
    make_census(&report);
    report_fact_milliseconds(&report, "pause_ms", 14.2);

    struct output output = render(render_json, &report, &plain);
    cr_expect(strstr(output.bytes, "\"pause_ms\": 14.200"));
    free(output.bytes);
    output = render(render_text, &report, &plain);
    cr_expect(strstr(output.bytes, "96.0 KiB"));
    free(output.bytes);
    report_free(&report);
}
