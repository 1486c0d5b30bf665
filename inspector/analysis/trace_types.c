// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_types.h"

#include "symbols/base/saturate.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEP = 4096 };

void trace_types_free(struct trace_types *types)
{
    free(types->types);
    free(types->tallies);
    arena_free(&types->arena);
    *types = (struct trace_types){0};
}

/* Taking: tallies have the numbers of the reader's types. */

struct untraced {
    uint64_t count, bytes;
};

struct taking {
    const struct reader *reader;
    const struct tracemalloc *state;
    const struct trace_places *places;
    struct progress *progress;
    uint64_t seen;
    struct address_map numbers; /* of tallies, by stack + 1 and type */
    struct type_tally *tallies;
    size_t tally_count, tally_capacity;
    struct untraced *untraced; /* by type */
    size_t untraced_count, untraced_capacity;
    /* What was met last is likely to be met again. */
    uint64_t last_traceback, last_key;
    uint32_t last_stack, last_number;
    bool failed; /* with `err` set */
    struct error *err;
};

static void note_untraced(struct taking *taking, const struct object *object)
{
    if (object->type >= taking->untraced_count) {
        size_t wanted = taking->reader->types->count;
        struct untraced *grown =
            vector_grow(taking->untraced, &taking->untraced_capacity, wanted, sizeof(*grown));
        if (!grown) {
            taking->failed = !error_memory(taking->err);
            return;
        }
        memset(grown + taking->untraced_count, 0,
               (wanted - taking->untraced_count) * sizeof(*grown));
        taking->untraced = grown;
        taking->untraced_count = wanted;
    }
    taking->untraced[object->type].count++;
    add_saturating(&taking->untraced[object->type].bytes, object->size);
}

/* The number of the tally; UINT32_MAX: no memory. */
static uint32_t add_tally(struct taking *taking, uint64_t key, uint32_t stack, uint32_t type)
{
    struct type_tally *grown = vector_grow(taking->tallies, &taking->tally_capacity,
                                           taking->tally_count + 1, sizeof(*grown));

    if (!grown || taking->tally_count == UINT32_MAX) {
        taking->failed = !error_memory(taking->err);
        return UINT32_MAX;
    }
    taking->tallies = grown;
    uint32_t number = (uint32_t)taking->tally_count;
    if (!address_map_add(&taking->numbers, key, number, taking->err)) {
        taking->failed = true;
        return UINT32_MAX;
    }
    grown[taking->tally_count++] = (struct type_tally){.stack = stack, .type = type};
    return number;
}

static void note_traced(struct taking *taking, uint32_t stack, uint32_t type, uint64_t bytes)
{
    uint64_t key = ((uint64_t)stack + 1) << 32 | type;

    if (key != taking->last_key) {
        uint32_t number = address_map_find(&taking->numbers, key);
        if (number == UINT32_MAX && (number = add_tally(taking, key, stack, type)) == UINT32_MAX)
            return;
        taking->last_key = key;
        taking->last_number = number;
    }
    taking->tallies[taking->last_number].count++;
    add_saturating(&taking->tallies[taking->last_number].bytes, bytes);
}

static void meet(void *context, const struct reached_object *found)
{
    struct taking *taking = context;
    const struct object *object = &found->object;
    const struct type *type = taking->reader->types->items[object->type];
    struct traced_block block;

    if (taking->seen++ % PROGRESS_STEP == 0)
        progress_set(taking->progress, taking->seen);
    if (taking->failed)
        return;
    if (!tracemalloc_find_block(taking->reader, taking->state, 0,
                                tracemalloc_block_of(taking->reader, type, object->address),
                                &block)) {
        note_untraced(taking, object);
        return;
    }
    if (block.traceback != taking->last_traceback || !taking->last_key) {
        taking->last_traceback = block.traceback;
        taking->last_stack = trace_places_find(taking->places, block.traceback);
    }
    if (taking->last_stack == UINT32_MAX)
        note_untraced(taking, object);
    else
        note_traced(taking, taking->last_stack, object->type, block.size);
}

/* Names */

struct named {
    const char *name;
    size_t length;
    uint32_t number; /* of the reader's type */
};

