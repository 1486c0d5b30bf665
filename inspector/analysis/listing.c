// SPDX-License-Identifier: MIT
#include "inspector/analysis/listing.h"

#include "inspector/analysis/listing_values.h"
#include "inspector/analysis/type_pattern.h"
#include "inspector/python/object.h"
#include "symbols/base/order.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEP = 4096 };

struct listing_entry {
    uint64_t key; /* what it is sorted by */
    uint64_t address;
    uint32_t type;
    uint8_t generation, reached;
};

struct listing_type {
    uint64_t objects;               /* of it, that were asked for */
    const struct snapshot_row *old; /* those that were there before; NULL: none, or nobody asks */
    bool is_looked_at, is_wanted;
};

void listing_init(struct listing *listing, const struct python *python,
                  const struct listing_options *options)
{
    *listing = (struct listing){.options = *options};
    types_init(&listing->types, python);
}

void listing_free(struct listing *listing)
{
    types_free(&listing->types);
    free(listing->known);
    free(listing->entries);
    free(listing->referents);
    text_free(&listing->repr);
    text_free(&listing->allocation);
    for (size_t i = 0; i < MOST_ATTRIBUTES; i++)
        text_free(&listing->attributes[i]);
}

static bool is_type_wanted(const struct listing *listing, const struct type *type)
{
    const struct listing_options *options = &listing->options;

    for (size_t i = 0; i < options->name_count; i++) {
        if (type_pattern_fits(options->names[i],
                              options->short_names ? type->short_name : type->name))
            return true;
    }
    return !options->name_count;
}

/* NULL: no memory. */
static struct listing_type *look_at_type(struct listing *listing, uint32_t number)
{
    if (number >= listing->known_count) {
        struct listing_type *grown = vector_grow(listing->known, &listing->known_capacity,
                                                 listing->types.count, sizeof(*grown));
        if (!grown)
            return NULL;
        memset(grown + listing->known_count, 0,
               (listing->types.count - listing->known_count) * sizeof(*grown));
        listing->known = grown;
        listing->known_count = listing->types.count;
    }
    struct listing_type *known = &listing->known[number];
    if (!known->is_looked_at) {
        const struct type *type = listing->types.items[number];
        known->is_wanted = is_type_wanted(listing, type);
        if (listing->options.new_since)
            known->old = snapshot_find(listing->options.new_since, type->name, type->name_length,
                                       type->short_name, type->short_length);
        known->is_looked_at = true;
    }
    return known;
}

static bool is_wanted(const struct listing *listing, const struct listing_type *known,
                      const struct reached_object *found)
{
    const struct listing_options *options = &listing->options;
    uint64_t address = found->object.address;

    if (found->object.size < options->min_size ||
        (known->old && snapshot_row_has(known->old, address)))
        return false;
    if (options->addresses && !bsearch(&address, options->addresses, options->address_count,
                                       sizeof(address), order_numbers))
        return false;
    return found->reached != REACHED_TRACKED || options->generations[found->object.generation];
}

static uint64_t refcount_of(const struct listing *listing, uint64_t address)
{
    uint64_t count;

    return read_refcount(&listing->reader, address, &count) ? count : 0;
}

static enum referents_by judge_referents(unsigned flags)
{
    if (!(flags & GRAPH_BY_KIND))
        return REFERENTS_BY_TRAVERSE;
    return flags & GRAPH_APPROXIMATE ? REFERENTS_BY_GUESS : REFERENTS_BY_KIND;
}

/* The visited ones come first. */
static void find_referents(struct listing *listing, struct listed *row)
{
    const struct graph *graph = listing->graph;
    uint32_t node = graph_find(graph, row->object.address);
    struct graph_row edges =
        node == GRAPH_NONE ? (struct graph_row){.count = 0} : graph_referents(graph, node);
    uint64_t *grown = vector_grow(listing->referents, &listing->referent_capacity, edges.count + 1,
                                  sizeof(*grown));

    if (!grown) {
        listing->failed = true;
        return;
    }
    listing->referents = grown;
    size_t count = 0;
    while (count < edges.count && !graph_is_owned(edges.edges[count])) {
        grown[count] = graph_address(graph, graph_end(edges.edges[count]));
        count++;
    }
    row->referents = grown;
    row->referent_count = count;
    row->referents_by =
        node == GRAPH_NONE ? REFERENTS_BY_GUESS : judge_referents(graph_flags(graph, node));
    listing->tally.referents[row->referents_by]++;
}

