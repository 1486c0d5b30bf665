// SPDX-License-Identifier: MIT
#include "inspector/report/format.h"
#include "inspector/report/output.h"
#include "inspector/report/rows.h"
#include "symbols/base/cleanup.h"

#include <math.h>
#include <string.h>

enum { MOST_COLUMNS = 256, LEAST_COLUMNS = 24, NUMBER_COLUMNS = 15, MARK_COLUMNS = 8 };

struct table {
    const struct report *report;
    size_t *widths;
    size_t most; /* columns that a text may take before it is cut */
    size_t
        most_last; /* the same of the last column, where that is longer by nature (UNIT_SOURCE) */
    struct text cell; /* the cell at hand, escaped: empty between two cells */
    struct text line; /* the line at hand */
};

/* What a closing line or the title line is wrapped in; NULL for nothing. */
static const char *const bold = "\033[1m";
static const char *const dim = "\033[2m";
static const char *const plain = "\033[0m";

/* The end of a text alone, where all of it is too long: ".../site-packages/app.py". */
static void add_end(struct text *cell, const struct value *value, size_t most)
{
    static const char mark[] = "...";
    const size_t marked = sizeof(mark) - 1;
    size_t begin = cell->length, at, columns = marked;

    text_add_escaped(cell, value->text, value->length, 0);
    if (!most || cell->failed || text_columns(cell->bytes + begin, cell->length - begin) <= most)
        return;
    for (at = cell->length; at > begin + marked;) {
        size_t from = at - 1;
        while (from > begin && (cell->bytes[from] & 0xc0) == 0x80)
            from--;
        columns += text_columns(cell->bytes + from, at - from);
        if (columns > most)
            break;
        at = from;
    }
    memcpy(cell->bytes + begin, mark, marked);
    memmove(cell->bytes + begin + marked, cell->bytes + at, cell->length - at + 1);
    cell->length -= at - begin - marked;
}

void output_add_cell(struct text *cell, const struct value *value, size_t most)
{
    char buffer[32];

    switch (value->unit) {
    case UNIT_TEXT:
    case UNIT_PROSE:
        text_add_escaped(cell, value->text, value->length, most);
        break;
    case UNIT_PATH:
        add_end(cell, value, most);
        break;
    case UNIT_COUNT:
        text_add(cell, format_count(buffer, value->number));
        break;
    case UNIT_BYTES:
        text_add(cell, format_bytes(buffer, value->number));
        break;
    case UNIT_CHANGE:
        text_add_char(cell, output_is_less(value) ? '-' : '+');
        text_add(cell, format_count(buffer, output_change(value)));
        break;
    case UNIT_CHANGE_BYTES:
        text_add_char(cell, output_is_less(value) ? '-' : '+');
        text_add(cell, format_bytes(buffer, output_change(value)));
        break;
    case UNIT_DECIMAL:
        text_add_char(cell, value->milliseconds < 0 ? '-' : '+');
        text_add(cell, format_decimal(buffer, fabs(value->milliseconds)));
        break;
    case UNIT_MILLISECONDS:
        text_add(cell, format_milliseconds(buffer, value->milliseconds));
        break;
    case UNIT_BOOL:
        text_add(cell, value->number ? "yes" : "no");
        break;
    case UNIT_SOURCE:
        text_add_source(cell, value->text, value->length, most);
        break;
    case UNIT_ADDRESS:
    case UNIT_ADDRESSES:
        output_add_plain(cell, value);
        break;
    case UNIT_NOTHING:
        text_add_char(cell, '-');
        break;
    case UNIT_TEXTS:
    case UNIT_COUNTS:
        output_add_texts(cell, value);
        break;
    }
}

static void widen(size_t *width, size_t wanted)
{
    if (wanted > *width)
        *width = wanted;
}

/* Rows that end in what an object prints as, which takes what the others leave. */
static bool ends_in_source(const struct report *report)
{
    return report->column_count && report->columns[report->column_count - 1].unit == UNIT_SOURCE;
}

static size_t most_columns(const struct table *table, size_t column)
{
    const struct report *report = table->report;

    if (report->columns[column].unit == UNIT_PROSE)
        return 0;
    return ends_in_source(report) && column + 1 == report->column_count ? table->most_last
                                                                        : table->most;
}

static bool measure_column(struct table *table, size_t column, const struct value *values,
                           size_t rows, struct error *err)
{
    for (size_t row = 0; row < rows; row++, values += table->report->column_count) {
        output_add_cell(&table->cell, &values[column], most_columns(table, column));
        if (table->cell.failed)
            return error_memory(err);
        widen(&table->widths[column], text_columns(table->cell.bytes, table->cell.length));
        text_clear(&table->cell);
    }
    return true;
}

/* Columns that the last one may take, before the mark of what was cut ("...(+42)"). */
static size_t what_is_left(const struct table *table, unsigned width)
{
    size_t used = MARK_COLUMNS;

    for (size_t i = 0; i + 1 < table->report->column_count; i++)
        used += table->widths[i] + 2;
    return width > used + LEAST_COLUMNS ? width - used : LEAST_COLUMNS;
}

static bool measure(struct table *table, unsigned width, struct error *err)
{
    const struct report *report = table->report;
    size_t rows = output_rows(report, report->value_count);
    size_t closing = output_rows(report, report->summary_count);

    for (size_t i = 0; i < report->column_count; i++) {
        table->widths[i] = text_columns(report->columns[i].title, strlen(report->columns[i].title));
        if (width && i + 1 == report->column_count)
            table->most_last = what_is_left(table, width);
        if (!measure_column(table, i, report->values, rows, err) ||
            !measure_column(table, i, report->summary, closing, err))
            return false;
    }
    return true;
}

