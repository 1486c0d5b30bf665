// SPDX-License-Identifier: MIT
/* Columns of what changed, of several texts, of paths, and of nothing. */
#include "inspector/report/render.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct column changes[] = {
    {"type", "Type", UNIT_TEXT},
    {"new", "New", UNIT_CHANGE},
    {"bytes", "Bytes", UNIT_CHANGE_BYTES},
    {"examples", "Examples", UNIT_TEXTS},
};

static void add_change(struct report *report, const char *type, int64_t count, int64_t bytes)
{
    report_cell_text(report, type, strlen(type));
    report_cell_change(report, count);
    report_cell_change(report, bytes);
    report_cell_texts(report, "0x10\0,\"\n", 8);
}

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

static void expect_on(unsigned width, render_function *renderer, const struct report *report,
                      const char *golden)
{
    const struct render_style style = {.width = width};
    struct error err = {0};
    char *bytes = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out);
    cr_assert(renderer(report, &style, out, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes, golden, "got:\n%s\nwanted:\n%s", bytes, golden);
    free(bytes);
}

static void expect(render_function *renderer, const struct report *report, const char *golden)
{
    expect_on(0, renderer, report, golden);
}

Test(report, changes_have_a_sign, .init = use_utf8, .timeout = 60)
{
    struct report report;

    report_init(&report, "types", changes, sizeof(changes) / sizeof(*changes));
    add_change(&report, "more", 1204, INT64_MAX);
    add_change(&report, "less", -3, -1536);
    add_change(&report, "same", 0, 0);
    add_change(&report, "least", INT64_MIN, -1);
    report_cell_text(&report, "none", 4);
    report_cell_nothing(&report);
    report_cell_nothing(&report);
    report_cell_texts(&report, "", 0);
    report_summary_text(&report, "All");
    report_summary_change(&report, -1000);
    report_summary_nothing(&report);
    report_summary_nothing(&report);
    expect(render_text, &report,
           "Type                          New     Bytes  Examples\n"
           "more                       +1,204  +8.0 EiB  0x10 ,\"\\x0a\n"
           "less                           -3  -1.5 KiB  0x10 ,\"\\x0a\n"
           "same                           +0      +0 B  0x10 ,\"\\x0a\n"
           "least  -9,223,372,036,854,775,808      -1 B  0x10 ,\"\\x0a\n"
           "none                            -         -\n"
           "All                        -1,000         -  -\n");
    expect(render_json, &report,
           "{\"types\": ["
           "{\"type\": \"more\", \"new\": 1204, \"bytes\": 9223372036854775807, "
           "\"examples\": [\"0x10\", \",\\\"\\u000a\"]}, "
           "{\"type\": \"less\", \"new\": -3, \"bytes\": -1536, "
           "\"examples\": [\"0x10\", \",\\\"\\u000a\"]}, "
           "{\"type\": \"same\", \"new\": 0, \"bytes\": 0, "
           "\"examples\": [\"0x10\", \",\\\"\\u000a\"]}, "
           "{\"type\": \"least\", \"new\": -9223372036854775808, \"bytes\": -1, "
           "\"examples\": [\"0x10\", \",\\\"\\u000a\"]}, "
           "{\"type\": \"none\", \"new\": null, \"bytes\": null, \"examples\": []}]}\n");
    expect(render_csv, &report,
           "type,new,bytes,examples\n"
           "more,1204,9223372036854775807,\"0x10 ,\"\"\\x0a\"\n"
           "less,-3,-1536,\"0x10 ,\"\"\\x0a\"\n"
           "same,0,0,\"0x10 ,\"\"\\x0a\"\n"
           "least,-9223372036854775808,-1,\"0x10 ,\"\"\\x0a\"\n"
           "none,,,\n");
    report_free(&report);
}

static const struct column paths[] = {{"file", "File", UNIT_PATH}};

/* Which line of which file it is stands at the end. */
Test(report, a_long_path_is_cut_at_its_beginning, .init = use_utf8, .timeout = 60)
{
    static const char path[] = "/usr/lib/python3/\xc3\xa4\xe6\xbc\xa2/site-packages/app.py:12";
    struct report report;

    report_init(&report, "files", paths, 1);
    report_cell_text(&report, "/app/main.py:1", strlen("/app/main.py:1"));
    report_cell_text(&report, path, strlen(path));
    report_cell_text(&report, path + strlen("/usr/lib/python3"), 24);
    expect_on(10, render_text, &report,
              "File\n/app/main.py:1\n...te-packages/app.py:12\n"
              "/\xc3\xa4\xe6\xbc\xa2/site-packages/app\n");
    expect(render_text, &report,
           "File\n/app/main.py:1\n/usr/lib/python3/\xc3\xa4\xe6\xbc\xa2/site-packages/app.py:12\n"
           "/\xc3\xa4\xe6\xbc\xa2/site-packages/app\n");
    report_free(&report);
}

/* Characters are not cut in two, and wide ones take two columns. */
Test(report, a_long_path_of_wide_characters, .init = use_utf8, .timeout = 60)
{
    struct report report;
    char path[3 * 20], golden[128] = "File\n...";

    for (size_t i = 0; i < sizeof(path); i += 3)
        memcpy(path + i, "\xe6\xbc\xa2", 3);
    memcpy(golden + strlen(golden), path, 3 * 10);
    strcat(golden, "\n");
    report_init(&report, "files", paths, 1);
    report_cell_text(&report, path, sizeof(path));
    expect_on(10, render_text, &report, golden);
    report_free(&report);
}
