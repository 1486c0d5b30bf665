// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_order.h"
#include "inspector/analysis/traces.h"
#include "symbols/base/saturate.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MOST = UINT32_MAX - 1 }; /* of a kind */

/* Which things of a kind are there, by what they hash to: the hash above, the number and 1 below;
 * 0: an empty slot. */
struct index {
    uint64_t *slots;
    size_t mask; /* slots - 1 */
    size_t count;
};

struct traces_builder {
    uint64_t multiplier; /* odd and drawn at random, so that no target can choose its collisions */
    struct arena arena;  /* of names */

    struct trace_file *files;
    size_t file_capacity;
    struct trace_frame *frames;
    size_t frame_count, frame_capacity;
    struct trace_stack *stacks;
    size_t stack_capacity;
    struct trace_row *rows;
    size_t row_capacity;
    struct index file_index, stack_index, row_index; /* with how many there are */
};

struct traces_builder *traces_builder_new(void)
{
    struct traces_builder *builder = calloc(1, sizeof(*builder));

    if (builder &&
        getrandom(&builder->multiplier, sizeof(builder->multiplier), 0) != sizeof(uint64_t))
        builder->multiplier = UINT64_C(0x9e3779b97f4a7c15);
    if (builder)
        builder->multiplier |= 1;
    return builder;
}

void traces_builder_free(struct traces_builder *builder)
{
    if (!builder)
        return;
    free(builder->files);
    free(builder->frames);
    free(builder->stacks);
    free(builder->rows);
    free(builder->file_index.slots);
    free(builder->stack_index.slots);
    free(builder->row_index.slots);
    arena_free(&builder->arena);
    free(builder);
}

static inline uint64_t hash_word(const struct traces_builder *builder, uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * builder->multiplier;
    return hash ^ hash >> 32;
}

static uint64_t hash_bytes(const struct traces_builder *builder, const char *bytes, size_t length)
{
    uint64_t hash = hash_word(builder, builder->multiplier, length);

    while (length) {
        uint64_t word = 0;
        size_t some = length < sizeof(word) ? length : sizeof(word);
        memcpy(&word, bytes, some);
        hash = hash_word(builder, hash, word);
        bytes += some;
        length -= some;
    }
    return hash;
}

static inline size_t slot_of(const struct index *index, uint64_t hash)
{
    return (hash >> 32) & index->mask;
}

static bool index_grow(struct index *index, struct error *err)
{
    struct index larger = {.mask = index->slots ? index->mask * 2 + 1 : 63, .count = index->count};

    larger.slots = calloc(larger.mask + 1, sizeof(*larger.slots));
    if (!larger.slots)
        return error_memory(err);
    for (size_t i = 0; index->slots && i <= index->mask; i++) {
        if (!index->slots[i])
            continue;
        size_t to = slot_of(&larger, index->slots[i]);
        while (larger.slots[to])
            to = (to + 1) & larger.mask;
        larger.slots[to] = index->slots[i];
    }
    free(index->slots);
    *index = larger;
    return true;
}

/* There is room for one more. */
static bool index_prepare(struct index *index, const char *what, struct error *err)
{
    if (index->count >= MOST)
        return error_set(err, ERROR_LIMIT, "more than %u %s", (unsigned)MOST, what);
    return (index->slots && index->count < index->mask / 3 * 2) || index_grow(index, err);
}

/* The first number from *slot on whose hash is like `hash`; false: there is none, and *slot is
 * where it would go. */
static inline bool index_next(const struct index *index, uint64_t hash, size_t *slot,
                              uint32_t *number)
{
    for (; index->slots[*slot]; *slot = (*slot + 1) & index->mask) {
        uint64_t found = index->slots[*slot];
        if (found >> 32 == hash >> 32) {
            *number = (uint32_t)found - 1;
            return true;
        }
    }
    return false;
}

static uint32_t index_put(struct index *index, uint64_t hash, size_t slot)
{
    uint32_t number = (uint32_t)index->count++;

    index->slots[slot] = (hash >> 32) << 32 | (number + 1);
    return number;
}

static bool reserve(void *items_at, size_t *capacity, size_t wanted, size_t item_size,
                    struct error *err)
{
    void *items;

    memcpy(&items, items_at, sizeof(items));
    items = vector_grow(items, capacity, wanted, item_size);
    if (!items)
        return error_memory(err);
    memcpy(items_at, &items, sizeof(items));
    return true;
}

bool traces_builder_file(struct traces_builder *builder, const char *name, size_t length,
                         uint32_t *ret, struct error *err)
{
    struct index *index = &builder->file_index;
    uint64_t hash = hash_bytes(builder, name, length);

    if (!index_prepare(index, "file names", err) ||
        !reserve(&builder->files, &builder->file_capacity, index->count + 1,
                 sizeof(*builder->files), err))
        return false;
    size_t slot = slot_of(index, hash);
    for (uint32_t number; index_next(index, hash, &slot, &number);
         slot = (slot + 1) & index->mask) {
        const struct trace_file *file = &builder->files[number];
        if (file->length == length && (!length || memcmp(file->name, name, length) == 0)) {
            *ret = number;
            return true;
        }
    }
    const char *copy = arena_copy(&builder->arena, name, length);
    if (!copy)
        return error_memory(err);
    builder->files[index->count] = (struct trace_file){.name = copy, .length = length};
    *ret = index_put(index, hash, slot);
    return true;
}

