// SPDX-License-Identifier: MIT
#include "inspector/analysis/holders.h"

#include "inspector/analysis/static_words.h"
#include "inspector/python/kind.h"
#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

struct collecting {
    struct holders *holders;
    const struct graph *graph;
};

void holders_free(struct holders *holders)
{
    free(holders->items);
    free(holders->interned);
    free(holders->dicts);
    *holders = (struct holders){0};
}

static uint32_t cost_of(const struct root *root)
{
    static const uint32_t costs[] = {
        [ROOT_NONE] = 7,   [ROOT_MODULE] = 0,      [ROOT_LOCAL] = 1, [ROOT_FRAME] = 3,
        [ROOT_THREAD] = 2, [ROOT_INTERPRETER] = 4, [ROOT_TYPE] = 5,  [ROOT_STATIC] = 6,
    };

    return root->reference.is_guess ? 6 : costs[root->kind];
}

static bool add_node(uint32_t **nodes, size_t *count, size_t *capacity, uint32_t node)
{
    uint32_t *grown = vector_grow(*nodes, capacity, *count + 1, sizeof(*grown));

    if (!grown)
        return false;
    *nodes = grown;
    grown[(*count)++] = node;
    return true;
}

static bool is_interned(const struct root *root)
{
    const struct reference *reference = &root->reference;

    return root->kind == ROOT_INTERPRETER && reference->label == LABEL_FIELD &&
           strcmp(reference->name, "interned") == 0;
}

static bool add(void *context, const struct root *root)
{
    struct collecting *collecting = context;
    struct holders *holders = collecting->holders;
    uint32_t node = graph_find(collecting->graph, root->reference.to);

    if (node == GRAPH_NONE)
        return true;
    struct holder *grown =
        vector_grow(holders->items, &holders->capacity, holders->count + 1, sizeof(*grown));
    if (grown) {
        holders->items = grown;
        grown[holders->count++] =
            (struct holder){.node = node, .cost = cost_of(root), .root = *root};
    }
    holders->failed |=
        !grown || (is_interned(root) && !add_node(&holders->interned, &holders->interned_count,
                                                  &holders->interned_capacity, node));
    return !holders->failed;
}

static int compare(const void *left, const void *right)
{
    const struct holder *a = left, *b = right;

    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    if (a->root.depth != b->root.depth)
        return a->root.depth < b->root.depth ? -1 : 1;
    return 0;
}

static size_t first_of(const struct holders *holders, uint32_t node)
{
    return order_first(holders->items, holders->count, sizeof(*holders->items), node);
}

const struct holder *holders_of(const struct holders *holders, uint32_t node, size_t *ret_count)
{
    size_t first = first_of(holders, node), end = first;

    while (end < holders->count && holders->items[end].node == node)
        end++;
    *ret_count = end - first;
    return holders->items + first;
}

/* The dictionaries of modules are a step behind these. Adding a step keeps the order. */
static void put_behind_modules(struct holders *holders, const struct graph *graph,
                               const struct reader *reader)
{
    for (size_t i = 0; i < holders->count; i++) {
        const struct root *root = &holders->items[i].root;
        const struct type *type =
            root->kind == ROOT_MODULE ? reader_type_of(reader, root->reference.to) : NULL;
        if (!type || !type->kind || strcmp(type->kind->type, "module") != 0)
            continue;
        uint32_t dict =
            graph_find(graph, read_pointer(reader, root->reference.to, PyModuleObject_md_dict));
        if (dict == GRAPH_NONE)
            continue;
        if (!add_node(&holders->dicts, &holders->dict_count, &holders->dict_capacity, dict))
            holders->failed = true;
        for (size_t at = first_of(holders, dict);
             at < holders->count && holders->items[at].node == dict; at++) {
            if (holders->items[at].cost < HOLDERS_STEP)
                holders->items[at].cost += HOLDERS_STEP;
        }
    }
}

/* The module whose definition is in the same file as the variable; the first that was found, where
 * a file has several. */
static uint64_t module_of(const struct holders *holders, const struct reader *reader,
                          const struct root *root)
{
    for (size_t i = 0; i < holders->count; i++) {
        const struct root *module = &holders->items[i].root;
        if (module->kind != ROOT_MODULE)
            continue;
        uint64_t definition = read_pointer(reader, module->reference.to, PyModuleObject_md_def);
        if (definition >= root->file && definition < root->file_end)
            return module->name;
    }
    return 0;
}

static void name_variables(struct holders *holders, const struct reader *reader)
{
    uint64_t file = 0, name = 0;

    for (size_t i = 0; i < holders->count; i++) {
        struct root *root = &holders->items[i].root;
        if (root->kind != ROOT_STATIC)
            continue;
        if (root->file != file)
            name = module_of(holders, reader, root);
        file = root->file;
        root->name = name;
    }
}

bool holders_collect(struct holders *holders, const struct graph *graph,
                     const struct reader *reader, struct error *err)
{
    struct collecting collecting = {holders, graph};

    *holders = (struct holders){0};
    roots_each(reader, add, &collecting);
    static_words_each(graph, reader, add, &collecting);
    if (holders->failed)
        return error_memory(err);
    name_variables(holders, reader);
    if (holders->count)
        qsort(holders->items, holders->count, sizeof(*holders->items), compare);
    put_behind_modules(holders, graph, reader);
    return !holders->failed || error_memory(err);
}

bool holder_ends_chains(const struct holder *holder)
{
    const struct root *root = &holder->root;

    return root->kind == ROOT_MODULE ||
           (root->kind == ROOT_FRAME && strcmp(root->reference.name, "frame") == 0);
}
