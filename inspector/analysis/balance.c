// SPDX-License-Identifier: MIT
#include "inspector/analysis/balance.h"

/* Up to 3.11 nothing is immortal, but what is in static memory has a count that nobody gets down:
 * 999999999 in 3.11. */
static const uint64_t static_count = 999999999 / 2;

static bool is_interned_table(const struct holders *holders, uint32_t node)
{
    for (size_t i = 0; i < holders->interned_count; i++) {
        if (holders->interned[i] == node)
            return true;
    }
    return false;
}

/* As graph.h has it: guesses are among the owned edges, and among the others where no traversal
 * was run. */
static bool is_guess(const struct graph *graph, uint32_t edge)
{
    unsigned flags = graph_flags(graph, graph_end(edge));

    return flags & GRAPH_APPROXIMATE && (graph_is_owned(edge) || flags & GRAPH_BY_KIND);
}

/* The table of keys of a split dict is its class's, which owns the keys; else (it has another one
 * by now) all such dicts own them together. */
static bool shares_keys(const struct reader *reader, uint64_t referrer)
{
    const struct type *type = reader_type_of(reader, referrer);

    return type && type->flags & TPFLAGS_DICT_SUBCLASS &&
           read_pointer(reader, referrer, PyDictObject_ma_values);
}

static bool is_class(const struct reader *reader, uint64_t referrer)
{
    const struct type *type = reader_type_of(reader, referrer);

    return type && type->flags & TPFLAGS_TYPE_SUBCLASS;
}

void balance_of(struct balance *ret, const struct graph *graph, const struct reader *reader,
                const struct holders *holders, uint32_t node)
{
    struct graph_row row = graph_referrers(graph, node);
    struct balance balance = {0};
    bool is_shared = false, has_class = false;
    size_t count;

    balance.is_immortal = !read_refcount(reader, graph_address(graph, node), &balance.refcount) ||
                          refcount_is_immortal(reader->python, balance.refcount) ||
                          balance.refcount > static_count;
    for (size_t i = 0; i < row.count; i++) {
        if (is_interned_table(holders, graph_end(row.edges[i])))
            continue;
        uint64_t referrer = graph_address(graph, graph_end(row.edges[i]));
        if (is_guess(graph, row.edges[i])) {
            balance.guesses++;
        } else if (!graph_is_owned(row.edges[i])) {
            balance.visited++;
        } else if (shares_keys(reader, referrer)) {
            is_shared = true;
        } else {
            balance.owned++;
            has_class = has_class || is_class(reader, referrer);
        }
    }
    balance.owned += is_shared && !has_class;
    const struct holder *holder = holders_of(holders, node, &count);
    for (size_t i = 0; i < count; i++) {
        if (holder[i].root.kind == ROOT_STATIC)
            balance.statics++;
        else if (holder[i].root.reference.is_guess)
            balance.guesses++;
        else if (!holder[i].root.is_borrowed)
            balance.roots++;
    }
    *ret = balance;
}
