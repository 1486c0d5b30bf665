// SPDX-License-Identifier: MIT
#include "inspector/command/watch_prometheus.h"

#include "inspector/analysis/foremost.h"
#include "inspector/report/format.h"
#include "inspector/report/prometheus.h"
#include "symbols/base/replaced_file.h"
#include "symbols/base/write_all.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER "other"

/* Of each file that we write. */
static const char suffix[] = ".prom";
static const char beginning[] = "# HELP pyinspect_";

struct watch_prometheus {
    char path[PATH_MAX];
    struct text service; /* as the value of a label */
    const struct watch_traces_options *traces;
    struct foremost *foremost;
    struct text found; /* the metrics of the last good sample */
    uint64_t samples, failed;
    uint64_t stopped;   /* microseconds, of all samples */
    int64_t succeeded;  /* when the last round without a failure was, milliseconds since 1970 */
    struct text values; /* scratch: the types, as values of labels */
    struct text out;    /* scratch: the file */
};

static bool set_path(void *into, const char *value, struct error *err)
{
    size_t length = strlen(value);

    if (!*value || length >= PATH_MAX)
        return error_set(err, ERROR_USAGE, "--prometheus: that is no name of a file: '%.100s'",
                         value);
    if (length < strlen(suffix) || strcmp(value + length - strlen(suffix), suffix) != 0)
        return error_set(err, ERROR_USAGE,
                         "--prometheus '%.100s': the node exporter reads files alone whose names "
                         "end in %s",
                         value, suffix);
    ((struct watch_prometheus_options *)into)->path = value;
    return true;
}

static bool set_service(void *into, const char *value, struct error *err)
{
    if (!*value)
        return error_set(err, ERROR_USAGE, "--service: Prometheus has no empty labels");
    ((struct watch_prometheus_options *)into)->service = value;
    return true;
}

static bool set_types(void *into, const char *value, struct error *err)
{
    uint64_t types;

    if (!parse_count(value, WATCH_PROMETHEUS_MOST_TYPES, &types) || !types)
        return error_set(err, ERROR_USAGE, "--prometheus-types %s: a number from 1 to %d is wanted",
                         value, WATCH_PROMETHEUS_MOST_TYPES);
    ((struct watch_prometheus_options *)into)->types = types;
    return true;
}

const struct option_row watch_prometheus_options[] = {
    {"prometheus", "FILE", "write metrics for the node exporter: a name ending in .prom", set_path},
    {"service", "NAME", "their label `service`, instead of the process's own name", set_service},
    {"prometheus-types", "N", "how many types have metrics of their own (50)", set_types},
    {.name = NULL},
};

static bool can_write(const char *path, struct error *err)
{
    struct replaced_file file;

    if (!replaced_file_is_ours(path, beginning, "file of metrics", err) ||
        !replaced_file_begin(&file, path, 0644, err))
        return error_context(err, "--prometheus");
    replaced_file_abandon(&file);
    return true;
}

bool watch_prometheus_begin(struct watch_prometheus **ret,
                            const struct watch_prometheus_options *options, const char *comm,
                            struct error *err)
{
    const char *service = options->service ? options->service : comm;

    if (!options->path) {
        if (options->service || options->types)
            return error_set(err, ERROR_USAGE, "%s goes with --prometheus FILE only",
                             options->service ? "--service" : "--prometheus-types");
        *ret = NULL;
        return true;
    }

    struct watch_prometheus *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return error_memory(err);
    snprintf(metrics->path, sizeof(metrics->path), "%s", options->path);
    metrics->traces = options->traces;
    metrics->foremost = foremost_new(options->types ? options->types : WATCH_PROMETHEUS_TYPES);
    prometheus_add_value(&metrics->service, *service ? service : "?",
                         *service ? strlen(service) : 1);
    if (!metrics->foremost || metrics->service.failed) {
        watch_prometheus_free(metrics);
        return error_memory(err);
    }
    if (!can_write(metrics->path, err)) {
        watch_prometheus_free(metrics);
        return false;
    }
    *ret = metrics;
    return true;
}

void watch_prometheus_free(struct watch_prometheus *metrics)
{
    if (!metrics)
        return;
    foremost_free(metrics->foremost);
    text_free(&metrics->service);
    text_free(&metrics->found);
    text_free(&metrics->values);
    text_free(&metrics->out);
    free(metrics);
}

