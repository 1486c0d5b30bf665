// SPDX-License-Identifier: MIT
#include "inspector/python/heap.h"

#include "inspector/python/object.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

enum {
    KNOWN_OF_OLD = 256,
    MOST_NEW_OBJECTS = 1 << 18, /* on all lists together: some ten milliseconds */
    MOST_READ_AGAIN = 1 << 16   /* reads of a running process: some hundred milliseconds */
};

/*
 * Lists have no object in common, so there can't be more objects than the image has room for; but a
 * hostile process may lead a thousand lists into one. Beyond so many it is looked at.
 */
static const uint64_t few_objects = 1 << 20;

/* One set of lists: a GC state, or the static array of 3.6. */
struct gc_home {
    uint64_t address;    /* that list_head.offset counts from */
    uint64_t collecting; /* the address of the flag */
};

enum { REMEMBERED = 1024 };

/* The objects of a list that were met last, to go back to. */
struct trail {
    uint64_t head; /* of the list */
    uint64_t nodes[REMEMBERED];
    uint64_t count; /* of all that were met, the head included */
};

struct walk {
    struct reader reader;
    const struct python *python;
    struct image *image;
    struct types *types;
    heap_visit *visit;
    void *context;
    struct heap_verdict verdict;
    struct error *err;

    /* The layout, unpacked for the loop. */
    uint32_t head_size, next, prev, type;
    uint64_t link_mask;

    uint64_t heads, heads_size; /* where all heads of this set of lists lie */
    unsigned read_again;        /* so many nodes */
    uint64_t met;               /* objects, on all lists */
};

static uint64_t word_at(struct image *image, uint64_t address)
{
    uint64_t word;

    return image_word(image, address, sizeof(word), &word) ? word : 0;
}

static struct gc_home home_of_state(const struct python *python, uint64_t state)
{
    const struct layout *layout = &python->layout;
    return (struct gc_home){.address = state,
                            .collecting = state + layout_offset(layout, gc_state_collecting)};
}

struct gc_homes {
    struct gc_home *items;
    size_t count, capacity;
    bool cut; /* the list of interpreters runs in a circle, or is longer than can be */
};

static bool add_home(struct gc_homes *homes, struct gc_home home, struct error *err)
{
    struct gc_home *grown =
        vector_grow(homes->items, &homes->capacity, homes->count + 1, sizeof(*homes->items));

    if (!grown)
        return error_memory(err);
    homes->items = grown;
    homes->items[homes->count++] = home;
    return true;
}

/* Each interpreter once, however hostile their list. */
static bool follow_interpreters(const struct python *python, struct image *image,
                                struct gc_homes *homes, struct error *err)
{
    const struct layout *layout = &python->layout;
    struct address_map met = {0};
    uint64_t at =
        word_at(image, python->runtime + layout_offset(layout, runtime_interpreters_head));
    bool done = true;

    while (done && at && !homes->cut) {
        if (address_map_find(&met, at) != UINT32_MAX || homes->count == MOST_INTERPRETERS) {
            homes->cut = true;
            break;
        }
        done =
            address_map_add(&met, at, 0, err) &&
            add_home(homes, home_of_state(python, at + layout_offset(layout, interpreter_gc)), err);
        at = word_at(image, at + layout_offset(layout, interpreter_next));
    }
    address_map_free(&met);
    return done;
}

/* homes->items is to be freed, also on failure. */
static bool find_homes(const struct python *python, struct image *image, struct gc_homes *homes,
                       struct error *err)
{
    struct gc_home home;

    switch (python->shape.lists_home) {
    case LISTS_STATIC:
        home = (struct gc_home){.address = word_at(image, python->generation0),
                                .collecting = python->collecting};
        return !home.address || add_home(homes, home, err);
    case LISTS_RUNTIME:
        home = home_of_state(python, python->runtime + layout_offset(&python->layout, runtime_gc));
        return add_home(homes, home, err);
    case LISTS_INTERPRETER:
        break;
    }
    return follow_interpreters(python, image, homes, err);
}

bool heap_collecting_flags(const struct python *python, struct image *image, heap_flag *each,
                           void *context, struct error *err)
{
    struct gc_homes homes = {0};
    bool done = find_homes(python, image, &homes, err);

    for (size_t i = 0; done && i < homes.count; i++)
        done = each(context, homes.items[i].collecting, err);
    free(homes.items);
    return done;
}

