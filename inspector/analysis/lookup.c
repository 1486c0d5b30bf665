// SPDX-License-Identifier: MIT
#include "inspector/analysis/lookup.h"

#include "inspector/python/instance.h"
#include "inspector/python/object.h"
#include "inspector/python/pymalloc.h"
#include "inspector/python/unicode.h"

#include <stdlib.h>

enum {
    DEBUG_PREFIX = 16, /* before a block under PYTHONMALLOC=debug */
    MOST_HEADERS = 48,
};

/* A type that C code defines has no headers, and is smaller, though others of its metatype have. */
static bool is_static_type(const struct reader *reader, const struct type *type, uint64_t address)
{
    uint64_t flags;

    return type->flags & TPFLAGS_TYPE_SUBCLASS &&
           read_field(reader, address, PyTypeObject_tp_flags, &flags) &&
           !(flags & TPFLAGS_HEAPTYPE);
}

/* The end of an object whose type does not say how long it is; 0: its type does. */
static uint64_t end_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    struct instance_dict attributes;
    struct characters found;
    uint64_t size;

    if (type->flags & TPFLAGS_UNICODE_SUBCLASS)
        return unicode_find(reader->python, reader->image, address, &found) && found.is_compact &&
                       reader_has_room(reader, found.address, found.length, found.width)
                   ? found.address + (found.length + 1) * found.width
                   : 0;
    if (type->kind && type->kind->frame && type->kind->size) /* its variables */
        return type->kind->size(reader, type, address, &size) ? address + size : 0;
    if (!(type->flags & TPFLAGS_INLINE_VALUES))
        return 0;
    attributes = instance_dict_of(reader, type, address);
    return attributes.count ? attributes.values + attributes.count * sizeof(uint64_t) : 0;
}

/* Without headers: what the object itself takes. */
static uint64_t extent_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    uint64_t size, end = end_of(reader, type, address);

    if (is_static_type(reader, type, address))
        return layout_size(&reader->python->layout, sizeof_PyTypeObject);
    if (end > address)
        return end - address;
    if (type->kind && type->kind->unsized && type->item_count == ITEMS_NONE)
        return type->basicsize + type->kind->unsized;
    (void)type_general_size(reader->python, reader->image, type, address, &size);
    return size;
}

static uint64_t headers_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    return is_static_type(reader, type, address) ? 0 : type->headers;
}

static void set_object(const struct reader *reader, struct finding *finding,
                       const struct type *type, uint64_t address)
{
    uint64_t headers = headers_of(reader, type, address);

    finding->found = finding->asked == address ? FOUND_OBJECT : FOUND_INSIDE;
    finding->object = address;
    finding->type = type;
    finding->start = address - headers;
    finding->size = headers + extent_of(reader, type, address);
}

/* Do its neighbours in a list of the collector link back to it? */
static bool is_linked(const struct reader *reader, uint64_t address)
{
    const uint64_t mask = reader->python->shape.link_mask;
    uint64_t head = address - layout_size(&reader->python->layout, sizeof_PyGC_Head);
    uint64_t next = read_pointer(reader, head, PyGC_Head_gc_next) & mask;
    uint64_t previous = read_pointer(reader, head, PyGC_Head_gc_prev) & mask;

    return next && previous && (read_pointer(reader, next, PyGC_Head_gc_prev) & mask) == head &&
           (read_pointer(reader, previous, PyGC_Head_gc_next) & mask) == head;
}

static bool may_be_tracked(const struct reader *reader, const struct type *type, uint64_t address)
{
    return type->flags & TPFLAGS_HAVE_GC && headers_of(reader, type, address);
}

/* Is there an object in the block, where such an object would begin? */
static uint64_t object_in_block(const struct reader *reader, const struct block *block,
                                const struct type **ret)
{
    for (uint64_t prefix = 0; prefix <= DEBUG_PREFIX; prefix += DEBUG_PREFIX) {
        for (uint64_t headers = 0; headers <= MOST_HEADERS; headers += 8) {
            uint64_t address = block->start + prefix + headers;
            const struct type *type = object_likely_type(reader, address);
            if (!type || headers_of(reader, type, address) != headers ||
                headers + prefix + type->basicsize > block->size)
                continue;
            *ret = type;
            return address;
        }
    }
    return 0;
}

