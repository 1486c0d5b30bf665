// SPDX-License-Identifier: MIT
#include "inspector/report/render_html.h"

#include "inspector/report/output.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>

enum { MOST_CELL = 300, COLOURS = 8, NONCE_BYTES = 16 };

/* What is harmless to a person already. */
static void add_markup(struct text *text, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch (bytes[i]) {
        case '&':
            text_add(text, "&amp;");
            break;
        case '<':
            text_add(text, "&lt;");
            break;
        case '>':
            text_add(text, "&gt;");
            break;
        case '"':
            text_add(text, "&quot;");
            break;
        case '\'':
            text_add(text, "&#39;");
            break;
        default:
            text_add_char(text, bytes[i]);
        }
    }
}

static void add_escaped(struct text *text, const char *string)
{
    struct text harmless = {0};

    text_add_escaped(&harmless, string, strlen(string), 0);
    add_markup(text, harmless.bytes ? harmless.bytes : "", harmless.length);
    text->failed |= harmless.failed;
    text_free(&harmless);
}

static void add_element(struct text *text, const char *before, const char *string,
                        const char *after)
{
    text_add(text, before);
    add_escaped(text, string);
    text_add(text, after);
}

static void add_part(struct text *text, const struct html_part *part)
{
    text_add_bytes(text, part->bytes, part->length);
}

/* The script's data must not hold what ends a script element, or begins anything in HTML. */
static void add_json_string(struct text *text, const char *string)
{
    struct text harmless = {0};

    text_add_escaped(&harmless, string, strlen(string), 0);
    text_add_char(text, '"');
    for (size_t i = 0; i < harmless.length; i++) {
        char c = harmless.bytes[i];
        if (strchr("<>&'\"\\", c))
            text_addf(text, "\\u%04x", (unsigned char)c);
        else
            text_add_char(text, c);
    }
    text_add_char(text, '"');
    text->failed |= harmless.failed;
    text_free(&harmless);
}

static void add_line(struct text *text, const struct html_line *line, double base)
{
    const char *between = "";

    text_add(text, "{\"label\":");
    add_json_string(text, line->label);
    text_add(text, ",\"points\":[");
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->points[i].time) || !isfinite(line->points[i].value))
            continue;
        text_addf(text, "%s%.0f,%.10g", between, line->points[i].time - base,
                  line->points[i].value);
        between = ",";
    }
    text_add(text, "]}");
}

static double first_time(const struct html_page *page)
{
    double first = INFINITY;

    for (size_t i = 0; i < page->chart_count; i++) {
        for (size_t j = 0; j < page->charts[i].line_count; j++) {
            const struct html_line *line = &page->charts[i].lines[j];
            if (line->count && line->points[0].time < first)
                first = line->points[0].time;
        }
    }
    return isfinite(first) ? first : 0;
}

static void add_data(struct text *text, const struct html_page *page)
{
    double base = first_time(page);

    text_addf(text, "<script type=\"application/json\" id=\"data\">{\"base\":%.0f,\"charts\":[",
              base);
    for (size_t i = 0; i < page->chart_count; i++) {
        const struct html_chart *chart = &page->charts[i];
        text_addf(text, "%s\n{\"zero\":%s,\"lines\":[", i ? "," : "",
                  chart->from_zero ? "true" : "false");
        for (size_t j = 0; j < chart->line_count; j++) {
            text_add(text, j ? "," : "");
            add_line(text, &chart->lines[j], base);
        }
        text_add(text, "]}");
    }
    text_add(text, "]}</script>\n");
}

static void add_chart(struct text *text, const struct html_chart *chart, size_t number)
{
    text_addf(text, "<figure class=\"chart%s%s\" id=\"chart-%zu\">\n",
              chart->is_wide ? " wide" : "", chart->is_marked ? " marked" : "", number);
    add_element(text, "<h3>", chart->title, "</h3>\n");
    add_element(text, "<p>", chart->note, "</p>\n<div class=\"plot\"></div>\n");
    if (chart->line_count > 1) {
        text_add(text, "<ul>");
        for (size_t i = 0; i < chart->line_count; i++) {
            text_addf(text, "<li class=\"curve-%zu\">", i % COLOURS);
            add_element(text, "", chart->lines[i].label, "</li>");
        }
        text_add(text, "</ul>\n");
    }
    text_add(text, "</figure>\n");
}

static void add_charts(struct text *text, const struct html_page *page)
{
    if (!page->chart_count)
        return;
    add_element(text, "<section>\n<h2>", page->charts_title, "</h2>\n");
    text_add(text, "<noscript><p class=\"note\">The curves take JavaScript; the tables have the "
                   "numbers.</p></noscript>\n<div class=\"charts\">\n");
    for (size_t i = 0; i < page->chart_count; i++)
        add_chart(text, &page->charts[i], i);
    text_add(text, "</div>\n</section>\n");
}

