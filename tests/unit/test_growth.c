// SPDX-License-Identifier: MIT
#include "inspector/analysis/growth.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct snapshot_row row(const char *type, const char *short_name, uint64_t count)
{
    return (struct snapshot_row){.type = type,
                                 .type_length = strlen(type),
                                 .short_name = short_name,
                                 .short_length = strlen(short_name),
                                 .count = count,
                                 .bytes = count * 100};
}

/* One sample of one process at that many minutes: pairs of names and counts, NULL at the end. */
struct sold {
    const char *type;
    uint64_t count;
};

static void add(struct growth *growth, double minutes, const struct sold *sold)
{
    struct snapshot_row rows[16];
    struct snapshot snapshot = {.rows = rows};
    const struct snapshot *const snapshots[] = {&snapshot};
    struct error err;

    for (; sold->type; sold++)
        rows[snapshot.row_count++] = row(sold->type, sold->type, sold->count);
    cr_assert(growth_add(growth, (int64_t)(minutes * 60e3), snapshots, 1, &err), "%s", err.text);
}

#define ADD(growth, minutes, ...)                                                                  \
    add((growth), (minutes), (const struct sold[]){__VA_ARGS__, {.type = NULL}})

static struct growth_row find(struct growth *growth, const char *type)
{
    const struct growth_row *rows;
    struct error err;
    size_t count;

    cr_assert(growth_rows(growth, GROWTH_BY_COUNT, &rows, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].type, type) == 0)
            return rows[i];
    }
    return (struct growth_row){.type = NULL};
}

static void expect_row(struct growth *growth, const char *type, uint64_t count, int64_t since_last,
                       int64_t since_first)
{
    struct growth_row found = find(growth, type);

    cr_assert(found.type, "%s is not there", type);
    cr_expect_eq(found.count, count, "%s", type);
    cr_expect_eq(found.bytes, count * 100, "%s", type);
    cr_expect_eq(found.since_last, since_last, "%s: %lld", type, (long long)found.since_last);
    cr_expect_eq(found.since_first, since_first, "%s: %lld", type, (long long)found.since_first);
}

Test(growth, since_the_last_and_the_first)
{
    struct growth *growth = growth_new(false);

    ADD(growth, 0, {"a", 10}, {"b", 5}, {"d", 7});
    expect_row(growth, "a", 10, 0, 0);
    ADD(growth, 1, {"a", 14}, {"c", 3}, {"d", 7});
    expect_row(growth, "a", 14, 4, 4);
    expect_row(growth, "b", 0, -5, -5);
    expect_row(growth, "c", 3, 3, 3);
    expect_row(growth, "d", 7, 0, 0);
    ADD(growth, 2, {"a", 11}, {"d", 7});
    expect_row(growth, "a", 11, -3, 1);
    expect_row(growth, "b", 0, 0, -5);
    expect_row(growth, "c", 0, -3, 0);
    ADD(growth, 3, {"a", 11}, {"b", 6}, {"d", 7});
    expect_row(growth, "b", 6, 6, 1);
    cr_expect_null(find(growth, "c").type, "what came and went has no row");
    cr_expect_eq(growth_samples(growth), 4);
    struct growth_row total = growth_total(growth);
    cr_expect_eq(total.count, 24);
    cr_expect_eq(total.bytes, 2400);
    cr_expect_eq(total.since_last, 6);
    cr_expect_eq(total.since_first, 2);
    growth_free(growth);
}

/* The same of bytes: what has fewer, but larger ones, grows. */
Test(growth, of_bytes)
{
    struct growth *growth = growth_new_of_bytes();
    struct snapshot_row rows[] = {row("a", "a", 10), row("b", "b", 10)};
    struct snapshot snapshot = {.rows = rows, .row_count = 2};
    const struct snapshot *const one[] = {&snapshot}, *const two[] = {&snapshot, &snapshot};
    const struct growth_row *sorted;
    struct error err;
    size_t count;

    cr_assert(growth_add(growth, 0, one, 1, &err));
    rows[0].count = 5;
    rows[0].bytes += 700;
    cr_assert(growth_add(growth, 3600 * 1000, one, 1, &err));
    struct growth_row a = find(growth, "a");
    cr_expect_eq(a.count, 5);
    cr_expect_eq(a.bytes, 1700);
    cr_expect_eq(a.since_last, 700);
    cr_expect_eq(a.since_first, 700);
    cr_expect_float_eq(a.slope_per_hour, 700, 1e-6);
    cr_assert(growth_joined(growth, &snapshot, &err));
    cr_assert(growth_add(growth, 2 * 3600 * 1000, two, 2, &err));
    cr_expect_eq(find(growth, "a").bytes, 3400);
    cr_expect_eq(find(growth, "a").since_last, 0, "who joins brings nothing that grew");
    cr_expect_eq(growth_total(growth).since_first, 700);
    growth_left(growth, &snapshot);
    cr_assert(growth_add(growth, 3 * 3600 * 1000, one, 1, &err));
    cr_expect_eq(find(growth, "a").since_last, 0, "who leaves takes nothing away");
    rows[0].bytes = 1000;
    rows[1].bytes = 1500;
    growth_free(growth);
    growth = growth_new_of_bytes();
    cr_assert(growth_add(growth, 0, one, 1, &err));
    cr_assert(growth_rows(growth, GROWTH_BY_SINCE_FIRST, &sorted, &count, &err));
    cr_expect_str_eq(sorted[0].type, "b", "of equals the one with more bytes is first");
    growth_free(growth);
}