static void find_allocation(struct listing *listing, const struct type *type, struct listed *row)
{
    struct text *text = &listing->allocation;
    struct allocation found;

    text_clear(text);
    row->allocation = text;
    if (!allocation_find(&listing->allocations, &listing->reader, type, row->object.address,
                         &found)) {
        listing->tally.untraced++;
        return;
    }
    if (listing->options.allocation == LISTING_ALL_FRAMES) {
        allocation_add_places(&listing->allocations, &found, &listing->reader, text);
    } else {
        allocation_add_place(&found, &listing->reader, text);
        text_add_char(text, '\0');
    }
}

static void show(struct listing *listing, const struct reached_object *found)
{
    const struct type *type = listing->types.items[found->object.type];
    bool brief = listing->options.short_names;
    struct listed row = {.object = found->object,
                         .reached = found->reached,
                         .type = type,
                         .type_name = brief ? type->short_name : type->name,
                         .type_length = brief ? type->short_length : type->name_length,
                         .size_is_exact = type->sizeof_by == SIZEOF_KNOWN,
                         .refcount = refcount_of(listing, found->object.address)};

    if (!listing->options.no_values) {
        listing_print_values(listing, type, found->object.address);
        row.repr = &listing->repr;
        row.attributes = listing->attributes;
    }
    if (listing->options.allocation)
        find_allocation(listing, type, &row);
    if (listing->graph)
        find_referents(listing, &row);
    listing->tally.shown++;
    if (listing->row && !listing->row(listing->context, &row))
        listing->ended = true;
}

/* Does `left` come before `right`? */
static bool is_before(const struct listing *listing, const struct listing_entry *left,
                      const struct listing_entry *right)
{
    if (left->key != right->key && listing->options.order != LISTING_BY_ADDRESS)
        return left->key > right->key;
    return left->address < right->address;
}

static void swap(struct listing_entry *left, struct listing_entry *right)
{
    struct listing_entry entry = *left;

    *left = *right;
    *right = entry;
}

/* The entries [0, count) are a heap below `at`: with the last one in order at the top. */
static void sift_down(struct listing *listing, size_t at, size_t count)
{
    struct listing_entry *entries = listing->entries;

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_before(listing, &entries[child], &entries[child + 1]))
            child++;
        if (!is_before(listing, &entries[at], &entries[child]))
            return;
        swap(&entries[at], &entries[child]);
    }
}

static void make_heap(struct listing *listing)
{
    for (size_t i = listing->entry_count / 2; i-- > 0;)
        sift_down(listing, i, listing->entry_count);
}

static void sort_heap(struct listing *listing)
{
    for (size_t left = listing->entry_count; left > 1;) {
        swap(&listing->entries[0], &listing->entries[--left]);
        sift_down(listing, 0, left);
    }
}

/* With a limit only so many are kept, as a heap once there are so many. */
static void keep_entry(struct listing *listing, const struct listing_entry *entry)
{
    uint64_t limit = listing->options.limit;

    if (limit && listing->entry_count == limit) {
        if (is_before(listing, entry, &listing->entries[0])) {
            listing->entries[0] = *entry;
            sift_down(listing, 0, listing->entry_count);
        }
        return;
    }
    struct listing_entry *grown = vector_grow(listing->entries, &listing->entry_capacity,
                                              listing->entry_count + 1, sizeof(*grown));
    if (!grown) {
        listing->failed = true;
        return;
    }
    listing->entries = grown;
    grown[listing->entry_count++] = *entry;
    if (listing->entry_count == limit)
        make_heap(listing);
}