/* `head` is the object's PyGC_Head in the image, with its PyObject behind it. */
static bool visit_object(struct walk *walk, uint64_t address, const uint8_t *head,
                         enum generation generation)
{
    struct object object = {.address = address + walk->head_size, .generation = generation};
    uint64_t type = load_u64(head + walk->head_size + walk->type);

    if (!types_number(walk->types, walk->image, type, &object.type, walk->err))
        return false;
    const struct type *known = walk->types->items[object.type];
    walk->verdict.bad_types += !known->valid;
    if (!object_size(&walk->reader, known, object.address, &object.size))
        walk->verdict.bad_sizes++;
    walk->verdict.objects[generation]++;
    walk->met++;
    walk->visit(walk->context, &object);
    return true;
}

/* The links of a node, read again: of an object, or of the list's head. */
static const uint8_t *read_again(struct walk *walk, uint64_t at)
{
    if (walk->read_again++ > MOST_READ_AGAIN || !image_refresh(walk->image, at, walk->head_size))
        return NULL;
    return image_at(walk->image, at, walk->head_size);
}

/* Is the node `known` linked to its successor, both read again? */
static bool is_linked(struct walk *walk, uint64_t known, uint64_t *ret_next)
{
    const uint8_t *node = read_again(walk, known);
    uint64_t next = node ? load_u64(node + walk->next) & walk->link_mask : 0;

    node = next ? read_again(walk, next) : NULL;
    if (!node || (load_u64(node + walk->prev) & walk->link_mask) != known)
        return false;
    *ret_next = next;
    return true;
}

/*
 * In a running process objects vanish while their list is followed, often many that were
 * neighbours. One of the last that we met, and that is still linked to its successor, is where to
 * go on; early in the list its head is.
 */
static bool recover(struct walk *walk, struct trail *trail, uint64_t *before, uint64_t *at)
{
    if (!walk->image->refresh || walk->read_again > MOST_READ_AGAIN)
        return false;
    for (uint64_t back = 1; back <= REMEMBERED && back <= trail->count; back += (back + 3) / 4) {
        uint64_t known = trail->nodes[(trail->count - back) % REMEMBERED];
        if (!is_linked(walk, known, at))
            continue;
        trail->count -= back - 1;
        *before = known;
        return true;
    }
    if (trail->count > 2 * REMEMBERED || !is_linked(walk, trail->head, at))
        return false;
    trail->count = 1;
    *before = trail->nodes[0] = trail->head;
    return true;
}

static uint64_t most_objects(const struct walk *walk)
{
    uint64_t room = walk->image->bytes / (walk->head_size + sizeof(uint64_t) * 2);

    return walk->image->bytes ? room + few_objects : UINT64_MAX;
}

static bool cut(struct walk *walk)
{
    walk->verdict.lists_cut++;
    return true;
}

/*
 * A circle that leaves out the list's head is only possible after a broken link. It is noticed by
 * an anchor that is moved to the current node at each power of two (Brent): within three rounds.
 */
static bool walk_list(struct walk *walk, uint64_t head, enum generation generation)
{
    const uint64_t node_size =
        walk->head_size + layout_size(&walk->python->layout, sizeof_PyObject);
    const uint8_t *node = image_at(walk->image, head, walk->head_size);
    struct trail trail; /* too large to be cleared for each of a thousand lists */
    uint64_t before = head, anchor = head, steps = 0, limit = 1;

    if (!node || walk->met > most_objects(walk))
        return cut(walk);
    trail.head = trail.nodes[0] = head;
    trail.count = 1;
    uint64_t at = load_u64(node + walk->next) & walk->link_mask;
    for (;;) {
        bool is_head = at == head;

        image_rest(walk->image);
        node = image_at(walk->image, at, is_head ? walk->head_size : node_size);
        if (node && (load_u64(node + walk->prev) & walk->link_mask) == before) {
            walk->verdict.links_verified++;
        } else {
            bool recovered = recover(walk, &trail, &before, &at);
            walk->verdict.links_broken += node || recovered;
            if (recovered) {
                anchor = before; /* objects may be met again without there being a circle */
                continue;
            }
        }
        if (node && is_head)
            return true;
        /* Another list's head: the objects were moved to that list while we followed them. */
        if (!node || at == anchor || at - walk->heads < walk->heads_size)
            return cut(walk);
        if (++steps == limit) {
            if (walk->met > most_objects(walk))
                return cut(walk);
            anchor = at;
            limit *= 2;
        }
        if (!visit_object(walk, at, node, generation))
            return false;
        trail.nodes[trail.count++ % REMEMBERED] = at;
        before = at;
        at = load_u64(node + walk->next) & walk->link_mask;
    }
}

