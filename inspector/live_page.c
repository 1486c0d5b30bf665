// SPDX-License-Identifier: MIT
#include "inspector/live_page.h"

enum { LEAST_ROWS = 3, USUAL_ROWS = 24 };

/* The terminal does not wrap lines: each takes one row, whatever its columns are. */
static const char *const begin_no_wrap = "\033[?7l";
static const char *const end_no_wrap = "\033[?7h";
static const char *const clear_below = "\r\033[J";

static size_t count_lines(const struct text *text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text->length; i++)
        lines += text->bytes[i] == '\n';
    return lines;
}

/* Looks ("\033[1m") take no column. */
static size_t length_of_looks(const char *at, const char *end)
{
    const char *last = at;

    if (*at != '\033')
        return 0;
    while (last < end && *last != 'm')
        last++;
    return (size_t)(last - at) + (last < end);
}

static size_t length_of_character(const char *at, const char *end)
{
    size_t length = 1;

    while (at + length < end && ((unsigned char)at[length] & 0xc0) == 0x80)
        length++;
    return length;
}

/* A line and its end. What has no place on `columns` (0: not known) is left out, and a mark says
 * so: digits that a terminal leaves out would make another number. */
static void add_line(struct text *to, const char *at, const char *end, size_t columns)
{
    size_t taken = 0;
    const char *start = at, *kept = at;

    while (columns && at < end && taken <= columns) {
        size_t looks = length_of_looks(at, end), length = length_of_character(at, end);
        if (!looks)
            taken += text_columns(at, length);
        at += looks ? looks : length;
        if (taken < columns)
            kept = at;
    }
    if (taken <= columns) {
        text_add_bytes(to, start, (size_t)(end - start) + 1);
        return;
    }
    text_add_bytes(to, start, (size_t)(kept - start));
    text_add(to, "\033[0m>\n");
}

/* Adds the first lines of `from`; says where some were left out. */
static size_t add_lines(struct text *to, const struct text *from, size_t most, size_t columns)
{
    size_t lines = count_lines(from), shown = lines <= most ? lines : most - 1;
    const char *at = from->bytes;

    for (size_t i = 0; i < shown; i++) {
        const char *end = strchr(at, '\n');
        add_line(to, at, end, columns);
        at = end + 1;
    }
    if (shown == lines)
        return shown;
    text_addf(to, "... (%zu more lines)\n", lines - shown);
    return shown + 1;
}

bool live_page_show(struct live_page *page, size_t rows, size_t columns, FILE *out)
{
    struct text text = {0};
    size_t noted = count_lines(&page->note);

    if (!rows)
        rows = USUAL_ROWS;
    /* The last row is the cursor's, and whatever else is printed below. */
    size_t most = rows > LEAST_ROWS ? rows - 1 : LEAST_ROWS - 1;
    noted = noted < most ? noted : most - 1;
    text_add(&text, begin_no_wrap);
    if (page->shown)
        text_addf(&text, "\033[%zuA", page->shown);
    text_add(&text, clear_below);
    page->shown = add_lines(&text, &page->content, most - noted, columns);
    if (noted)
        page->shown += add_lines(&text, &page->note, noted, columns);
    text_add(&text, end_no_wrap);
    bool done =
        !text.failed && fwrite(text.bytes, 1, text.length, out) == text.length && fflush(out) == 0;
    text_free(&text);
    return done;
}

void live_page_free(struct live_page *page)
{
    text_free(&page->content);
    text_free(&page->note);
    page->shown = 0;
}