/* A count that an object in use has: small, or one of those that mark an immortal one. */
static bool is_usual_refcount(uint64_t refcount)
{
    return refcount < UINT64_C(1) << 31 || refcount == UINT32_MAX || refcount == UINT64_C(3) << 30;
}

/*
 * Any block that is in use may hold two words that look like a header: in an array of types the
 * one before a type is an address.
 */
static bool is_vouched_for(const struct reader *reader, const struct type *type, uint64_t object,
                           bool is_tracked)
{
    uint64_t refcount, word;

    return object_is_there(reader, object) && read_refcount(reader, object, &refcount) &&
           is_usual_refcount(refcount) && image_word(reader->image, object, sizeof(word), &word) &&
           !image_range_of(reader->image, word) &&
           (is_tracked || !may_be_tracked(reader, type, object) ||
            !(type->flags & TPFLAGS_HEAPTYPE));
}

/* Nobody counts any more; since 3.14 the next one that is kept takes the count's place. */
static bool is_kept_for_later(const struct reader *reader, uint64_t object, const struct type *type)
{
    uint64_t word;

    return image_word(reader->image, object, sizeof(word), &word) &&
           (!word || object_likely_type(reader, word) == type);
}

/* What can be said without visiting all objects. False: not enough. */
static bool find_in_block(const struct reader *reader, struct finding *finding)
{
    struct block block = pymalloc_block_at(reader, finding->asked);
    const struct type *type;
    uint64_t object;

    finding->start = block.start;
    finding->size = block.size;
    switch (block.state) {
    case BLOCK_NONE:
        return false;
    case BLOCK_HEADER:
        finding->found = FOUND_POOL;
        return true;
    case BLOCK_FREE:
        finding->found = FOUND_FREE_BLOCK;
        return true;
    case BLOCK_ALLOCATED:
        break;
    }
    finding->found = FOUND_BLOCK;
    object = object_in_block(reader, &block, &type);
    if (!object)
        return false;
    bool is_tracked = may_be_tracked(reader, type, object) && is_linked(reader, object);
    if (is_vouched_for(reader, type, object, is_tracked)) {
        set_object(reader, finding, type, object);
        finding->is_alive = true;
        finding->is_tracked = is_tracked;
        return true;
    }
    if (is_kept_for_later(reader, object, type)) {
        finding->found = FOUND_DEAD;
        finding->object = object;
        finding->type = type;
    }
    return false;
}

static void find_memory(const struct reader *reader, struct finding *finding)
{
    struct image *image = reader->image;
    const struct image_range *range = image_range_of(image, finding->asked);

    finding->found = !range                               ? FOUND_NOTHING
                     : image_at(image, finding->asked, 1) ? FOUND_MEMORY
                                                          : FOUND_UNREAD;
    finding->start = range ? range->start : 0;
    finding->size = range ? range->size : 0;
}

/* True: nothing is left to be asked. */
static bool find_at_once(const struct reader *reader, struct finding *finding)
{
    find_memory(reader, finding);
    if (finding->found != FOUND_MEMORY)
        return finding->found == FOUND_NOTHING;
    const struct type *type = object_likely_type(reader, finding->asked);
    if (type && may_be_tracked(reader, type, finding->asked) && is_linked(reader, finding->asked)) {
        set_object(reader, finding, type, finding->asked);
        finding->is_tracked = finding->is_alive = true;
        return true;
    }
    return find_in_block(reader, finding);
}

/* The walk */

struct walk {
    const struct reader *reader;
    struct finding **open; /* those without an answer, by address */
    size_t count;
    struct instances *instances;         /* NULL: nobody wants to know */
    const struct reached_object *object; /* whose buffers are told */
    const struct type *type;
};

static int compare_asked(const void *left, const void *right)
{
    const struct finding *const *a = left, *const *b = right;

    return ((*a)->asked > (*b)->asked) - ((*a)->asked < (*b)->asked);
}

