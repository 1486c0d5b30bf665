// SPDX-License-Identifier: MIT
#include "inspector/analysis/drawing.h"

#include "inspector/analysis/drawing_bundle.h"
#include "inspector/analysis/drawing_places.h"
#include "inspector/analysis/drawing_text.h"
#include "inspector/analysis/nature.h"
#include "inspector/python/object.h"
#include "inspector/python/printer.h"
#include "symbols/base/address_map.h"
#include "symbols/base/vector.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEY = 40, MOST_EXTRA = 80 };

/* A reference from, or to, the object that is followed. */
struct neighbour {
    uint64_t address;
    uint32_t node; /* of the graph */
    uint32_t position;
    int generation;
    bool is_owned;
};

struct maker {
    struct drawing *drawing;
    const struct graph *graph;
    const struct reader *reader;
    const struct drawing_options *options;
    struct address_map numbers;   /* of the drawn nodes */
    struct places places;         /* in the collector's lists, as soon as somebody asks */
    struct neighbour *neighbours; /* of one object */
    size_t neighbour_count, neighbour_capacity;
    struct proper_modules modules;
    struct address_map finalizers; /* types that were asked for __del__, and what they said */
    struct text text;              /* scratch */
    bool failed;
    struct error *err;
};

static bool fail(struct maker *maker)
{
    if (!maker->failed)
        error_memory(maker->err);
    maker->failed = true;
    return false;
}

