// SPDX-License-Identifier: MIT
#include "inspector/live_page.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>

/* What is written, to be freed. */
static char *show(struct live_page *page, const char *content, const char *note, size_t rows)
{
    char *bytes = NULL;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    text_clear(&page->content);
    text_add(&page->content, content);
    text_clear(&page->note);
    text_add(&page->note, note);
    cr_assert(live_page_show(page, rows, 0, out));
    fclose(out);
    return bytes;
}

static void expect(struct live_page *page, const char *content, const char *note, size_t rows,
                   const char *expected)
{
    char *written = show(page, content, note, rows);

    cr_expect_str_eq(written, expected, "%s", written);
    free(written);
}

Test(live_page, is_renewed_in_place)
{
    struct live_page page = {.shown = 0};

    expect(&page, "a\nb\n", "", 24, "\033[?7l\r\033[Ja\nb\n\033[?7h");
    expect(&page, "a\nb\nc\n", "", 24, "\033[?7l\033[2A\r\033[Ja\nb\nc\n\033[?7h");
    expect(&page, "a\n", "failed\n", 24, "\033[?7l\033[3A\r\033[Ja\nfailed\n\033[?7h");
    expect(&page, "a\n", "", 24, "\033[?7l\033[2A\r\033[Ja\n\033[?7h");
    live_page_free(&page);
}

/* The cursor takes the last row. */
Test(live_page, never_takes_more_than_there_is)
{
    struct live_page page = {.shown = 0};

    expect(&page, "1\n2\n3\n4\n", "", 5, "\033[?7l\r\033[J1\n2\n3\n4\n\033[?7h");
    expect(&page, "1\n2\n3\n4\n5\n", "", 5,
           "\033[?7l\033[4A\r\033[J1\n2\n3\n... (2 more lines)\n\033[?7h");
    expect(&page, "1\n2\n3\n4\n5\n", "failed\n", 5,
           "\033[?7l\033[4A\r\033[J1\n2\n... (3 more lines)\nfailed\n\033[?7h");
    cr_expect_eq(page.shown, 4);
    for (size_t rows = 1; rows < 12; rows++) {
        free(show(&page, "1\n2\n3\n4\n5\n", "x\ny\n", rows));
        cr_expect_lt(page.shown, rows > 3 ? rows : 4, "%zu of %zu", page.shown, rows);
    }
    live_page_free(&page);
}

/* A number that is cut would be another one. */
Test(live_page, marks_lines_that_are_cut, .timeout = 10)
{
    static const char content[] = "12345678\n123456789\n\033[1mType\033[0m 1234\n\xc3\xa4"
                                  "2345678\n\xc3\xa4"
                                  "23456789\n";
    struct live_page page = {.shown = 0};
    char *bytes = NULL;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);

    setlocale(LC_CTYPE, "C.UTF-8");
    text_add(&page.content, content);
    cr_assert(live_page_show(&page, 24, 8, out));
    fclose(out);
    cr_expect_str_eq(bytes,
                     "\033[?7l\r\033[J12345678\n1234567\033[0m>\n\033[1mType\033[0m 12\033[0m>\n"
                     "\xc3\xa4"
                     "2345678\n\xc3\xa4"
                     "234567\033[0m>\n\033[?7h",
                     "%s", bytes);
    free(bytes);
    live_page_free(&page);
}