/* False: a file that nobody told of. */
static bool hash_frames(const struct traces_builder *builder, const struct trace_frame *frames,
                        uint32_t count, uint64_t *hash)
{
    for (uint32_t i = 0; i < count; i++) {
        if (frames[i].file >= builder->file_index.count)
            return false;
        *hash = hash_word(builder, *hash, (uint64_t)frames[i].file << 32 | frames[i].line);
    }
    return true;
}

bool traces_builder_stack(struct traces_builder *builder, const struct trace_frame *frames,
                          uint32_t count, uint32_t all_frames, uint32_t *ret, struct error *err)
{
    struct index *index = &builder->stack_index;
    uint64_t hash = hash_word(builder, builder->multiplier, (uint64_t)all_frames << 32 | count);
    struct trace_stack stack = {
        .first = builder->frame_count, .frames = count, .all_frames = all_frames};
    size_t wanted;

    if (!count || !hash_frames(builder, frames, count, &hash))
        return error_set(err, ERROR_INPUT, "a traceback without frames, or a frame without a file");
    if (!index_prepare(index, "tracebacks", err) ||
        !reserve(&builder->stacks, &builder->stack_capacity, index->count + 1,
                 sizeof(*builder->stacks), err))
        return false;
    size_t slot = slot_of(index, hash);
    for (uint32_t number; index_next(index, hash, &slot, &number);
         slot = (slot + 1) & index->mask) {
        const struct trace_stack *known = &builder->stacks[number];
        if (known->frames == count && known->all_frames == all_frames &&
            memcmp(&builder->frames[known->first], frames, count * sizeof(*frames)) == 0) {
            *ret = number;
            return true;
        }
    }
    if (__builtin_add_overflow(builder->frame_count, count, &wanted))
        return error_memory(err);
    if (!reserve(&builder->frames, &builder->frame_capacity, wanted, sizeof(*frames), err))
        return false;
    memcpy(&builder->frames[stack.first], frames, count * sizeof(*frames));
    builder->frame_count = wanted;
    builder->stacks[index->count] = stack;
    *ret = index_put(index, hash, slot);
    return true;
}

static inline bool is_same_row(const struct trace_row *a, const struct trace_row *b)
{
    return a->size == b->size && a->stack == b->stack && a->domain == b->domain;
}

bool traces_builder_add(struct traces_builder *builder, uint32_t domain, uint32_t stack,
                        uint64_t size, uint64_t count, struct error *err)
{
    struct index *index = &builder->row_index;
    struct trace_row row = {.domain = domain, .stack = stack, .size = size, .count = count};

    if (stack >= builder->stack_index.count)
        return error_set(err, ERROR_INPUT, "a block without a traceback");
    if (!count)
        return true;
    if (!index_prepare(index, "different blocks", err) ||
        !reserve(&builder->rows, &builder->row_capacity, index->count + 1, sizeof(row), err))
        return false;
    uint64_t hash = hash_word(builder, builder->multiplier, (uint64_t)domain << 32 | stack);
    hash = hash_word(builder, hash, size);
    size_t slot = slot_of(index, hash);
    for (uint32_t number; index_next(index, hash, &slot, &number);
         slot = (slot + 1) & index->mask) {
        if (is_same_row(&builder->rows[number], &row)) {
            add_saturating(&builder->rows[number].count, count);
            return true;
        }
    }
    builder->rows[index->count] = row;
    index_put(index, hash, slot);
    return true;
}

/* What becomes of the builder's numbers: UINT32_MAX where nothing is left. */
struct renumbering {
    uint32_t *files, *stacks;
};

enum { UNUSED = UINT32_MAX };

struct ranked_file {
    struct trace_file file; /* first: files are compared */
    uint32_t number;
};

static int compare_files(const void *left, const void *right)
{
    return trace_file_order(left, right);
}

static uint32_t *all_unused(size_t count)
{
    uint32_t *numbers = malloc((count + 1) * sizeof(*numbers));

    if (numbers)
        memset(numbers, 0xff, (count + 1) * sizeof(*numbers));
    return numbers;
}

/* Marks what the rows use with a number that is not its last one. */
static void mark_used(const struct traces_builder *builder, struct renumbering *numbers,
                      struct traces *ret)
{
    for (size_t i = 0; i < builder->row_index.count; i++) {
        uint32_t number = builder->rows[i].stack;
        const struct trace_stack *stack = &builder->stacks[number];
        if (numbers->stacks[number] != UNUSED)
            continue;
        numbers->stacks[number] = 0;
        ret->stack_count++;
        ret->frame_count += stack->frames;
        for (uint32_t j = 0; j < stack->frames; j++) {
            uint32_t file = builder->frames[stack->first + j].file;
            ret->file_count += numbers->files[file] == UNUSED;
            numbers->files[file] = 0;
        }
    }
}

