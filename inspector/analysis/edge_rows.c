// SPDX-License-Identifier: MIT
#include "inspector/analysis/edge_rows.h"

#include "symbols/base/vector.h"

#include <stdlib.h>

void edge_rows_free(struct edge_rows *rows)
{
    free(rows->edges);
    free(rows->starts);
    free(rows->groups);
    *rows = (struct edge_rows){0};
}

static size_t groups_of(size_t rows)
{
    return rows / EDGE_ROWS_GROUP + 1;
}

bool edge_rows_expect(struct edge_rows *rows, size_t count, struct error *err)
{
    uint32_t *starts = vector_grow(rows->starts, &rows->start_capacity, count + 1, sizeof(*starts));

    if (!starts)
        return error_memory(err);
    rows->starts = starts;
    uint64_t *groups =
        vector_grow(rows->groups, &rows->group_capacity, groups_of(count), sizeof(*groups));
    if (!groups)
        return error_memory(err);
    rows->groups = groups;
    return true;
}

static bool too_many(struct error *err)
{
    return error_set(err, ERROR_LIMIT, "there are more references than can be kept");
}

static bool mark_start(struct edge_rows *rows, struct error *err)
{
    size_t row = rows->count;

    if (!edge_rows_expect(rows, row, err))
        return false;
    if (row % EDGE_ROWS_GROUP == 0)
        rows->groups[row / EDGE_ROWS_GROUP] = rows->edge_count;
    uint64_t start = rows->edge_count - rows->groups[row / EDGE_ROWS_GROUP];
    if (start > UINT32_MAX)
        return too_many(err);
    rows->starts[row] = (uint32_t)start;
    return true;
}

bool edge_rows_begin(struct edge_rows *rows, struct error *err)
{
    if (!mark_start(rows, err))
        return false;
    rows->count++;
    return true;
}

bool edge_rows_add(struct edge_rows *rows, uint32_t edge, struct error *err)
{
    if (rows->edge_count == rows->edge_capacity) {
        uint32_t *grown =
            vector_grow(rows->edges, &rows->edge_capacity, rows->edge_count + 1, sizeof(*grown));
        if (!grown)
            return error_memory(err);
        rows->edges = grown;
    }
    rows->edges[rows->edge_count++] = edge;
    return true;
}

bool edge_rows_end(struct edge_rows *rows, struct error *err)
{
    if (!mark_start(rows, err))
        return false;
    uint32_t *edges = reallocarray(rows->edges, rows->edge_count + 1, sizeof(*edges));
    if (edges) {
        rows->edges = edges;
        rows->edge_capacity = rows->edge_count + 1;
    }
    return true;
}

static size_t end_of(uint32_t edge)
{
    return edge & ~EDGE_OWNED;
}

/* From counts, the i-th of which is that of row i, to where rows end. */
static bool add_up(struct edge_rows *rows, struct error *err)
{
    uint64_t sum = 0;

    for (size_t row = 0; row <= rows->count; row++) {
        if (row % EDGE_ROWS_GROUP == 0)
            rows->groups[row / EDGE_ROWS_GROUP] = sum;
        if (row < rows->count)
            sum += rows->starts[row];
        uint64_t end = sum - rows->groups[row / EDGE_ROWS_GROUP];
        if (end > UINT32_MAX)
            return too_many(err);
        rows->starts[row] = (uint32_t)end;
    }
    return true;
}

/* Fills the rows from their ends, so that where they end becomes where they begin. */
static void fill(struct edge_rows *ret, const struct edge_rows *rows, uint32_t sort)
{
    uint64_t at = rows->edge_count;

    for (size_t row = rows->count; row-- > 0;) {
        for (uint64_t start = edge_rows_start(rows, row); at > start;) {
            uint32_t edge = rows->edges[--at];
            if ((edge & EDGE_OWNED) != sort)
                continue;
            size_t to = end_of(edge);
            uint64_t group = ret->groups[to / EDGE_ROWS_GROUP];
            ret->edges[group + --ret->starts[to]] = (uint32_t)row | sort;
        }
    }
}

bool edge_rows_invert(struct edge_rows *ret, const struct edge_rows *rows, struct error *err)
{
    *ret = (struct edge_rows){.count = rows->count,
                              .edge_count = rows->edge_count,
                              .edge_capacity = rows->edge_count + 1,
                              .start_capacity = rows->count + 1,
                              .group_capacity = groups_of(rows->count)};
    ret->edges = reallocarray(NULL, ret->edge_capacity, sizeof(*ret->edges));
    ret->starts = calloc(ret->start_capacity, sizeof(*ret->starts));
    ret->groups = calloc(ret->group_capacity, sizeof(*ret->groups));
    if (!ret->edges || !ret->starts || !ret->groups)
        return error_memory(err);
    for (uint64_t i = 0; i < rows->edge_count; i++) {
        if (++ret->starts[end_of(rows->edges[i])] == 0)
            return too_many(err);
    }
    if (!add_up(ret, err))
        return false;
    fill(ret, rows, EDGE_OWNED);
    fill(ret, rows, 0);
    return true;
}
