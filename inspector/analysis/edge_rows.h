// SPDX-License-Identifier: MIT
/*
 * edge_rows - rows of edges, one for each node from 0 on, one behind the other without a gap: four
 * bytes an edge, and a little more than four a node.
 *
 * An edge is the number of the node at its other end, with a bit for whether it is owned (graph.h).
 */
#ifndef PYINSPECT_EDGE_ROWS_H
#define PYINSPECT_EDGE_ROWS_H

#include "symbols/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* An edge in a row: the number of the node at its other end, and whether it is owned. */
#define EDGE_OWNED (UINT32_C(1) << 31)

/* A row begins where its group of so many rows does, and so much behind. */
enum { EDGE_ROWS_GROUP = 64 };

/* Zero-initialised is empty and ready. */
struct edge_rows {
    uint32_t *edges;
    size_t edge_count, edge_capacity;
    uint32_t *starts; /* one more than there are rows, when those are complete */
    size_t count, start_capacity;
    uint64_t *groups;
    size_t group_capacity;
};

void edge_rows_free(struct edge_rows *rows);

/* Room for so many rows, to save growing. */
MUST_CHECK bool edge_rows_expect(struct edge_rows *rows, size_t count, struct error *err);

/* Begins the next row; edge_rows_add adds to it. ERROR_LIMIT beyond 2^32 edges in a group. */
MUST_CHECK bool edge_rows_begin(struct edge_rows *rows, struct error *err);
MUST_CHECK bool edge_rows_add(struct edge_rows *rows, uint32_t edge, struct error *err);
/* After the last row. Room that was not needed is given back. */
MUST_CHECK bool edge_rows_end(struct edge_rows *rows, struct error *err);

/* The same edges from their other ends; `rows` has ended, and each edge leads to one of its rows.
 * In a row those that are not owned come first, each sort by number. */
MUST_CHECK bool edge_rows_invert(struct edge_rows *ret, const struct edge_rows *rows,
                                 struct error *err);

/* Where a row begins among the edges. That of `count` is the end of all. */
static inline uint64_t edge_rows_start(const struct edge_rows *rows, size_t row)
{
    return rows->groups[row / EDGE_ROWS_GROUP] + rows->starts[row];
}

#endif