static void keep(struct listing *listing, const struct reached_object *found)
{
    uint64_t key = found->object.address;

    if (listing->options.order == LISTING_BY_SIZE)
        key = found->object.size;
    else if (listing->options.order == LISTING_BY_REFCOUNT)
        key = refcount_of(listing, found->object.address);
    keep_entry(listing, &(struct listing_entry){.key = key,
                                                .address = found->object.address,
                                                .type = found->object.type,
                                                .generation = (uint8_t)found->object.generation,
                                                .reached = (uint8_t)found->reached});
}

static void meet(void *context, const struct reached_object *found)
{
    struct listing *listing = context;
    uint64_t limit = listing->options.limit;

    if (listing->seen++ % PROGRESS_STEP == 0)
        progress_set(listing->options.progress, listing->seen);
    if (listing->failed || listing->ended)
        return;
    struct listing_type *known = look_at_type(listing, found->object.type);
    if (!known) {
        listing->failed = true;
        return;
    }
    if (!known->is_wanted || !is_wanted(listing, known, found))
        return;
    known->objects++;
    listing->tally.objects++;
    listing->tally.bytes += found->object.size;
    if (listing->options.order != LISTING_AS_WALKED)
        keep(listing, found);
    else if (!limit || listing->tally.shown < limit)
        show(listing, found);
}

static bool walk(struct listing *listing, struct error *err)
{
    const struct reader *reader = &listing->reader;

    for (size_t i = 0; i < listing->known_count; i++)
        listing->known[i].objects = 0;
    listing->tally = (struct listing_tally){0};
    listing->seen = 0;
    listing->entry_count = 0;
    return (listing->options.all_objects ? reach_walk : reach_walk_tracked)(
        reader->python, reader->image, &listing->types, meet, listing, &listing->verdict, err);
}

static void show_sorted(struct listing *listing)
{
    listing->tally.shown = listing->tally.untraced = 0;
    memset(listing->tally.referents, 0, sizeof(listing->tally.referents));
    for (size_t i = 0; i < listing->entry_count && !listing->failed && !listing->ended; i++) {
        const struct listing_entry *entry = &listing->entries[i];
        struct reached_object found = {.object = {.address = entry->address,
                                                  .type = entry->type,
                                                  .generation = entry->generation},
                                       .reached = entry->reached};
        image_rest(listing->reader.image);
        /* Where it can't be told, the fixed part stands, as when it was walked. */
        object_size(&listing->reader, listing->types.items[entry->type], entry->address,
                    &found.object.size);
        show(listing, &found);
    }
}

static bool finish(const struct listing *listing, struct error *err)
{
    bool failed = listing->failed || listing->repr.failed || listing->allocation.failed;

    for (size_t i = 0; i < listing->options.attribute_count; i++)
        failed |= listing->attributes[i].failed;
    return !failed || error_memory(err);
}

bool listing_take(struct listing *listing, struct image *image, listing_row *row, void *context,
                  struct error *err)
{
    const struct python *python = listing->types.python;

    types_free(&listing->types);
    types_init(&listing->types, python);
    listing->reader = (struct reader){python, image, &listing->types};
    listing->known_count = 0;
    listing->row = row;
    listing->context = context;
    listing->failed = listing->ended = false;
    if (listing->options.allocation)
        allocations_read(&listing->allocations, &listing->reader);
    if (!walk(listing, err))
        return false;
    if (listing->options.order != LISTING_AS_WALKED) {
        make_heap(listing);
        sort_heap(listing);
        show_sorted(listing);
    }
    return finish(listing, err);
}

bool listing_tell(struct listing *listing, listing_row *row, void *context, struct error *err)
{
    listing->row = row;
    listing->context = context;
    if (listing->options.order != LISTING_AS_WALKED)
        show_sorted(listing);
    else if (!walk(listing, err))
        return false;
    return finish(listing, err);
}

void listing_account(const struct listing *listing, struct exactness *exactness)
{
    for (size_t i = 0; i < listing->known_count; i++)
        exactness_add(exactness, listing->types.items[i], listing->known[i].objects);
}
