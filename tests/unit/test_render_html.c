// SPDX-License-Identifier: MIT
#include "inspector/report/render_html.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <string.h>

static const struct column columns[] = {
    {"type", "Type <b>", UNIT_TEXT},
    {"count", "Count", UNIT_COUNT},
};

static const char hostile[] =
    "</script><img src=x onerror=alert(1)>\"'&--><!--\xe2\x80\xa8\x01\xff\xe2\x80\xae";

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(render_html, .init = use_utf8, .timeout = 60);

/* Every text that a page has is `text`. */
static void render(struct text *ret, const char *text)
{
    const struct html_point points[] = {{1e12, 3}, {1e12 + 1500, 4.5}, {1e12 + 2000, NAN}};
    const struct html_line lines[] = {{text, points, 3}, {text, points, 2}};
    const struct html_chart charts[] = {
        {.title = text, .note = text, .lines = lines, .line_count = 2, .is_marked = true},
        {.title = "b", .note = "", .lines = lines, .line_count = 1}};
    const struct html_fact facts[] = {{text, text}};
    struct report report;
    struct error err;

    report_init(&report, "types", columns, 2);
    report_cell_text(&report, text, strlen(text));
    report_cell_number(&report, 1234567);
    report_cell_text(&report, "plain", 5);
    report_cell_number(&report, 7);
    report_note(&report, text, strlen(text));
    const struct html_table tables[] = {{.title = text, .report = &report, .marked = 1}};
    const struct html_page page = {.over = text,
                                   .title = text,
                                   .lede = text,
                                   .facts = facts,
                                   .fact_count = 1,
                                   .charts_title = text,
                                   .charts = charts,
                                   .chart_count = 2,
                                   .tables = tables,
                                   .table_count = 1,
                                   .footer = text};
    *ret = (struct text){0};
    cr_assert(render_html(&page, ret, &err), "%s", err.text);
    report_free(&report);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* A copy of what is between two texts. */
static struct text between(const struct text *page, const char *begin, const char *end)
{
    struct text found = {0};
    const char *from = strstr(page->bytes, begin);

    cr_assert(from, "no %s", begin);
    from += strlen(begin);
    const char *to = strstr(from, end);
    cr_assert(to, "no %s", end);
    text_add_bytes(&found, from, (size_t)(to - from));
    return found;
}

Test(render_html, has_what_it_is_given)
{
    struct text page;

    render(&page, "an answer");
    cr_expect(strncmp(page.bytes, "<!DOCTYPE html>\n", 16) == 0);
    cr_expect(strncmp(page.bytes, html_page_beginning, strlen(html_page_beginning)) == 0);
    cr_expect(strstr(html_page_beginning, "\"generator\" content=\"pyinspect\""));
    cr_expect(strstr(page.bytes, "<h1>an answer</h1>"));
    cr_expect(strstr(page.bytes, "<dt>an answer</dt><dd>an answer</dd>"));
    cr_expect(strstr(page.bytes, "<th scope=\"col\" class=\"number\">Count</th>"));
    cr_expect(strstr(page.bytes, "<tr class=\"marked\"><td class=\"text\">an answer</td>"
                                 "<td class=\"number\">1,234,567</td></tr>"));
    cr_expect(strstr(page.bytes, "<tr><td class=\"text\">plain</td>"));
    cr_expect(strstr(page.bytes, "<figure class=\"chart marked\" id=\"chart-0\">"));
    cr_expect(strstr(page.bytes, "{\"base\":1000000000000,\"charts\":["));
    cr_expect(strstr(page.bytes, "\"points\":[0,3,1500,4.5]"), "what is no number is left out");
    cr_expect(strstr(page.bytes, "MIT"));
    cr_expect(strstr(page.bytes, "Permission is hereby granted"), "the library's licence");
    text_free(&page);
}

/* Nothing that a target may say becomes markup or script. */
Test(render_html, hostile_texts)
{
    struct text plain, page;

    render(&plain, "an answer");
    render(&page, hostile);
    cr_expect_eq(count_of(page.bytes, "<script"), count_of(plain.bytes, "<script"));
    cr_expect_eq(count_of(page.bytes, "</script"), count_of(plain.bytes, "</script"));
    cr_expect_eq(count_of(page.bytes, "<!--"), count_of(plain.bytes, "<!--"));
    cr_expect_eq(count_of(page.bytes, "-->"), count_of(plain.bytes, "-->"));
    cr_expect_eq(count_of(page.bytes, "<img"), count_of(plain.bytes, "<img"));
    cr_expect_null(strstr(page.bytes, "\xe2\x80\xa8"));
    cr_expect_null(strstr(page.bytes, "\xe2\x80\xae"));
    cr_expect_null(strchr(page.bytes, '\x01'));
    cr_expect_null(strchr(page.bytes, '\xff'));
    cr_expect(strstr(page.bytes, "<h1>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;"
                                 "&amp;--&gt;&lt;!--\\u2028\\x01\\xff\\u202e</h1>"));
    cr_expect(strstr(page.bytes, "<th scope=\"col\" class=\"text\">Type &lt;b&gt;</th>"));
    struct text data =
        between(&page, "<script type=\"application/json\" id=\"data\">", "</script>");
    cr_expect_null(strpbrk(data.bytes, "<>&'"), "%s", data.bytes);
    cr_expect(strstr(data.bytes, "\"label\":\"\\u003c/script\\u003e\\u003cimg src=x"));
    cr_expect(strstr(data.bytes, "\\u005cu2028\\u005cx01\\u005cxff\\u005cu202e\""));
    text_free(&data);
    text_free(&page);
    text_free(&plain);
}

/* Scripts run by a number that is used once. */
Test(render_html, policy)
{
    struct text page, other;

    render(&page, "a");
    render(&other, "a");
    struct text nonce = between(&page, "script-src 'nonce-", "'");
    struct text second = between(&other, "script-src 'nonce-", "'");
    cr_expect_eq(nonce.length, 32);
    cr_expect_str_neq(nonce.bytes, second.bytes);
    cr_expect_eq(count_of(page.bytes, nonce.bytes), 3, "the policy and both scripts");
    cr_expect(strstr(page.bytes, "content=\"default-src 'none'; "));
    cr_expect_eq(count_of(page.bytes, "<link"), 0);
    cr_expect_eq(count_of(page.bytes, " src=\""), 0);
    cr_expect_eq(count_of(page.bytes, "sourceMappingURL"), 0);
    text_free(&nonce);
    text_free(&second);
    text_free(&page);
    text_free(&other);
}

Test(render_html, without_charts)
{
    const struct html_page page = {
        .over = "", .title = "nothing", .lede = "", .charts_title = "", .footer = ""};
    struct text text = {0};
    struct error err;

    cr_assert(render_html(&page, &text, &err));
    cr_expect(strstr(text.bytes, "{\"base\":0,\"charts\":[]}"));
    cr_expect_null(strstr(text.bytes, "<figure"));
    text_free(&text);
}
