// SPDX-License-Identifier: MIT
#include "inspector/command/report_history.h"

#include "inspector/command/report_series.h"
#include "symbols/base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct history *history;
    struct series_set set;
    uint32_t *own_places;     /* of each census that is judged: its place among its process's */
    size_t *places;           /* the censuses, process by process */
    size_t *firsts;           /* where in `places` those of a process begin */
    uint64_t *counts, *bytes; /* of the type at hand, a number a census */
    struct error *err;
    bool failed;
};

static bool same_way(const struct history_process *process, const struct census_entry *entry)
{
    return process->all_objects == entry->occasion.all_objects &&
           memcmp(process->generations, entry->occasion.generations,
                  sizeof(process->generations)) == 0 &&
           origin_is_same(&process->origin, &entry->origin);
}

/* Its number; SIZE_MAX: no memory. Workers take turns, so it is likely one of the last. */
static size_t find_process(struct history *history, const struct census_entry *entry)
{
    for (size_t i = history->process_count; i-- > 0;) {
        if (same_way(&history->processes[i], entry))
            return i;
    }
    struct history_process *grown = vector_grow(history->processes, &history->process_capacity,
                                                history->process_count + 1, sizeof(*grown));
    if (!grown)
        return SIZE_MAX;
    history->processes = grown;
    struct history_process *process = &grown[history->process_count];
    *process = (struct history_process){.origin = entry->origin,
                                        .all_objects = entry->occasion.all_objects,
                                        .first_ms = entry->occasion.taken_ms};
    memcpy(process->generations, entry->occasion.generations, sizeof(process->generations));
    return history->process_count++;
}

static void add_pause(struct history *history, const struct occasion *occasion)
{
    history->pauses[history->pause_count++] = (struct history_pause){
        .taken_ms = occasion->taken_ms, .milliseconds = occasion->pause_milliseconds};
    history->all_pauses += occasion->stopped_milliseconds;
    if (occasion->pause_milliseconds > history->longest_pause)
        history->longest_pause = occasion->pause_milliseconds;
}

/* The last census that was read, and its time. */
struct steady_clock {
    char boot[sizeof(((struct origin *)0)->boot)];
    int64_t taken_ms, running_ms;
    double milliseconds; /* since the first */
};

/*
 * Milliseconds since the first census, however the date was set in between, and without the time
 * for which the machine slept. From one boot to the next there is nothing but the date.
 */
static double steady_time(struct steady_clock *clock, const struct census_entry *entry)
{
    const struct occasion *occasion = &entry->occasion;
    double passed = (double)occasion->running_ms - (double)clock->running_ms;

    if (strcmp(clock->boot, entry->origin.boot) != 0)
        passed = fmax((double)occasion->taken_ms - (double)clock->taken_ms, 0);
    clock->milliseconds += passed;
    clock->taken_ms = occasion->taken_ms;
    clock->running_ms = occasion->running_ms;
    memcpy(clock->boot, entry->origin.boot, sizeof(clock->boot));
    return clock->milliseconds;
}

static void note_time(struct history_process *process, int64_t taken_ms, double time)
{
    if (!process->censuses++)
        process->begin = process->end = time;
    process->end = time > process->end ? time : process->end;
    process->last_ms = taken_ms;
}

static bool take_entry(struct history *history, const struct census_entry *entry, size_t number,
                       struct steady_clock *clock, double *stopped, struct error *err)
{
    const struct occasion *occasion = &entry->occasion;

    add_pause(history, occasion);
    history->places[number] = SIZE_MAX;
    if (!occasion->complete && !history->all_incomplete) {
        history->incomplete++;
        return true;
    }
    size_t process = find_process(history, entry);
    if (process == SIZE_MAX)
        return error_memory(err);
    if (!history->census_count) {
        history->first_ms = occasion->taken_ms;
        *clock = (struct steady_clock){.taken_ms = occasion->taken_ms,
                                       .running_ms = occasion->running_ms};
        memcpy(clock->boot, entry->origin.boot, sizeof(clock->boot));
    }
    history->last_ms = occasion->taken_ms;
    double time = steady_time(clock, entry);
    note_time(&history->processes[process], occasion->taken_ms, time);
    history->milliseconds = fmax(history->milliseconds, time);
    stopped[process] += occasion->stopped_milliseconds;
    history->places[number] = history->census_count;
    history->censuses[history->census_count++] = (struct suspects_census){
        .time = history->processes[process].end / 1e3,
        .process = process,
    };
    return true;
}

static void find_share(struct history *history, const double *stopped)
{
    for (size_t i = 0; i < history->process_count; i++) {
        const struct history_process *process = &history->processes[i];
        double time = process->end - process->begin;
        if (time > 0 && stopped[i] / time > history->share)
            history->share = stopped[i] / time;
    }
}

