// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_filter.h"
#include "tests/support/made_traces.h"
#include "tests/support/told.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(trace_filter, .timeout = 300);

/* What Python 3.13 to 3.15 say. */
static const struct {
    const char *pattern, *name;
    bool matches;
} matches[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*", "", true},
    {"**", "a/b\n", true},
    {"?", "", false},
    {"?", "\n", true},
    {"?", "/", true},
    {"?", "\xc3\xa9", true},
    {"??", "\xc3\xa9", false},
    {"?", "\xf0\x9f\x98\x80", true},
    {"??", "\xed\xa0\xbd\xed\xb8\x80", true},
    {"*.py", "a.py", true},
    {"*.py", "a.pyc", false},
    {"A.py", "a.py", false},
    {"*a*b", "xaxbxb", true},
    {"*a*b", "xbxa", false},
    {"a*", "ba", false},
    {"*ab", "aab", true},
    {"*a?c*", "aabbaxc", true},
    {"a\\*", "a\\b", true},
    {"[", "[", true},
    {"[a", "[a", true},
    {"[a", "a", false},
    {"[]", "[]", true},
    {"[!]", "[!]", true},
    {"[]]", "]", true},
    {"[!]]", "]", false},
    {"[!]]", "a", true},
    {"[!]a]", "b", true},
    {"[[]", "[", true},
    {"[a-c]", "b", true},
    {"[a-c]", "-", false},
    {"[!a-c]", "d", true},
    {"[!a-c]", "b", false},
    {"[a-]", "-", true},
    {"[-a]", "-", true},
    {"[-a]", "b", false},
    {"[a-c-e]", "-", true},
    {"[a-c-e]", "d", false},
    {"[a-c--e]", "3", true},
    {"[--a]", "A", true},
    {"[]-a]", "^", true},
    {"[!]-a]", "^", false},
    {"[^a]", "^", true},
    {"[^a]", "b", false},
    {"[a!]", "!", true},
    {"[\\]", "\\", true},
    {"[\\-]]", "-]", true},
    {"[&&~~||]", "~", true},
    {"[\xc3\xa0-\xc3\xa9]", "\xc3\xa4", true},
    {"[\xc3\xa0-\xc3\xa9]", "\xc3\xaa", false},
    {"[\xed\xa0\x80-\xed\xbf\xbf]", "\xed\xa0\xbd", true},
    /* Ranges backwards. */
    {"[z-a]", "z", false},
    {"[z-a]", "-", false},
    {"[!z-a]", "z", true},
    {"[!z-a]", "", false},
    {"[z-ab]", "b", true},
    {"[z-ab]", "a", false},
    {"[a--]", "a", false},
    {"[z-a!]", "q", true},
    {"[z-a!b]", "b", false},
    {"[z-a!b]", "!", true},
    {"[z-a!-c]", "b", true},
    {"[z-a!-c]", "c", false},
    {"[z-a!-c]", "-", false},
    {"[z-ay-x!b]", "b", false},
    {"[z-a^b]", "^", true},
    {"[!z-a!b]", "!", false},
    {"[z-a-e]", "-", true},
    /* No UTF-8 at all. */
    {"?", "\xff", true},
    {"\xff", "\xff", true},
    {"\xff", "\xfe", false},
};

Test(trace_filter, patterns)
{
    for (size_t i = 0; i < COUNT(matches); i++)
        cr_expect_eq(trace_pattern_matches(matches[i].pattern, strlen(matches[i].pattern),
                                           matches[i].name, strlen(matches[i].name)),
                     matches[i].matches, "%s on %s", matches[i].pattern, matches[i].name);
    cr_expect(trace_pattern_matches("a\0*", 3, "a\0b\0", 4));
    cr_expect_not(trace_pattern_matches("a\0b", 3, "a", 1));
}

/* With an algorithm that tries everything this takes longer than the world lasts. */
Test(trace_filter, many_stars, .timeout = 20)
{
    enum { STARS = 200, LENGTH = 20000 };
    static char pattern[2 * STARS + 1], name[LENGTH];

    for (size_t i = 0; i < STARS; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2 * STARS] = 'b';
    memset(name, 'a', LENGTH);
    cr_expect_not(trace_pattern_matches(pattern, sizeof(pattern), name, LENGTH));
    name[LENGTH - 1] = 'b';
    cr_expect(trace_pattern_matches(pattern, sizeof(pattern), name, LENGTH));
}

static const struct {
    const char *text, *pattern; /* NULL: it is refused, or a domain's */
    bool has_line, has_domain;
    uint32_t line, domain;
} filters[] = {
    {"app.py", "app.py", false, false, 0, 0},
    {"app.py:12", "app.py", true, false, 12, 0},
    {"app.py:0", "app.py", true, false, 0, 0},
    {"app.py@7", "app.py", false, true, 0, 7},
    {"app.py:12@0", "app.py", true, true, 12, 0},
    {"app.py@7:12", "app.py@7", true, false, 12, 0},
    {"app.py:1:2", "app.py:1", true, false, 2, 0},
    {"app.py:", "app.py:", false, false, 0, 0},
    {"app.py@", "app.py@", false, false, 0, 0},
    {"app.py:x", "app.py:x", false, false, 0, 0},
    {"app.py:1x", "app.py:1x", false, false, 0, 0},
    {"a[:]12", "a[:]12", false, false, 0, 0},
    {"12", "12", false, false, 0, 0},
    {"*:4294967295@4294967295", "*", true, true, UINT32_MAX, UINT32_MAX},
    {"*:0000000000000000000000000012", "*", true, false, 12, 0},
    {"@7", NULL, false, true, 0, 7},
    {"", NULL, false, false, 0, 0},
    {":12", NULL, false, false, 0, 0},
    {":12@7", NULL, false, false, 0, 0},
    {"*:4294967296", NULL, false, false, 0, 0},
    {"*@4294967296", NULL, false, false, 0, 0},
    {"*@99999999999999999999999999", NULL, false, false, 0, 0},
};

