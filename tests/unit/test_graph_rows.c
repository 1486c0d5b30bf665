// SPDX-License-Identifier: MIT
#include "inspector/analysis/agreement.h"
#include "inspector/analysis/edge_rows.h"
#include "inspector/analysis/nodes.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { ROWS = 1000, MOST_IN_ROW = 40 };

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void fill(struct edge_rows *rows, uint32_t seed)
{
    struct error err;

    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t count = draw(&seed) % 4 ? draw(&seed) % 4 : draw(&seed) % MOST_IN_ROW;
        cr_assert(edge_rows_begin(rows, &err));
        for (uint32_t i = 0; i < count; i++) {
            uint32_t to = draw(&seed) % 3 ? draw(&seed) % ROWS : 7; /* that all like to refer to */
            uint32_t owned = draw(&seed) % 2 ? EDGE_OWNED : 0;
            cr_assert(edge_rows_add(rows, to | owned, &err));
        }
    }
    cr_assert(edge_rows_end(rows, &err));
}

/* The row of `to` as it has to be, one edge after the other, of one sort. */
static uint64_t expect_sort(const struct edge_rows *back, const struct edge_rows *rows, uint32_t to,
                            uint32_t sort, uint64_t at)
{
    for (uint32_t from = 0; from < ROWS; from++) {
        for (uint64_t i = edge_rows_start(rows, from); i < edge_rows_start(rows, from + 1); i++) {
            if (rows->edges[i] != (to | sort))
                continue;
            cr_assert_lt(at, back->edge_count);
            cr_expect_eq(back->edges[at], from | sort);
            at++;
        }
    }
    return at;
}

Test(edge_rows, are_inverted, .timeout = 60)
{
    struct edge_rows rows = {0}, back = {0};
    struct error err;

    fill(&rows, 1);
    cr_assert_eq(rows.count, ROWS);
    cr_assert(edge_rows_invert(&back, &rows, &err));
    cr_expect_eq(back.count, ROWS);
    cr_expect_eq(back.edge_count, rows.edge_count);
    uint64_t at = 0;
    for (uint32_t to = 0; to < ROWS; to++) {
        cr_assert_eq(edge_rows_start(&back, to), at);
        at = expect_sort(&back, &rows, to, 0, at);
        at = expect_sort(&back, &rows, to, EDGE_OWNED, at);
    }
    cr_expect_eq(at, rows.edge_count);
    cr_expect_eq(edge_rows_start(&back, ROWS), at);
    edge_rows_free(&rows);
    edge_rows_free(&back);
}

Test(edge_rows, of_nothing_are_empty, .timeout = 60)
{
    struct edge_rows rows = {0}, back = {0};
    struct error err;

    cr_assert(edge_rows_end(&rows, &err));
    cr_assert(edge_rows_invert(&back, &rows, &err));
    cr_expect_eq(back.count, 0);
    cr_expect_eq(edge_rows_start(&back, 0), 0);
    edge_rows_free(&rows);
    edge_rows_free(&back);
}

enum { BASE = 0x10000, FAR = 0x7f0000000000 / 4096 };

/* An image with two ranges of which nothing is there: places are enough. */
static void make_image(struct image *image)
{
    struct error err;

    image_init(image);
    cr_assert(image_add(image, &(struct image_range){.start = BASE, .size = 1 << 20}, &err));
    cr_assert(image_add(
        image, &(struct image_range){.start = FAR * UINT64_C(4096), .size = 3 << 18}, &err));
}

static void mark(struct marks *marks, uint64_t address)
{
    cr_assert_neq(marks_add(marks, address), MARKS_NO_MEMORY);
}

static void mark_many(struct reach_found *found, const struct image *image)
{
    uint32_t seed = 5;
    struct error err;

    *found = (struct reach_found){.certain.count = 0};
    cr_assert(marks_init(&found->certain, image, &err));
    cr_assert(marks_init(&found->guessed, image, &err));
    cr_assert(marks_init(&found->tracked, image, &err));
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t start = draw(&seed) % 2 ? BASE : FAR * UINT64_C(4096);
        uint64_t address = start + draw(&seed) % (3 << 18) / 8 * 8;
        if (draw(&seed) % 4 == 0)
            address = start + i % 512 * 8; /* lines that are full */
        if (i < 18000)
            mark(&found->certain, address);
        else if (!marks_has(&found->certain, address))
            mark(&found->guessed, address);
        if (i % 3 == 0 && marks_has(&found->certain, address))
            mark(&found->tracked, address);
    }
    mark(&found->certain, BASE + (1 << 20) - 8);
}