void watch_prometheus_remove(const struct watch_prometheus *metrics)
{
    if (metrics)
        unlink(metrics->path);
}

void watch_prometheus_discard(const struct watch_prometheus_options *options)
{
    struct error ignored;

    if (options->path && replaced_file_is_ours(options->path, beginning, "", &ignored))
        unlink(options->path);
}

/* The label of all series, and others. */
struct labels {
    struct prometheus_label items[3];
};

static struct labels labels_of(const struct watch_prometheus *metrics)
{
    return (struct labels){
        {{.name = "service", .value = metrics->service.bytes, .length = metrics->service.length}}};
}

static void add_one_count(const struct watch_prometheus *metrics, struct text *text,
                          const char *name, enum prometheus_kind kind, const char *help,
                          uint64_t value)
{
    struct labels labels = labels_of(metrics);

    prometheus_family(text, name, kind, help);
    prometheus_count(text, name, labels.items, 1, value);
}

static void add_one_time(const struct watch_prometheus *metrics, struct text *text,
                         const char *name, enum prometheus_kind kind, const char *help,
                         uint64_t microseconds)
{
    struct labels labels = labels_of(metrics);

    prometheus_family(text, name, kind, help);
    prometheus_seconds(text, name, labels.items, 1, microseconds);
}

/* A type (a line, a file) with series of its own, or several whose names read alike. */
struct series {
    size_t at, length;  /* of its name in `values` */
    size_t file_length; /* of that: the file of a line, before a colon and the number */
    uint64_t count, bytes;
};

struct type_metrics {
    struct series *series; /* the last one is of all other types */
    size_t count;
    uint64_t objects, bytes; /* of all types */
};

static bool reads_like(const struct watch_prometheus *metrics, const struct series *series,
                       const char *value, size_t length)
{
    return series->length == length &&
           memcmp(metrics->values.bytes + series->at, value, length) == 0;
}

static bool is_of_lines(const struct watch_prometheus *metrics)
{
    return metrics->traces && metrics->traces->key == TRACE_BY_LINENO;
}

/* Adds a row's name to `values`; where it ends in a line, where that begins. A long file is cut,
 * its line is not. */
static size_t add_name(struct watch_prometheus *metrics, const struct growth_row *row)
{
    struct text *values = &metrics->values;

    if (!is_of_lines(metrics)) {
        prometheus_add_value(values, row->type, row->type_length);
        return values->length;
    }
    struct watch_place place = watch_place_of(row, metrics->traces->key);
    prometheus_add_value(values, place.file, place.length);
    size_t end = values->length;
    text_addf(values, ":%u", place.line);
    return end;
}

/*
 * Two equal series would have the whole file refused, so types whose names read alike are one. A
 * type without a name, or which calls itself "other", goes with the others.
 */
static void add_series(struct watch_prometheus *metrics, struct type_metrics *ret,
                       const struct growth_row *row)
{
    struct series series = {.at = metrics->values.length, .count = row->count, .bytes = row->bytes};

    series.file_length = add_name(metrics, row) - series.at;
    if (metrics->values.failed)
        return;
    series.length = metrics->values.length - series.at;
    if (!series.length || reads_like(metrics, &series, OTHER, strlen(OTHER)))
        return;
    for (size_t i = 0; i < ret->count; i++) {
        if (reads_like(metrics, &ret->series[i], metrics->values.bytes + series.at,
                       series.length)) {
            ret->series[i].count += series.count;
            ret->series[i].bytes += series.bytes;
            return;
        }
    }
    ret->series[ret->count++] = series;
}

static bool choose_series(struct watch_prometheus *metrics,
                          const struct watch_prometheus_round *round, struct type_metrics *ret,
                          struct error *err)
{
    const size_t *chosen;
    size_t chosen_count;

    if (!foremost_choose(metrics->foremost, round->rows, round->row_count, &chosen, &chosen_count,
                         err))
        return false;
    *ret = (struct type_metrics){.series = calloc(chosen_count + 1, sizeof(*ret->series))};
    if (!ret->series)
        return error_memory(err);

