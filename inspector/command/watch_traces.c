// SPDX-License-Identifier: MIT
#include "inspector/command/watch_traces.h"

#include "inspector/command/traces_taken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_traces(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct watch_traces_options *)into)->is_asked_for = true;
    return true;
}

static bool set_by(void *into, const char *value, struct error *err)
{
    struct watch_traces_options *options = into;

    options->has_key = true;
    options->key = strcmp(value, "filename") == 0 ? TRACE_BY_FILENAME : TRACE_BY_LINENO;
    return options->key == TRACE_BY_FILENAME || strcmp(value, "lineno") == 0 ||
           error_set(err, ERROR_USAGE, "--by '%s': a watch takes lineno or filename", value);
}

const struct option_row watch_traces_options[] = {
    {"traces", NULL, "follow the lines that allocate, as tracemalloc has noted them", set_traces},
    {"by", "KEY", "of --traces: group by lineno (default) or filename", set_by},
    {.name = NULL},
};

/* The name of a statistic's line or file, in the arena; NULL: no memory. */
static const char *name_of(const struct trace_statistic *statistic, enum trace_key key,
                           struct arena *names, size_t *ret_length)
{
    const struct trace_frame *frame = statistic->frames;
    const struct trace_file *file = &statistic->of->files[frame->file];
    char line[16];

    *ret_length = file->length;
    if (key == TRACE_BY_FILENAME)
        return file->name;
    size_t added = (size_t)snprintf(line, sizeof(line), ":%u", frame->line);
    char *name = arena_alloc(names, file->length + added + 1);
    if (!name)
        return NULL;
    memcpy(name, file->name, file->length);
    memcpy(name + file->length, line, added + 1);
    *ret_length += added;
    return name;
}

static bool make_rows(const struct trace_statistics *statistics, enum trace_key key,
                      struct snapshot_row *rows, struct arena *names)
{
    for (size_t i = 0; i < statistics->count; i++) {
        struct snapshot_row *row = &rows[i];
        row->type = name_of(&statistics->rows[i], key, names, &row->type_length);
        row->short_name = "";
        row->count = statistics->rows[i].count;
        row->bytes = statistics->rows[i].size;
        row->is_exact = true;
        if (!row->type)
            return false;
    }
    return true;
}

static bool make_snapshot(struct snapshot *ret, const struct traces *traces,
                          const struct traces *passed, enum trace_key key, struct error *err)
{
    struct trace_statistics statistics;
    struct arena names = {0};

    if (!trace_statistics_make(&statistics, passed, key, false, err))
        return false;
    struct snapshot_row *rows = calloc(statistics.count + 1, sizeof(*rows));
    bool done = rows && make_rows(&statistics, key, rows, &names)
                    ? snapshot_make_of_rows(ret, rows, statistics.count, &traces->origin,
                                            &traces->occasion, err)
                    : error_memory(err);
    free(rows);
    arena_free(&names);
    trace_statistics_free(&statistics);
    return done;
}

static bool filter_and_make(struct snapshot *ret, const struct traces *traces,
                            const struct watch_traces_options *options, struct error *err)
{
    const struct trace_choice *choice = &options->choice;
    struct traces passed;

    if (!choice->filter_count)
        return make_snapshot(ret, traces, traces, options->key, err);
    if (!traces_filter(&passed, traces, choice->filters, choice->filter_count, err))
        return false;
    bool done = make_snapshot(ret, traces, &passed, options->key, err);
    traces_free(&passed);
    return done;
}

bool watch_traces_take(struct session *session, const struct watch_traces_options *options,
                       struct snapshot *ret, bool *ret_is_untraced, struct text *worth,
                       struct error *err)
{
    struct traces_taken taken = {0};

    bool done = traces_taken_ask(&taken, session, false, NULL, err) &&
                filter_and_make(ret, &taken.traces, options, err);
    if (done) {
        *ret_is_untraced = !taken.is_tracing;
        text_add_bytes(worth, taken.worth.bytes, taken.worth.length);
    }
    traces_taken_free(&taken);
    return done;
}

struct watch_place watch_place_of(const struct growth_row *row, enum trace_key key)
{
    struct watch_place place = {.file = row->type, .length = row->type_length};

    if (key == TRACE_BY_FILENAME)
        return place;
    while (place.length && row->type[place.length - 1] != ':')
        place.length--;
    place.line = (uint32_t)strtoul(row->type + place.length, NULL, 10);
    place.length -= place.length > 0;
    return place;
}
