// SPDX-License-Identifier: MIT
#include "inspector/report/rows.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct row_column columns[] = {
    {"address", "Address", NULL, UNIT_ADDRESS, 14},
    {"size", "Size", NULL, UNIT_COUNT, 7},
    {"generation", "Gen", NULL, UNIT_COUNT, 3},
    {"ready", "Ready", NULL, UNIT_BOOL, 5},
    {"type", "Type", NULL, UNIT_TEXT, 6},
    {"repr", "Value", NULL, UNIT_SOURCE, 0},
    {"x", "x", "attrs", UNIT_SOURCE, 0},
    {"y\"", "y\"", "attrs", UNIT_SOURCE, 0},
};
/* Without the attributes. */
enum { PLAIN_COLUMNS = 6 };

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(rows, .init = use_utf8, .timeout = 60);

static struct value text(const char *string)
{
    return value_text(string, strlen(string));
}

static struct value source(const char *string)
{
    return value_source(string, strlen(string));
}

static void add_rows(struct rows *rows)
{
    const struct value first[] = {value_number(UNIT_ADDRESS, 0x7f3a5c0d1e80),
                                  value_number(UNIT_COUNT, 1234),
                                  value_number(UNIT_COUNT, 2),
                                  value_number(UNIT_BOOL, 1),
                                  text("str"),
                                  source("'it\\'s \"\\n\"\x1b'"),
                                  source("1"),
                                  value_nothing()};
    const struct value second[] = {value_number(UNIT_ADDRESS, 0),
                                   value_number(UNIT_COUNT, 123456789),
                                   text("permanent"),
                                   value_number(UNIT_BOOL, 0),
                                   text("a\\b.\xe6\x97\xa5\n"),
                                   source("-1"),
                                   value_nothing(),
                                   source("[1, 2]")};
    struct error err;

    cr_assert(rows_add(rows, first, &err) && rows_add(rows, second, &err), "%s", err.text);
}

static void expect(const struct rows_format *format, size_t count, const struct render_style *style,
                   const char *golden)
{
    struct error err = {0};
    struct rows rows;
    char *bytes;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out && rows_begin(&rows, format, columns, count, style, out, &err), "%s", err.text);
    add_rows(&rows);
    cr_assert(rows_end(&rows, true, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes, golden, "got:\n%s\nwanted:\n%s", bytes, golden);
    free(bytes);
}

Test(rows, text)
{
    const struct render_style plain = {.colour = false}, colour = {.colour = true};

    expect(&rows_text, PLAIN_COLUMNS, &plain,
           "Address            Size  Gen  Ready  Type    Value\n"
           "0x7f3a5c0d1e80    1,234    2  yes    str     'it\\'s \"\\n\"\\x1b'\n"
           "0x0             123,456,789  permanent  no  a\\\\b.\xe6\x97\xa5\\x0a  -1\n");
    expect(&rows_text, 2, &colour,
           "\033[1mAddress            Size\033[0m\n"
           "0x7f3a5c0d1e80    1,234\n"
           "0x0             123,456,789\n");
}

Test(rows, text_finds_back_to_its_columns)
{
    static const struct row_column four[] = {{"size", "Size", NULL, UNIT_COUNT, 5},
                                             {"gen", "Gen", NULL, UNIT_COUNT, 3},
                                             {"type", "Type", NULL, UNIT_TEXT, 6},
                                             {"repr", "Value", NULL, UNIT_SOURCE, 0}};
    const struct value values[][4] = {
        {value_number(UNIT_COUNT, 1), value_number(UNIT_COUNT, 2), text("int"), source("7")},
        {text("tolong1"), value_number(UNIT_COUNT, 2), text("int"), source("7")},
        {text("muchtolong"), value_number(UNIT_COUNT, 2), text("int"), source("7")},
        {text("muchmuchtolong"), value_number(UNIT_COUNT, 2), text("int"), source("7")}};
    struct error err = {0};
    struct rows rows;
    char *bytes;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out && rows_begin(&rows, &rows_text, four, 4, &(struct render_style){0}, out, &err));
    for (size_t i = 0; i < COUNT(values); i++)
        cr_assert(rows_add(&rows, values[i], &err));
    cr_assert(rows_end(&rows, true, &err));
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes,
                     " Size  Gen  Type    Value\n"
                     "    1    2  int     7\n"
                     "tolong1  2  int     7\n"
                     "muchtolong  2  int  7\n"
                     "muchmuchtolong  2  int  7\n",
                     "%s", bytes);
    free(bytes);
}

/* A value without width is the last, and gets what the terminal leaves. */
Test(rows, text_is_cut_for_a_terminal)
{
    static const struct row_column two[] = {{"type", "Type", NULL, UNIT_TEXT, 4},
                                            {"repr", "Value", NULL, UNIT_SOURCE, 0}};
    const struct value values[] = {text("list"),
                                   source("0123456789012345678901234567890123456789")};
    const struct render_style narrow = {.width = 36};
    struct error err = {0};
    struct rows rows;
    char *bytes;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out && rows_begin(&rows, &rows_text, two, 2, &narrow, out, &err) &&
              rows_add(&rows, values, &err) && rows_end(&rows, true, &err));
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes, "Type  Value\nlist  012345678901234567890123456789...(+10)\n", "%s",
                     bytes);
    free(bytes);
}