Test(nodes, are_numbered_by_address, .timeout = 60)
{
    struct reach_found found, again;
    struct image image;
    struct nodes nodes;
    struct error err;

    make_image(&image);
    mark_many(&found, &image);
    mark_many(&again, &image);
    cr_assert(nodes_make(&nodes, &found, 4, &err), "%s", err.text);
    cr_expect_gt(nodes.certain, 10000);
    cr_expect_gt(nodes.count, nodes.certain + 500);
    cr_expect_eq(nodes.found, nodes.count);
    for (uint32_t i = 0; i < nodes.count; i++) {
        uint64_t address = nodes.addresses[i];
        cr_assert_eq(nodes_find(&nodes, address), i);
        cr_assert(i == 0 || i == nodes.certain || nodes.addresses[i - 1] < address);
        cr_assert_eq(marks_has(&again.certain, address), i < nodes.certain);
        cr_assert_eq(nodes.flags[i], marks_has(&again.tracked, address) ? 4 : 0);
        if (!marks_has(&again.certain, address + 8) && !marks_has(&again.guessed, address + 8))
            cr_assert_eq(nodes_find(&nodes, address + 8), NODES_NONE);
    }
    cr_expect_eq(nodes_find(&nodes, 8), NODES_NONE);
    cr_expect_eq(nodes_find(&nodes, 0), NODES_NONE);
    cr_expect_eq(nodes_find(&nodes, nodes.addresses[5] + 1), NODES_NONE);
    nodes_free(&nodes);
    reach_found_free(&again);
    image_free(&image);
}

Test(nodes, can_be_added, .timeout = 60)
{
    struct reach_found found = {.certain.count = 0};
    struct image image;
    struct nodes nodes;
    struct error err;
    uint32_t node;

    make_image(&image);
    mark_many(&found, &image);
    cr_assert(nodes_make(&nodes, &found, 1, &err));
    uint32_t count = nodes.count;
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert(nodes_add(&nodes, UINT64_C(0x5000000) + i * 16, &node, &err));
        cr_assert_eq(node, count + i);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        cr_expect_eq(nodes_find(&nodes, UINT64_C(0x5000000) + i * 16), count + i);
        cr_expect_eq(nodes.flags[count + i], 0);
    }
    cr_expect_eq(nodes.found, count);
    nodes_free(&nodes);
    image_free(&image);
}

static enum agreed compare(const uint64_t *known, size_t known_count, const uint64_t *told,
                           size_t told_count, const uint64_t *surplus, size_t expected)
{
    uint64_t a[8], b[8];
    size_t count;

    memcpy(a, known, known_count * sizeof(*a));
    memcpy(b, told, told_count * sizeof(*b));
    enum agreed agreed = agreement_of(a, known_count, b, told_count, &count);
    cr_expect_eq(count, expected);
    for (size_t i = 0; i < count && i < expected; i++)
        cr_expect_eq(b[i], surplus[i]);
    return agreed;
}

#define LIST(...) (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8

Test(agreement, is_of_multisets, .timeout = 60)
{
    const uint64_t none[] = {0};

    cr_expect_eq(compare(none, 0, none, 0, none, 0), AGREED_SAME);
    cr_expect_eq(compare(LIST(8, 16, 8), LIST(8, 16, 8), none, 0), AGREED_SAME);
    cr_expect_eq(compare(LIST(8, 16, 8), LIST(8, 8, 16), none, 0), AGREED_REORDERED);
    cr_expect_eq(compare(LIST(8, 16), LIST(16, 8, 8), LIST(8)), AGREED_NOT);
    cr_expect_eq(compare(LIST(8, 16, 8), LIST(16, 8), none, 0), AGREED_NOT);
    cr_expect_eq(compare(LIST(24, 8), LIST(40, 8, 32), LIST(32, 40)), AGREED_NOT);
    cr_expect_eq(compare(none, 0, LIST(16, 8), LIST(8, 16)), AGREED_NOT);
    cr_expect_eq(compare(LIST(16), none, 0, none, 0), AGREED_NOT);
}

Test(agreement, names_the_types_that_differ, .timeout = 60)
{
    struct agreement agreement = {0};
    struct type types[AGREEMENT_TYPES + 1] = {{0}};

    agreement_add(&agreement, &types[0], 8, AGREED_SAME);
    agreement_add(&agreement, &types[0], 16, AGREED_REORDERED);
    agreement_add(&agreement, &types[0], 24, AGREED_UNKNOWN);
    cr_expect_eq(agreement.compared, 2);
    cr_expect_eq(agreement.same, 2);
    cr_expect_eq(agreement.reordered, 1);
    cr_expect_eq(agreement.unknown, 1);
    cr_expect_eq(agreement.example, 0);
    cr_expect_null(agreement.differing[0].type);
    for (unsigned i = 0; i < 2 * (AGREEMENT_TYPES + 1); i++)
        agreement_add(&agreement, &types[i / 2], 32 + i, AGREED_NOT);
    cr_expect_eq(agreement.compared - agreement.same, 2 * (AGREEMENT_TYPES + 1));
    cr_expect_eq(agreement.example, 32);
    for (unsigned i = 0; i < AGREEMENT_TYPES; i++) {
        cr_expect_eq(agreement.differing[i].type, &types[i]);
        cr_expect_eq(agreement.differing[i].objects, 2);
    }
}
