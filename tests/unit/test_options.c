// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"
#include "inspector/command/common_options.h"
#include "inspector/command/session.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct duration {
    const char *text;
    double milliseconds;
};

static const struct duration durations[] = {
    {"250ms", 250},
    {"30s", 30000},
    {"5m", 300000},
    {"1h", 3600000},
    {"1.5s", 1500},
    {"0.25ms", 0.25},
    {"0s", 0},
    {"007ms", 7},
    {"1000h", 3600000000},
    {"60000m", 3.6e9},
    {"3600000000ms", 3.6e9},
    {"0.50h", 1800000},
};

static const char *const no_durations[] = {
    "",
    "50",
    "1.5",
    "ms",
    " 5s",
    "5 s",
    "5s ",
    "-5s",
    "+5s",
    ".5s",
    "5.s",
    "1.2.s",
    "1.2.3s",
    "5us",
    "5S",
    "5sec",
    "5ms5s",
    "1d",
    "1e3s",
    "0x5s",
    "1,5s",
    "1001h",
    "infms",
    "nans",
    "1\n",
    "5s\n",
    "1000.1h",
    "18446744073709551616ms",
    "99999999999999999999999999999999999999h",
};

static bool is_close(double a, double b)
{
    double away = a > b ? a - b : b - a;

    return away <= b * 1e-12;
}

Test(options, durations)
{
    struct error err;

    for (size_t i = 0; i < COUNT(durations); i++) {
        double got = -1;
        cr_expect(parse_duration(durations[i].text, &got, &err), "%s", durations[i].text);
        cr_expect(is_close(got, durations[i].milliseconds), "%s: %g", durations[i].text, got);
    }
}

Test(options, no_durations)
{
    for (size_t i = 0; i < COUNT(no_durations); i++) {
        struct error err = {0};
        double got = -1;
        cr_expect_not(parse_duration(no_durations[i], &got, &err), "%s", no_durations[i]);
        cr_expect_eq(got, -1);
        cr_expect_eq(err.kind, ERROR_USAGE);
        cr_expect(strstr(err.text, "ms, s, m or h"), "%s", err.text);
    }
}

struct size {
    const char *text;
    uint64_t bytes;
};

static const struct size sizes[] = {
    {"0", 0},
    {"4096", 4096},
    {"64k", 65536},
    {"64K", 65536},
    {"512M", 512 << 20},
    {"512m", 512 << 20},
    {"2G", UINT64_C(2) << 30},
    {"1.5GiB", UINT64_C(3) << 29},
    {"64kiB", 65536},
    {"1T", UINT64_C(1) << 40},
    {"0.5k", 512},
    {"0.0001k", 0},
    {"0.99999999999999999999k", 1024}, /* which a double takes for 1 */
    {"18446744073709551615", UINT64_MAX},
    {"16777215T", UINT64_C(16777215) << 40},
};

static const char *const no_sizes[] = {
    "",
    "k",
    "-1",
    "+1",
    " 1",
    "1 k",
    "1k ",
    "1.5",
    "1.k",
    ".5k",
    "1B",
    "1KB",
    "1kB",
    "1ib",
    "1Kib",
    "1iB",
    "1kk",
    "1P",
    "1e9",
    "0x10",
    "1,5G",
    "1GiBs",
    "1\n",
    "1.5.5G",
    "16777216T",
    "18014398509481984k",
    "18446744073709551616",
    "20000000000000000000",
};

Test(options, sizes)
{
    struct error err;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t got = 1;
        cr_expect(parse_size(sizes[i].text, &got, &err), "%s", sizes[i].text);
        cr_expect_eq(got, sizes[i].bytes, "%s: %ju", sizes[i].text, (uintmax_t)got);
    }
}

Test(options, no_sizes)
{
    for (size_t i = 0; i < COUNT(no_sizes); i++) {
        struct error err = {0};
        uint64_t got = 1;
        cr_expect_not(parse_size(no_sizes[i], &got, &err), "%s", no_sizes[i]);
        cr_expect_eq(got, 1);
        cr_expect_eq(err.kind, ERROR_USAGE);
        cr_expect(strstr(err.text, "k, M, G or T"), "%s", err.text);
    }
}

/* A command of one option of its own, and the lists that it shares. */
struct noted {
    char before;
    enum format format;
    struct session_options session;
    const char *name;
};

