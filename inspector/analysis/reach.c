// SPDX-License-Identifier: MIT
#include "inspector/analysis/reach.h"

#include "inspector/python/object.h"
#include "inspector/python/roots.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

enum {
    /* A word of memory holds one reference; shared tables of keys are told by each of their users,
     * and other things that we did not think of may be told twice. */
    MOST_REFERENCES_A_WORD = 8,
    PROGRESS_STEP = 4096
};
static const uint64_t few_references = 1 << 22;

/* An object whose references are still to be followed. */
struct pending {
    uint64_t address;
    uint32_t type;
};

/* What is followed at the moment. */
enum phase {
    FOLLOW_VISITED, /* references that the collector visits */
    FOLLOW_OWNED,   /* and others */
    FOLLOW_GUESSES  /* and what looks like one */
};

struct reach {
    struct reader reader;
    reach_visit *visit;
    void *context;
    struct reach_verdict verdict;
    struct error *err;
    bool failed; /* with `err` set */

    struct reach_found *found;
    struct marks aside; /* owned ones, for later */
    struct marks words; /* guesses, for the end */
    struct pending *pending;
    size_t pending_count, pending_capacity;

    enum phase phase;
    uint32_t type_offset;
    struct references references;
};

static bool fail(struct reach *reach)
{
    if (!reach->failed)
        error_memory(reach->err);
    reach->failed = true;
    return false;
}

static const struct type *type_of(const struct reach *reach, uint32_t number)
{
    return reach->reader.types->items[number];
}

static void visit_tracked(void *context, const struct object *object)
{
    struct reach *reach = context;
    struct reached_object reached = {.object = *object, .reached = REACHED_TRACKED};

    if (reach->failed)
        return;
    /* On damaged lists it may be met twice. */
    switch (marks_add(&reach->found->certain, object->address)) {
    case MARKS_NO_MEMORY:
        fail(reach);
        return;
    case MARKS_KNOWN:
    case MARKS_NOWHERE:
        return;
    case MARKS_NEW:
        break;
    }
    if (marks_add(&reach->found->tracked, object->address) == MARKS_NO_MEMORY) {
        fail(reach);
        return;
    }
    reach->verdict.objects[REACHED_TRACKED]++;
    reach->visit(reach->context, &reached);
}

/* Is there an object? Then the number of its type. */
static bool look(struct reach *reach, uint64_t address, uint32_t *ret_type)
{
    uint64_t type;

    if (!image_word(reach->reader.image, address + reach->type_offset, sizeof(type), &type))
        return false;
    if (!type || type % 8 != 0)
        return false;
    if (!types_number(reach->reader.types, reach->reader.image, type, ret_type, reach->err)) {
        reach->failed = true;
        return false;
    }
    return type_of(reach, *ret_type)->valid;
}

static bool add_pending(struct reach *reach, uint64_t address, uint32_t type)
{
    struct pending *grown = vector_grow(reach->pending, &reach->pending_capacity,
                                        reach->pending_count + 1, sizeof(*grown));

    if (!grown)
        return fail(reach);
    reach->pending = grown;
    grown[reach->pending_count++] = (struct pending){.address = address, .type = type};
    return true;
}

static bool is_likely(struct reach *reach, uint64_t address)
{
    uint64_t size;
    const struct type *type;

    return object_is_there(&reach->reader, address) &&
           (type = reader_type_of(&reach->reader, address)) &&
           object_size(&reach->reader, type, address, &size);
}

static bool is_visited(struct reach *reach, uint64_t address)
{
    return marks_has(&reach->found->certain, address) ||
           (reach->phase == FOLLOW_GUESSES && marks_has(&reach->found->guessed, address));
}

/* A target of a reference: visited if it was not. */
static bool arrive(struct reach *reach, uint64_t address)
{
    bool guessing = reach->phase == FOLLOW_GUESSES;
    enum reached way = reach->phase == FOLLOW_VISITED ? REACHED_REFERENT : REACHED_OWNED;
    struct reached_object found = {.object.address = address, .reached = way};

    if (is_visited(reach, address) || (guessing && !is_likely(reach, address)))
        return true;
    if (address % 8 != 0 || !look(reach, address, &found.object.type)) {
        reach->verdict.heap.bad_references++;
        return !reach->failed;
    }
    switch (marks_add(guessing ? &reach->found->guessed : &reach->found->certain, address)) {
    case MARKS_NO_MEMORY:
        return fail(reach);
    case MARKS_NOWHERE: /* just before a mapping, in which its type seems to be */
        reach->verdict.heap.bad_references++;
        return true;
    case MARKS_KNOWN:
    case MARKS_NEW:
        break;
    }
    const struct type *type = type_of(reach, found.object.type);
    if (!object_size(&reach->reader, type, address, &found.object.size))
        reach->verdict.heap.bad_sizes++;
    reach->verdict.objects[way]++;
    reach->visit(reach->context, &found);
    return object_is_leaf(type) || add_pending(reach, address, found.object.type);
}

static bool put_aside(struct reach *reach, struct marks *marks, uint64_t address)
{
    if (is_visited(reach, address))
        return true;
    switch (marks_add(marks, address)) {
    case MARKS_NO_MEMORY:
        return fail(reach);
    case MARKS_NOWHERE:
        reach->verdict.heap.bad_references++;
        return true;
    case MARKS_NEW:
    case MARKS_KNOWN:
        break;
    }
    return true;
}

uint64_t reach_most_references(const struct image *image)
{
    return image->bytes ? image->bytes / 8 * MOST_REFERENCES_A_WORD + few_references : UINT64_MAX;
}