Test(trace_filter, parse)
{
    for (size_t i = 0; i < COUNT(filters); i++) {
        const char *text = filters[i].text, *pattern = filters[i].pattern;
        struct trace_filter filter = {.line = 4711};
        struct error err = {0};
        bool ok = trace_filter_parse(&filter, text, i % 2, i % 3, &err);
        cr_assert_eq(ok, pattern || filters[i].has_domain, "%s", text);
        if (!ok) {
            cr_expect_eq(err.kind, ERROR_USAGE);
            cr_expect_eq(filter.line, 4711);
            continue;
        }
        if (pattern)
            cr_expect(filter.pattern && filter.pattern_length == strlen(pattern) &&
                          strncmp(filter.pattern, pattern, filter.pattern_length) == 0,
                      "%s", text);
        else
            cr_expect_null(filter.pattern, "%s", text);
        cr_expect(filter.is_inclusive == i % 2 && filter.all_frames == (bool)(i % 3));
        cr_expect(filter.has_line == filters[i].has_line && filter.line == filters[i].line, "%s",
                  text);
        cr_expect(filter.has_domain == filters[i].has_domain && filter.domain == filters[i].domain,
                  "%s", text);
    }
}

/* The size tells which one it is. */
static const struct made_row rows[] = {
    {0, "a.py:1 main.py:9", 2, 1, 1},         {0, "a.pyc:2 main.py:9", 2, 2, 1},
    {7, "a.py:1 main.py:9", 2, 4, 1},         {0, "b.py:1 a.py:1 main.py:8", 3, 8, 1},
    {7, "b.py:2 a.py:2 main.py:8", 3, 16, 1},
};

/* Words that begin with + are inclusive ones, with - exclusive, with ++ or -- for all frames. */
static const struct {
    const char *words[3];
    uint64_t left;
} sets[] = {
    {{NULL}, 31},
    {{"+a.py"}, 7},
    {{"+a.pyc"}, 7},
    {{"+a.py:1"}, 5},
    {{"+a.py@7"}, 4},
    {{"++a.py"}, 31},
    {{"++a.py:2"}, 18},
    {{"++main.py:9@0"}, 3},
    {{"-a.py"}, 24},
    {{"-a.py:1"}, 26},
    {{"-a.py@7"}, 27},
    {{"--a.py:2"}, 13},
    {{"--main.py:9@0"}, 28},
    {{"+@7"}, 20},
    {{"-@7"}, 11},
    {{"+a.py", "+b.py:2"}, 23},
    {{"+a.py", "-*:1"}, 2},
    {{"+a.py", "-@7", "-*:2"}, 1},
    {{"+@0", "+@7", "-@0"}, 20},
    {{"+c.py"}, 0},
    {{"+c.py", "+@7"}, 20},
};

Test(trace_filter, sets)
{
    struct traces traces;

    made_traces(&traces, rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(sets); i++) {
        struct trace_filter some[3];
        struct traces filtered;
        struct error err;
        size_t count = 0;
        for (; count < COUNT(some) && sets[i].words[count]; count++) {
            const char *word = sets[i].words[count];
            bool all_frames = word[1] == word[0];
            cr_assert(trace_filter_parse(&some[count], word + 1 + all_frames, word[0] == '+',
                                         all_frames, &err));
        }
        cr_assert(traces_filter(&filtered, &traces, some, count, &err));
        made_traces_check(&filtered);
        cr_expect_eq(filtered.bytes, sets[i].left, "%zu: %lu", i, filtered.bytes);
        traces_free(&filtered);
    }
    traces_free(&traces);
}

ParameterizedTestParameters(trace_filter, as_python_says)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, trace_filter, as_python_says)
{
    enum { PATTERNS = 5000 };
    struct interpreter python = pythons_get(index);
    struct told told;
    size_t found[2] = {0};

    told_start(&told, &python, "snapshots.py", "patterns", 1, PATTERNS);
    while (told_next(&told)) {
        size_t pattern_length, length;
        char *pattern = told_text(&told, 1, &pattern_length), *name = told_text(&told, 2, &length);
        bool right = told_number(&told, 3);
        cr_expect_eq(trace_pattern_matches(pattern, pattern_length, name, length), right,
                     "%s: %s on %s is %d", python.name, told_word(&told, 1), told_word(&told, 2),
                     right);
        found[right]++;
        free(pattern);
        free(name);
    }
    told_end(&told);
    cr_expect_gt(found[false], PATTERNS);
    cr_expect_gt(found[true], PATTERNS);
}