/* The slope is that of numpy.polyfit over all samples, those before a type was there included. */
Test(growth, slope_of_all_samples)
{
    struct growth *growth = growth_new(false);

    ADD(growth, 0, {"even", 100}, {"grows", 1000}, {"noisy", 50});
    cr_expect_eq(find(growth, "grows").slope_per_hour, 0);
    ADD(growth, 6, {"even", 100}, {"grows", 1010}, {"noisy", 80});
    cr_expect_float_eq(find(growth, "grows").slope_per_hour, 100, 1e-6);
    ADD(growth, 12, {"even", 100}, {"grows", 1020}, {"noisy", 20}, {"late", 30});
    ADD(growth, 30, {"even", 100}, {"grows", 1050}, {"noisy", 60}, {"late", 90});
    /* hours 0, 0.1, 0.2, 0.5 */
    cr_expect_eq(find(growth, "even").slope_per_hour, 0, "exactly");
    cr_expect_float_eq(find(growth, "grows").slope_per_hour, 100, 1e-6);
    cr_expect_float_eq(find(growth, "noisy").slope_per_hour, 0, 1e-6);
    cr_expect_float_eq(find(growth, "late").slope_per_hour, 192.857142857, 1e-6);
    cr_expect_float_eq(growth_total(growth).slope_per_hour, 292.857142857, 1e-6);
    growth_free(growth);
}

/* After a week at one sample a second. */
Test(growth, slope_stays_exact)
{
    struct growth *growth = growth_new(false);

    for (unsigned i = 0; i < 7 * 24 * 3600; i += 60)
        ADD(growth, i / 60.0, {"even", 10000000}, {"grows", 10000000 + i / 60});
    cr_expect_eq(find(growth, "even").slope_per_hour, 0);
    cr_expect_float_eq(find(growth, "grows").slope_per_hour, 60, 1e-6);
    growth_free(growth);
}

Test(growth, several_processes_and_short_names)
{
    struct snapshot_row first[] = {row("a.T", "T", 3), row("b.T", "T", 4), row("c.U", "U", 1)};
    struct snapshot_row second[] = {row("b.T", "T", 10), row("d.V", "V", 2)};
    struct snapshot one = {.rows = first, .row_count = 3};
    struct snapshot other = {.rows = second, .row_count = 2};
    const struct snapshot *const both[] = {&one, &other};
    struct growth *full = growth_new(false), *bare = growth_new(true);
    struct error err;

    cr_assert(growth_add(full, 0, both, 2, &err) && growth_add(bare, 0, both, 2, &err));
    expect_row(full, "b.T", 14, 0, 0);
    expect_row(full, "a.T", 3, 0, 0);
    expect_row(bare, "T", 17, 0, 0);
    expect_row(bare, "V", 2, 0, 0);
    cr_assert(growth_add(bare, 1000, both, 1, &err));
    expect_row(bare, "T", 7, -10, -10);
    expect_row(bare, "V", 0, -2, -2);
    growth_free(full);
    growth_free(bare);
}