static bool visit_reference(void *context, const struct reference *reference)
{
    struct reach *reach = context;

    if (reference->is_guess && reach->phase < FOLLOW_GUESSES)
        return put_aside(reach, &reach->words, reference->to);
    if (reference->is_owned && reach->phase < FOLLOW_OWNED)
        return put_aside(reach, &reach->aside, reference->to);
    return arrive(reach, reference->to);
}

/* References are told between these two; the second says whether to go on. */
static void before_references(struct reach *reach)
{
    reach->references.ended = false;
    reach->references.most = reach_most_references(reach->reader.image);
}

static bool after_references(struct reach *reach)
{
    reach->verdict.heap.references_cut = reach->references.told > reach->references.most;
    return !reach->failed && !reach->verdict.heap.references_cut;
}

static bool follow(struct reach *reach, uint64_t address, uint32_t type)
{
    image_rest(reach->reader.image);
    before_references(reach);
    object_references(&reach->reader, type_of(reach, type), address, &reach->references);
    return after_references(reach);
}

/* All that hangs on what is pending. */
static bool follow_pending(struct reach *reach)
{
    while (reach->pending_count) {
        struct pending next = reach->pending[--reach->pending_count];
        if (!follow(reach, next.address, next.type))
            return false;
    }
    return true;
}

static bool follow_tracked(void *context, uint64_t address)
{
    struct reach *reach = context;
    uint32_t type;

    if (!look(reach, address, &type) || object_is_leaf(type_of(reach, type)))
        return !reach->failed;
    return follow(reach, address, type) && follow_pending(reach);
}

static bool follow_aside(void *context, uint64_t address)
{
    struct reach *reach = context;

    return arrive(reach, address) && follow_pending(reach);
}

static void follow_all(struct reach *reach)
{
    struct image *image = reach->reader.image;

    reach->phase = FOLLOW_VISITED;
    if (!marks_each(&reach->found->tracked, follow_tracked, reach))
        return;
    before_references(reach);
    roots_tell(&reach->reader, &reach->references);
    reach->phase = FOLLOW_OWNED;
    if (!after_references(reach) || !marks_each(&reach->aside, follow_aside, reach))
        return;
    uint64_t missed = image->missed;
    reach->phase = FOLLOW_GUESSES;
    marks_each(&reach->words, follow_aside, reach);
    image->missed = missed;
}

static bool walk(struct reach *reach)
{
    struct reader *reader = &reach->reader;
    struct image *image = reader->image;

    if (!marks_init(&reach->found->certain, image, reach->err) ||
        !marks_init(&reach->found->guessed, image, reach->err) ||
        !marks_init(&reach->found->tracked, image, reach->err) ||
        !marks_init(&reach->aside, image, reach->err) ||
        !marks_init(&reach->words, image, reach->err) ||
        !heap_walk(reader->python, image, reader->types, visit_tracked, reach, &reach->verdict.heap,
                   reach->err))
        return false;
    if (!reach->failed)
        follow_all(reach);
    return !reach->failed;
}

static bool run(struct reach *reach, struct reach_verdict *ret)
{
    reach->type_offset = layout_offset(&reach->reader.python->layout, PyObject_ob_type);
    reach->references.visit = visit_reference;
    reach->references.context = reach;
    bool done = walk(reach);
    marks_free(&reach->aside);
    marks_free(&reach->words);
    free(reach->pending);
    if (done)
        *ret = reach->verdict;
    return done;
}

bool reach_walk(const struct python *python, struct image *image, struct types *types,
                reach_visit *visit, void *context, struct reach_verdict *ret, struct error *err)
{
    struct reach_found found = {0};
    struct reach reach = {.reader = {python, image, types},
                          .visit = visit,
                          .context = context,
                          .found = &found,
                          .err = err};
    bool done = run(&reach, ret);

    reach_found_free(&found);
    return done;
}

void reach_found_free(struct reach_found *found)
{
    marks_free(&found->certain);
    marks_free(&found->guessed);
    marks_free(&found->tracked);
}

struct counting {
    struct progress *progress;
    uint64_t count;
};

static void count_found(void *context, const struct reached_object *object)
{
    struct counting *counting = context;

    (void)object;
    if (counting->count++ % PROGRESS_STEP == 0)
        progress_set(counting->progress, counting->count);
}

bool reach_find(const struct reader *reader, struct progress *progress, struct reach_found *ret,
                struct reach_verdict *verdict, struct error *err)
{
    struct counting counting = {.progress = progress};
    struct reach reach = {
        .reader = *reader, .visit = count_found, .context = &counting, .found = ret, .err = err};

    *ret = (struct reach_found){0};
    return run(&reach, verdict);
}

struct telling {
    reach_visit *visit;
    void *context;
};

static void tell_tracked(void *context, const struct object *object)
{
    const struct telling *telling = context;
    struct reached_object reached = {.object = *object, .reached = REACHED_TRACKED};

    telling->visit(telling->context, &reached);
}

bool reach_walk_tracked(const struct python *python, struct image *image, struct types *types,
                        reach_visit *visit, void *context, struct reach_verdict *ret,
                        struct error *err)
{
    struct telling telling = {.visit = visit, .context = context};
    struct reach_verdict verdict = {0};

    if (!heap_walk(python, image, types, tell_tracked, &telling, &verdict.heap, err))
        return false;
    for (int i = 0; i < GENERATIONS; i++)
        verdict.objects[REACHED_TRACKED] += verdict.heap.objects[i];
    *ret = verdict;
    return true;
}