static int compare_names(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Of the types that were met, those of one name get one number: groups[type]. */
static bool name_types(const struct taking *taking, struct trace_types *ret, struct named *named,
                       uint32_t *groups, struct error *err)
{
    const struct types *types = taking->reader->types;
    size_t count = 0;

    for (size_t i = 0; i < types->count; i++) {
        if (groups[i])
            named[count++] =
                (struct named){types->items[i]->name, types->items[i]->name_length, (uint32_t)i};
    }
    if (count)
        qsort(named, count, sizeof(*named), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (!i || compare_names(&named[i - 1], &named[i]) != 0) {
            const char *name = arena_copy(&ret->arena, named[i].name, named[i].length);
            if (!name)
                return error_memory(err);
            ret->types[ret->type_count++] =
                (struct traced_type){.name = name, .length = named[i].length};
        }
        groups[named[i].number] = (uint32_t)ret->type_count - 1;
    }
    return true;
}

static int compare_tallies(const void *left, const void *right)
{
    const struct type_tally *a = left, *b = right;

    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* In order, each once; and sums of what there is. */
static void sum_up(struct trace_types *types)
{
    size_t kept = 0;

    if (types->tally_count)
        qsort(types->tallies, types->tally_count, sizeof(*types->tallies), compare_tallies);
    for (size_t i = 0; i < types->tally_count; i++) {
        struct type_tally tally = types->tallies[i];
        add_saturating(&types->types[tally.type].count, tally.count);
        add_saturating(&types->types[tally.type].bytes, tally.bytes);
        add_saturating(&types->count, tally.count);
        add_saturating(&types->bytes, tally.bytes);
        if (kept && compare_tallies(&types->tallies[kept - 1], &tally) == 0) {
            add_saturating(&types->tallies[kept - 1].count, tally.count);
            add_saturating(&types->tallies[kept - 1].bytes, tally.bytes);
        } else {
            types->tallies[kept++] = tally;
        }
    }
    types->tally_count = kept;
}

static bool finish(struct taking *taking, struct trace_types *ret, struct named *named,
                   uint32_t *groups, struct error *err)
{
    for (size_t i = 0; i < taking->tally_count; i++)
        groups[taking->tallies[i].type] = 1;
    for (size_t i = 0; i < taking->untraced_count; i++)
        groups[i] |= taking->untraced[i].count != 0;
    if (!name_types(taking, ret, named, groups, err))
        return false;
    for (size_t i = 0; i < taking->untraced_count; i++) {
        const struct untraced *untraced = &taking->untraced[i];
        if (!untraced->count)
            continue;
        add_saturating(&ret->types[groups[i]].untraced, untraced->count);
        add_saturating(&ret->types[groups[i]].untraced_bytes, untraced->bytes);
        add_saturating(&ret->untraced, untraced->count);
        add_saturating(&ret->untraced_bytes, untraced->bytes);
    }
    for (size_t i = 0; i < taking->tally_count; i++)
        taking->tallies[i].type = groups[taking->tallies[i].type];
    ret->tallies = taking->tallies;
    ret->tally_count = taking->tally_count;
    taking->tallies = NULL;
    sum_up(ret);
    return true;
}

static bool name_and_finish(struct taking *taking, struct trace_types *ret, struct error *err)
{
    size_t count = taking->reader->types->count;
    struct named *named = calloc(count + 1, sizeof(*named));
    uint32_t *groups = calloc(count + 1, sizeof(*groups));

    ret->types = calloc(count + 1, sizeof(*ret->types));
    bool done =
        named && groups && ret->types ? finish(taking, ret, named, groups, err) : error_memory(err);
    free(named);
    free(groups);
    return done;
}

bool trace_types_take(struct trace_types *ret, const struct reader *reader,
                      const struct tracemalloc *state, const struct trace_places *places,
                      struct progress *progress, struct error *err)
{
    struct trace_types types = {0};
    struct taking taking = {
        .reader = reader, .state = state, .places = places, .progress = progress, .err = err};
    bool done = reach_walk(reader->python, reader->image, reader->types, meet, &taking,
                           &types.verdict, err) &&
                !taking.failed && name_and_finish(&taking, &types, err);

    address_map_free(&taking.numbers);
    free(taking.tallies);
    free(taking.untraced);
    if (done)
        *ret = types;
    else
        trace_types_free(&types);
    return done;
}

/* Filters */

static bool is_same_stack(const struct traces *all, const struct trace_stack *a,
                          const struct traces *passed, const struct trace_stack *b)
{
    return a->all_frames == b->all_frames && trace_stack_order(all, a, passed, b) == 0;
}

/* numbers[stack of all] in `passed`: both have their stacks in the same order. Those whose blocks
 * of domain 0, in which objects live, did not pass have none. */
static void renumber(const struct traces *all, const struct traces *passed, uint32_t *numbers)
{
    size_t next = 0;

    for (size_t i = 0; i < all->stack_count; i++) {
        bool is_there = next < passed->stack_count &&
                        is_same_stack(all, &all->stacks[i], passed, &passed->stacks[next]);
        numbers[i] = is_there ? (uint32_t)next++ : UINT32_MAX;
    }
}

static void find_domain(const struct traces *passed, bool *is_there)
{
    for (size_t i = 0; i < passed->row_count; i++)
        is_there[passed->rows[i].stack] |= passed->rows[i].domain == 0;
}

bool trace_types_filter(struct trace_types *types, const struct traces *all,
                        const struct traces *passed, struct error *err)
{
    uint32_t *numbers = calloc(all->stack_count + 1, sizeof(*numbers));
    bool *is_there = calloc(passed->stack_count + 1, sizeof(*is_there));
    bool done = (numbers && is_there) || error_memory(err);
    size_t kept = 0;

    if (done) {
        renumber(all, passed, numbers);
        find_domain(passed, is_there);
        for (size_t i = 0; i < types->tally_count; i++) {
            uint32_t number = numbers[types->tallies[i].stack];
            if (number == UINT32_MAX || !is_there[number])
                continue;
            types->tallies[kept] = types->tallies[i];
            types->tallies[kept++].stack = number;
        }
        types->tally_count = kept;
        types->count = types->bytes = 0;
        for (size_t i = 0; i < types->type_count; i++)
            types->types[i].count = types->types[i].bytes = 0;
        sum_up(types);
    }
    free(numbers);
    free(is_there);
    return done;
}
