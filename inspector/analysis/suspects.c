// SPDX-License-Identifier: MIT
#include "inspector/analysis/suspects.h"

#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

static const double an_hour = 3600;

struct suspects_process {
    size_t first, count; /* its part of `order` */
    double begin, end;   /* its first census and its last */
    bool is_there;       /* at the end of the history */
    /* Of the type at hand: */
    struct trend trend;
    double bytes_slope;
};

static bool begin_processes(struct suspects *suspects, struct error *err)
{
    size_t count = suspects->census_count, processes = suspects->process_count;
    size_t *next = calloc(processes + 1, sizeof(*next));

    suspects->processes = calloc(processes + 1, sizeof(*suspects->processes));
    suspects->order = calloc(count + 1, sizeof(*suspects->order));
    suspects->points = calloc(count + 1, sizeof(*suspects->points));
    if (!next || !suspects->processes || !suspects->order || !suspects->points) {
        free(next);
        return error_memory(err);
    }
    for (size_t i = 0; i < count; i++)
        suspects->processes[suspects->censuses[i].process].count++;
    for (size_t i = 0, at = 0; i < processes; at += suspects->processes[i].count, i++)
        suspects->processes[i].first = next[i] = at;
    for (size_t i = 0; i < count; i++)
        suspects->order[next[suspects->censuses[i].process]++] = i;
    free(next);
    return true;
}

static double census_time(const struct suspects *suspects, size_t at)
{
    return suspects->censuses[suspects->order[at]].time;
}

/* A process is there at the end if it missed no more than a sample or two until then. */
static void find_spans(struct suspects *suspects)
{
    double end = 0, time = 0, steps = 0;

    for (size_t i = 0; i < suspects->process_count; i++) {
        struct suspects_process *process = &suspects->processes[i];
        if (!process->count)
            continue;
        process->begin = census_time(suspects, process->first);
        process->end = census_time(suspects, process->first + process->count - 1);
        end = process->end > end ? process->end : end;
        time += process->end - process->begin;
        steps += (double)(process->count - 1);
        suspects->judged += process->count >= TREND_LEAST_POINTS;
    }
    for (size_t i = 0; i < suspects->process_count; i++) {
        struct suspects_process *process = &suspects->processes[i];
        double step = process->count > 1
                          ? (process->end - process->begin) / (double)(process->count - 1)
                          : time / (steps > 0 ? steps : 1);
        process->is_there = process->count && process->end >= end - 2.5 * step;
    }
}

bool suspects_begin(struct suspects *ret, const struct suspects_census *censuses, size_t count,
                    size_t process_count, size_t curves, struct error *err)
{
    struct suspects suspects = {.censuses = censuses,
                                .census_count = count,
                                .process_count = process_count,
                                .curves = curves};

    if (!begin_processes(&suspects, err)) {
        suspects_free(&suspects);
        return false;
    }
    find_spans(&suspects);
    *ret = suspects;
    return true;
}

static void free_lines(struct suspects_row *row)
{
    for (size_t i = 0; i < row->line_count; i++)
        free(row->lines[i].points);
    free(row->lines);
    row->lines = NULL;
    row->line_count = 0;
}

void suspects_free(struct suspects *suspects)
{
    for (size_t i = 0; i < suspects->row_count; i++) {
        free_lines(&suspects->rows[i]);
        free(suspects->rows[i].processes);
    }
    free(suspects->rows);
    free(suspects->processes);
    free(suspects->order);
    free(suspects->points);
    arena_free(&suspects->arena);
    *suspects = (struct suspects){0};
}

static int compare_rows(const void *a, const void *b)
{
    const struct suspects_row *left = a, *right = b;

    if (left->verdict != right->verdict)
        return left->verdict < right->verdict ? -1 : 1;
    if (left->slope != right->slope)
        return left->slope > right->slope ? -1 : 1;
    if (left->growth != right->growth)
        return left->growth > right->growth ? -1 : 1;
    return strcmp(left->type, right->type);
}

