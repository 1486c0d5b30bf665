// SPDX-License-Identifier: MIT
#include "inspector/command/traces_words.h"

#include <inttypes.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void traces_add_size(struct text *text, double size, bool with_sign)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    int digits = 0;

    for (; unit < COUNT(units); unit++, size /= 1024) {
        digits = unit && fabs(size) < 100 ? 1 : 0;
        if (digits || fabs(size) < 10 * 1024 || unit + 1 == COUNT(units))
            break;
    }
    text_addf(text, with_sign ? "%+.*f %s" : "%.*f %s", digits, size, units[unit]);
}

/* The file of a frame. */
static void add_name(struct text *text, const struct trace_statistic *statistic, uint32_t number,
                     bool is_escaped)
{
    const struct trace_file *file = &statistic->of->files[statistic->frames[number].file];

    if (is_escaped)
        text_add_escaped(text, file->name, file->length, 0);
    else
        text_add_bytes(text, file->name, file->length);
}

/* Of a traceback's frames in Traceback's order, the number of the stored one. */
static uint32_t stored_number(const struct trace_statistic *statistic, uint32_t number)
{
    return statistic->newest_first ? number : statistic->frame_count - 1 - number;
}

void traces_add_statistic(struct text *text, const struct trace_statistic *statistic,
                          const struct traces_style *style)
{
    uint32_t first = stored_number(statistic, 0);

    add_name(text, statistic, first, style->is_escaped);
    text_addf(text, ":%" PRIu32 ": size=", statistic->frames[first].line);
    traces_add_size(text, (double)statistic->size, false);
    if (style->is_comparison) {
        text_add(text, " (");
        traces_add_size(text, (double)statistic->size_change, true);
        text_add(text, ")");
    }
    text_addf(text, ", count=%" PRIu64, statistic->count);
    if (style->is_comparison)
        text_addf(text, " (%+" PRId64 ")", statistic->count_change);
    if (statistic->count) {
        /* Python divides the integers, not what is left of them in a double. */
        long double average = (long double)statistic->size / (long double)statistic->count;
        text_add(text, ", average=");
        traces_add_size(text, (double)average, false);
    }
}

static void add_source(struct text *text, const struct trace_statistic *statistic, uint32_t number,
                       const struct traces_style *style)
{
    const struct trace_frame *frame = &statistic->frames[number];
    const struct trace_file *file = &statistic->of->files[frame->file];
    struct text line = {0};

    style->source(style->context, file->name, file->length, frame->line, &line);
    text->failed = text->failed || line.failed;
    if (line.length) {
        text_add(text, "    ");
        if (style->is_escaped)
            text_add_source(text, line.bytes, line.length, 0);
        else
            text_add_bytes(text, line.bytes, line.length);
        text_add(text, "\n");
    }
    text_free(&line);
}

static void add_frame(struct text *text, const struct trace_statistic *statistic, uint32_t number,
                      const struct traces_style *style)
{
    text_add(text, "  File \"");
    add_name(text, statistic, number, style->is_escaped);
    text_addf(text, "\", line %" PRIu32 "\n", statistic->frames[number].line);
    if (style->source)
        add_source(text, statistic, number, style);
}

/* Frames that tracemalloc did not keep were older than all that are here. Blocks with the same
 * frames may have had different ones behind them, and up to 3.8 nobody knows. */
static void add_cut(struct text *text, const struct trace_statistic *statistic)
{
    uint32_t limit = statistic->of->traceback_limit;

    if (statistic->all_frames > statistic->frame_count)
        text_addf(text, "  (+%" PRIu32 " frames not stored)\n",
                  statistic->all_frames - statistic->frame_count);
    else if (!statistic->all_frames && limit && statistic->frame_count >= limit)
        text_addf(text, "  (+ frames not stored beyond the limit of %" PRIu32 ", if any)\n", limit);
}

void traces_add_traceback(struct text *text, const struct trace_statistic *statistic,
                          const struct traces_style *style)
{
    uint32_t first = 0, end = statistic->frame_count; /* in Traceback's order */
    int64_t limit = style->frames;
    uint64_t most = limit > 0 ? (uint64_t)limit : -(uint64_t)limit;
    bool is_reversed = style->most_recent_first && !statistic->newest_first;
    bool is_newest_first = is_reversed || statistic->newest_first;

    if (statistic->newest_first)
        end = limit < 0 ? 0 : limit && most < end ? (uint32_t)most : end;
    else if (limit > 0)
        first = most < end ? end - (uint32_t)most : 0;
    else if (limit < 0)
        end = most < end ? end - (uint32_t)most : 0;
    if (style->tells_cut && !is_newest_first)
        add_cut(text, statistic);
    for (uint32_t i = first; i < end; i++)
        add_frame(text, statistic,
                  stored_number(statistic, is_reversed ? end - 1 - (i - first) : i), style);
    if (style->tells_cut && is_newest_first)
        add_cut(text, statistic);
}