Test(rows, json_is_an_object_a_line)
{
    expect(&rows_json, COUNT(columns), &(struct render_style){0},
           "{\"address\": \"0x7f3a5c0d1e80\", \"size\": 1234, \"generation\": 2, \"ready\": true, "
           "\"type\": \"str\", \"repr\": \"'it\\\\'s \\\"\\\\n\\\"\\u001b'\", "
           "\"attrs\": {\"x\": \"1\", \"y\\\"\": null}}\n"
           "{\"address\": \"0x0\", \"size\": 123456789, \"generation\": \"permanent\", "
           "\"ready\": false, \"type\": \"a\\\\b.\xe6\x97\xa5\\u000a\", \"repr\": \"-1\", "
           "\"attrs\": {\"x\": null, \"y\\\"\": \"[1, 2]\"}}\n");
    expect(&rows_json, 2, &(struct render_style){0},
           "{\"address\": \"0x7f3a5c0d1e80\", \"size\": 1234}\n"
           "{\"address\": \"0x0\", \"size\": 123456789}\n");
}

Test(rows, json_groups_end_where_another_begins)
{
    static const struct row_column groups[] = {{"a", "a", NULL, UNIT_COUNT, 0},
                                               {"b", "b", "one", UNIT_COUNT, 0},
                                               {"c", "c", "two", UNIT_COUNT, 0},
                                               {"d", "d", NULL, UNIT_COUNT, 0}};
    const struct value values[] = {value_number(UNIT_COUNT, 1), value_number(UNIT_COUNT, 2),
                                   value_number(UNIT_COUNT, 3), value_number(UNIT_COUNT, 4)};
    struct error err = {0};
    struct rows rows;
    char *bytes;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out &&
              rows_begin(&rows, &rows_json, groups, 4, &(struct render_style){0}, out, &err));
    cr_assert(rows_add(&rows, values, &err) && rows_end(&rows, true, &err));
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes, "{\"a\": 1, \"one\": {\"b\": 2}, \"two\": {\"c\": 3}, \"d\": 4}\n",
                     "%s", bytes);
    free(bytes);
}

Test(rows, csv)
{
    expect(&rows_csv, COUNT(columns), &(struct render_style){0},
           "address,size,generation,ready,type,repr,attrs.x,\"attrs.y\"\"\"\n"
           "0x7f3a5c0d1e80,1234,2,true,str,\"'it\\'s \"\"\\n\"\"\\x1b'\",1,\n"
           "0x0,123456789,permanent,false,a\\\\b.\xe6\x97\xa5\\x0a,'-1,,\"[1, 2]\"\n");
}

/* However many rows are still to come. */
Test(rows, a_closed_pipe_is_told_at_once)
{
    const struct value values[] = {value_number(UNIT_ADDRESS, 1), value_number(UNIT_COUNT, 1)};
    struct error err = {0};
    struct rows rows;
    int ends[2];
    unsigned written = 0;

    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    FILE *out = fdopen(ends[1], "w");
    cr_assert(out &&
              rows_begin(&rows, &rows_json, columns, 2, &(struct render_style){0}, out, &err));
    while (written < 1000000 && rows_add(&rows, values, &err))
        written++;
    cr_expect_lt(written, 10000);
    cr_expect_not(rows_end(&rows, false, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, "has ended"), "%s", err.text);
    fclose(out);
}

Test(rows, of_addresses)
{
    static const struct row_column two[] = {{"to", "To", NULL, UNIT_ADDRESSES, 0},
                                            {"size", "Size", NULL, UNIT_COUNT, 0}};
    static const uint64_t addresses[] = {0x7f3a5c0d1e80, 0, 0x7f3a5c0d1e80};
    static const struct {
        const struct rows_format *format;
        const char *golden;
    } cases[] = {
        {&rows_json, "{\"to\": [\"0x7f3a5c0d1e80\", \"0x0\", \"0x7f3a5c0d1e80\"], \"size\": 1}\n"
                     "{\"to\": [], \"size\": 2}\n"},
        {&rows_csv, "to,size\n0x7f3a5c0d1e80 0x0 0x7f3a5c0d1e80,1\n,2\n"},
        {&rows_text_untitled, "0x7f3a5c0d1e80 0x0 0x7f3a5c0d1e80  1\n  2\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct value first[] = {value_addresses(addresses, 3), value_number(UNIT_COUNT, 1)};
        const struct value second[] = {value_addresses(addresses, 0), value_number(UNIT_COUNT, 2)};
        struct error err = {0};
        struct rows rows;
        char *bytes;
        size_t length;
        FILE *out = open_memstream(&bytes, &length);
        cr_assert(out &&
                  rows_begin(&rows, cases[i].format, two, 2, &(struct render_style){0}, out, &err));
        cr_assert(rows_add(&rows, first, &err) && rows_add(&rows, second, &err));
        cr_assert(rows_end(&rows, true, &err));
        cr_assert_eq(fclose(out), 0);
        cr_expect_str_eq(bytes, cases[i].golden, "%s", bytes);
        free(bytes);
    }
}