void suspects_thin(struct trend_point *points, size_t *count, size_t most)
{
    size_t pieces = (most - 2) / 2, inner = *count > 2 ? *count - 2 : 0, kept = 1;

    if (*count <= most)
        return;
    for (size_t i = 0; i < pieces; i++) {
        size_t from = 1 + inner * i / pieces, to = 1 + inner * (i + 1) / pieces;
        size_t least = from, greatest = from;
        for (size_t j = from; j < to; j++) {
            least = points[j].value < points[least].value ? j : least;
            greatest = points[j].value > points[greatest].value ? j : greatest;
        }
        struct trend_point first = points[least < greatest ? least : greatest];
        struct trend_point second = points[least < greatest ? greatest : least];
        points[kept++] = first;
        if (least != greatest)
            points[kept++] = second;
    }
    points[kept++] = points[*count - 1];
    *count = kept;
}

static size_t take_points(struct suspects *suspects, const struct suspects_process *process,
                          const uint64_t *values)
{
    for (size_t i = 0; i < process->count; i++) {
        size_t census = suspects->order[process->first + i];
        suspects->points[i].time = suspects->censuses[census].time;
        suspects->points[i].value = (double)values[census];
    }
    return process->count;
}

/* Whether a process is worth a line more than another one: it grows, it was there for longer. */
static bool is_worth_more(const struct suspects_process *a, const struct suspects_process *b)
{
    if (a->trend.is_steady != b->trend.is_steady)
        return a->trend.is_steady;
    return a->count > b->count;
}

static bool is_drawn(const struct suspects *suspects, size_t process)
{
    const struct suspects_process *processes = suspects->processes;
    size_t before = 0;

    for (size_t i = 0; i < suspects->process_count && before < SUSPECTS_MOST_LINES; i++)
        before += is_worth_more(&processes[i], &processes[process]) ||
                  (i < process && !is_worth_more(&processes[process], &processes[i]));
    return before < SUSPECTS_MOST_LINES;
}

static bool add_line(struct suspects *suspects, struct suspects_row *row, size_t number,
                     const uint64_t *counts, size_t most)
{
    size_t count = take_points(suspects, &suspects->processes[number], counts);

    suspects_thin(suspects->points, &count, most);
    struct trend_point *points = calloc(count + 1, sizeof(*points));
    if (!points)
        return false;
    memcpy(points, suspects->points, count * sizeof(*points));
    row->lines[row->line_count++] =
        (struct suspects_line){.process = number, .points = points, .count = count};
    return true;
}

static bool add_lines(struct suspects *suspects, struct suspects_row *row, const uint64_t *counts,
                      struct error *err)
{
    size_t lines = suspects->process_count < SUSPECTS_MOST_LINES ? suspects->process_count
                                                                 : SUSPECTS_MOST_LINES;
    size_t most = lines > 1 ? 2 * SUSPECTS_MOST_POINTS / lines : SUSPECTS_MOST_POINTS;

    row->lines = calloc(SUSPECTS_MOST_LINES, sizeof(*row->lines));
    if (!row->lines)
        return error_memory(err);
    for (size_t i = 0; i < suspects->process_count; i++) {
        if (is_drawn(suspects, i) && !add_line(suspects, row, i, counts, most))
            return error_memory(err);
    }
    return true;
}

/* Keeps the lines of the row that was added last, if it is among the first so far. */
static bool keep_lines(struct suspects *suspects, const uint64_t *counts, struct error *err)
{
    struct suspects_row *row = &suspects->rows[suspects->row_count - 1], *worst = NULL;
    size_t kept = 0;

    for (size_t i = 0; i + 1 < suspects->row_count; i++) {
        struct suspects_row *other = &suspects->rows[i];
        if (!other->lines)
            continue;
        kept++;
        if (!worst || compare_rows(other, worst) > 0)
            worst = other;
    }
    if (!suspects->curves || (kept == suspects->curves && compare_rows(row, worst) > 0))
        return true;
    if (kept == suspects->curves)
        free_lines(worst);
    return add_lines(suspects, row, counts, err);
}

static bool judge_process(struct suspects *suspects, struct suspects_process *process,
                          const uint64_t *counts, const uint64_t *bytes, struct error *err)
{
    struct trend of_bytes;
    size_t count = take_points(suspects, process, counts);

    if (!trend_judge(suspects->points, count, &process->trend, err))
        return false;
    if (!process->trend.is_steady)
        return true;
    take_points(suspects, process, bytes);
    if (!trend_judge(suspects->points, count, &of_bytes, err))
        return false;
    process->bytes_slope = of_bytes.slope;
    return true;
}

