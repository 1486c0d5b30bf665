// SPDX-License-Identifier: MIT
#include "inspector/command/report_series.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES = 3, TYPES = 5, CENSUSES = 60, ROUNDS = 200 };

/* The counts as they are, to hold the series against: 0 where a census has none of a type. */
struct history {
    size_t process[CENSUSES], places[PROCESSES][CENSUSES], placed[PROCESSES];
    uint64_t counts[TYPES][CENSUSES], bytes[TYPES][CENSUSES];
};

/* Types 3 and 4 are namesakes. */
static struct census_count count_of(size_t type, size_t census, uint64_t count, uint64_t bytes)
{
    static const char *const names[TYPES] = {"app.A", "app.B", "app.AB", "one.C", "two.C"};
    static const char *const short_names[TYPES] = {"A", "B", "AB", "C", "C"};

    return (struct census_count){.census = census + 1,
                                 .type_number = type + 1,
                                 .type = names[type],
                                 .type_length = strlen(names[type]),
                                 .short_name = short_names[type],
                                 .short_length = strlen(short_names[type]),
                                 .count = count,
                                 .bytes = bytes};
}

/* Types come, stay as they are, change in bytes alone, and go. */
static void make(struct history *history, struct series_set *set)
{
    struct error err = {0};
    uint64_t now[PROCESSES][TYPES] = {0}, bytes[PROCESSES][TYPES] = {0};

    memset(history, 0, sizeof(*history));
    for (size_t i = 0; i < CENSUSES; i++) {
        size_t process = (size_t)rand() % PROCESSES;
        size_t place = history->placed[process]++;
        history->process[i] = process;
        history->places[process][place] = i;
        for (size_t type = 0; type < TYPES; type++) {
            if (rand() % 4 == 0)
                now[process][type] = (uint64_t)rand() % 3;
            if (rand() % 4 == 0)
                bytes[process][type] = (uint64_t)rand() % 3;
            if (!now[process][type])
                continue;
            struct census_count count = count_of(type, i, now[process][type], bytes[process][type]);
            history->counts[type][i] = count.count;
            history->bytes[type][i] = count.bytes;
            cr_assert(series_add(set, &count, process, (uint32_t)place, &err), "%s", err.text);
        }
    }
    series_sort(set);
}

/* What all series of a name say together. */
static void expand(const struct history *history, const struct series_set *set, const char *name,
                   uint64_t *counts, uint64_t *bytes)
{
    memset(counts, 0, CENSUSES * sizeof(*counts));
    memset(bytes, 0, CENSUSES * sizeof(*bytes));
    for (size_t i = 0; i < set->count; i++) {
        const struct series *series = &set->items[i];
        if (series->length == strlen(name) && memcmp(series->name, name, series->length) == 0)
            series_expand(series, history->places[series->process], counts, bytes);
        cr_expect(!i || strcmp(set->items[i - 1].name, series->name) <= 0);
        cr_expect(!i || series_same_name(&set->items[i - 1], series) ==
                            (strcmp(set->items[i - 1].name, series->name) == 0));
    }
}

Test(report_series, are_what_was_counted, .timeout = 60)
{
    uint64_t counts[CENSUSES], bytes[CENSUSES];
    struct history history;

    srand(7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct series_set set = {.short_names = false};
        make(&history, &set);
        for (size_t type = 0; type < TYPES; type++) {
            expand(&history, &set, count_of(type, 0, 0, 0).type, counts, bytes);
            cr_assert_arr_eq(counts, history.counts[type], sizeof(counts), "round %u", round);
            cr_assert_arr_eq(bytes, history.bytes[type], sizeof(bytes), "round %u", round);
        }
        series_free(&set);
    }
}

Test(report_series, namesakes_are_summed, .timeout = 60)
{
    uint64_t counts[CENSUSES], bytes[CENSUSES];
    struct history history;

    srand(8);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct series_set set = {.short_names = true};
        make(&history, &set);
        expand(&history, &set, "C", counts, bytes);
        for (size_t i = 0; i < CENSUSES; i++) {
            cr_assert_eq(counts[i], history.counts[3][i] + history.counts[4][i]);
            cr_assert_eq(bytes[i], history.bytes[3][i] + history.bytes[4][i]);
        }
        series_free(&set);
    }
}

Test(report_series, keep_changes_alone, .timeout = 60)
{
    struct series_set set = {.short_names = false};
    struct error err = {0};

    for (uint32_t i = 0; i < 10000; i++) {
        struct census_count count = count_of(0, i, i < 5000 ? 7 : 8, 100);
        cr_assert(series_add(&set, &count, 0, i, &err), "%s", err.text);
    }
    cr_assert_eq(set.count, 1);
    cr_expect_eq(set.items[0].step_count, 2);
    series_free(&set);
}
