// SPDX-License-Identifier: MIT
#include "inspector/analysis/traces_take.h"

#include "symbols/base/address_map.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    FIRST_SLOTS = 4096,
    UNREADABLE = UINT32_MAX - 1, /* in place of a number */
    FRAME_BYTES = 12,            /* of a traceback's frame, at least */
    FEWEST_FRAMES = 1 << 16,
};

static const char unreadable_name[] = "<unreadable>";

bool traces_are_verified(const struct traces_verdict *verdict)
{
    return !verdict->state.is_tracing ||
           (tracemalloc_is_verified(&verdict->state, &verdict->blocks) && !verdict->unreadable);
}

/* Sums: blocks of the same domain, size and traceback. */

struct sum {
    uint64_t traceback, size, count;
    uint32_t domain;
};

/* Open addressing: a slot has the number of a sum and one more, or 0. */
struct sums {
    struct sum *items;
    size_t count, capacity;
    uint32_t *slots;
    unsigned bits;           /* of the number of slots */
    uint64_t multipliers[3]; /* odd and drawn at random, so that no target chooses collisions */
};

static bool sums_init(struct sums *sums, struct error *err)
{
    *sums = (struct sums){.bits = (unsigned)__builtin_ctz(FIRST_SLOTS)};
    if (getrandom(sums->multipliers, sizeof(sums->multipliers), 0) < 0)
        sums->multipliers[0] = sums->multipliers[1] = UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 3; i++)
        sums->multipliers[i] |= 1;
    sums->slots = calloc(FIRST_SLOTS, sizeof(*sums->slots));
    return sums->slots || error_memory(err);
}

static void sums_free(struct sums *sums)
{
    free(sums->items);
    free(sums->slots);
}

static size_t slot_of(const struct sums *sums, const struct sum *sum)
{
    uint64_t hash = sum->traceback * sums->multipliers[0] + sum->size * sums->multipliers[1] +
                    sum->domain * sums->multipliers[2];

    return (size_t)(hash >> (64 - sums->bits));
}