/* What is left of a process that grew by 30 and ends, and of one that joins with 500. */
Test(growth, who_joins_and_who_leaves)
{
    struct snapshot_row first[] = {row("a", "a", 100)}, grown[] = {row("a", "a", 130)};
    struct snapshot_row other[] = {row("a", "a", 40)},
                        late[] = {row("a", "a", 500), row("b", "b", 7)};
    struct snapshot one = {.rows = first, .row_count = 1}, two = {.rows = other, .row_count = 1};
    struct snapshot third = {.rows = late, .row_count = 2};
    const struct snapshot *const start[] = {&one, &two};
    const struct snapshot *const end[] = {&two, &third};
    struct growth *growth = growth_new(false);
    struct error err;

    cr_assert(growth_joined(growth, &one, &err) && growth_joined(growth, &two, &err));
    cr_assert(growth_add(growth, 0, start, 2, &err));
    expect_row(growth, "a", 140, 0, 0);
    one.rows = grown;
    cr_assert(growth_add(growth, 3600000, start, 2, &err));
    expect_row(growth, "a", 170, 30, 30);
    growth_left(growth, &one);
    cr_assert(growth_joined(growth, &third, &err));
    expect_row(growth, "a", 170, 30, 30);
    cr_assert(growth_add(growth, 7200000, end, 2, &err));
    expect_row(growth, "a", 540, 0, 30);
    expect_row(growth, "b", 7, 0, 0);
    cr_expect_float_eq(find(growth, "a").slope_per_hour, 15, 1e-9);
    cr_expect_eq(find(growth, "b").slope_per_hour, 0);
    growth_left(growth, &two);
    growth_left(growth, &third);
    cr_assert(growth_add(growth, 10800000, end, 0, &err));
    expect_row(growth, "a", 0, 0, 30);
    cr_expect_null(find(growth, "b").type, "it did not grow");
    cr_expect_eq(growth_total(growth).since_first, 30);
    growth_free(growth);
}

/* One process of the model below: what it has of each type, and had when it was last sampled. */
struct actor {
    bool is_there, has_sample;
    struct snapshot_row rows[8], sampled[8];
    struct snapshot snapshot;
};

enum { ACTORS = 6, KINDS = 8 };

static const char *const kinds[KINDS] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void actor_begin(struct actor *actor)
{
    *actor = (struct actor){.is_there = true};
    for (size_t i = 0; i < KINDS; i++)
        actor->rows[i] = row(kinds[i], kinds[i], (uint64_t)random() % 3 * (uint64_t)random() % 999);
}

/* What it grew by since the last sample is added to `grown`; its first sample is not. */
static void actor_sample(struct actor *actor, struct growth *growth, int64_t grown[KINDS])
{
    struct error err;
    bool joins = !actor->has_sample;

    for (size_t i = 0; i < KINDS; i++) {
        struct snapshot_row *now = &actor->rows[i];
        *now =
            row(kinds[i], kinds[i],
                random() % 4 ? now->count + (uint64_t)random() % 50 : now->count - now->count / 3);
        if (!joins)
            grown[i] += (int64_t)(now->count - actor->sampled[i].count);
        actor->sampled[i] = *now;
    }
    actor->has_sample = true;
    actor->snapshot = (struct snapshot){.rows = actor->sampled, .row_count = KINDS};
    if (joins)
        cr_assert(growth_joined(growth, &actor->snapshot, &err));
}