static void add_growth(struct suspects *suspects, const struct suspects_process *process,
                       const uint64_t *counts, const uint64_t *bytes, struct suspects_row *row)
{
    size_t first = suspects->order[process->first];
    size_t last = suspects->order[process->first + process->count - 1];

    row->growth = (int64_t)((uint64_t)row->growth + counts[last] - counts[first]);
    row->bytes_growth = (int64_t)((uint64_t)row->bytes_growth + bytes[last] - bytes[first]);
    if (process->is_there) {
        row->count += counts[last];
        row->bytes += bytes[last];
    }
}

/* Slopes of processes that were there one after another are not summed up. */
static void sum_slopes(const struct suspects *suspects, struct suspects_row *row)
{
    for (size_t i = 0; i < row->process_count; i++) {
        double at = suspects->processes[row->processes[i]].begin, slope = 0, bytes_slope = 0;
        for (size_t j = 0; j < row->process_count; j++) {
            const struct suspects_process *process = &suspects->processes[row->processes[j]];
            if (process->begin > at || process->end < at)
                continue;
            slope += process->trend.slope * an_hour;
            bytes_slope += process->bytes_slope * an_hour;
        }
        if (slope > row->slope) {
            row->slope = slope;
            row->bytes_slope = bytes_slope;
        }
    }
}

static bool add_row(struct suspects *suspects, const struct suspects_row *row, struct error *err)
{
    struct suspects_row *grown = vector_grow(suspects->rows, &suspects->row_capacity,
                                             suspects->row_count + 1, sizeof(*grown));

    if (!grown)
        return error_memory(err);
    suspects->rows = grown;
    grown[suspects->row_count] = *row;
    grown[suspects->row_count].type = arena_copy(&suspects->arena, row->type, row->type_length);
    if (!grown[suspects->row_count].type)
        return error_memory(err);
    suspects->row_count++;
    return true;
}

/* Which processes it grows in, and what that comes to. */
static bool conclude(struct suspects *suspects, struct suspects_row *row, struct error *err)
{
    size_t steady = 0;

    row->verdict = suspects->judged ? GROWS_NOT_STEADILY : GROWS_TOO_FEW_SAMPLES;
    for (size_t i = 0; i < suspects->process_count; i++)
        steady += suspects->processes[i].trend.is_steady;
    if (!steady)
        return true;
    row->verdict = GROWS_STEADILY;
    row->processes = calloc(steady, sizeof(*row->processes));
    if (!row->processes)
        return error_memory(err);
    for (size_t i = 0; i < suspects->process_count; i++) {
        const struct trend *trend = &suspects->processes[i].trend;
        if (!trend->is_steady)
            continue;
        row->processes[row->process_count++] = i;
        row->probability =
            trend->probability < row->probability ? trend->probability : row->probability;
    }
    sum_slopes(suspects, row);
    suspects->steady++;
    return true;
}

bool suspects_add(struct suspects *suspects, const char *type, size_t length,
                  const uint64_t *counts, const uint64_t *bytes, struct error *err)
{
    struct suspects_row row = {.type = type, .type_length = length, .probability = 1};

    suspects->types++;
    for (size_t i = 0; i < suspects->process_count; i++) {
        struct suspects_process *process = &suspects->processes[i];
        process->trend = (struct trend){0};
        if (!process->count)
            continue;
        add_growth(suspects, process, counts, bytes, &row);
        if (!judge_process(suspects, process, counts, bytes, err))
            return false;
    }
    if (!conclude(suspects, &row, err))
        return false;
    if (row.verdict != GROWS_STEADILY && row.growth <= 0)
        return true;
    if (!add_row(suspects, &row, err)) {
        free(row.processes);
        return false;
    }
    return keep_lines(suspects, counts, err);
}

void suspects_end(struct suspects *suspects)
{
    if (suspects->row_count)
        qsort(suspects->rows, suspects->row_count, sizeof(*suspects->rows), compare_rows);
}
