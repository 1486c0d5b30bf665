// SPDX-License-Identifier: MIT
#include "symbols/layout_bundled.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(layout_bundled, .timeout = 60);

/* Each is parsed once. */
static const struct layout_table *read_table(const struct bundled_layout *bundled)
{
    static struct layout_table tables[MOST_BUNDLED];
    struct layout_table *table = &tables[bundled - bundled_layouts];
    struct error err;

    if (table->version.major)
        return table;
    cr_assert(layout_table_parse(table, bundled->text, bundled->length, bundled->name, &err), "%s",
              err.text);
    return table;
}

static int get_micro(const struct python_version *version)
{
    struct python_version same;
    int micro;

    cr_assert(python_version_parse(&same, &micro, version->text, strlen(version->text)));
    return micro;
}

static uint64_t get_runtime_size(const struct layout_table *table)
{
    return layout_has(&table->layout, sizeof_runtime) ? layout_size(&table->layout, sizeof_runtime)
                                                      : 0;
}

static struct python_version make_version(int minor, int micro)
{
    struct python_version version = {.major = 3, .minor = minor};

    snprintf(version.text, sizeof(version.text), "3.%d.%d", minor, micro);
    return version;
}

Test(layout_bundled, tables_are_there_and_sorted)
{
    cr_assert_gt(bundled_layout_count, 0);
    cr_assert_leq(bundled_layout_count, (size_t)MOST_BUNDLED);
    for (size_t i = 1; i < bundled_layout_count; i++)
        cr_expect(strverscmp(bundled_layouts[i - 1].name, bundled_layouts[i].name) < 0, "%s, %s",
                  bundled_layouts[i - 1].name, bundled_layouts[i].name);
}

Test(layout_bundled, tables_are_good_and_what_their_names_say)
{
    for (size_t i = 0; i < bundled_layout_count; i++) {
        const struct bundled_layout *bundled = &bundled_layouts[i];
        const struct layout_table *table = read_table(bundled);
        struct error err;
        char name[64];

        cr_expect_eq(strlen(bundled->text), bundled->length, "%s", bundled->name);
        snprintf(name, sizeof(name), "%s%s", table->version.text,
                 table->debug_build ? "-debug" : "");
        cr_expect_str_eq(bundled->name, name);
        cr_expect(get_micro(&table->version) >= 0, "%s", name);
        cr_expect(layout_check(&table->layout, &err), "%s: %s", name, err.text);
        cr_expect_gt(table->build_id.size, 0, "%s", name);
        cr_expect(table->addresses.runtime ||
                      (table->addresses.generation0 && table->addresses.collecting),
                  "%s", name);
        cr_expect(
            layout_has(&table->layout, traced_runtime_traces) ||
                (table->addresses.traced[TRACED_CONFIG] && table->addresses.traced[TRACED_TRACES]),
            "%s", name);
    }
}

/* Where a choice stands: what a later one must not be less than. */
struct rank {
    enum bundled_match match;
    bool other_size;
    int distance;
};

static struct rank get_rank(const struct bundled_choice *choice, const struct layout_wanted *wanted)
{
    const struct layout_table *table = read_table(choice->layout);
    struct rank rank = {.match = choice->match};

    rank.other_size = !wanted->runtime_size || get_runtime_size(table) != wanted->runtime_size;
    if (choice->match != BUNDLED_SAME_BUILD)
        rank.distance = abs(get_micro(&table->version) - get_micro(wanted->version));
    return rank;
}

static bool is_ordered(struct rank a, struct rank b)
{
    if (a.match != b.match)
        return a.match < b.match;
    if (a.other_size != b.other_size)
        return b.other_size;
    return a.distance <= b.distance;
}

/* Which match `table` is for what is wanted; -1: none. */
static int get_match(const struct layout_table *table, const struct layout_wanted *wanted)
{
    const struct python_version *version = wanted->version;

    if (wanted->build_id && build_id_equal(wanted->build_id, &table->build_id))
        return BUNDLED_SAME_BUILD;
    if (!version || !version->major || version->minor != table->version.minor ||
        wanted->debug_build != table->debug_build)
        return -1;
    return strcmp(version->text, table->version.text) == 0 ? BUNDLED_SAME_VERSION
                                                           : BUNDLED_SAME_MINOR;
}

/* What is found is exactly what matches, each once, as the match that it is, in order. */
static void expect_choices(const struct layout_wanted *wanted)
{
    struct bundled_choice choices[MOST_BUNDLED];
    size_t count = layout_bundled_find(choices, wanted), matching = 0;

    for (size_t i = 0; i < bundled_layout_count; i++) {
        const struct layout_table *table = read_table(&bundled_layouts[i]);
        int match = get_match(table, wanted);
        size_t times = 0;

        for (size_t j = 0; j < count; j++)
            times += choices[j].layout == &bundled_layouts[i] && (int)choices[j].match == match;
        cr_expect_eq(times, match >= 0, "%s", bundled_layouts[i].name);
        matching += match >= 0;
    }
    cr_expect_eq(count, matching);
    for (size_t i = 1; i < count; i++)
        cr_expect(is_ordered(get_rank(&choices[i - 1], wanted), get_rank(&choices[i], wanted)),
                  "%s before %s", choices[i - 1].layout->name, choices[i].layout->name);
}

