// SPDX-License-Identifier: MIT
#include "inspector/command/common_options.h"

#include "inspector/command/command.h"
#include "inspector/command/session.h"
#include "inspector/target/stop.h"

#include <string.h>

/* With less, a copy in pieces fetches the same few pages over and over. */
static const uint64_t least_memory = UINT64_C(4) * 1024 * 1024;

static bool set_read_swapped(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct session_options *)into)->read_swapped = true;
    return true;
}

static bool nothing_to_bound(struct error *err)
{
    return error_set(err, ERROR_USAGE,
                     "--no-stop and --max-pause exclude each other: without a stop there is no "
                     "pause to bound");
}

static bool set_max_pause(void *into, const char *value, struct error *err)
{
    struct session_options *options = into;
    double milliseconds;

    if (options->no_stop)
        return nothing_to_bound(err);
    if (!parse_duration(value, &milliseconds, err))
        return error_context(err, "--max-pause");
    if (milliseconds <= 0)
        return error_set(err, ERROR_USAGE,
                         "--max-pause %s: a copy takes some time; --no-stop stops nothing", value);
    if (milliseconds > STOP_LONGEST_MS)
        return error_set(err, ERROR_USAGE,
                         "--max-pause %s: no process is ever held for longer than 10s", value);
    options->max_pause_milliseconds = milliseconds;
    return true;
}

static bool set_max_memory(void *into, const char *value, struct error *err)
{
    uint64_t bytes;

    if (!parse_size(value, &bytes, err))
        return error_context(err, "--max-memory");
    if (bytes < least_memory)
        return error_set(err, ERROR_USAGE,
                         "--max-memory %s: that is too little to work with, 4M is the least",
                         value);
    ((struct session_options *)into)->max_memory = bytes;
    return true;
}

static bool set_no_stop(void *into, const char *value, struct error *err)
{
    struct session_options *options = into;

    (void)value;
    if (options->max_pause_milliseconds > 0)
        return nothing_to_bound(err);
    options->no_stop = true;
    return true;
}

const struct option_row target_options[] = {
    {"max-pause", "TIME", "stop it for no longer, or not at all: 50ms, 1.5s", set_max_pause},
    {"no-stop", NULL, "never stop it; what is read is then not verified", set_no_stop},
    {"max-memory", "SIZE", "take no more memory for the copy: 512M, 2G", set_max_memory},
    {"read-swapped", NULL, "read pages in swap too, which brings them back", set_read_swapped},
    {.name = NULL},
};

static bool set_layout(void *into, const char *value, struct error *err)
{
    (void)err;
    ((struct layout_sources *)into)->layout_file = value;
    return true;
}

static bool set_debug_file(void *into, const char *value, struct error *err)
{
    (void)err;
    ((struct layout_sources *)into)->debug_file = value;
    return true;
}

static bool set_debuginfod(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct layout_sources *)into)->debuginfod = true;
    return true;
}

const struct option_row debug_source_options[] = {
    {"debug-file", "PATH", "a file with its debug information, or a directory", set_debug_file},
    {"debuginfod", NULL, "ask the servers of DEBUGINFOD_URLS for it", set_debuginfod},
    {.name = NULL},
};

const struct option_row layout_file_options[] = {
    {"layout", "FILE", "what `pyinspect layout` printed of such a Python", set_layout},
    {.name = NULL},
};

static bool set_format(enum format *format, enum format wanted, struct error *err)
{
    if (*format != FORMAT_TEXT && *format != wanted)
        return error_set(err, ERROR_USAGE, "--json and --csv exclude each other");
    *format = wanted;
    return true;
}

static bool set_json(void *into, const char *value, struct error *err)
{
    (void)value;
    return set_format(into, FORMAT_JSON, err);
}

static bool set_csv(void *into, const char *value, struct error *err)
{
    (void)value;
    return set_format(into, FORMAT_CSV, err);
}

