// SPDX-License-Identifier: MIT
#include "inspector/python/heap.h"

/* One set of lists: a GC state, or the static array of 3.6. */
struct gc_home {
    uint64_t address;    /* that list_head.offset counts from */
    uint64_t collecting; /* the address of the flag */
};

struct walk {
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

/* Follows the list of interpreters; a circle or nonsense ends it at MOST_INTERPRETERS. */
static size_t find_homes(const struct python *python, struct image *image, struct gc_home *homes,
                         size_t most)
{
    const struct layout *layout = &python->layout;
    size_t count = 0;

    switch (python->shape.lists_home) {
    case LISTS_STATIC:
        homes[0] = (struct gc_home){.address = word_at(image, python->generation0),
                                    .collecting = python->collecting};
        return homes[0].address ? 1 : 0;
    case LISTS_RUNTIME:
        homes[0] = home_of_state(python, python->runtime + layout_offset(layout, runtime_gc));
        return 1;
    case LISTS_INTERPRETER:
        break;
    }
    uint64_t at =
        word_at(image, python->runtime + layout_offset(layout, runtime_interpreters_head));
    for (; at && count < most; count++) {
        homes[count] = home_of_state(python, at + layout_offset(layout, interpreter_gc));
        at = word_at(image, at + layout_offset(layout, interpreter_next));
    }
    return count;
}

size_t heap_collecting_flags(const struct python *python, struct image *image, uint64_t *addresses,
                             size_t most)
{
    struct gc_home homes[MOST_INTERPRETERS];
    size_t count =
        find_homes(python, image, homes, most < MOST_INTERPRETERS ? most : MOST_INTERPRETERS);

    for (size_t i = 0; i < count; i++)
        addresses[i] = homes[i].collecting;
    return count;
}

/* `head` is the object's PyGC_Head in the image, with its PyObject behind it. */
static bool visit_object(struct walk *walk, uint64_t address, const uint8_t *head,
                         enum generation generation)
{
    struct object object = {.address = address + walk->head_size, .generation = generation};
    uint64_t type = load_u64(head + walk->head_size + walk->type);

    if (!types_number(walk->types, walk->image, type, &object.type, walk->err))
        return false;
    const struct type *known = &walk->types->items[object.type];
    walk->verdict.bad_types += !known->valid;
    object.size = type_object_size(walk->types, walk->image, known, object.address);
    walk->verdict.objects[generation]++;
    walk->visit(walk->context, &object);
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
    uint64_t before = head, anchor = head, steps = 0, limit = 1;

    if (!node) {
        walk->verdict.lists_cut++;
        return true;
    }
    for (;;) {
        uint64_t at = load_u64(node + walk->next) & walk->link_mask;
        bool is_head = at == head;

        node = image_at(walk->image, at, is_head ? walk->head_size : node_size);
        if (!node) {
            walk->verdict.lists_cut++;
            return true;
        }
        if ((load_u64(node + walk->prev) & walk->link_mask) == before)
            walk->verdict.links_verified++;
        else
            walk->verdict.links_broken++;
        if (is_head)
            return true;
        if (at == anchor) {
            walk->verdict.lists_cut++;
            return true;
        }
        if (++steps == limit) {
            anchor = at;
            limit *= 2;
        }
        if (!visit_object(walk, at, node, generation))
            return false;
        before = at;
        /* Reading the type may have moved the image's memory of where the last hit was, not its
         * bytes: `node` is still good. */
    }
}

static bool walk_home(struct walk *walk, const struct gc_home *home)
{
    const struct shape *shape = &walk->python->shape;
    uint64_t collecting;

    if (!image_word(walk->image, home->collecting, 4, &collecting) || collecting)
        walk->verdict.collecting = true;
    for (unsigned i = 0; i < shape->list_count; i++) {
        if (!walk_list(walk, home->address + shape->lists[i].offset, shape->lists[i].generation))
            return false;
    }
    return true;
}

bool heap_walk(const struct python *python, struct image *image, struct types *types,
               heap_visit *visit, void *context, struct heap_verdict *ret, struct error *err)
{
    const struct layout *layout = &python->layout;
    struct gc_home homes[MOST_INTERPRETERS];
    struct walk walk = {.python = python,
                        .image = image,
                        .types = types,
                        .visit = visit,
                        .context = context,
                        .err = err,
                        .head_size = layout_size(layout, sizeof_PyGC_Head),
                        .next = layout_offset(layout, PyGC_Head_gc_next),
                        .prev = layout_offset(layout, PyGC_Head_gc_prev),
                        .type = layout_offset(layout, PyObject_ob_type),
                        .link_mask = python->shape.link_mask};
    size_t count = find_homes(python, image, homes, MOST_INTERPRETERS);

    if (!count)
        return error_set(err, ERROR_PYTHON,
                         "the Python in it has no interpreter: it is still starting, or ending");
    walk.verdict.interpreters = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        if (!walk_home(&walk, &homes[i]))
            return false;
    }
    *ret = walk.verdict;
    return true;
}

bool heap_is_verified(const struct heap_verdict *verdict)
{
    return !verdict->links_broken && !verdict->lists_cut && !verdict->bad_types &&
           !verdict->collecting;
}
