// SPDX-License-Identifier: MIT
#include "inspector/command/why_shortcuts.h"

#include "inspector/python/kind.h"
#include "inspector/python/thread.h"

#include <string.h>

static bool is_of(const struct reader *reader, const struct graph *graph, const struct chain *chain,
                  size_t number, const char *const *names)
{
    const struct type *type = reader_type_of(reader, graph_address(graph, chain->nodes[number]));

    for (; type && *names; names++) {
        if (strcmp(type->name, *names) == 0)
            return true;
    }
    return false;
}

static bool is_variable(const struct reader *reader, uint64_t address)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    return type && (strcmp(type->name, "ContextVar") == 0 ||
                    strcmp(type->name, "_contextvars.ContextVar") == 0);
}

size_t shortcut_of_context(const struct reader *reader, const struct graph *graph,
                           const struct chain *chain, size_t from, uint64_t *ret_variable)
{
    static const char *const contexts[] = {"Context", "_contextvars.Context", NULL};
    static const char *const inner[] = {"hamt", "hamt_bitmap_node", "hamt_array_node",
                                        "hamt_collision_node", NULL};
    static const char *const leaves[] = {"hamt_bitmap_node", "hamt_collision_node", NULL};
    size_t last = from + 1;

    if (!is_of(reader, graph, chain, from, contexts))
        return 0;
    while (last + 1 < chain->count && is_of(reader, graph, chain, last, inner))
        last++;
    if (last == from + 1 || !is_of(reader, graph, chain, last - 1, leaves))
        return 0;
    /* Keys and values take turns. */
    const struct link *link = &chain->links[last - 1];
    uint64_t leaf = graph_address(graph, chain->nodes[last - 1]);
    uint64_t items = field_address(reader, leaf,
                                   is_of(reader, graph, chain, last - 1, leaves + 1)
                                       ? PyHamtNode_Collision_c_array
                                       : PyHamtNode_Bitmap_b_array);
    if (!items || link->is_unnamed || link->reference.label != LABEL_INDEX ||
        link->reference.number % 2 == 0)
        return 0;
    uint64_t variable = read_word(reader, items + (link->reference.number - 1) * 8);
    if (!is_variable(reader, variable))
        return 0;
    *ret_variable = variable;
    return last - from;
}

/* The object that a thread's dict has for this namespace: the key, or what a weak reference that is
 * the key refers to. */
static uint64_t dummy_of(const struct reader *reader, uint64_t key)
{
    uint64_t object = key ? read_pointer(reader, key, PyWeakReference_wr_object) : 0;
    const struct type *type = key ? reader_type_of(reader, key) : NULL;

    return type && strcmp(type->name, "_thread._localdummy") == 0 ? key : object;
}

size_t shortcut_of_local(const struct reader *reader, const struct graph *graph,
                         const struct chain *chain, size_t from, uint64_t *ret_thread)
{
    static const char *const dicts[] = {"dict", NULL};
    const struct link *links = &chain->links[from];
    const struct type *type = reader_type_of(reader, graph_address(graph, chain->nodes[from]));

    if (!type || !type->kind || strcmp(type->kind->type, "_thread._local") != 0 ||
        from + 3 >= chain->count || links[0].is_unnamed ||
        links[0].reference.label != LABEL_FIELD ||
        (strcmp(links[0].reference.name, "dummies") != 0 &&
         strcmp(links[0].reference.name, "localdicts") != 0) ||
        !is_of(reader, graph, chain, from + 1, dicts) ||
        !is_of(reader, graph, chain, from + 2, dicts) || links[1].is_unnamed ||
        links[1].reference.label != LABEL_VALUE || links[2].is_unnamed ||
        links[2].reference.label != LABEL_VALUE)
        return 0;
    *ret_thread = thread_of_local(reader, dummy_of(reader, links[1].reference.key));
    return 2;
}