static bool is_ignored(const struct drawing_options *options, uint64_t address)
{
    size_t low = 0, high = options->ignored_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (options->ignored[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < options->ignored_count && options->ignored[low] == address;
}

/* The lists */

static bool wants_generations(const struct drawing_options *options)
{
    return options->extra & EXTRA_GENERATION ||
           (options->filter && predicate_wants_lists(options->filter)) ||
           (options->highlight && predicate_wants_lists(options->highlight));
}

/* Does it matter in which order so many referrers of an object come? */
static bool wants_order(const struct drawing_options *options, size_t count)
{
    if (options->learning)
        return options->backwards && options->too_many && count > options->too_many;
    return options->backwards && count > 1;
}

/* All of them take a walk, which many a drawing does without. */
static bool place(struct maker *maker, struct neighbour *objects, size_t count)
{
    if (!places_find(&maker->places, maker->graph, maker->reader, maker->err)) {
        maker->failed = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct place place = places_of(&maker->places, objects[i].node);
        objects[i].position = place.position;
        objects[i].generation = place.generation;
    }
    return true;
}

/* Texts */

/* A str may have a NUL in it: as objgraph has it, in two characters. */
static const char *keep_with_nuls(struct maker *maker)
{
    const struct text *text = &maker->text;
    struct text escaped = {0};

    for (size_t i = 0; i < text->length; i++) {
        if (text->bytes[i])
            text_add_char(&escaped, text->bytes[i]);
        else
            text_add(&escaped, "\\0");
    }
    const char *copy =
        escaped.failed ? NULL : arena_copy(&maker->drawing->arena, escaped.bytes, escaped.length);
    text_free(&escaped);
    return copy;
}

static const char *keep(struct maker *maker)
{
    const struct text *text = &maker->text;
    const char *copy = NULL;

    if (!text->failed)
        copy = text->length && memchr(text->bytes, 0, text->length)
                   ? keep_with_nuls(maker)
                   : arena_copy(&maker->drawing->arena, text->bytes, text->length);

    if (!copy)
        fail(maker);
    return copy ? copy : "";
}

static struct text *fresh(struct maker *maker)
{
    text_clear(&maker->text);
    return &maker->text;
}

static const char *type_name(struct maker *maker, const struct type *type)
{
    if (!type)
        return "?";
    text_add(fresh(maker), maker->options->short_names ? type->short_name : type->name);
    return keep(maker);
}

static void add_value(struct maker *maker, struct drawn_node *node)
{
    struct text *text = fresh(maker);
    size_t kept;

    if (!draw_value(maker->reader, node->address, maker->options->no_values, text, &kept))
        return;
    node->value = node->words = keep(maker);
    if (kept >= text->length)
        return;
    text->length = kept;
    text->bytes[kept] = '\0';
    node->value = keep(maker);
}

static void add_size(const struct reader *reader, const struct type *type, uint64_t address,
                     struct text *text)
{
    uint64_t size;

    if (type && object_size(reader, type, address, &size))
        text_addf(text, "%" PRIu64 " bytes", size);
    else
        text_add(text, "size unknown");
}

static void add_generation(int generation, struct text *text)
{
    if (generation == GENERATION_NONE)
        text_add(text, "untracked");
    else if (generation == GENERATION_PERMANENT)
        text_add(text, "permanent generation");
    else
        text_addf(text, "generation %d", generation);
}

static void add_separator(struct text *text)
{
    if (text->length)
        text_add(text, ", ");
}

/* One line, the longest at its end. */
static const char *extra_of(struct maker *maker, const struct type *type, uint64_t address,
                            int generation)
{
    const struct drawing_options *options = maker->options;
    struct text *text = fresh(maker);

    if (options->extra & EXTRA_ADDRESS)
        text_addf(text, "0x%" PRIx64, address);
    if (options->extra & EXTRA_SIZE) {
        add_separator(text);
        add_size(maker->reader, type, address, text);
    }
    if (options->extra & EXTRA_GENERATION) {
        add_separator(text);
        add_generation(generation, text);
    }
    if (options->extra & EXTRA_REPR && !options->no_values) {
        add_separator(text);
        print_object(maker->reader, address, MOST_EXTRA, text);
    }
    return text->length ? keep(maker) : NULL;
}

static const char *place_of(struct maker *maker, const struct type *type, uint64_t address)
{
    struct allocation found;

    if (!type || maker->options->no_values ||
        !allocation_find(&maker->drawing->allocations, maker->reader, type, address, &found))
        return NULL;
    allocation_add_place(&found, maker->reader, fresh(maker));
    return keep(maker);
}

/* Nodes */

static bool ask(const struct maker *maker, const struct predicate *predicate,
                const struct neighbour *object, unsigned depth)
{
    struct predicate_subject subject = {
        .address = object->address,
        .type = reader_type_of(maker->reader, object->address),
        .is_tracked = graph_flags(maker->graph, object->node) & GRAPH_TRACKED,
        .generation = object->generation,
        .depth = depth,
    };

    return subject.type && predicate_holds(predicate, maker->reader, &subject);
}

static bool has_del(struct maker *maker, const struct type *type)
{
    uint32_t known = type ? address_map_find(&maker->finalizers, type->address) : 0;

    if (known != UINT32_MAX)
        return known;
    known = has_finalizer(maker->reader, type);
    if (!address_map_add(&maker->finalizers, type->address, known, maker->err))
        maker->failed = true;
    return known;
}

/* Could a reference that is drawn be a guess? What a traversal visits is none. */
static bool has_guesses(const struct maker *maker, uint32_t node)
{
    unsigned flags = graph_flags(maker->graph, node);

    return flags & GRAPH_APPROXIMATE && (flags & GRAPH_BY_KIND || maker->options->all_references);
}

static void describe(struct maker *maker, const struct neighbour *object, struct drawn_node *node)
{
    const struct reader *reader = maker->reader;
    const struct type *type = reader_type_of(reader, object->address);
    const struct predicate *highlight = maker->options->highlight;

    node->type = type_name(maker, type);
    add_value(maker, node);
    if (maker->options->extra)
        node->extra = extra_of(maker, type, object->address, object->generation);
    if (maker->options->extra & EXTRA_ALLOCATION)
        node->allocated = place_of(maker, type, object->address);
    node->is_module = type && is_below(type, "module");
    node->has_del = has_del(maker, type);
    node->is_approximate = has_guesses(maker, object->node);
    node->is_highlighted = highlight && ask(maker, highlight, object, node->depth);
    if (!read_refcount(reader, object->address, &node->refcount))
        node->refcount = 0;
    node->is_immortal = refcount_is_immortal(reader->python, node->refcount);
}

/* The object's number in the drawing, to which it is added; UINT32_MAX: no memory. */
static uint32_t draw_object(struct maker *maker, const struct neighbour *object, unsigned depth)
{
    struct drawing *drawing = maker->drawing;
    uint32_t number = address_map_find(&maker->numbers, object->address);

    if (number != UINT32_MAX)
        return number;
    struct drawn_node *grown = vector_grow(drawing->nodes, &drawing->node_capacity,
                                           drawing->node_count + 1, sizeof(*grown));
    if (!grown) {
        fail(maker);
        return UINT32_MAX;
    }
    drawing->nodes = grown;
    number = (uint32_t)drawing->node_count;
    if (!address_map_add(&maker->numbers, object->address, number, maker->err)) {
        maker->failed = true;
        return UINT32_MAX;
    }
    grown[number] = (struct drawn_node){.address = object->address, .depth = depth};
    drawing->node_count++;
    describe(maker, object, &grown[number]);
    return number;
}

/* Neighbours */

static bool is_followed(const struct maker *maker, const struct drawn_node *node)
{
    return node->depth < maker->options->max_depth &&
           !(maker->options->backwards && is_proper_module(&maker->modules, node->address));
}

static struct graph_row row_of(const struct maker *maker, uint64_t address)
{
    uint32_t node = graph_find(maker->graph, address);

    if (node >= GRAPH_NONE)
        return (struct graph_row){.count = 0};
    return maker->options->backwards ? graph_referrers(maker->graph, node)
                                     : graph_referents(maker->graph, node);
}

/* Is this edge drawn, as far as options can tell without looking at the object? */
static bool is_wanted(const struct maker *maker, uint32_t edge)
{
    const struct drawing_options *options = maker->options;

    if (options->all_references)
        return true;
    return !graph_is_owned(edge) &&
           (!options->backwards || graph_flags(maker->graph, graph_end(edge)) & GRAPH_TRACKED);
}

/* Listed ones in the order of the lists, then the others. */
static int compare_positions(const void *left, const void *right)
{
    const struct neighbour *a = left, *b = right;

    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (int)a->is_owned - (int)b->is_owned;
}

/* A referrer counts once, however often it refers. */
static void order_referrers(struct maker *maker)
{
    struct neighbour *all = maker->neighbours;
    size_t kept = 0;

    if (maker->neighbour_count)
        qsort(all, maker->neighbour_count, sizeof(*all), compare_positions);
    for (size_t i = 0; i < maker->neighbour_count; i++) {
        if (!kept || all[kept - 1].node != all[i].node)
            all[kept++] = all[i];
    }
    maker->neighbour_count = kept;
}

static bool add_neighbour(struct maker *maker, uint32_t edge)
{
    struct neighbour *grown = vector_grow(maker->neighbours, &maker->neighbour_capacity,
                                          maker->neighbour_count + 1, sizeof(*grown));

    if (!grown)
        return fail(maker);
    maker->neighbours = grown;
    grown[maker->neighbour_count++] =
        (struct neighbour){.address = graph_address(maker->graph, graph_end(edge)),
                           .node = graph_end(edge),
                           .is_owned = graph_is_owned(edge),
                           .position = PLACE_NONE,
                           .generation = GENERATION_NONE};
    return true;
}

/* What passes all of the options; the rest beyond too_many is counted. */
static bool find_neighbours(struct maker *maker, uint64_t address, unsigned depth, uint64_t *more)
{
    const struct drawing_options *options = maker->options;
    struct graph_row row = row_of(maker, address);
    size_t kept = 0;

    maker->neighbour_count = 0;
    *more = 0;
    for (size_t i = 0; i < row.count; i++) {
        if (is_wanted(maker, row.edges[i]) && !add_neighbour(maker, row.edges[i]))
            return false;
    }
    if ((wants_generations(options) || wants_order(options, maker->neighbour_count)) &&
        !place(maker, maker->neighbours, maker->neighbour_count))
        return false;
    if (options->backwards)
        order_referrers(maker);
    for (size_t i = 0; i < maker->neighbour_count; i++) {
        struct neighbour *neighbour = &maker->neighbours[i];
        if (is_ignored(options, neighbour->address) ||
            (options->filter && !ask(maker, options->filter, neighbour, depth)))
            continue;
        if (options->too_many && kept >= options->too_many)
            ++*more;
        else
            maker->neighbours[kept++] = *neighbour;
    }
    maker->neighbour_count = kept;
    return true;
}

/* Edges */

static bool name_edges(struct maker *maker, struct bundle *bundle)
{
    uint32_t node = graph_find(maker->graph, bundle->from);
    bool traversed =
        node < GRAPH_NONE && !(graph_flags(maker->graph, node) & (GRAPH_BY_KIND | GRAPH_FLAGGED));

    return bundle_name(bundle, maker->reader, traversed) || fail(maker);
}

static bool draw_edge(struct maker *maker, struct bundle *bundle, size_t number, uint32_t from,
                      uint32_t to)
{
    struct drawing *drawing = maker->drawing;
    const struct drawing_options *options = maker->options;
    const struct label_style style = {options->short_names, options->no_values};
    const struct reference *reference = &bundle->links[number].reference;
    struct drawn_edge *grown = vector_grow(drawing->edges, &drawing->edge_capacity,
                                           drawing->edge_count + 1, sizeof(*grown));

    if (!grown)
        return fail(maker);
    drawing->edges = grown;
    struct drawn_edge edge = {.from = from,
                              .to = to,
                              .is_owned = reference->is_owned && !reference->is_guess,
                              .is_guess = reference->is_guess};
    bundle_add_name(bundle, maker->reader, number, options->no_values ? 0 : MOST_KEY, fresh(maker));
    edge.name = keep(maker);
    edge.is_unnamed = bundle->links[number].is_unnamed;
    edge.weight = bundle_add_label(bundle, maker->reader, number, &style, fresh(maker));
    edge.label = keep(maker);
    drawing->edges[drawing->edge_count++] = edge;
    return !maker->failed;
}

static bool draw_referents(struct maker *maker, uint32_t from)
{
    struct drawing *drawing = maker->drawing;
    unsigned depth = drawing->nodes[from].depth + 1;
    struct bundle bundle;
    bool done =
        bundle_init(&bundle, maker->reader, drawing->nodes[from].address, maker->neighbour_count) ||
        fail(maker);

    for (size_t i = 0; done && i < bundle.count; i++)
        bundle.links[i].reference = (struct reference){.to = maker->neighbours[i].address,
                                                       .is_owned = maker->neighbours[i].is_owned};
    done = done && name_edges(maker, &bundle);
    for (size_t i = 0; done && i < bundle.count; i++) {
        uint32_t to = draw_object(maker, &maker->neighbours[i], depth);
        done = to != UINT32_MAX && draw_edge(maker, &bundle, i, from, to);
    }
    bundle_free(&bundle);
    return done;
}

static bool draw_referrer(struct maker *maker, const struct neighbour *neighbour, uint32_t to)
{
    const struct drawn_node target = maker->drawing->nodes[to];
    uint32_t from = draw_object(maker, neighbour, target.depth + 1);
    struct bundle bundle;
    bool done = bundle_init(&bundle, maker->reader, neighbour->address, 1) || fail(maker);

    if (done)
        bundle.links[0].reference =
            (struct reference){.to = target.address, .is_owned = neighbour->is_owned};
    done = done && from != UINT32_MAX && name_edges(maker, &bundle) &&
           draw_edge(maker, &bundle, 0, from, to);
    bundle_free(&bundle);
    return done;
}

static bool follow(struct maker *maker, uint32_t number)
{
    struct drawing *drawing = maker->drawing;
    uint64_t more;

    if (!find_neighbours(maker, drawing->nodes[number].address, drawing->nodes[number].depth + 1,
                         &more))
        return false;
    drawing->nodes[number].more = more;
    if (!maker->options->backwards)
        return draw_referents(maker, number);
    for (size_t i = 0; i < maker->neighbour_count; i++) {
        if (!draw_referrer(maker, &maker->neighbours[i], number))
            return false;
    }
    return true;
}

static bool draw_roots(struct maker *maker, const uint64_t *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct neighbour object = {.address = roots[i],
                                   .node = graph_find(maker->graph, roots[i]),
                                   .position = PLACE_NONE,
                                   .generation = GENERATION_NONE};
        if (object.node >= GRAPH_NONE)
            continue;
        if (wants_generations(maker->options) && !place(maker, &object, 1))
            return false;
        uint32_t number = draw_object(maker, &object, 0);
        if (number != UINT32_MAX)
            maker->drawing->nodes[number].is_root = true;
    }
    return !maker->failed;
}

static bool draw_level(struct maker *maker, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        image_rest(maker->reader->image);
        if (is_followed(maker, &maker->drawing->nodes[i]) && !follow(maker, (uint32_t)i))
            return false;
    }
    return true;
}

