// SPDX-License-Identifier: MIT
#include "inspector/analysis/chains.h"

#include "inspector/analysis/chain_unheld.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

/* A search that is going on. */
struct finding_chains {
    struct chains *chains;
    const struct graph *graph;
    const struct reader *reader;
    const struct holders *holders;
    const struct chains_options *options;
    uint32_t target;
    struct chain_search *search;
    enum chain_edges edges;
    bool failed;
};

void chains_free(struct chains *chains)
{
    free(chains->items);
    arena_free(&chains->arena);
    *chains = (struct chains){0};
}

static struct chain *add_chain(struct finding_chains *finding, size_t count)
{
    struct chains *chains = finding->chains;
    struct chain *grown =
        vector_grow(chains->items, &chains->capacity, chains->count + 1, sizeof(*grown));

    if (!grown)
        return NULL;
    chains->items = grown;
    struct chain chain = {.nodes = arena_alloc(&chains->arena, count * sizeof(*chain.nodes)),
                          .links = arena_alloc(&chains->arena, count * sizeof(*chain.links)),
                          .count = count};
    if (!chain.nodes || !chain.links)
        return NULL;
    grown[chains->count] = chain;
    return &grown[chains->count++];
}

/* Was it told by a traversal? Then it is no guess, whatever the kind says. */
static bool is_visited(const struct graph *graph, uint32_t from, uint32_t to)
{
    struct graph_row row = graph_referents(graph, from);

    if (graph_flags(graph, from) & (GRAPH_BY_KIND | GRAPH_FLAGGED))
        return false;
    for (size_t i = 0; i < row.count; i++) {
        if (graph_end(row.edges[i]) == to && !graph_is_owned(row.edges[i]))
            return true;
    }
    return false;
}

static struct link link_of(const struct finding_chains *finding, uint32_t from, uint32_t to)
{
    uint64_t address = graph_address(finding->graph, to);
    struct link link;

    if (!link_between(finding->reader, graph_address(finding->graph, from), address, &link) ||
        (link.reference.is_guess && is_visited(finding->graph, from, to)))
        link = (struct link){.reference.to = address, .is_unnamed = true};
    return link;
}

/* `nodes` come from the target, and are kept from the other end. */
static struct chain *keep(struct finding_chains *finding, const uint32_t *nodes, size_t count)
{
    struct chain *chain = add_chain(finding, count);

    if (!chain) {
        finding->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        chain->nodes[i] = nodes[count - 1 - i];
    for (size_t i = 0; i + 1 < count; i++)
        chain->links[i] = link_of(finding, chain->nodes[i], chain->nodes[i + 1]);
    return chain;
}

/* What sys.modules calls the module that this node is. */
static struct root module_root(const struct finding_chains *finding, uint32_t node)
{
    uint64_t address = graph_address(finding->graph, node);
    size_t count;
    const struct holder *holder = holders_of(finding->holders, node, &count);