static bool set_name(void *into, const char *value, struct error *err)
{
    (void)err;
    *(const char **)into = value;
    return true;
}

static const struct option_row own_options[] = {
    {"name", "NAME", "what it is called", set_name},
    {.name = NULL},
};

static const struct option_list lists[] = {
    {own_options, offsetof(struct noted, name)},
    {target_options, offsetof(struct noted, session)},
    {format_options, offsetof(struct noted, format)},
    {.rows = NULL},
};

enum { MOST_WORDS = 8 };

static bool parse(const char *const *words, struct noted *ret, struct operands *operands,
                  struct error *err)
{
    char copies[MOST_WORDS][32];
    char *arguments[MOST_WORDS];
    int count = 0;

    for (; words[count]; count++) {
        strcpy(copies[count], words[count]);
        arguments[count] = copies[count];
    }
    bool done = options_parse(count, arguments, 0, lists, ret, operands, err);
    if (done && ret->name)
        ret->name = strcmp(ret->name, "x") == 0 ? "x" : "?";
    return done;
}

Test(options, each_list_notes_in_its_own_place)
{
    struct noted noted = {.before = 'b'};
    struct operands operands;
    struct error err;

    cr_assert(parse((const char *const[]){"--max-pause", "50ms", "4711", "--name=x", "--json",
                                          "--max-memory=1G", "--read-swapped", NULL},
                    &noted, &operands, &err),
              "%s", err.text);
    cr_expect_eq(operands.count, 1);
    cr_expect_eq(noted.before, 'b');
    cr_expect_eq(noted.format, FORMAT_JSON);
    cr_expect_eq(noted.session.max_pause_milliseconds, 50);
    cr_expect_eq(noted.session.max_memory, 1 << 30);
    cr_expect(noted.session.read_swapped);
    cr_expect_not(noted.session.no_stop);
    cr_expect_str_eq(noted.name, "x");
}

Test(options, no_stop)
{
    struct noted noted = {.before = 0};
    struct operands operands;
    struct error err;

    cr_expect(parse((const char *const[]){"--no-stop", "--max-memory", "64M", NULL}, &noted,
                    &operands, &err));
    cr_expect(noted.session.no_stop);
    cr_expect_eq(noted.session.max_memory, 64 << 20);
}

struct wrong {
    const char *words[4];
    const char *cause;
};

static const struct wrong wrongs[] = {
    {{"--max-pause=1s", "--no-stop", NULL}, "--no-stop and --max-pause exclude each other"},
    {{"--no-stop", "--max-pause=1s", NULL}, "--no-stop and --max-pause exclude each other"},
    {{"--max-pause=0ms", NULL}, "--max-pause 0ms: a copy takes some time"},
    {{"--max-pause=10001ms", NULL}, "no process is ever held for longer than 10s"},
    {{"--max-memory=4095k", NULL}, "4M is the least"},
    {{"--max-pause=50", NULL}, "--max-pause: '50' is no time"},
    {{"--max-memory=0k", NULL}, "--max-memory 0k: that is too little"},
    {{"--max-memory=many", NULL}, "--max-memory: 'many' is no size"},
    {{"--json", "--csv", NULL}, "--json and --csv exclude each other"},
    {{"--max-pose=1s", NULL}, "did you mean --max-pause?"},
    {{"--jsn", NULL}, "did you mean --json?"},
    {{"--nam=x", NULL}, "did you mean --name?"},
    {{"--max-memory", NULL}, "needs a value: --max-memory SIZE"},
};

Test(options, what_is_refused)
{
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        struct noted noted = {.before = 0};
        struct operands operands;
        struct error err = {0};
        cr_expect_not(parse(wrongs[i].words, &noted, &operands, &err), "%s", wrongs[i].words[0]);
        cr_expect_eq(err.kind, ERROR_USAGE);
        cr_expect(strstr(err.text, wrongs[i].cause), "%s", err.text);
    }
}

Test(options, all_lists_are_explained)
{
    static const char *const starts[] = {
        "  --name NAME ",      "\n  --max-pause TIME ", "\n  --no-stop ", "\n  --max-memory SIZE ",
        "\n  --read-swapped ", "\n  --json ",           "\n  --csv ",
    };
    struct text text = {0};

    options_explain(lists, &text);
    for (size_t i = 0; i < COUNT(starts); i++)
        cr_expect(strstr(text.bytes, starts[i]), "%s", starts[i]);
    text_free(&text);
}
