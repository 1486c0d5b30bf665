// SPDX-License-Identifier: MIT
/* collections.deque. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

#include <inttypes.h>

/* A walk over the items, which lie in a list of blocks. */
struct deque_walk {
    const struct reader *reader;
    uint64_t block;
    uint64_t index; /* in the block */
    uint64_t block_length;
    uint64_t left; /* items yet to come */
    /* A list that runs in a circle comes back to the block where it was after 2^n steps. */
    uint64_t anchor, steps;
};

/* False where it cannot be read, or cannot be so. */
static bool deque_open(const struct reader *reader, uint64_t address, struct deque_walk *ret)
{
    const struct layout *layout = &reader->python->layout;
    struct deque_walk walk = {
        .reader = reader, .block_length = layout_size(layout, deque_block_data) / sizeof(uint64_t)};

    if (!walk.block_length || !read_field(reader, address, dequeobject_leftblock, &walk.block) ||
        !read_field(reader, address, dequeobject_leftindex, &walk.index) ||
        !read_field(reader, address, PyVarObject_ob_size, &walk.left) ||
        walk.index > walk.block_length || (int64_t)walk.left < 0)
        return false;
    *ret = walk;
    return true;
}

/* To the next block; false: there is none, or it was met before. */
static bool deque_step(struct deque_walk *walk)
{
    if ((walk->steps & (walk->steps - 1)) == 0)
        walk->anchor = walk->block;
    walk->steps++;
    walk->block = read_pointer(walk->reader, walk->block, deque_block_rightlink);
    walk->index = 0;
    return walk->block && walk->block != walk->anchor;
}

/* 0: there are no more. */
static uint64_t deque_next(struct deque_walk *walk)
{
    const struct reader *reader = walk->reader;
    uint64_t item;

    if (!walk->left || (walk->index == walk->block_length && !deque_step(walk))) {
        walk->left = 0;
        return 0;
    }
    uint64_t items = field_address(reader, walk->block, deque_block_data);
    if (!image_word(reader->image, items + walk->index * sizeof(item), sizeof(item), &item))
        return 0;
    walk->index++;
    walk->left--;
    return item;
}

/* What is in the last block fits the number of items. */
static bool ends_well(const struct deque_walk *walk, uint64_t address)
{
    uint64_t last;

    return read_field(walk->reader, address, dequeobject_rightindex, &last) &&
           (walk->index + walk->left + walk->block_length - 1) % walk->block_length == last;
}

static uint64_t block_size(const struct reader *reader)
{
    return layout_size(&reader->python->layout, sizeof_deque_block);
}

/* How many blocks have items, or could: an empty deque has one. */
static uint64_t count_blocks(const struct deque_walk *walk)
{
    return (walk->index + walk->left + walk->block_length - 1) / walk->block_length;
}

static bool deque_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    enum { MOST_ITEMS_LOG2 = 40 };
    struct deque_walk walk;

    *ret = type->basicsize;
    if (!deque_open(reader, address, &walk) || walk.left >> MOST_ITEMS_LOG2 ||
        !ends_well(&walk, address))
        return false;
    *ret += count_blocks(&walk) * block_size(reader);
    return true;
}

static void deque_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    struct deque_walk walk;
    uint64_t item;

    (void)type;
    if (!deque_open(reader, address, &walk))
        return;
    for (uint64_t i = 0; !references->ended && (item = deque_next(&walk)) != 0; i++)
        reference_index(references, item, i);
}

/* "deque([1, 2], maxlen=3)", within itself "[...]". */
static bool deque_print(struct printer *printer, const struct type *type, uint64_t address)
{
    struct deque_walk walk;
    uint64_t item, maxlen;

    if (!deque_open(printer->reader, address, &walk) ||
        !read_field(printer->reader, address, dequeobject_maxlen, &maxlen))
        return false;
    if (!printer_enter(printer, address, "[...]"))
        return true;
    if (printer->reader->python->shape.collections_print_class)
        printer_add_utf8(printer, type->short_name, type->short_length);
    else
        printer_add(printer, "deque");
    printer_add(printer, "([");
    for (uint64_t i = 0; !printer->full && (item = deque_next(&walk)) != 0; i++) {
        if (i)
            printer_add(printer, ", ");
        printer_object(printer, item);
    }
    printer_add(printer, "]");
    if ((int64_t)maxlen >= 0)
        printer_addf(printer, ", maxlen=%" PRIu64, maxlen);
    printer_add(printer, ")");
    printer_leave(printer);
    return true;
}

static void deque_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    uint64_t length, maxlen;

    (void)type;
    if (read_field(reader, address, PyVarObject_ob_size, &length))
        say_number("length", (int64_t)length, tell, context);
    if (!read_field(reader, address, dequeobject_maxlen, &maxlen))
        return;
    if ((int64_t)maxlen < 0)
        tell(context, "maxlen", "None", 4);
    else
        say_number("maxlen", (int64_t)maxlen, tell, context);
}

static void deque_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                          buffer_tell *tell, void *context)
{
    struct deque_walk walk;

    (void)type;
    if (!deque_open(reader, address, &walk))
        return;
    uint64_t blocks = count_blocks(&walk);
    do {
        tell(context, "block", walk.block, block_size(reader));
    } while (--blocks && deque_step(&walk));
}

const struct kind deque_kinds[] = {
    {.type = "collections.deque",
     .structure = sizeof_dequeobject,
     .size = deque_size,
     .references = deque_references,
     .print = deque_print,
     .describe = deque_describe,
     .buffers = deque_buffers},
    {.type = NULL},
};
