// SPDX-License-Identifier: MIT
#include "inspector/report/rows.h"

#include "inspector/report/output.h"

static bool print_line(struct rows *rows, struct error *err)
{
    rows->line.failed |= rows->field.failed || rows->keys.failed;
    return output_text(rows->out, &rows->line, err);
}

bool rows_begin(struct rows *rows, const struct rows_format *format,
                const struct row_column *columns, size_t count, const struct render_style *style,
                FILE *out, struct error *err)
{
    *rows = (struct rows){.format = format,
                          .columns = columns,
                          .count = count < MOST_ROW_COLUMNS ? count : MOST_ROW_COLUMNS,
                          .style = *style,
                          .out = out};
    if (format->begin)
        format->begin(rows);
    return print_line(rows, err);
}

bool rows_add(struct rows *rows, const struct value *values, struct error *err)
{
    rows->format->row(rows, values);
    return print_line(rows, err);
}

bool rows_end(struct rows *rows, bool done, struct error *err)
{
    text_free(&rows->line);
    text_free(&rows->field);
    text_free(&rows->keys);
    return done && output_finish(rows->out, err);
}
