// SPDX-License-Identifier: MIT
#include "inspector/report/output.h"
#include "inspector/report/rows.h"

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
static void add_text(struct text *line, struct text *field, const struct value *value)
{
    if (value->length && memchr("=+-@", value->text[0], 4))
        text_add_char(field, '\'');
    if (value->unit == UNIT_SOURCE)
        text_add_source(field, value->text, value->length, 0);
    else if (value->unit == UNIT_TEXTS)
        output_add_texts(field, value);
    else
        text_add_escaped(field, value->text, value->length, 0);
    if (field->length && strpbrk(field->bytes, ",\""))
        add_quoted(line, field->bytes, field->length);
    else
        text_add_bytes(line, field->bytes, field->length);
    line->failed |= field->failed;
    text_clear(field);
}

static void add_key(struct text *line, struct text *field, const char *key)
{
    struct value value = {.unit = UNIT_TEXT, .text = key, .length = strlen(key)};

    add_text(line, field, &value);
}

static void end_line(struct text *line)
{
    if (!line->length)
        text_add(line, "\"\""); /* many readers skip an empty line: this one is a row */
    text_add_char(line, '\n');
}

static bool print_line(struct text *line, FILE *out, struct error *err)
{
    end_line(line);
    return output_text(out, line, err);
}

static bool print_keys(struct text *line, struct text *field, const struct report *report,
                       FILE *out, struct error *err)
{
    for (size_t i = 0; i < report->column_count; i++) {
        if (i)
            text_add_char(line, ',');
        add_key(line, field, report->columns[i].key);
    }
    return print_line(line, out, err);
}

static void add_row(struct text *line, struct text *field, const struct value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_add_char(line, ',');
        if (values[i].unit == UNIT_TEXT || values[i].unit == UNIT_PROSE ||
            values[i].unit == UNIT_PATH || values[i].unit == UNIT_SOURCE ||
            values[i].unit == UNIT_TEXTS)
            add_text(line, field, &values[i]);
        else
            output_add_plain(line, &values[i]);
    }
}

static bool print_report(struct text *line, struct text *field, const struct report *report,
                         bool headless, FILE *out, struct error *err)
{
    size_t rows = output_rows(report, report->value_count);

    if (report->column_count && !headless && !print_keys(line, field, report, out, err))
        return false;
    for (size_t row = 0; row < rows; row++) {
        add_row(line, field, report->values + row * report->column_count, report->column_count);
        if (!print_line(line, out, err))
            return false;
    }
    return output_finish(out, err);
}

bool render_csv(const struct report *report, const struct render_style *style, FILE *out,
                struct error *err)
{
    struct text line = {0}, field = {0};

    if (!output_start(report, err))
        return false;

    bool done = print_report(&line, &field, report, style->headless, out, err);
    text_free(&line);
    text_free(&field);
    return done;
}

static void begin_rows(struct rows *rows)
{
    struct text key = {0};

    for (size_t i = 0; i < rows->count; i++) {
        const struct row_column *column = &rows->columns[i];
        if (i)
            text_add_char(&rows->line, ',');
        text_addf(&key, "%s%s%s", column->group ? column->group : "", column->group ? "." : "",
                  column->key);
        add_key(&rows->line, &rows->field, key.bytes ? key.bytes : "");
        rows->line.failed |= key.failed;
        text_clear(&key);
    }
    end_line(&rows->line);
    text_free(&key);
}

static void add_row_line(struct rows *rows, const struct value *values)
{
    add_row(&rows->line, &rows->field, values, rows->count);
    end_line(&rows->line);
}

const struct rows_format rows_csv = {.begin = begin_rows, .row = add_row_line};
