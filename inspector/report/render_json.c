// SPDX-License-Identifier: MIT
#include "inspector/report/output.h"
#include "inspector/report/rows.h"

#include <string.h>

static void add_escape(struct text *text, uint32_t code)
{
    if (code >= 0x10000) {
        text_addf(text, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    text_addf(text, "\\u%04x", code);
}

/* How many bytes, from the first on, are ASCII that stays as it is. */
static size_t plain_length(const char *bytes, size_t length)
{
    size_t at = 0;

    while (at < length && bytes[at] >= 0x20 && bytes[at] < 0x7f && bytes[at] != '"' &&
           bytes[at] != '\\')
        at++;
    return at;
}

static void add_string(struct text *text, const char *bytes, size_t length)
{
    text_add_char(text, '"');
    for (size_t at = 0; at < length;) {
        size_t plain = plain_length(bytes + at, length - at);
        if (plain) {
            text_add_bytes(text, bytes + at, plain);
            at += plain;
            continue;
        }
        int32_t code;
        size_t size = text_decode(bytes + at, length - at, &code);

        if (code < 0)
            text_add_code(text, 0xfffd);
        else if (code == '"' || code == '\\')
            text_addf(text, "\\%c", (char)code);
        else if (text_is_harmful(code))
            add_escape(text, (uint32_t)code);
        else
            text_add_bytes(text, bytes + at, size);
        at += size;
    }
    text_add_char(text, '"');
}

static void add_member(struct text *text, const char *key, size_t length)
{
    add_string(text, key, length);
    text_add(text, ": ");
}

static void add_array(struct text *text, const char *texts, size_t length, bool numbers)
{
    text_add_char(text, '[');
    for (size_t at = 0; at < length;) {
        size_t one = strnlen(texts + at, length - at);
        if (at)
            text_add(text, ", ");
        if (numbers)
            text_add_bytes(text, texts + at, one);
        else
            add_string(text, texts + at, one);
        at += one + 1;
    }
    text_add_char(text, ']');
}

static void add_value(struct text *text, const struct value *value)
{
    switch (value->unit) {
    case UNIT_TEXT:
    case UNIT_PROSE:
    case UNIT_PATH:
    case UNIT_SOURCE:
        add_string(text, value->text, value->length);
        break;
    case UNIT_TEXTS:
    case UNIT_COUNTS:
        add_array(text, value->text, value->length, value->unit == UNIT_COUNTS);
        break;
    case UNIT_NOTHING:
        text_add(text, "null");
        break;
    case UNIT_ADDRESS:
        text_add_char(text, '"');
        output_add_plain(text, value);
        text_add_char(text, '"');
        break;
    case UNIT_ADDRESSES:
        text_add_char(text, '[');
        output_add_addresses(text, value, "\"", ", ");
        text_add_char(text, ']');
        break;
    case UNIT_COUNT:
    case UNIT_BYTES:
    case UNIT_CHANGE:
    case UNIT_CHANGE_BYTES:
    case UNIT_DECIMAL:
    case UNIT_MILLISECONDS:
    case UNIT_BOOL:
        output_add_plain(text, value);
        break;
    }
}

/* How many bytes of `key` name objects that `open`, the key before it, has left open. */
static size_t shared_objects(const char *open, const char *key)
{
    size_t shared = 0;

    for (size_t i = 0; open[i] && open[i] == key[i]; i++) {
        if (key[i] == '.')
            shared = i + 1;
    }
    return shared;
}

static void close_objects(struct text *text, const char *open)
{
    for (; *open; open++) {
        if (*open == '.')
            text_add_char(text, '}');
    }
}

static void add_fact(struct text *text, const char *open, const struct fact *fact)
{
    size_t shared = shared_objects(open, fact->key);
    const char *key = fact->key + shared;

    close_objects(text, open + shared);
    if (*open)
        text_add(text, ", ");
    for (const char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        add_member(text, key, (size_t)(dot - key));
        text_add_char(text, '{');
    }
    add_member(text, key, strlen(key));
    add_value(text, &fact->value);
}

static void add_facts(struct text *text, const struct report *report)
{
    const char *open = "";

    for (size_t i = 0; i < report->fact_count; i++) {
        add_fact(text, open, &report->facts[i]);
        open = report->facts[i].key;
    }
    close_objects(text, open);
}

static void add_row(struct text *text, const struct report *report, const struct value *values)
{
    for (size_t i = 0; i < report->column_count; i++) {
        text_add(text, i ? ", " : "{");
        add_member(text, report->columns[i].key, strlen(report->columns[i].key));
        add_value(text, &values[i]);
    }
    text_add_char(text, '}');
}

bool output_json(const struct report *report, struct text *text, FILE *out, struct error *err)
{
    size_t rows = output_rows(report, report->value_count);

    add_facts(text, report);
    if (!report->rows_key)
        return output_text(out, text, err);
    if (report->fact_count)
        text_add(text, ", ");
    add_member(text, report->rows_key, strlen(report->rows_key));
    text_add_char(text, '[');
    for (size_t row = 0; row < rows; row++) {
        if (row)
            text_add(text, ", ");
        add_row(text, report, report->values + row * report->column_count);
        if (!output_text(out, text, err))
            return false;
    }
    text_add_char(text, ']');
    return output_text(out, text, err);
}

static bool print_report(struct text *text, const struct report *report, FILE *out,
                         struct error *err)
{
    text_add_char(text, '{');
    if (!output_json(report, text, out, err))
        return false;
    text_add(text, "}\n");
    return output_text(out, text, err) && output_finish(out, err);
}

bool render_json(const struct report *report, const struct render_style *style, FILE *out,
                 struct error *err)
{
    struct text text = {0};

    (void)style;
    if (!output_start(report, err))
        return false;

    bool done = print_report(&text, report, out, err);
    text_free(&text);
    return done;
}

static bool same_group(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/* What stands between the value before and this one does not change from row to row. */
static void begin_rows(struct rows *rows)
{
    struct text *keys = &rows->keys;
    const char *open = NULL;

    for (size_t i = 0; i < rows->count; i++) {
        const struct row_column *column = &rows->columns[i];
        bool opens = !same_group(open, column->group) && column->group;
        if (open && !same_group(open, column->group))
            text_add_char(keys, '}');
        text_add(keys, i ? ", " : "{");
        if (opens) {
            add_member(keys, column->group, strlen(column->group));
            text_add_char(keys, '{');
        }
        add_member(keys, column->key, strlen(column->key));
        open = column->group;
        rows->key_ends[i] = keys->length;
    }
}

static void add_row_line(struct rows *rows, const struct value *values)
{
    struct text *line = &rows->line;
    size_t at = 0;

    for (size_t i = 0; i < rows->count && !rows->keys.failed; i++) {
        text_add_bytes(line, rows->keys.bytes + at, rows->key_ends[i] - at);
        add_value(line, &values[i]);
        at = rows->key_ends[i];
    }
    text_add(line, rows->count && rows->columns[rows->count - 1].group ? "}}\n" : "}\n");
}

const struct rows_format rows_json = {.begin = begin_rows, .row = add_row_line};
