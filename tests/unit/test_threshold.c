// SPDX-License-Identifier: MIT
/* --fail-if: what it takes, and what crosses it. */
#include "inspector/command/threshold.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROWS = 4 };

static const struct comparison_row rows[ROWS] = {
    {.type = "app.Order",
     .type_length = 9,
     .old_count = 50,
     .count = 100,
     .fresh_count = 60,
     .old_bytes = 3200,
     .bytes = 6400,
     .fresh_bytes = 3840},
    {.type = "app.New", .type_length = 7, .count = 1},
    {.type = "app.Less", .type_length = 8, .old_count = 5, .count = 2},
    {.type = "app.Odd:Name", .type_length = 12, .old_count = 7, .count = 7},
};

static const struct {
    const char *spec;
    size_t crossed;     /* by how many types */
    size_t by_suspects; /* the same of three, where it can be asked */
} specs[] = {
    {"app.Order:+50", 1, 1},
    {"app.Order:+51", 0, 1},
    {"app.Order:+60", 0, 1},
    {"app.Order:+61", 0, 0},
    {"app.Order:100", 1, 0},
    {"app.Order:101", 0, 0},
    {"app.Order:+100%", 1, 0},
    {"app.Order:+100.1%", 0, 0},
    {"app.Order:+3k", 1, 1},
    {"app.Order:+3.2KiB", 0, 1},
    {"app.Order:+4k", 0, 0},
    {"app.Order:6k", 1, 0},
    {"app.Order:7k", 0, 0},
    {"app.*:+50", 1, 1},
    {"*:+1", 2, 1},
    {"*:1", 4, 0},
    {"dict,app.Order:+50", 1, 1},
    {"Order:+1", 0, 0},
    {"app.New:+1000%", 1, 0},
    {"app.Less:+1", 0, 0},
    {"app.Less:+0.1%", 0, 0},
    {"app.Odd:Name:7", 1, 0},
    {"app.Odd:Name:+1%", 0, 0},
    {"app.None:1", 0, 0},
};

static size_t apply(const char *spec, bool suspects, struct text *lines)
{
    struct comparison_row copy[ROWS];
    const struct comparison comparison = {.rows = copy, .row_count = ROWS};
    struct threshold threshold;
    struct error err;

    memcpy(copy, rows, sizeof(copy));
    cr_assert(threshold_parse(&threshold, spec, &err), "%s", err.text);
    return !suspects || threshold_suits_suspects(&threshold)
               ? threshold_apply(&threshold, &comparison, suspects, lines)
               : 0;
}

Test(threshold, crossed)
{
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        struct text lines = {0};
        cr_expect_eq(apply(specs[i].spec, false, &lines), specs[i].crossed, "%s", specs[i].spec);
        cr_expect_eq(lines.length > 0, specs[i].crossed > 0);
        cr_expect_eq(apply(specs[i].spec, true, &lines), specs[i].by_suspects, "%s", specs[i].spec);
        text_free(&lines);
    }
}

static void expect_line(const char *spec, bool suspects, const char *line)
{
    struct text lines = {0};

    cr_expect_eq(apply(spec, suspects, &lines), 1);
    cr_expect_str_eq(lines.bytes, line);
    cr_expect_eq(lines.length, strlen(line) + 1);
    text_free(&lines);
}

Test(threshold, says_what_crossed)
{
    expect_line("app.Order:+10%", false,
                "--fail-if 'app.Order:+10%': app.Order has 50 objects more: from 50 to 100");
    expect_line("app.O*:+1KiB", false,
                "--fail-if 'app.O*:+1KiB': app.Order has 3.1 KiB more: from 3.1 KiB to 6.3 KiB");
    struct comparison nothing = {.rows = NULL};
    struct threshold threshold;
    struct text line = {0};
    struct error err;

    cr_assert(threshold_parse(&threshold, "app.Oder:+1", &err), "%s", err.text);
    cr_expect(threshold_fits_none(&threshold, &nothing, &line));
    cr_expect_str_eq(line.bytes, "--fail-if 'app.Oder:+1': no type is called that, before or now");
    text_free(&line);
    expect_line("app.New:1", false, "--fail-if 'app.New:1': app.New has 1 object");
    expect_line("app.Order:+1", true,
                "--fail-if 'app.Order:+1': app.Order has 60 objects that came and stayed");
}

Test(threshold, refused)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        ":+1",
                                        "dict",
                                        "dict:",
                                        "dict:+",
                                        "dict:+0",
                                        "dict:0",
                                        "dict:x",
                                        "dict:-1",
                                        "dict:+-1",
                                        "dict:++1",
                                        "dict:10%",
                                        "dict:+0%",
                                        "dict:+%",
                                        "dict:+1e3%",
                                        "dict:+1.2.3%",
                                        "dict:+1.5",
                                        "dict:+5X",
                                        "dict:+0k",
                                        "dict:100 ",
                                        "dict:+99999999999999999999",
                                        "dict:+99999999999T",
                                        "dict:+64KB"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct threshold threshold;
        struct error err;
        cr_expect_not(threshold_parse(&threshold, wrong[i], &err), "%s", wrong[i]);
        cr_expect_eq(err.kind, ERROR_USAGE);
        cr_expect(strstr(err.text, "'app.models.Order:+100'"), "%s", err.text);
    }
}
