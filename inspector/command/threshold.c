// SPDX-License-Identifier: MIT
#include "inspector/command/threshold.h"

#include "inspector/analysis/type_pattern.h"
#include "inspector/command/options.h"
#include "inspector/report/render.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 256, LONGEST_PERCENT = 32 };

static bool refuse(const char *spec, struct error *err)
{
    return error_set(err, ERROR_USAGE,
                     "--fail-if '%s': it takes TYPE:+N (grown by as many objects), TYPE:+N%%, "
                     "TYPE:+SIZE (bytes, as in 64KiB), TYPE:N or TYPE:SIZE (so many, whatever it "
                     "was), all above 0, as in 'app.models.Order:+100'",
                     spec);
}

/* "10%" or "2.5%". */
static bool parse_percent(const char *text, double *ret)
{
    size_t length = strspn(text, "0123456789.");

    if (!length || length > LONGEST_PERCENT || strcmp(text + length, "%") != 0)
        return false;
    char *end;
    *ret = strtod(text, &end);
    return end == text + length && *ret > 0;
}

static bool parse_bound(struct threshold *threshold, const char *text, struct error *err)
{
    size_t length = strlen(text);

    if (parse_count(text, UINT64_MAX, &threshold->least)) {
        threshold->unit = THRESHOLD_OBJECTS;
        return threshold->least > 0;
    }
    if (threshold->growth && parse_percent(text, &threshold->percent)) {
        threshold->unit = THRESHOLD_PERCENT;
        return true;
    }
    threshold->unit = THRESHOLD_BYTES;
    return length && strchr("kKmMgGtTB", text[length - 1]) &&
           parse_size(text, &threshold->least, err) && threshold->least > 0;
}

bool threshold_parse(struct threshold *ret, const char *spec, struct error *err)
{
    struct threshold threshold = {.spec = spec};
    const char *colon = strrchr(spec, ':');
    size_t length = colon ? (size_t)(colon - spec) : 0;

    if (!length || length >= sizeof(threshold.types))
        return refuse(spec, err);
    memcpy(threshold.types, spec, length);
    threshold.growth = colon[1] == '+';
    if (!parse_bound(&threshold, colon + 1 + threshold.growth, err))
        return refuse(spec, err);
    *ret = threshold;
    return true;
}

bool threshold_suits_suspects(const struct threshold *threshold)
{
    return threshold->growth && threshold->unit != THRESHOLD_PERCENT;
}

/* What a threshold looks at. */
struct extent {
    uint64_t before, now;
};

static struct extent extent_of(const struct threshold *threshold, const struct comparison_row *row,
                               bool suspects)
{
    bool bytes = threshold->unit == THRESHOLD_BYTES;

    if (suspects)
        return (struct extent){.now = bytes ? row->fresh_bytes : row->fresh_count};
    return bytes ? (struct extent){row->old_bytes, row->bytes}
                 : (struct extent){row->old_count, row->count};
}

static bool is_crossed(const struct threshold *threshold, const struct extent *extent)
{
    uint64_t growth = extent->now > extent->before ? extent->now - extent->before : 0;

    if (threshold->unit == THRESHOLD_PERCENT)
        return growth && (double)growth * 100 >= threshold->percent * (double)extent->before;
    return (threshold->growth ? growth : extent->now) >= threshold->least;
}

static void add_number(const struct threshold *threshold, uint64_t amount, struct text *line)
{
    char number[32];

    text_add(line, threshold->unit == THRESHOLD_BYTES ? format_bytes(number, amount)
                                                      : format_count(number, amount));
}

static void add_amount(const struct threshold *threshold, uint64_t amount, struct text *line)
{
    add_number(threshold, amount, line);
    if (threshold->unit != THRESHOLD_BYTES)
        text_add(line, amount == 1 ? " object" : " objects");
}

static void add_line(const struct threshold *threshold, const struct comparison_row *row,
                     const struct extent *extent, bool suspects, struct text *lines)
{
    size_t length = row->type_length < LONGEST_NAME ? row->type_length : LONGEST_NAME;

    text_addf(lines, "--fail-if '%s': ", threshold->spec);
    text_add_bytes(lines, row->type, strnlen(row->type, length));
    text_add(lines, " has ");
    if (suspects || !threshold->growth) {
        add_amount(threshold, extent->now, lines);
        text_add(lines, suspects ? " that came and stayed" : "");
    } else {
        add_amount(threshold, extent->now - extent->before, lines);
        text_add(lines, " more: from ");
        add_number(threshold, extent->before, lines);
        text_add(lines, " to ");
        add_number(threshold, extent->now, lines);
    }
    text_add_char(lines, '\0');
}

/* The type that goes by that name without its module, or with another. */
static const char *find_meant(const char *name, const struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        const char *type = comparison->rows[i].type, *last = strrchr(type, '.');
        if (last && strcmp(last + 1, name) == 0)
            return type;
    }
    return NULL;
}

bool threshold_fits_none(const struct threshold *threshold, const struct comparison *comparison,
                         struct text *line)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        if (type_pattern_fits(threshold->types, comparison->rows[i].type))
            return false;
    }
    const char *meant = find_meant(threshold->types, comparison);
    text_addf(line, "--fail-if '%s': no type is called that, before or now", threshold->spec);
    if (meant)
        text_addf(line, " (there is %.200s)", meant);
    return true;
}

size_t threshold_apply(const struct threshold *threshold, const struct comparison *comparison,
                       bool suspects, struct text *lines)
{
    size_t crossed = 0;

    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        struct extent extent = extent_of(threshold, row, suspects);
        if (!is_crossed(threshold, &extent) || !type_pattern_fits(threshold->types, row->type))
            continue;
        add_line(threshold, row, &extent, suspects, lines);
        crossed++;
    }
    return crossed;
}