static bool order_files(struct traces_builder *builder, struct renumbering *numbers,
                        struct traces *ret, struct error *err)
{
    struct ranked_file *files = malloc((ret->file_count + 1) * sizeof(*files));
    size_t count = 0;

    ret->files = malloc((ret->file_count + 1) * sizeof(*ret->files));
    if (!files || !ret->files) {
        free(files);
        return error_memory(err);
    }
    for (size_t i = 0; i < builder->file_index.count; i++) {
        if (numbers->files[i] != UNUSED)
            files[count++] = (struct ranked_file){.file = builder->files[i], .number = (uint32_t)i};
    }
    qsort(files, count, sizeof(*files), compare_files);
    for (size_t i = 0; i < count; i++) {
        ret->files[i] = files[i].file;
        numbers->files[files[i].number] = (uint32_t)i;
    }
    free(files);
    return true;
}

/* Copies the stacks in the order of `items`. */
static void place_stacks(const struct traces_builder *builder, const struct ordered_stack *items,
                         struct renumbering *numbers, struct traces *ret)
{
    size_t first = 0;

    for (size_t i = 0; i < ret->stack_count; i++) {
        const struct trace_stack *stack = &builder->stacks[items[i].number];
        ret->stacks[i] = (struct trace_stack){
            .first = first, .frames = stack->frames, .all_frames = stack->all_frames};
        numbers->stacks[items[i].number] = (uint32_t)i;
        for (uint32_t j = 0; j < stack->frames; j++, first++) {
            const struct trace_frame *frame = &items[i].frames[j];
            ret->frames[first] =
                (struct trace_frame){.file = numbers->files[frame->file], .line = frame->line};
        }
    }
}

static bool order_stacks(struct traces_builder *builder, struct renumbering *numbers,
                         struct traces *ret, struct error *err)
{
    struct ordered_stack *items = malloc((ret->stack_count + 1) * sizeof(*items));
    size_t count = 0;

    ret->stacks = malloc((ret->stack_count + 1) * sizeof(*ret->stacks));
    ret->frames = malloc((ret->frame_count + 1) * sizeof(*ret->frames));
    if (!items || !ret->stacks || !ret->frames) {
        free(items);
        return error_memory(err);
    }
    for (size_t i = 0; i < builder->stack_index.count; i++) {
        const struct trace_stack *stack = &builder->stacks[i];
        if (numbers->stacks[i] != UNUSED)
            items[count++] = (struct ordered_stack){.frames = &builder->frames[stack->first],
                                                    .ranks = numbers->files,
                                                    .count = stack->frames,
                                                    .tie = stack->all_frames,
                                                    .number = (uint32_t)i};
    }
    bool ok = trace_stacks_sort(items, count, false, err);
    if (ok)
        place_stacks(builder, items, numbers, ret);
    free(items);
    return ok;
}

/* The rows' array is handed over. */
static bool order_rows(struct traces_builder *builder, const struct renumbering *numbers,
                       struct traces *ret, struct error *err)
{
    ret->rows = builder->rows;
    ret->row_count = builder->row_index.count;
    builder->rows = NULL;
    for (size_t i = 0; i < ret->row_count; i++) {
        struct trace_row *row = &ret->rows[i];
        row->stack = numbers->stacks[row->stack];
        add_saturating(&ret->blocks, row->count);
        add_saturating(&ret->bytes, multiply_saturating(row->size, row->count));
    }
    return trace_rows_sort(ret->rows, ret->row_count, err);
}

static bool finish(struct traces_builder *builder, struct renumbering *numbers, struct traces *ret,
                   struct error *err)
{
    numbers->files = all_unused(builder->file_index.count);
    numbers->stacks = all_unused(builder->stack_index.count);
    if (!numbers->files || !numbers->stacks)
        return error_memory(err);
    mark_used(builder, numbers, ret);
    if (!order_files(builder, numbers, ret, err) || !order_stacks(builder, numbers, ret, err) ||
        !order_rows(builder, numbers, ret, err))
        return false;
    ret->arena = builder->arena;
    builder->arena = (struct arena){0};
    return true;
}

bool traces_builder_finish_telling(struct traces_builder *builder, struct traces *ret,
                                   uint32_t **ret_stacks, struct error *err)
{
    struct renumbering numbers = {0};
    struct traces traces = {0};
    bool ok = finish(builder, &numbers, &traces, err);

    traces_builder_free(builder);
    free(numbers.files);
    if (ok) {
        *ret = traces;
        *ret_stacks = numbers.stacks;
    } else {
        traces_free(&traces);
        free(numbers.stacks);
    }
    return ok;
}

bool traces_builder_finish(struct traces_builder *builder, struct traces *ret, struct error *err)
{
    uint32_t *stacks;

    if (!traces_builder_finish_telling(builder, ret, &stacks, err))
        return false;
    free(stacks);
    return true;
}