static bool sums_enlarge(struct sums *sums, struct error *err)
{
    size_t mask = ((size_t)2 << sums->bits) - 1;
    uint32_t *slots = calloc(mask + 1, sizeof(*slots));

    if (!slots)
        return error_memory(err);
    free(sums->slots);
    sums->slots = slots;
    sums->bits++;
    for (size_t i = 0; i < sums->count; i++) {
        size_t at = slot_of(sums, &sums->items[i]);
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

static bool sums_append(struct sums *sums, size_t slot, const struct sum *sum, struct error *err)
{
    if (sums->count == UINT32_MAX - 1)
        return error_set(err, ERROR_LIMIT, "there are more than 2^32 kinds of traces");
    struct sum *grown =
        vector_grow(sums->items, &sums->capacity, sums->count + 1, sizeof(*sums->items));
    if (!grown)
        return error_memory(err);
    sums->items = grown;
    grown[sums->count++] = *sum;
    sums->slots[slot] = (uint32_t)sums->count;
    return sums->count <= (size_t)1 << sums->bits >> 1 || sums_enlarge(sums, err);
}

static bool sums_add(struct sums *sums, const struct traced_block *block, struct error *err)
{
    const struct sum wanted = {
        .traceback = block->traceback, .size = block->size, .count = 1, .domain = block->domain};
    size_t mask = ((size_t)1 << sums->bits) - 1;

    for (size_t at = slot_of(sums, &wanted);; at = (at + 1) & mask) {
        if (!sums->slots[at])
            return sums_append(sums, at, &wanted, err);
        struct sum *sum = &sums->items[sums->slots[at] - 1];
        if (sum->traceback == wanted.traceback && sum->size == wanted.size &&
            sum->domain == wanted.domain) {
            sum->count++;
            return true;
        }
    }
}

struct counting {
    struct sums *sums;
    struct error *err;
    bool failed;
};

static bool count_block(void *context, const struct traced_block *block)
{
    struct counting *counting = context;

    counting->failed = !sums_add(counting->sums, block, counting->err);
    return !counting->failed;
}

/* Tracebacks, each read once */

struct taking {
    const struct reader *reader;
    struct traces_builder *builder;
    struct address_map stacks, files; /* to the builder's numbers, or UNREADABLE */
    struct trace_frame *frames;       /* of one traceback */
    size_t frame_capacity;
    uint64_t frames_left; /* so many find room in the memory that was seen */
    struct text name;
    uint32_t unreadable; /* the builder's number of the stack in their place; UINT32_MAX: none */
};

/* What tracemalloc has interned lies nowhere twice. */
static uint64_t most_frames(const struct image *image)
{
    uint64_t bytes = image->bytes;

    for (size_t i = 0; !image->bytes && i < image->count; i++)
        bytes += image->ranges[i].bytes ? image->ranges[i].size : 0;
    return FEWEST_FRAMES + 2 * (bytes / FRAME_BYTES);
}

static bool take_file(struct taking *taking, uint64_t address, uint32_t *ret, struct error *err)
{
    *ret = address_map_find(&taking->files, address);
    if (*ret != UINT32_MAX)
        return true;
    text_clear(&taking->name);
    bool done = address && tracemalloc_read_file(taking->reader, address, &taking->name);
    if (taking->name.failed)
        return error_memory(err);
    *ret = UNREADABLE;
    if (!address)
        return true;
    return (!done || traces_builder_file(taking->builder, taking->name.bytes, taking->name.length,
                                         ret, err)) &&
           address_map_add(&taking->files, address, *ret, err);
}

/* *ret_number: UNREADABLE where one of its frames is. */
static bool take_frames(struct taking *taking, const struct traced_stack *stack,
                        uint32_t *ret_number, struct error *err)
{
    struct trace_frame *frames = vector_grow(taking->frames, &taking->frame_capacity, stack->frames,
                                             sizeof(*taking->frames));

    if (!frames)
        return error_memory(err);
    taking->frames = frames;
    for (uint32_t i = 0; i < stack->frames; i++) {
        struct traced_frame frame;
        if (!tracemalloc_read_frame(taking->reader, stack, i, &frame))
            return true;
        if (!take_file(taking, frame.file, &frames[i].file, err))
            return false;
        if (frames[i].file == UNREADABLE)
            return true;
        frames[i].line = frame.line;
    }
    bool is_told = reader_has(taking->reader, traceback_t_total_nframe);
    return traces_builder_stack(taking->builder, frames, stack->frames,
                                is_told ? stack->all_frames : 0, ret_number, err);
}

static bool take_stack(struct taking *taking, uint64_t traceback, uint32_t *ret, struct error *err)
{
    struct traced_stack stack;

    *ret = traceback ? address_map_find(&taking->stacks, traceback) : UNREADABLE;
    if (*ret != UINT32_MAX)
        return true;
    *ret = UNREADABLE;
    image_rest(taking->reader->image);
    if (tracemalloc_read_stack(taking->reader, traceback, &stack) &&
        stack.frames <= taking->frames_left) {
        taking->frames_left -= stack.frames;
        if (!take_frames(taking, &stack, ret, err))
            return false;
    }
    return address_map_add(&taking->stacks, traceback, *ret, err);
}

static bool take_unreadable(struct taking *taking, uint32_t *ret, struct error *err)
{
    struct trace_frame frame = {.line = 0};

    return traces_builder_file(taking->builder, unreadable_name, sizeof(unreadable_name) - 1,
                               &frame.file, err) &&
           traces_builder_stack(taking->builder, &frame, 1, 1, ret, err);
}

uint32_t trace_places_find(const struct trace_places *places, uint64_t traceback)
{
    uint32_t number = traceback ? address_map_find(&places->numbers, traceback) : UNREADABLE;

    if (number == UNREADABLE)
        number = places->unreadable;
    return number == UINT32_MAX ? number : places->stacks[number];
}

void trace_places_free(struct trace_places *places)
{
    address_map_free(&places->numbers);
    free(places->stacks);
    *places = (struct trace_places){.stacks = NULL};
}

static bool take_sums(struct taking *taking, const struct sums *sums, uint64_t *ret_unreadable,
                      struct error *err)
{
    *ret_unreadable = 0;
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum *sum = &sums->items[i];
        uint32_t stack;
        if (!take_stack(taking, sum->traceback, &stack, err))
            return false;
        if (stack == UNREADABLE) {
            *ret_unreadable += sum->count;
            if (!take_unreadable(taking, &stack, err))
                return false;
            taking->unreadable = stack;
        }
        if (!traces_builder_add(taking->builder, sum->domain, stack, sum->size, sum->count, err))
            return false;
    }
    return true;
}

static bool build(const struct reader *reader, const struct sums *sums, struct traces *ret,
                  uint64_t *ret_unreadable, struct trace_places *places, struct error *err)
{
    struct taking taking = {.reader = reader,
                            .builder = traces_builder_new(),
                            .frames_left = most_frames(reader->image),
                            .unreadable = UINT32_MAX};
    bool done =
        (taking.builder || error_memory(err)) && take_sums(&taking, sums, ret_unreadable, err);

    address_map_free(&taking.files);
    free(taking.frames);
    text_free(&taking.name);
    if (done)
        done = traces_builder_finish_telling(taking.builder, ret, &places->stacks, err);
    else
        traces_builder_free(taking.builder);
    places->numbers = taking.stacks;
    places->unreadable = taking.unreadable;
    return done;
}

static bool take(const struct reader *reader, struct traces *ret, struct traces_verdict *verdict,
                 struct trace_places *places, struct error *err)
{
    const struct tracemalloc *state = &verdict->state;
    struct sums sums;
    struct counting counting = {.sums = &sums, .err = err};

    if (!sums_init(&sums, err))
        return false;
    tracemalloc_each(reader, state, count_block, &counting, &verdict->blocks);
    bool done = !counting.failed && build(reader, &sums, ret, &verdict->unreadable, places, err);
    sums_free(&sums);
    if (!done)
        return false;
    ret->newest_first = reader->python->shape.lists_home == LISTS_STATIC;
    ret->traceback_limit = state->traceback_limit;
    ret->traced_memory = state->traced_memory;
    ret->peak = state->peak;
    ret->own_memory = state->own_memory;
    return true;
}

bool traces_take_placing(const struct reader *reader, struct traces *ret,
                         struct traces_verdict *ret_verdict, struct trace_places *ret_places,
                         struct error *err)
{
    struct traces_verdict verdict = {.unreadable = 0};
    struct trace_places places = {.unreadable = UINT32_MAX};
    struct traces traces = {.files = NULL};

    if (!tracemalloc_read(reader, &verdict.state, err) ||
        (verdict.state.is_tracing && !take(reader, &traces, &verdict, &places, err))) {
        trace_places_free(&places);
        return false;
    }
    *ret = traces;
    *ret_verdict = verdict;
    *ret_places = places;
    return true;
}

bool traces_take(const struct reader *reader, struct traces *ret,
                 struct traces_verdict *ret_verdict, struct error *err)
{
    struct trace_places places;

    if (!traces_take_placing(reader, ret, ret_verdict, &places, err))
        return false;
    trace_places_free(&places);
    return true;
}