/* The first of the open ones at `start` or above. */
static size_t first_from(const struct walk *walk, uint64_t start)
{
    size_t low = 0, high = walk->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk->open[middle]->asked < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void note(struct finding *finding, const struct walk *walk)
{
    const struct reached_object *met = walk->object;

    finding->is_alive = true;
    finding->is_tracked = finding->is_listed = met->reached == REACHED_TRACKED;
    finding->generation = met->object.generation;
}

static void note_buffer(void *context, const char *name, uint64_t address, uint64_t size)
{
    struct walk *walk = context;

    for (size_t i = first_from(walk, address);
         i < walk->count && walk->open[i]->asked - address < size; i++) {
        struct finding *finding = walk->open[i];
        if (finding->found == FOUND_OBJECT || finding->found == FOUND_INSIDE)
            continue;
        finding->found = FOUND_BUFFER;
        finding->object = walk->object->object.address;
        finding->type = walk->type;
        finding->buffer = name;
        finding->start = address;
        finding->size = size;
        note(finding, walk);
    }
}

static void meet(void *context, const struct reached_object *met)
{
    struct walk *walk = context;
    const struct reader *reader = walk->reader;
    uint64_t address = met->object.address;

    if (walk->instances)
        instances_add(walk->instances, met->object.type);
    if (!walk->count)
        return;
    walk->object = met;
    walk->type = reader->types->items[met->object.type];
    uint64_t start = address - headers_of(reader, walk->type, address);
    size_t first = first_from(walk, start);
    if (first < walk->count) {
        uint64_t size = address - start + extent_of(reader, walk->type, address);
        for (size_t i = first; i < walk->count && walk->open[i]->asked - start < size; i++) {
            if (walk->open[i]->found == FOUND_OBJECT && walk->open[i]->object != address)
                continue;
            set_object(reader, walk->open[i], walk->type, address);
            note(walk->open[i], walk);
        }
    }
    if (walk->type->kind && walk->type->kind->buffers)
        walk->type->kind->buffers(reader, walk->type, address, note_buffer, walk);
    if (walk->type->flags & TPFLAGS_MANAGED_DICT) {
        struct instance_dict attributes = instance_dict_of(reader, walk->type, address);
        note_buffer(walk, "values", attributes.values, attributes.count * sizeof(uint64_t));
    }
}

/* Something may hold an object without anybody's knowing: C code. */
static void believe_header(const struct reader *reader, struct finding *finding)
{
    if ((finding->found == FOUND_MEMORY || finding->found == FOUND_BLOCK) &&
        object_is_there(reader, finding->asked))
        set_object(reader, finding, object_likely_type(reader, finding->asked), finding->asked);
}

static bool is_class(const struct finding *finding)
{
    return finding_is_object(finding) && finding->type->flags & TPFLAGS_TYPE_SUBCLASS;
}

/*
 * Of those that are settled at once only tracked ones have anything to hope for from a walk.
 * Returns whether one of all objects is needed. What lies at an address is a guess: memory that is
 * not there is not missed.
 */
static bool settle(struct walk *walk, struct finding *findings, size_t count)
{
    struct image *image = walk->reader->image;
    uint64_t missed = image->missed;
    bool wants_all = false;

    for (size_t i = 0; i < count; i++) {
        struct finding *finding = &findings[i];
        *finding = (struct finding){.asked = finding->asked};
        bool is_settled = find_at_once(walk->reader, finding);
        wants_all = wants_all || !is_settled || is_class(finding);
        if (!is_settled || finding->is_tracked)
            walk->open[walk->count++] = finding;
    }
    image->missed = missed;
    if (walk->count)
        qsort(walk->open, walk->count, sizeof(*walk->open), compare_asked);
    return wants_all;
}

bool lookup(const struct reader *reader, struct finding *findings, size_t count,
            struct instances *instances, struct reach_verdict *ret, struct error *err)
{
    struct walk walk = {.reader = reader, .open = calloc(count + 1, sizeof(*walk.open))};
    bool done;

    if (!walk.open)
        return error_memory(err);
    if (settle(&walk, findings, count)) {
        walk.instances = instances;
        done = reach_walk(reader->python, reader->image, reader->types, meet, &walk, ret, err) &&
               instances_inherit(instances, reader, err);
    } else if (walk.count) {
        done =
            reach_walk_tracked(reader->python, reader->image, reader->types, meet, &walk, ret, err);
    } else {
        *ret = (struct reach_verdict){0};
        done = true;
    }
    uint64_t missed = reader->image->missed;
    for (size_t i = 0; done && i < walk.count; i++)
        believe_header(reader, walk.open[i]);
    reader->image->missed = missed;
    free(walk.open);
    return done;
}
