// SPDX-License-Identifier: MIT
#include "inspector/report/output.h"
#include "inspector/report/render.h"

#include <string.h>

static void add_quoted(struct text *line, const char *bytes, size_t length)
{
    text_add_char(line, '"');
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"')
            text_add_char(line, '"');
        text_add_char(line, bytes[i]);
    }
    text_add_char(line, '"');
}

/* `field` is scratch: empty before and after. */
static void add_text(struct text *line, struct text *field, const char *bytes, size_t length)
{
    if (length && memchr("=+-@", bytes[0], 4))
        text_add_char(field, '\'');
    text_add_escaped(field, bytes, length, 0);
    if (field->length && strpbrk(field->bytes, ",\""))
        add_quoted(line, field->bytes, field->length);
    else
        text_add_bytes(line, field->bytes, field->length);
    line->failed |= field->failed;
    text_clear(field);
}

static bool print_line(struct text *line, FILE *out, struct error *err)
{
    if (!line->length)
        text_add(line, "\"\""); /* many readers skip an empty line: this one is a row */
    text_add_char(line, '\n');
    return output_text(out, line, err);
}

static bool print_keys(struct text *line, struct text *field, const struct report *report,
                       FILE *out, struct error *err)
{
    for (size_t i = 0; i < report->column_count; i++) {
        if (i)
            text_add_char(line, ',');
        add_text(line, field, report->columns[i].key, strlen(report->columns[i].key));
    }
    return print_line(line, out, err);
}

static bool print_row(struct text *line, struct text *field, const struct report *report,
                      const struct value *values, FILE *out, struct error *err)
{
    for (size_t i = 0; i < report->column_count; i++) {
        if (i)
            text_add_char(line, ',');
        if (values[i].unit == UNIT_TEXT)
            add_text(line, field, values[i].text, values[i].length);
        else
            output_add_plain(line, &values[i]);
    }
    return print_line(line, out, err);
}

static bool print_report(struct text *line, struct text *field, const struct report *report,
                         FILE *out, struct error *err)
{
    size_t rows = output_rows(report, report->value_count);

    if (report->column_count && !print_keys(line, field, report, out, err))
        return false;
    for (size_t row = 0; row < rows; row++) {
        if (!print_row(line, field, report, report->values + row * report->column_count, out, err))
            return false;
    }
    return output_finish(out, err);
}

bool render_csv(const struct report *report, const struct render_style *style, FILE *out,
                struct error *err)
{
    struct text line = {0}, field = {0};

    (void)style;
    if (!output_start(report, err))
        return false;

    bool done = print_report(&line, &field, report, out, err);
    text_free(&line);
    text_free(&field);
    return done;
}