    struct series other = {.file_length = strlen(OTHER)};
    text_clear(&metrics->values);
    for (size_t i = 0; i < chosen_count; i++)
        add_series(metrics, ret, &round->rows[chosen[i]]);
    other.at = metrics->values.length;
    other.length = strlen(OTHER);
    text_add(&metrics->values, OTHER);
    if (metrics->values.failed) {
        free(ret->series);
        return error_memory(err);
    }
    for (size_t i = 0; i < round->row_count; i++) {
        ret->objects += round->rows[i].count;
        ret->bytes += round->rows[i].bytes;
    }
    other.count = ret->objects;
    other.bytes = ret->bytes;
    for (size_t i = 0; i < ret->count; i++) {
        other.count -= ret->series[i].count;
        other.bytes -= ret->series[i].bytes;
    }
    ret->series[ret->count++] = other;
    return true;
}

/* The labels of a series; their number. */
static size_t label_series(const struct watch_prometheus *metrics, const struct series *series,
                           struct labels *labels)
{
    const char *name = metrics->values.bytes + series->at;
    struct prometheus_label *of_row = &labels->items[1];

    *labels = labels_of(metrics);
    of_row[0] = (struct prometheus_label){"type", name, series->length};
    if (!metrics->traces)
        return 2;
    of_row[0] = (struct prometheus_label){"file", name, series->file_length};
    if (series->file_length == series->length)
        return 2;
    of_row[1] = (struct prometheus_label){"line", name + series->file_length + 1,
                                          series->length - series->file_length - 1};
    return 3;
}

static void add_family(const struct watch_prometheus *metrics, struct text *text,
                       const struct type_metrics *types, const char *name, const char *help,
                       bool of_bytes)
{
    prometheus_family(text, name, PROMETHEUS_GAUGE, help);
    for (size_t i = 0; i < types->count; i++) {
        const struct series *series = &types->series[i];
        struct labels labels;
        size_t count = label_series(metrics, series, &labels);
        prometheus_count(text, name, labels.items, count, of_bytes ? series->bytes : series->count);
    }
}

static void add_types(const struct watch_prometheus *metrics, struct text *text,
                      const struct type_metrics *types)
{
    if (metrics->traces) {
        add_family(metrics, text, types, "pyinspect_tracemalloc_bytes",
                   "What a line has allocated; other: what all lines without series of their own "
                   "have.",
                   true);
        add_family(metrics, text, types, "pyinspect_tracemalloc_blocks",
                   "Memory blocks that a line has allocated.", false);
        return;
    }
    add_family(metrics, text, types, "pyinspect_type_objects",
               "Objects of a type; other: of all types without a series of their own.", false);
    add_family(metrics, text, types, "pyinspect_type_bytes", "What the objects of a type take.",
               true);
    add_one_count(metrics, text, "pyinspect_objects", PROMETHEUS_GAUGE, "Objects of all types.",
                  types->objects);
    add_one_count(metrics, text, "pyinspect_bytes", PROMETHEUS_GAUGE, "What all objects take.",
                  types->bytes);
}

struct process_family {
    const char *name, *help;
    size_t at; /* of the value in a struct watch_prometheus_process */
};

static void add_processes_of(const struct watch_prometheus *metrics, struct text *text,
                             const struct watch_prometheus_round *round,
                             const struct process_family *family)
{
    struct labels labels = labels_of(metrics);
    size_t count = round->process_count < WATCH_PROMETHEUS_PROCESSES ? round->process_count
                                                                     : WATCH_PROMETHEUS_PROCESSES;

    prometheus_family(text, family->name, PROMETHEUS_GAUGE, family->help);
    for (size_t i = 0; i < count; i++) {
        const struct watch_prometheus_process *process = &round->processes[i];
        char pid[16];
        uint64_t value;
        int length = snprintf(pid, sizeof(pid), "%d", (int)process->pid);

        memcpy(&value, (const char *)process + family->at, sizeof(value));
        labels.items[1] = (struct prometheus_label){"pid", pid, (size_t)length};
        prometheus_count(text, family->name, labels.items, 2, value);
    }
}