/* As in numpy.polyfit: over all samples. */
static double naive_slope(const double *hours, const int64_t *levels, size_t count)
{
    double mean_x = 0, mean_y = 0, up = 0, across = 0;

    for (size_t i = 0; i < count; i++) {
        mean_x += hours[i] / (double)count;
        mean_y += (double)levels[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        up += (hours[i] - mean_x) * ((double)levels[i] - mean_y);
        across += (hours[i] - mean_x) * (hours[i] - mean_x);
    }
    return across > 0 ? up / across : 0;
}

/* Processes come, are sampled or not, and go; some join and end without a sample in between. */
Test(growth, joins_and_leaves_at_random, .timeout = 60)
{
    enum { ROUNDS = 200 };

    for (unsigned seed = 1; seed <= 20; seed++) {
        struct growth *growth = growth_new(false);
        struct actor actors[ACTORS] = {{.is_there = false}};
        static int64_t levels[KINDS][ROUNDS];
        double hours[ROUNDS];
        int64_t grown[KINDS] = {0};
        struct error err;

        srandom(seed);
        for (size_t round = 0; round < ROUNDS; round++) {
            const struct snapshot *parts[ACTORS];
            uint64_t counts[KINDS] = {0};
            size_t part_count = 0;
            for (size_t i = 0; i < ACTORS; i++) {
                struct actor *actor = &actors[i];
                if (!actor->is_there && random() % 3 == 0)
                    actor_begin(actor);
                if (actor->is_there && random() % 5)
                    actor_sample(actor, growth, grown);
                if (actor->is_there && random() % 6 == 0) {
                    if (actor->has_sample)
                        growth_left(growth, &actor->snapshot);
                    actor->is_there = actor->has_sample = false;
                }
                if (!actor->has_sample)
                    continue;
                parts[part_count++] = &actor->snapshot;
                for (size_t kind = 0; kind < KINDS; kind++)
                    counts[kind] += actor->sampled[kind].count;
            }
            if (!round)
                memset(grown, 0, sizeof(grown));
            hours[round] = (double)round * round / 100;
            cr_assert(
                growth_add(growth, (int64_t)(hours[round] * 3600e3), parts, part_count, &err));
            for (size_t kind = 0; kind < KINDS; kind++) {
                levels[kind][round] = grown[kind];
                struct growth_row found = find(growth, kinds[kind]);
                int64_t last = round ? levels[kind][round - 1] : 0;
                cr_assert_eq(found.count, counts[kind], "seed %u, round %zu", seed, round);
                cr_assert_eq(found.since_first, grown[kind], "seed %u, round %zu: %lld, not %lld",
                             seed, round, (long long)found.since_first, (long long)grown[kind]);
                cr_assert_eq(found.since_last, grown[kind] - last, "seed %u, round %zu", seed,
                             round);
                if (found.type)
                    cr_assert_float_eq(found.slope_per_hour,
                                       naive_slope(hours, levels[kind], round + 1), 1e-3);
            }
        }
        growth_free(growth);
    }
}

Test(growth, orders)
{
    static const char *const expected[] = {
        [GROWTH_BY_SINCE_FIRST] = "cabd",
        [GROWTH_BY_SLOPE] = "acbd",
        [GROWTH_BY_COUNT] = "bdca",
        [GROWTH_BY_BYTES] = "bdca",
    };
    struct growth *growth = growth_new(false);
    struct error err;

    ADD(growth, 0, {"a", 0}, {"b", 100}, {"c", 1}, {"d", 30});
    ADD(growth, 1, {"a", 0}, {"b", 100}, {"c", 21}, {"d", 30});
    ADD(growth, 10, {"a", 9}, {"b", 100}, {"c", 11}, {"d", 20});
    for (enum growth_order order = GROWTH_BY_SINCE_FIRST; order <= GROWTH_BY_BYTES; order++) {
        const struct growth_row *rows;
        char seen[8] = "";
        size_t count;
        cr_assert(growth_rows(growth, order, &rows, &count, &err));
        for (size_t i = 0; i < count; i++)
            strcat(seen, rows[i].type);
        cr_expect_str_eq(seen, expected[order], "%d: %s", (int)order, seen);
    }
    growth_free(growth);
}

/* A program that makes types with new names for ever. */
Test(growth, memory_is_bounded)
{
    enum { EACH = 5000, SAMPLES = 100 };
    struct growth *growth = growth_new(false);
    struct snapshot_row *rows = calloc(EACH + 1, sizeof(*rows));
    char(*names)[16] = calloc(EACH, sizeof(*names));
    struct snapshot snapshot = {.rows = rows, .row_count = EACH + 1};
    const struct snapshot *const snapshots[] = {&snapshot};
    struct error err;
    size_t used = 0;

    cr_assert(rows && names);
    for (unsigned sample = 0; sample < SAMPLES; sample++) {
        for (unsigned i = 0; i < EACH; i++) {
            snprintf(names[i], sizeof(names[i]), "t%03u.%05u", sample, i);
            rows[i] = row(names[i], names[i], 1);
        }
        rows[EACH] = row("z", "z", 1000 + sample);
        cr_assert(growth_add(growth, sample * 1000, snapshots, 1, &err));
        cr_expect_leq(growth_types(growth), (size_t)GROWTH_MOST_TYPES);
        if (sample == SAMPLES / 2)
            used = mallinfo2().uordblks;
    }
    cr_expect_eq(growth_types(growth), (size_t)GROWTH_MOST_TYPES);
    cr_expect_leq(mallinfo2().uordblks, used + used / 10);
    expect_row(growth, "z", 1000 + SAMPLES - 1, 1, SAMPLES - 1);
    expect_row(growth, "t000.00000", 0, 0, -1);
    cr_expect_float_eq(find(growth, "z").slope_per_hour, 3600, 1e-6);
    free(rows);
    free(names);
    growth_free(growth);
}

/* More than that at a time are kept nevertheless: they are there. */
Test(growth, what_is_there_is_kept)
{
    enum { MANY = GROWTH_MOST_TYPES + 1000 };
    struct growth *growth = growth_new(false);
    struct snapshot_row *rows = calloc(MANY, sizeof(*rows));
    char(*names)[16] = calloc(MANY, sizeof(*names));
    struct snapshot snapshot = {.rows = rows, .row_count = MANY};
    const struct snapshot *const snapshots[] = {&snapshot};
    struct error err;

    cr_assert(rows && names);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "t%06u", i);
        rows[i] = row(names[i], names[i], 1);
    }
    cr_assert(growth_add(growth, 0, snapshots, 1, &err));
    cr_assert(growth_add(growth, 1000, snapshots, 1, &err));
    cr_expect_eq(growth_types(growth), (size_t)MANY);
    snapshot.row_count = 0;
    for (int i = 0; i < 3; i++)
        cr_assert(growth_add(growth, 2000 + i, snapshots, 1, &err));
    cr_expect_eq(growth_types(growth), (size_t)GROWTH_MOST_TYPES);
    free(rows);
    free(names);
    growth_free(growth);
}
