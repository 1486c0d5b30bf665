// SPDX-License-Identifier: MIT
#include "inspector/report/report.h"

#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *report, const char *rows_key, const struct column *columns,
                 size_t column_count)
{
    *report = (struct report){
        .rows_key = rows_key,
        .columns = columns,
        .column_count = column_count,
    };
}

void report_free(struct report *report)
{
    free(report->facts);
    free(report->values);
    free(report->summary);
    free(report->notes);
    arena_free(&report->arena);
    *report = (struct report){0};
}

static struct value make_text(struct report *report, const char *text, size_t length)
{
    struct value value = {.unit = UNIT_TEXT, .length = length};

    if (!report->failed) {
        value.text = arena_copy(&report->arena, text, length);
        report->failed = !value.text;
    }
    return value;
}

static struct value make_number(enum unit unit, uint64_t number)
{
    return (struct value){.unit = unit, .number = number, .milliseconds = (double)number};
}

static void add_fact(struct report *report, const char *key, struct value value)
{
    struct fact *grown = NULL;

    if (!report->failed)
        grown = vector_grow(report->facts, &report->fact_capacity, report->fact_count + 1,
                            sizeof(*grown));
    if (!grown) {
        report->failed = true;
        return;
    }
    report->facts = grown;
    report->facts[report->fact_count++] = (struct fact){.key = key, .value = value};
}

void report_fact_text(struct report *report, const char *key, const char *text)
{
    add_fact(report, key, make_text(report, text, strlen(text)));
}

void report_fact_texts(struct report *report, const char *key, const char *texts, size_t length)
{
    struct value value = make_text(report, texts, length);

    value.unit = UNIT_TEXTS;
    add_fact(report, key, value);
}

void report_fact_counts(struct report *report, const char *key, const uint64_t *counts,
                        size_t count)
{
    struct text digits = {0};

    for (size_t i = 0; i < count; i++) {
        text_addf(&digits, "%" PRIu64, counts[i]);
        text_add_bytes(&digits, "", 1);
    }
    struct value value = make_text(report, digits.bytes, digits.length);
    value.unit = UNIT_COUNTS;
    report->failed |= digits.failed;
    text_free(&digits);
    add_fact(report, key, value);
}

void report_fact(struct report *report, const char *key, struct value value)
{
    enum unit unit = value.unit;

    if (value.text)
        value = make_text(report, value.text, value.length);
    value.unit = unit;
    add_fact(report, key, value);
}

void report_fact_number(struct report *report, const char *key, enum unit unit, uint64_t number)
{
    add_fact(report, key, make_number(unit, number));
}

void report_fact_milliseconds(struct report *report, const char *key, double milliseconds)
{
    add_fact(report, key, (struct value){.unit = UNIT_MILLISECONDS, .milliseconds = milliseconds});
}

void report_fact_decimal(struct report *report, const char *key, double number)
{
    add_fact(report, key, (struct value){.unit = UNIT_DECIMAL, .milliseconds = number});
}

static void add_value(struct report *report, struct value **values, size_t *count, size_t *capacity,
                      struct value value)
{
    struct value *grown = NULL;

    if (!report->failed)
        grown = vector_grow(*values, capacity, *count + 1, sizeof(*grown));
    if (!grown) {
        report->failed = true;
        return;
    }
    *values = grown;
    grown[(*count)++] = value;
}

static void add_cell(struct report *report, struct value value)
{
    add_value(report, &report->values, &report->value_count, &report->value_capacity, value);
}

void report_cell_text(struct report *report, const char *text, size_t length)
{
    struct value value = make_text(report, text, length);

    value.unit = report->columns[report->value_count % report->column_count].unit;
    add_cell(report, value);
}

void report_cell_number(struct report *report, uint64_t number)
{
    enum unit unit = report->columns[report->value_count % report->column_count].unit;

    add_cell(report, make_number(unit, number));
}

void report_cell_change(struct report *report, int64_t change)
{
    report_cell_number(report, (uint64_t)change);
}

void report_cell_decimal(struct report *report, double number)
{
    add_cell(report, (struct value){.unit = UNIT_DECIMAL, .milliseconds = number});
}

void report_cell_texts(struct report *report, const char *texts, size_t length)
{
    report_cell_text(report, texts, length);
}

void report_cell_nothing(struct report *report)
{
    add_cell(report, (struct value){.unit = UNIT_NOTHING});
}

static void add_summary(struct report *report, struct value value)
{
    add_value(report, &report->summary, &report->summary_count, &report->summary_capacity, value);
}

void report_summary_text(struct report *report, const char *text)
{
    add_summary(report, make_text(report, text, strlen(text)));
}

void report_summary_number(struct report *report, uint64_t number)
{
    enum unit unit = report->columns[report->summary_count % report->column_count].unit;

    add_summary(report, make_number(unit, number));
}

void report_summary_change(struct report *report, int64_t change)
{
    report_summary_number(report, (uint64_t)change);
}

void report_summary_nothing(struct report *report)
{
    add_summary(report, (struct value){.unit = UNIT_NOTHING});
}

void report_heading(struct report *report, const char *text, size_t length)
{
    report->heading = make_text(report, text, length);
}

void report_note(struct report *report, const char *text, size_t length)
{
    add_value(report, &report->notes, &report->note_count, &report->note_capacity,
              make_text(report, text, length));
}