static bool is_number(enum unit unit)
{
    return unit == UNIT_COUNT || unit == UNIT_BYTES || unit == UNIT_CHANGE ||
           unit == UNIT_CHANGE_BYTES || unit == UNIT_DECIMAL || unit == UNIT_MILLISECONDS;
}

static const char *class_of(const struct column *column)
{
    return is_number(column->unit) ? "number" : "text";
}

/* `cell` is scratch: empty before and after. */
static void add_row(struct text *text, struct text *cell, const struct report *report, size_t row,
                    bool is_marked)
{
    text_add(text, is_marked ? "<tr class=\"marked\">" : "<tr>");
    for (size_t i = 0; i < report->column_count; i++) {
        output_add_cell(cell, &report->values[row * report->column_count + i], MOST_CELL);
        text_addf(text, "<td class=\"%s\">", class_of(&report->columns[i]));
        add_markup(text, cell->bytes ? cell->bytes : "", cell->length);
        text_add(text, "</td>");
        text->failed |= cell->failed;
        text_clear(cell);
    }
    text_add(text, "</tr>\n");
}

static void add_table(struct text *text, const struct html_table *table)
{
    const struct report *report = table->report;
    size_t rows = output_rows(report, report->value_count);
    struct text cell = {0};

    add_element(text, "<section>\n<h2>", table->title, "</h2>\n");
    if (rows) {
        text_add(text, "<div class=\"table\">\n<table>\n<thead><tr>");
        for (size_t i = 0; i < report->column_count; i++) {
            text_addf(text, "<th scope=\"col\" class=\"%s\">", class_of(&report->columns[i]));
            add_element(text, "", report->columns[i].title, "</th>");
        }
        text_add(text, "</tr></thead>\n<tbody>\n");
        for (size_t i = 0; i < rows; i++)
            add_row(text, &cell, report, i, i < table->marked);
        text_add(text, "</tbody>\n</table>\n</div>\n");
    }
    for (size_t i = 0; i < report->note_count; i++)
        add_element(text, "<p class=\"note\">", report->notes[i].text, "</p>\n");
    text_add(text, "</section>\n");
    text->failed |= report->failed;
    text_free(&cell);
}

const char html_page_beginning[] = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                                   "<meta charset=\"utf-8\">\n"
                                   "<meta name=\"generator\" content=\"pyinspect\">\n";

static void add_head(struct text *text, const struct html_page *page, const char *nonce)
{
    text_add(text, html_page_beginning);
    text_addf(text,
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "script-src 'nonce-%s'; style-src 'unsafe-inline'; base-uri 'none'; "
              "form-action 'none'\">\n",
              nonce);
    text_add(text, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n");
    add_element(text, "<title>", page->title, " \xc2\xb7 ");
    add_element(text, "", page->over, "</title>\n<style>\n");
    add_part(text, &html_library_style);
    text_add(text, "\n");
    add_part(text, &html_page_style);
    text_add(text, "</style>\n</head>\n");
}

static void add_body(struct text *text, const struct html_page *page)
{
    add_element(text, "<body>\n<header>\n<p class=\"over\">", page->over, "</p>\n");
    add_element(text, "<h1>", page->title, "</h1>\n");
    if (*page->lede)
        add_element(text, "<p class=\"lede\">", page->lede, "</p>\n");
    text_add(text, "<dl>\n");
    for (size_t i = 0; i < page->fact_count; i++) {
        add_element(text, "<dt>", page->facts[i].key, "</dt>");
        add_element(text, "<dd>", page->facts[i].value, "</dd>\n");
    }
    text_add(text, "</dl>\n</header>\n<main>\n");
    add_charts(text, page);
    for (size_t i = 0; i < page->table_count; i++)
        add_table(text, &page->tables[i]);
    add_element(text, "</main>\n<footer>", page->footer, "</footer>\n");
}

static void add_scripts(struct text *text, const struct html_page *page, const char *nonce)
{
    add_data(text, page);
    text_add(text, "<!--\n");
    add_part(text, &html_library_licence);
    text_addf(text, "-->\n<script nonce=\"%s\">\n", nonce);
    add_part(text, &html_library_script);
    text_addf(text, "</script>\n<script nonce=\"%s\">\n", nonce);
    add_part(text, &html_page_script);
    text_add(text, "</script>\n</body>\n</html>\n");
}

/* Scripts of this page know it, no text in it does. */
static bool make_nonce(char nonce[2 * NONCE_BYTES + 1], struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[NONCE_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return error_errno(err, ERROR_SYSTEM, "cannot get a random number for the page");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        nonce[2 * i] = digits[bytes[i] >> 4];
        nonce[2 * i + 1] = digits[bytes[i] & 15];
    }
    nonce[2 * sizeof(bytes)] = '\0';
    return true;
}

bool render_html(const struct html_page *page, struct text *ret, struct error *err)
{
    char nonce[2 * NONCE_BYTES + 1];

    if (!make_nonce(nonce, err))
        return false;
    add_head(ret, page, nonce);
    add_body(ret, page);
    add_scripts(ret, page, nonce);
    return !ret->failed || error_memory(err);
}
