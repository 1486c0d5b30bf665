// SPDX-License-Identifier: MIT
#include "inspector/report/format.h"
#include "inspector/report/output.h"
#include "inspector/report/render.h"
#include "symbols/base/cleanup.h"

#include <string.h>

enum { MOST_COLUMNS = 256, LEAST_COLUMNS = 24, NUMBER_COLUMNS = 15 };

struct table {
    const struct report *report;
    size_t *widths;
    size_t most;      /* columns that a text may take before it is cut */
    struct text cell; /* the cell at hand, escaped: empty between two cells */
    struct text line; /* the line at hand */
};

/* What a closing line or the title line is wrapped in; NULL for nothing. */
static const char *const bold = "\033[1m";
static const char *const dim = "\033[2m";
static const char *const plain = "\033[0m";

static void format_cell(struct text *cell, const struct value *value, size_t most)
{
    char buffer[32];

    switch (value->unit) {
    case UNIT_TEXT:
    case UNIT_PROSE:
        text_add_escaped(cell, value->text, value->length, most);
        break;
    case UNIT_COUNT:
        text_add(cell, format_count(buffer, value->number));
        break;
    case UNIT_BYTES:
        text_add(cell, format_bytes(buffer, value->number));
        break;
    case UNIT_MILLISECONDS:
        text_add(cell, format_milliseconds(buffer, value->milliseconds));
        break;
    case UNIT_BOOL:
        text_add(cell, value->number ? "yes" : "no");
        break;
    }
}

static void widen(size_t *width, size_t wanted)
{
    if (wanted > *width)
        *width = wanted;
}

static size_t most_columns(const struct table *table, size_t column)
{
    return table->report->columns[column].unit == UNIT_PROSE ? 0 : table->most;
}

static bool measure(struct table *table, const struct value *values, size_t rows, struct error *err)
{
    const size_t columns = table->report->column_count;

    for (size_t i = 0; i < rows * columns; i++) {
        format_cell(&table->cell, &values[i], most_columns(table, i % columns));
        if (table->cell.failed)
            return error_memory(err);
        widen(&table->widths[i % columns], text_columns(table->cell.bytes, table->cell.length));
        text_clear(&table->cell);
    }
    return true;
}

static bool is_left_aligned(enum unit unit)
{
    return unit == UNIT_TEXT || unit == UNIT_PROSE || unit == UNIT_BOOL;
}

static void add_blanks(struct text *line, size_t count)
{
    text_addf(line, "%*s", (int)count, "");
}

/* Moves the cell at hand into the line, at its column. */
static void place_cell(struct table *table, size_t column)
{
    struct text *cell = &table->cell, *line = &table->line;
    size_t blanks = table->widths[column] - text_columns(cell->bytes, cell->length);
    bool left = is_left_aligned(table->report->columns[column].unit);

    if (column)
        text_add(line, "  ");
    if (!left)
        add_blanks(line, blanks);
    text_add_bytes(line, cell->bytes, cell->length);
    if (left)
        add_blanks(line, blanks);
    line->failed |= cell->failed;
    text_clear(cell);
}

static bool end_line(struct table *table, const char *look, FILE *out, struct error *err)
{
    struct text *line = &table->line;

    while (line->length && line->bytes[line->length - 1] == ' ')
        line->length--;
    if (look)
        text_add(line, plain);
    text_add_char(line, '\n');
    return output_text(out, line, err);
}

static bool print_titles(struct table *table, const char *look, FILE *out, struct error *err)
{
    if (look)
        text_add(&table->line, look);
    for (size_t i = 0; i < table->report->column_count; i++) {
        text_add(&table->cell, table->report->columns[i].title);
        place_cell(table, i);
    }
    return end_line(table, look, out, err);
}

static bool print_rows(struct table *table, const struct value *values, size_t rows,
                       const char *look, FILE *out, struct error *err)
{
    const size_t columns = table->report->column_count;

    for (size_t row = 0; row < rows; row++, values += columns) {
        if (look)
            text_add(&table->line, look);
        for (size_t i = 0; i < columns; i++) {
            format_cell(&table->cell, &values[i], most_columns(table, i));
            place_cell(table, i);
        }
        if (!end_line(table, look, out, err))
            return false;
    }
    return true;
}

static bool print_table(struct table *table, bool colour, FILE *out, struct error *err)
{
    const struct report *report = table->report;
    size_t rows = output_rows(report, report->value_count);
    size_t closing = output_rows(report, report->summary_count);

    for (size_t i = 0; i < report->column_count; i++)
        table->widths[i] = text_columns(report->columns[i].title, strlen(report->columns[i].title));
    return measure(table, report->values, rows, err) &&
           measure(table, report->summary, closing, err) &&
           print_titles(table, colour ? bold : NULL, out, err) &&
           print_rows(table, report->values, rows, NULL, out, err) &&
           print_rows(table, report->summary, closing, colour ? dim : NULL, out, err);
}

/* What a terminal leaves for texts beside the numbers. */
static size_t text_limit(const struct report *report, unsigned width)
{
    size_t numbers = report->column_count ? (report->column_count - 1) * NUMBER_COLUMNS : 0;

    if (!width)
        return MOST_COLUMNS;
    return width > numbers + LEAST_COLUMNS ? width - numbers : LEAST_COLUMNS;
}

bool render_text(const struct report *report, const struct render_style *style, FILE *out,
                 struct error *err)
{
    AUTO_FREE size_t *widths = NULL;

    if (!output_start(report, err))
        return false;
    widths = calloc(report->column_count, sizeof(*widths));
    if (report->column_count && !widths)
        return error_memory(err);

    struct table table = {
        .report = report, .widths = widths, .most = text_limit(report, style->width)};
    bool done = (!report->column_count || print_table(&table, style->colour, out, err)) &&
                output_finish(out, err);
    text_free(&table.cell);
    text_free(&table.line);
    return done;
}
