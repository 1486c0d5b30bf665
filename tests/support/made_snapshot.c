// SPDX-License-Identifier: MIT
#include "tests/support/made_snapshot.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* xorshift32 */
static unsigned next(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static int compare_rows(const void *left, const void *right)
{
    return snapshot_row_order(left, right);
}

static const char *keep(struct snapshot *snapshot, const char *text, size_t length)
{
    const char *kept = arena_copy(&snapshot->arena, text, length);

    cr_assert(kept);
    return kept;
}

static void name_row(struct snapshot *snapshot, size_t number)
{
    struct snapshot_row *row = &snapshot->rows[number];
    size_t same = number % 8 == 1 ? number - 1 : number;
    char type[64], short_name[64];

    int type_length = snprintf(type, sizeof(type), "app.T%04zu", same);
    int short_length = snprintf(short_name, sizeof(short_name), "T%04zu", number);
    if (number % 16 == 5)
        type[4] = '\0'; /* names may hold any bytes */
    if (number % 16 == 6)
        memcpy(type + 3, "\xed\xb2\x80\xff", 4);
    row->type = keep(snapshot, type, (size_t)type_length);
    row->type_length = (size_t)type_length;
    row->short_name = keep(snapshot, short_name, (size_t)short_length);
    row->short_length = (size_t)short_length;
}

static void fill_row(struct snapshot_row *row, struct snapshot_object *objects, size_t count,
                     unsigned *state)
{
    uint64_t address = UINT64_C(0x7f0000000000) + next(state) % 0x1000000 * UINT64_C(16);

    row->count = count;
    row->is_exact = next(state) % 4;
    for (size_t i = 0; i < count; i++) {
        uint64_t size = next(state) % 8 ? 64 : next(state) % 4096;
        address += next(state) % 16 ? next(state) % 6 * 16 + 16 : next(state) * UINT64_C(8) + 8;
        objects[i] = (struct snapshot_object){.address = address, .size = size};
        row->bytes += size;
    }
}

void made_snapshot(struct snapshot *ret, const struct made_snapshot *options)
{
    unsigned state = options->seed * 2654435761u + 1;
    size_t left = options->objects > options->types ? options->objects : options->types;
    struct snapshot snapshot = {.origin = {.pid = options->pid,
                                           .start_time = 123456789,
                                           .boot = "01234567-89ab-cdef-0123-456789abcdef",
                                           .stack_start = UINT64_C(0x7ffd12345678)},
                                .occasion = {.taken_ms = options->taken_ms,
                                             .running_ms = options->taken_ms - 1000,
                                             .pause_milliseconds = 12.75 + options->seed,
                                             .stopped_milliseconds = 13.1,
                                             .resident_bytes = 123456789,
                                             .complete = options->seed % 2,
                                             .stopped = true,
                                             .generations = {true, true, true}},
                                .row_count = options->types};

    snapshot.origin.executable = keep(&snapshot, "/usr/bin/python3.11", 19);
    snapshot.origin.version = keep(&snapshot, "3.11.2", 6);
    snapshot.origin.command_line = keep(&snapshot, "python3 -m app \xff", 16);

    snapshot.rows = calloc(options->types + 1, sizeof(*snapshot.rows));
    snapshot.storage = calloc(left + 1, sizeof(*snapshot.storage));
    cr_assert(snapshot.rows && snapshot.storage);
    struct snapshot_object *at = snapshot.storage;
    for (size_t i = 0; i < options->types; i++) {
        size_t others = options->types - i - 1;
        size_t count = others ? (left - others + 1) / 2 : left;
        name_row(&snapshot, i);
        fill_row(&snapshot.rows[i], at, count, &state);
        snapshot.rows[i].objects = options->without_objects ? NULL : at;
        snapshot.objects += count;
        snapshot.bytes += snapshot.rows[i].bytes;
        at += count;
        left -= count;
    }
    qsort(snapshot.rows, options->types, sizeof(*snapshot.rows), compare_rows);
    snapshot.has_objects = !options->without_objects;
    *ret = snapshot;
}

static bool is_same_row(const struct snapshot_row *a, const struct snapshot_row *b,
                        bool with_objects)
{
    return snapshot_row_order(a, b) == 0 && a->count == b->count && a->bytes == b->bytes &&
           a->is_exact == b->is_exact &&
           (!with_objects || a->count == 0 ||
            memcmp(a->objects, b->objects, a->count * sizeof(*a->objects)) == 0);
}

static bool is_same_occasion(const struct occasion *a, const struct occasion *b)
{
    return a->taken_ms == b->taken_ms && a->running_ms == b->running_ms &&
           a->pause_milliseconds == b->pause_milliseconds &&
           a->stopped_milliseconds == b->stopped_milliseconds &&
           a->resident_bytes == b->resident_bytes && a->complete == b->complete &&
           a->stopped == b->stopped && a->all_objects == b->all_objects &&
           memcmp(a->generations, b->generations, sizeof(a->generations)) == 0;
}

bool made_snapshot_equal(const struct snapshot *a, const struct snapshot *b, bool with_objects)
{
    const struct origin *x = &a->origin, *y = &b->origin;
    bool same = origin_is_same(x, y) && strcmp(x->executable, y->executable) == 0 &&
                strcmp(x->version, y->version) == 0 &&
                strcmp(x->command_line, y->command_line) == 0 &&
                is_same_occasion(&a->occasion, &b->occasion) && a->row_count == b->row_count &&
                a->objects == b->objects && a->bytes == b->bytes &&
                (!with_objects || (a->has_objects && b->has_objects));

    for (size_t i = 0; same && i < a->row_count; i++)
        same = is_same_row(&a->rows[i], &b->rows[i], with_objects);
    return same;
}