static bool draw_all(struct maker *maker, const uint64_t *roots, size_t root_count)
{
    const struct drawing *drawing = maker->drawing;

    if ((maker->options->backwards &&
         !proper_modules_find(&maker->modules, maker->reader, maker->err)) ||
        !draw_roots(maker, roots, root_count))
        return false;
    for (size_t first = 0; first < drawing->node_count;) {
        size_t last = drawing->node_count;
        if (!draw_level(maker, first, last))
            return false;
        first = last;
    }
    return !maker->failed;
}

bool drawing_make(struct drawing *drawing, const struct graph *graph, const struct reader *reader,
                  const struct drawing_options *options, const uint64_t *roots, size_t root_count,
                  struct error *err)
{
    struct maker maker = {
        .drawing = drawing, .graph = graph, .reader = reader, .options = options, .err = err};

    *drawing = (struct drawing){.nodes = NULL};
    if (options->extra & EXTRA_ALLOCATION)
        allocations_read(&drawing->allocations, reader);
    bool done = draw_all(&maker, roots, root_count);
    address_map_free(&maker.numbers);
    places_free(&maker.places);
    address_map_free(&maker.finalizers);
    proper_modules_free(&maker.modules);
    free(maker.neighbours);
    text_free(&maker.text);
    return done;
}

void drawing_free(struct drawing *drawing)
{
    free(drawing->nodes);
    free(drawing->edges);
    arena_free(&drawing->arena);
    *drawing = (struct drawing){.nodes = NULL};
}