const struct option_row rows_format_options[] = {
    {"json", NULL, "print JSON Lines, an object a row", set_json},
    {"csv", NULL, "print comma-separated values", set_csv},
    {.name = NULL},
};

const struct option_row series_format_options[] = {
    {"json", NULL, "print JSON Lines, an object a process and sample", set_json},
    {"csv", NULL, "print comma-separated values", set_csv},
    {.name = NULL},
};

const struct option_row format_options[] = {
    {"json", NULL, "print one JSON object", set_json},
    {"csv", NULL, "print comma-separated values", set_csv},
    {.name = NULL},
};

static bool set_short_names(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct object_choice *)into)->short_names = true;
    return true;
}

static bool choices_exclude(struct error *err)
{
    return error_set(err, ERROR_USAGE,
                     "--generation and --all-objects exclude each other: what the garbage "
                     "collector does not track is of no generation");
}

static bool set_all_objects(void *into, const char *value, struct error *err)
{
    struct object_choice *choice = into;

    (void)value;
    if (choice->generations_chosen)
        return choices_exclude(err);
    choice->all_objects = true;
    return true;
}

/* A list of 0, 1, 2 and permanent, with commas. */
static bool set_generation(void *into, const char *value, struct error *err)
{
    static const char *const names[GENERATIONS] = {"0", "1", "2", "permanent"};
    struct object_choice *choice = into;

    if (choice->all_objects)
        return choices_exclude(err);
    memset(choice->generations, 0, sizeof(choice->generations));
    choice->generations_chosen = true;
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        int i = 0;
        while (i < GENERATIONS && (strlen(names[i]) != length || memcmp(names[i], at, length) != 0))
            i++;
        if (i == GENERATIONS)
            return error_set(err, ERROR_USAGE,
                             "--generation '%s': it takes 0, 1, 2 and permanent, with commas",
                             value);
        choice->generations[i] = true;
        at += length;
        if (!*at)
            return true;
    }
}

const struct option_row object_options[] = {
    {"all-objects", NULL, "also those that the garbage collector does not track", set_all_objects},
    {"generation", "LIST", "only these of 0, 1, 2, permanent (default all)", set_generation},
    {"short-names", NULL, "types by their bare name, namesakes as one", set_short_names},
    {.name = NULL},
};

static bool set_no_exec(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    *(bool *)into = true;
    return true;
}

const struct option_row exec_options[] = {
    {"no-exec", NULL, "run no tp_traverse, not even on the copy of the memory", set_no_exec},
    {.name = NULL},
};

static bool set_labels(void *into, const char *value, struct error *err)
{
    bool is_names = strcmp(value, "names") == 0;

    if (!is_names && strcmp(value, "objgraph") != 0)
        return error_set(err, ERROR_USAGE, "--labels '%s': it takes objgraph or names", value);
    *(bool *)into = is_names;
    return true;
}

const struct option_row label_options[] = {
    {"labels", "WHICH", "at arrows: objgraph (default), or names: .attr, ['key'], [3]", set_labels},
    {.name = NULL},
};

const struct option_row json_option[] = {
    {"json", NULL, "print one JSON object a line", set_json},
    {.name = NULL},
};

static bool set_repr_length(void *into, const char *value, struct error *err)
{
    uint64_t length;

    if (!parse_count(value, MOST_REPR_LENGTH, &length) || length < LEAST_REPR_LENGTH)
        return error_set(err, ERROR_USAGE,
                         "--repr-len '%s': it takes a number of characters from %d to %d", value,
                         LEAST_REPR_LENGTH, MOST_REPR_LENGTH);
    ((struct value_options *)into)->repr_length = length;
    return true;
}

static bool set_no_values(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct value_options *)into)->no_values = true;
    return true;
}

const struct option_row value_options[] = {
    {"repr-len", "N", "cut what an object says of itself here (default 80)", set_repr_length},
    {"no-values", NULL, "print types, sizes and counts only, no content", set_no_values},
    {.name = NULL},
};