Test(layout_bundled, are_found_in_order)
{
    for (int minor = 5; minor <= 16; minor++) {
        for (int micro = 0; micro < 20; micro++) {
            struct python_version version = make_version(minor, micro);
            expect_choices(&(struct layout_wanted){.version = &version});
            expect_choices(&(struct layout_wanted){.version = &version, .debug_build = true});
            for (size_t i = 0; i < bundled_layout_count; i++) {
                const struct layout_table *table = read_table(&bundled_layouts[i]);
                expect_choices(&(struct layout_wanted){.version = &version,
                                                       .build_id = &table->build_id,
                                                       .debug_build = table->debug_build,
                                                       .runtime_size = get_runtime_size(table)});
                if (table->version.minor == minor)
                    expect_choices(
                        &(struct layout_wanted){.version = &version,
                                                .debug_build = table->debug_build,
                                                .runtime_size = get_runtime_size(table)});
            }
        }
    }
}

Test(layout_bundled, build_id_alone_is_enough)
{
    for (size_t i = 0; i < bundled_layout_count; i++) {
        const struct layout_table *table = read_table(&bundled_layouts[i]);
        struct python_version unknown = {0};
        struct bundled_choice choices[MOST_BUNDLED];
        const struct layout_wanted wanted = {.build_id = &table->build_id, .version = &unknown};

        cr_assert_eq(layout_bundled_find(choices, &wanted), 1, "%s", bundled_layouts[i].name);
        cr_expect_eq(choices[0].layout, &bundled_layouts[i]);
        cr_expect_eq(choices[0].match, BUNDLED_SAME_BUILD);
    }
}

Test(layout_bundled, nothing_known_finds_nothing)
{
    struct bundled_choice choices[MOST_BUNDLED];
    const struct build_id none = {0};

    cr_expect_eq(layout_bundled_find(choices, &(struct layout_wanted){0}), 0);
    cr_expect_eq(layout_bundled_find(choices, &(struct layout_wanted){.build_id = &none}), 0);
}

/* Of 3.11 there are 3.11.2 and 3.11.7. */
Test(layout_bundled, the_nearest_patch_is_first)
{
    static const struct {
        const char *version, *first, *second;
        enum bundled_match match;
    } rows[] = {
        {"3.11.0", "3.11.2", "3.11.7", BUNDLED_SAME_MINOR},
        {"3.11.2", "3.11.2", "3.11.7", BUNDLED_SAME_VERSION},
        {"3.11.2+", "3.11.2", "3.11.7", BUNDLED_SAME_MINOR},
        {"3.11.4", "3.11.2", "3.11.7", BUNDLED_SAME_MINOR},
        {"3.11.5", "3.11.7", "3.11.2", BUNDLED_SAME_MINOR},
        {"3.11.7", "3.11.7", "3.11.2", BUNDLED_SAME_VERSION},
        {"3.11.13", "3.11.7", "3.11.2", BUNDLED_SAME_MINOR},
        {"3.11", "3.11.2", "3.11.7", BUNDLED_SAME_MINOR},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bundled_choice choices[MOST_BUNDLED];
        struct python_version version;
        int micro;

        cr_assert(python_version_parse(&version, &micro, rows[i].version, strlen(rows[i].version)));
        cr_assert_geq(layout_bundled_find(choices, &(struct layout_wanted){.version = &version}),
                      2);
        cr_expect_str_eq(choices[0].layout->name, rows[i].first);
        cr_expect_str_eq(choices[1].layout->name, rows[i].second);
        cr_expect_eq(choices[0].match, rows[i].match, "%s", rows[i].version);
        cr_expect_eq(choices[1].match, BUNDLED_SAME_MINOR, "%s", rows[i].version);
    }
}

/* Of 3.13 there are 3.13.0 and 3.13.5, and their _PyRuntime differ in size. */
Test(layout_bundled, a_runtime_of_the_same_size_goes_before_a_nearer_patch)
{
    struct python_version near = make_version(13, 1), same = make_version(13, 0);
    struct bundled_choice choices[MOST_BUNDLED];
    struct layout_wanted wanted = {.version = &near};

    cr_assert_geq(layout_bundled_find(choices, &wanted), 2);
    cr_expect_str_eq(choices[0].layout->name, "3.13.0");
    const struct layout_table *far = read_table(choices[1].layout);
    wanted.runtime_size = get_runtime_size(far);
    cr_assert_geq(layout_bundled_find(choices, &wanted), 2);
    cr_expect_str_eq(choices[0].layout->name, "3.13.5");
    cr_expect_str_eq(choices[1].layout->name, "3.13.0");
    wanted.version = &same;
    cr_assert_geq(layout_bundled_find(choices, &wanted), 2);
    cr_expect_str_eq(choices[0].layout->name, "3.13.0");
    cr_expect_eq(choices[0].match, BUNDLED_SAME_VERSION);
}