    for (size_t i = 0; i < count; i++) {
        if (holder[i].root.kind == ROOT_MODULE && holder[i].root.reference.to == address)
            return holder[i].root;
    }
    return (struct root){.kind = ROOT_NONE};
}

static bool keep_path(void *context, const uint32_t *nodes, size_t count, size_t source)
{
    struct finding_chains *finding = context;
    struct chain *chain = keep(finding, nodes, count);

    if (!chain)
        return false;
    finding->chains->edges = finding->edges;
    chain->start = finding->options->to ? CHAIN_FROM_OBJECT : CHAIN_FROM_ROOT;
    if (finding->options->to)
        chain->root = module_root(finding, chain->nodes[0]);
    else
        chain->root = finding->holders->items[finding->search->sources[source].number].root;
    return finding->chains->count < finding->options->most;
}

/* A word on a stack or in static memory may be stale: it counts for nothing where every reference
 * was found. */
static bool is_idle(const struct finding_chains *finding, const struct holder *holder)
{
    struct balance balance;

    if (!holder->root.reference.is_guess)
        return false;
    balance_of(&balance, finding->graph, finding->reader, finding->holders, holder->node);
    return !balance.is_immortal && balance_uncertain(&balance) <= 0;
}

static int compare_sources(const void *left, const void *right)
{
    const struct chain_source *a = left, *b = right;

    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool use_holders(struct finding_chains *finding, struct error *err)
{
    const struct holders *holders = finding->holders;
    struct chain_source *sources =
        calloc(holders->count + holders->dict_count + 1, sizeof(*sources));
    size_t count = 0;

    if (!sources)
        return error_memory(err);
    for (size_t i = 0; i < holders->count; i++) {
        const struct holder *holder = &holders->items[i];
        bool is_guess = holder->root.reference.is_guess;
        if (is_idle(finding, holder))
            continue;
        sources[count++] = (struct chain_source){.node = holder->node,
                                                 .cost = holder->cost,
                                                 .number = i,
                                                 .use = is_guess ? CHAIN_GUESSES : CHAIN_VISITED,
                                                 .is_end = holder_ends_chains(holder)};
    }
    for (size_t i = 0; i < holders->dict_count; i++)
        sources[count++] = (struct chain_source){.node = holders->dicts[i], .is_gate = true};
    if (count)
        qsort(sources, count, sizeof(*sources), compare_sources);
    finding->search->sources = sources;
    finding->search->source_count = count;
    return true;
}

/* Objects for which the predicate holds, the nearest to the target. */
struct asking {
    struct finding_chains *finding;
    size_t capacity;
    unsigned depth; /* at which there were enough */
};

static bool ask(void *context, uint32_t node, unsigned depth)
{
    struct asking *asking = context;
    struct finding_chains *finding = asking->finding;
    struct chain_search *search = finding->search;
    uint64_t address = graph_address(finding->graph, node);
    struct predicate_subject subject = {.address = address,
                                        .type = reader_type_of(finding->reader, address),
                                        .is_tracked =
                                            graph_flags(finding->graph, node) & GRAPH_TRACKED,
                                        .generation = -1,
                                        .depth = depth};

    if (search->source_count >= finding->options->most && depth > asking->depth)
        return false;
    asking->depth = depth;
    if (node == finding->target || !subject.type ||
        !predicate_holds(finding->options->to, finding->reader, &subject))
        return true;
    struct chain_source *grown =
        vector_grow(search->sources, &asking->capacity, search->source_count + 1, sizeof(*grown));
    finding->failed |= !grown;
    if (!grown)
        return false;
    search->sources = grown;
    grown[search->source_count++] = (struct chain_source){.node = node, .is_end = true};
    return true;
}

static bool use_asked(struct finding_chains *finding, struct error *err)
{
    struct asking asking = {.finding = finding};
    struct chain_search *search = finding->search;

    if (!unheld_each(finding->graph, finding->target, search->ignored, search->ignored_count, ask,
                     &asking, err))
        return false;
    if (search->source_count)
        qsort(search->sources, search->source_count, sizeof(*search->sources), compare_sources);
    return !finding->failed || error_memory(err);
}

static bool use_ignored(struct finding_chains *finding, struct error *err)
{
    const struct chains_options *options = finding->options;
    uint32_t *nodes = calloc(options->ignored_count + 1, sizeof(*nodes));
    size_t count = 0;

    if (!nodes)
        return error_memory(err);
    for (size_t i = 0; i < options->ignored_count; i++) {
        nodes[count] = graph_find(finding->graph, options->ignored[i]);
        count += nodes[count] != GRAPH_NONE;
    }
    finding->search->ignored = nodes;
    finding->search->ignored_count = count;
    return true;
}

static bool search_all(struct finding_chains *finding, struct error *err)
{
    static const enum chain_edges sorts[] = {CHAIN_VISITED, CHAIN_OWNED, CHAIN_GUESSES};
    struct chains *chains = finding->chains;

    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        finding->edges = sorts[i];
        if (chains->count >= finding->options->most ||
            (chains->count && finding->edges == CHAIN_GUESSES))
            break;
        if (!chain_search_run(finding->search, finding->target, finding->edges, keep_path, finding,
                              err))
            return false;
        if (finding->failed)
            return error_memory(err);
        chains->were_cut |= finding->search->was_cut;
    }
    return true;
}

/* Who holds it, if no root does. */
static bool explain(struct finding_chains *finding, struct error *err)
{
    struct unheld unheld = {0};
    bool done = unheld_find(&unheld, finding->graph, finding->reader, finding->holders,
                            finding->target, err);

    if (done && unheld.count) {
        struct chain *chain = keep(finding, unheld.nodes, unheld.count);
        done = chain || error_memory(err);
        if (chain) {
            finding->chains->edges = CHAIN_OWNED;
            chain->start = unheld.is_cycle ? CHAIN_FROM_CYCLE : CHAIN_FROM_OUTSIDE;
            chain->surplus = unheld.surplus;
            chain->cycle = unheld.count - 1 - unheld.cycle;
        }
        if (chain && unheld.is_cycle)
            chain->back = link_of(finding, chain->nodes[chain->cycle], chain->nodes[0]);
    }
    unheld_free(&unheld);
    return done;
}

/* What does not depend on the target is done once. */
static bool prepare(struct finding_chains *finding, struct error *err)
{
    struct chain_search *search = finding->search;

    if (finding->options->to)
        chain_search_forget(search);
    if (search->sources)
        return true;
    search->graph = finding->graph;
    search->most_steps = finding->options->max_length;
    return (search->ignored || use_ignored(finding, err)) &&
           (finding->options->to ? use_asked(finding, err) : use_holders(finding, err));
}

bool chains_find(struct chains *chains, const struct graph *graph, const struct reader *reader,
                 const struct holders *holders, uint32_t target,
                 const struct chains_options *options, struct chain_search *search,
                 struct error *err)
{
    struct finding_chains finding = {.chains = chains,
                                     .graph = graph,
                                     .reader = reader,
                                     .holders = holders,
                                     .options = options,
                                     .target = target,
                                     .search = search};

    *chains = (struct chains){0};
    balance_of(&chains->balance, graph, reader, holders, target);
    bool is_free = !options->to && !options->ignored_count && !options->max_length;
    return prepare(&finding, err) && search_all(&finding, err) &&
           (chains->count || !is_free || explain(&finding, err));
}