static bool read_entries(struct history *history, struct census_file *file, struct error *err)
{
    size_t count = census_file_count(file);
    double *stopped = calloc(count + 1, sizeof(*stopped));
    struct steady_clock clock = {.milliseconds = 0};
    bool done = stopped != NULL || error_memory(err);

    for (size_t number = 1; done && number <= count; number++) {
        struct census_entry entry;
        done = census_file_entry(file, number, &entry, err) &&
               take_entry(history, &entry, number, &clock, stopped, err);
    }
    if (done)
        find_share(history, stopped);
    free(stopped);
    return done;
}

static bool read_censuses(struct history *history, struct census_file *file, struct error *err)
{
    size_t count = census_file_count(file);

    history->censuses = calloc(count + 1, sizeof(*history->censuses));
    history->pauses = calloc(count + 1, sizeof(*history->pauses));
    history->places = calloc(count + 1, sizeof(*history->places));
    if (!history->censuses || !history->pauses || !history->places)
        return error_memory(err);
    if (!read_entries(history, file, err))
        return false;
    if (history->census_count || !count)
        return true;
    history->all_incomplete = true;
    history->pause_count = 0;
    history->all_pauses = 0;
    return read_entries(history, file, err);
}

static bool take_count(void *context, const struct census_count *count)
{
    struct reading *reading = context;
    const struct history *history = reading->history;
    size_t place = history->places[count->census];

    if (place == SIZE_MAX)
        return true;
    reading->failed = !series_add(&reading->set, count, history->censuses[place].process,
                                  reading->own_places[place], reading->err);
    return !reading->failed;
}

/* Which censuses are of which process. */
static bool place_censuses(struct reading *reading)
{
    const struct history *history = reading->history;
    size_t count = history->census_count, processes = history->process_count;

    reading->own_places = calloc(count + 1, sizeof(*reading->own_places));
    reading->places = calloc(count + 1, sizeof(*reading->places));
    reading->firsts = calloc(processes + 1, sizeof(*reading->firsts));
    reading->counts = calloc(count + 1, sizeof(*reading->counts));
    reading->bytes = calloc(count + 1, sizeof(*reading->bytes));
    if (!reading->own_places || !reading->places || !reading->firsts || !reading->counts ||
        !reading->bytes)
        return error_memory(reading->err);
    for (size_t i = 0, first = 0; i < processes; i++) {
        reading->firsts[i] = first;
        first += history->processes[i].censuses;
    }
    for (size_t i = 0; i < count; i++) {
        size_t process = history->censuses[i].process;
        reading->own_places[i] = (uint32_t)history->processes[process].placed++;
        reading->places[reading->firsts[process] + reading->own_places[i]] = i;
    }
    return true;
}

/* Those from number `first` on that have its name, as one type. Returns the number behind them. */
static bool judge(struct reading *reading, size_t first, size_t *ret_next)
{
    const struct series_set *set = &reading->set;
    const struct series *type = &set->items[first];
    size_t size = reading->history->census_count * sizeof(*reading->counts), i = first;

    memset(reading->counts, 0, size);
    memset(reading->bytes, 0, size);
    for (; i < set->count && series_same_name(type, &set->items[i]); i++)
        series_expand(&set->items[i], reading->places + reading->firsts[set->items[i].process],
                      reading->counts, reading->bytes);
    *ret_next = i;
    return suspects_add(&reading->history->suspects, type->name, type->length, reading->counts,
                        reading->bytes, reading->err);
}

static bool read_types(struct reading *reading, struct census_file *file, struct error *err)
{
    if (!place_censuses(reading) || !census_file_counts(file, take_count, reading, err) ||
        reading->failed)
        return false;
    series_sort(&reading->set);
    for (size_t i = 0; i < reading->set.count;) {
        if (!judge(reading, i, &i))
            return false;
    }
    return true;
}

static void reading_free(struct reading *reading)
{
    series_free(&reading->set);
    free(reading->own_places);
    free(reading->places);
    free(reading->firsts);
    free(reading->counts);
    free(reading->bytes);
}

static void count_steady(struct history *history)
{
    for (size_t i = 0; i < history->suspects.steady; i++) {
        const struct suspects_row *row = &history->suspects.rows[i];
        for (size_t j = 0; j < row->process_count; j++)
            history->processes[row->processes[j]].steady++;
    }
}

bool history_read(struct history *ret, struct census_file *file, bool short_names, size_t curves,
                  struct progress *progress, struct error *err)
{
    struct history history = {0};
    struct reading reading = {.history = &history, .set.short_names = short_names, .err = err};

    progress_begin(progress, "reading the history");
    bool done = read_censuses(&history, file, err) &&
                suspects_begin(&history.suspects, history.censuses, history.census_count,
                               history.process_count, curves, err) &&
                read_types(&reading, file, err);
    reading_free(&reading);
    if (!done) {
        history_free(&history);
        return false;
    }
    suspects_end(&history.suspects);
    count_steady(&history);
    *ret = history;
    return true;
}

void history_free(struct history *history)
{
    suspects_free(&history->suspects);
    free(history->processes);
    free(history->censuses);
    free(history->pauses);
    free(history->places);
    *history = (struct history){0};
}