static void add_processes(const struct watch_prometheus *metrics, struct text *text,
                          const struct watch_prometheus_round *round)
{
    static const struct process_family of_types[] = {
        {"pyinspect_process_objects", "Objects in a process.",
         offsetof(struct watch_prometheus_process, objects)},
        {"pyinspect_process_bytes", "What the objects of a process take.",
         offsetof(struct watch_prometheus_process, bytes)},
    };
    static const struct process_family of_traces[] = {
        {"pyinspect_process_tracemalloc_blocks", "Memory blocks that a process has traced.",
         offsetof(struct watch_prometheus_process, objects)},
        {"pyinspect_process_tracemalloc_bytes", "What these blocks take.",
         offsetof(struct watch_prometheus_process, bytes)},
    };
    static const struct process_family resident = {
        "pyinspect_process_resident_bytes", "What a process has in memory.",
        offsetof(struct watch_prometheus_process, resident_bytes)};

    for (size_t i = 0; i < 2; i++)
        add_processes_of(metrics, text, round, metrics->traces ? &of_traces[i] : &of_types[i]);
    add_processes_of(metrics, text, round, &resident);
}

/* What a round says, in place of what the last one said. */
static bool note_round(struct watch_prometheus *metrics, const struct watch_prometheus_round *round,
                       struct error *err)
{
    struct text *text = &metrics->found;
    struct type_metrics types;

    if (!choose_series(metrics, round, &types, err))
        return false;
    text_clear(text);
    add_types(metrics, text, &types);
    free(types.series);
    add_one_count(metrics, text, "pyinspect_processes", PROMETHEUS_GAUGE,
                  "Processes that are counted.", round->process_count);
    add_processes(metrics, text, round);
    add_one_time(metrics, text, "pyinspect_pause_seconds", PROMETHEUS_GAUGE,
                 "Longest time for which a process stood still in the last good samples.",
                 format_round(round->pause_milliseconds, 1000));
    add_one_count(metrics, text, "pyinspect_complete", PROMETHEUS_GAUGE,
                  "1 if all objects could be read and verified in the last good samples, else 0.",
                  round->complete);
    if (text->failed) {
        text_clear(text);
        return error_memory(err);
    }
    return true;
}

static void add_tallies(const struct watch_prometheus *metrics, struct text *text, bool succeeded)
{
    uint64_t milliseconds = metrics->succeeded > 0 ? (uint64_t)metrics->succeeded : 0;

    add_one_count(metrics, text, "pyinspect_up", PROMETHEUS_GAUGE,
                  "1 if every process was sampled the last time, else 0.", succeeded);
    add_one_count(metrics, text, "pyinspect_samples_total", PROMETHEUS_COUNTER,
                  "Samples that were tried, one a process; those that failed too.",
                  metrics->samples);
    add_one_count(metrics, text, "pyinspect_samples_failed_total", PROMETHEUS_COUNTER,
                  "Samples that failed.", metrics->failed);
    add_one_time(metrics, text, "pyinspect_stopped_seconds_total", PROMETHEUS_COUNTER,
                 "For how long processes stood still, one after the other, in all samples.",
                 metrics->stopped);
    add_one_time(metrics, text, "pyinspect_last_success_timestamp_seconds", PROMETHEUS_GAUGE,
                 "When every process was last sampled, in seconds since 1970; 0: never.",
                 milliseconds <= UINT64_MAX / 1000 ? milliseconds * 1000 : 0);
}

static bool write_file(const struct watch_prometheus *metrics, struct error *err)
{
    const struct text *text = &metrics->out;
    struct replaced_file file;

    if (!replaced_file_begin(&file, metrics->path, 0644, err))
        return false;
    /* The umask may have left nothing for others, of whom the node exporter is one. */
    if (fchmod(file.fd, 0644) != 0 || !write_all(file.fd, text->bytes, text->length)) {
        error_errno(err, ERROR_OUTPUT, "cannot write %s", file.temporary);
        replaced_file_abandon(&file);
        return false;
    }
    return replaced_file_commit(&file, err);
}

bool watch_prometheus_write(struct watch_prometheus *metrics,
                            const struct watch_prometheus_round *round, struct error *err)
{
    if (!metrics)
        return true;

    bool succeeded = round->sampled && !round->failed;

    metrics->samples += round->sampled + round->failed;
    metrics->failed += round->failed;
    metrics->stopped += format_round(round->stopped_milliseconds, 1000);
    if (round->sampled && !note_round(metrics, round, err))
        return false;
    if (succeeded)
        metrics->succeeded = round->taken_ms;
    text_clear(&metrics->out);
    add_tallies(metrics, &metrics->out, succeeded);
    text_add_bytes(&metrics->out, metrics->found.bytes, metrics->found.length);
    if (metrics->out.failed)
        return error_memory(err);
    return write_file(metrics, err);
}
