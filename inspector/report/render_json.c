// SPDX-License-Identifier: MIT
#include "inspector/report/output.h"
#include "inspector/report/render.h"

#include <string.h>

static void add_escape(struct text *text, uint32_t code)
{
    if (code >= 0x10000) {
        text_addf(text, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    text_addf(text, "\\u%04x", code);
}

static void add_string(struct text *text, const char *bytes, size_t length)
{
    text_add_char(text, '"');
    for (size_t at = 0; at < length;) {
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

static void add_value(struct text *text, const struct value *value)
{
    if (value->unit == UNIT_TEXT)
        add_string(text, value->text, value->length);
    else
        output_add_plain(text, value);
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

static bool print_report(struct text *text, const struct report *report, FILE *out,
                         struct error *err)
{
    text_add_char(text, '{');
    add_facts(text, report);
    if (report->fact_count)
        text_add(text, ", ");
    add_member(text, report->rows_key, strlen(report->rows_key));
    text_add_char(text, '[');

    size_t rows = output_rows(report, report->value_count);
    for (size_t row = 0; row < rows; row++) {
        if (row)
            text_add(text, ", ");
        add_row(text, report, report->values + row * report->column_count);
        if (!output_text(out, text, err))
            return false;
    }
    text_add(text, "]}\n");
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