static bool is_left_aligned(enum unit unit)
{
    return unit == UNIT_TEXT || unit == UNIT_PROSE || unit == UNIT_PATH || unit == UNIT_BOOL ||
           unit == UNIT_SOURCE || unit == UNIT_TEXTS || unit == UNIT_ADDRESS ||
           unit == UNIT_ADDRESSES;
}

static void add_blanks(struct text *line, size_t count)
{
    static const char blanks[] = "                                ";
    const size_t most = sizeof(blanks) - 1;

    for (; count > most; count -= most)
        text_add_bytes(line, blanks, most);
    text_add_bytes(line, blanks, count);
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

static bool print_heading(struct table *table, const char *look, FILE *out, struct error *err)
{
    const struct value *heading = &table->report->heading;

    if (!heading->text)
        return true;
    if (look)
        text_add(&table->line, look);
    output_add_cell(&table->line, heading, 0);
    return end_line(table, look, out, err);
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
            output_add_cell(&table->cell, &values[i], most_columns(table, i));
            place_cell(table, i);
        }
        if (!end_line(table, look, out, err))
            return false;
    }
    return true;
}

static bool print_notes(struct table *table, const char *look, FILE *out, struct error *err)
{
    for (size_t i = 0; i < table->report->note_count; i++) {
        if (look)
            text_add(&table->line, look);
        output_add_cell(&table->line, &table->report->notes[i], 0);
        if (!end_line(table, look, out, err))
            return false;
    }
    return true;
}

static bool print_table(struct table *table, const struct render_style *style, FILE *out,
                        struct error *err)
{
    const struct report *report = table->report;
    size_t rows = output_rows(report, report->value_count);
    size_t closing = output_rows(report, report->summary_count);
    bool colour = style->colour;

    return measure(table, style->width, err) &&
           print_titles(table, colour ? bold : NULL, out, err) &&
           print_rows(table, report->values, rows, NULL, out, err) &&
           print_rows(table, report->summary, closing, colour ? dim : NULL, out, err);
}

/* What a terminal leaves for texts beside the numbers, or beside what the last column needs. */
static size_t text_limit(const struct report *report, unsigned width)
{
    if (width && ends_in_source(report))
        return width / 4 > LEAST_COLUMNS ? width / 4 : LEAST_COLUMNS;
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

    struct table table = {.report = report,
                          .widths = widths,
                          .most = text_limit(report, style->width),
                          .most_last = MOST_COLUMNS};
    bool done = print_heading(&table, style->colour ? bold : NULL, out, err) &&
                (!report->column_count || print_table(&table, style, out, err)) &&
                print_notes(&table, style->colour ? dim : NULL, out, err) &&
                output_finish(out, err);
    text_free(&table.cell);
    text_free(&table.line);
    return done;
}

/* The columns of a terminal that are left for the last column; 0: all that it takes. */
static size_t most_left(const struct rows *rows, size_t column)
{
    if (!rows->style.width || column + 1 < rows->count || !rows->line.bytes)
        return 0;
    size_t used = text_columns(rows->line.bytes, rows->line.length);
    return rows->style.width > used + LEAST_COLUMNS ? rows->style.width - used : LEAST_COLUMNS;
}

/* How many blanks a cell gets. `ahead` is how far the line is ahead of its columns, since values
 * were longer than theirs: blanks make up for it. */
static size_t blanks_beside(const struct row_column *column, const struct text *text, size_t from,
                            size_t *ahead)
{
    size_t length = text->length - from;
    size_t columns = column->width && length ? text_columns(text->bytes + from, length) : 0;
    size_t taken = columns + *ahead;

    *ahead = taken > column->width ? taken - column->width : 0;
    return column->width > taken ? column->width - taken : 0;
}

/* What is left-aligned goes into the line at once, all else by way of `field`. */
static void add_field(struct rows *rows, size_t number, const struct value *value, size_t *ahead)
{
    const struct row_column *column = &rows->columns[number];
    struct text *line = &rows->line, *cell = &rows->field;
    size_t most = most_left(rows, number), from = line->length;

    if (is_left_aligned(column->unit)) {
        output_add_cell(line, value, most);
        add_blanks(line, blanks_beside(column, line, from, ahead));
        return;
    }
    output_add_cell(cell, value, most);
    add_blanks(line, blanks_beside(column, cell, 0, ahead));
    text_add_bytes(line, cell->bytes, cell->length);
    line->failed |= cell->failed;
    text_clear(cell);
}

static void end_row(struct rows *rows)
{
    struct text *line = &rows->line;

    while (line->length && line->bytes[line->length - 1] == ' ')
        line->length--;
}

static void begin_rows(struct rows *rows)
{
    size_t ahead = 0;

    if (rows->style.colour)
        text_add(&rows->line, bold);
    for (size_t i = 0; i < rows->count; i++) {
        if (i)
            text_add(&rows->line, "  ");
        struct value title = value_text(rows->columns[i].title, strlen(rows->columns[i].title));
        add_field(rows, i, &title, &ahead);
    }
    end_row(rows);
    text_add(&rows->line, rows->style.colour ? plain : "");
    text_add_char(&rows->line, '\n');
}

static void add_row_line(struct rows *rows, const struct value *values)
{
    size_t ahead = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (i)
            text_add(&rows->line, "  ");
        add_field(rows, i, &values[i], &ahead);
    }
    end_row(rows);
    text_add_char(&rows->line, '\n');
}

const struct rows_format rows_text = {.begin = begin_rows, .row = add_row_line};
const struct rows_format rows_text_untitled = {.row = add_row_line};