static void note_heads(struct walk *walk, const struct gc_home *home)
{
    const struct shape *shape = &walk->python->shape;
    uint32_t first = UINT32_MAX, last = 0;

    for (unsigned i = 0; i < shape->list_count; i++) {
        uint32_t offset = shape->lists[i].offset;
        first = offset < first ? offset : first;
        last = offset > last ? offset : last;
    }
    walk->heads = home->address + first;
    walk->heads_size = last - first + 1;
}

static bool walk_home(struct walk *walk, const struct gc_home *home)
{
    const struct shape *shape = &walk->python->shape;
    uint64_t collecting;

    if (!image_word(walk->image, home->collecting, 4, &collecting) || collecting)
        walk->verdict.collecting = true;
    note_heads(walk, home);
    for (unsigned i = 0; i < shape->list_count; i++) {
        if (!walk_list(walk, home->address + shape->lists[i].offset, shape->lists[i].generation))
            return false;
    }
    return true;
}

static struct walk walk_of(const struct python *python, struct image *image)
{
    const struct layout *layout = &python->layout;

    return (struct walk){.reader = {.python = python, .image = image},
                         .python = python,
                         .image = image,
                         .head_size = layout_size(layout, sizeof_PyGC_Head),
                         .next = layout_offset(layout, PyGC_Head_gc_next),
                         .prev = layout_offset(layout, PyGC_Head_gc_prev),
                         .type = layout_offset(layout, PyObject_ob_type),
                         .link_mask = python->shape.link_mask};
}

bool heap_walk(const struct python *python, struct image *image, struct types *types,
               heap_visit *visit, void *context, struct heap_verdict *ret, struct error *err)
{
    struct gc_homes homes = {0};
    struct walk walk = walk_of(python, image);
    bool done = find_homes(python, image, &homes, err);

    walk.types = walk.reader.types = types;
    walk.visit = visit;
    walk.context = context;
    walk.err = err;
    if (done && !homes.count)
        done = error_set(err, ERROR_PYTHON,
                         "the Python in it has no interpreter: it is still starting, or ending");
    walk.verdict.interpreters = (unsigned)homes.count;
    walk.verdict.lists_cut += homes.cut;
    for (size_t i = 0; done && i < homes.count; i++)
        done = walk_home(&walk, &homes.items[i]);
    free(homes.items);
    if (done)
        *ret = walk.verdict;
    return done;
}

static void touch_end(struct walk *walk, uint64_t head, unsigned enough)
{
    const uint64_t size = walk->head_size + layout_size(&walk->python->layout, sizeof_PyVarObject);
    uint64_t at = head, filled = walk->image->filled;

    for (unsigned known = 0; walk->met < MOST_NEW_OBJECTS && known < enough; walk->met++) {
        const uint8_t *node = image_at(walk->image, at, at == head ? walk->head_size : size);
        if (!node)
            return;
        known = walk->image->filled == filled ? known + 1 : 0;
        filled = walk->image->filled;
        at = load_u64(node + walk->prev) & walk->link_mask;
        if (at == head)
            return;
    }
}

bool heap_touch_new(const struct python *python, struct image *image, unsigned enough,
                    struct error *err)
{
    struct gc_homes homes = {0};
    struct walk walk = walk_of(python, image);
    const struct shape *shape = &python->shape;
    bool done = find_homes(python, image, &homes, err);

    for (size_t i = 0; done && i < homes.count; i++) {
        for (unsigned list = 0; list < shape->list_count; list++) {
            bool is_old = shape->lists[list].generation >= GENERATION_2;
            touch_end(&walk, homes.items[i].address + shape->lists[list].offset,
                      is_old && enough > KNOWN_OF_OLD ? KNOWN_OF_OLD : enough);
        }
    }
    free(homes.items);
    return done;
}

bool heap_is_whole(const struct heap_verdict *verdict)
{
    return !verdict->lists_cut && !verdict->references_cut && !verdict->collecting;
}

bool heap_is_verified(const struct heap_verdict *verdict)
{
    return heap_is_whole(verdict) && !verdict->links_broken && !verdict->bad_types &&
           !verdict->bad_sizes && !verdict->bad_references;
}
