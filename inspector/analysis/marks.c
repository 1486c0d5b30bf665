// SPDX-License-Identifier: MIT
#include "inspector/analysis/marks.h"

#include <stdlib.h>

static size_t block_count(const struct marks_range *range)
{
    return (size_t)((range->size + MARKS_BLOCK - 1) / MARKS_BLOCK);
}

bool marks_init(struct marks *marks, const struct image *image, struct error *err)
{
    *marks = (struct marks){.ranges = calloc(image->count + 1, sizeof(*marks->ranges))};
    marks->last = &marks->none;
    if (!marks->ranges)
        return error_memory(err);
    for (; marks->count < image->count; marks->count++) {
        struct marks_range *range = &marks->ranges[marks->count];
        range->start = image->ranges[marks->count].start;
        range->size = image->ranges[marks->count].size;
        range->blocks = calloc(block_count(range) + 1, sizeof(*range->blocks));
        if (!range->blocks)
            return error_memory(err);
    }
    return true;
}

void marks_free(struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        for (size_t block = 0; block < block_count(&marks->ranges[i]); block++)
            free(marks->ranges[i].blocks[block]);
        free(marks->ranges[i].blocks);
    }
    free(marks->ranges);
    *marks = (struct marks){0};
    marks->last = &marks->none;
}

void marks_move(struct marks *to, struct marks *from)
{
    *to = *from;
    to->last = &to->none;
    *from = (struct marks){0};
    from->last = &from->none;
}

const struct marks_range *marks_seek(struct marks *marks, uint64_t address)
{
    const struct marks_range **recent = &marks->recent[address >> 20 & (MARKS_RECENT - 1)];
    size_t low = 0, high = marks->count;

    if (*recent && address - (*recent)->start < (*recent)->size)
        return marks->last = *recent;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct marks_range *range = &marks->ranges[middle];
        if (address - range->start < range->size)
            return marks->last = *recent = range;
        if (range->start < address)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint64_t *marks_block(const struct marks_range *range, uint64_t offset)
{
    uint64_t **block = &range->blocks[offset / MARKS_BLOCK];

    if (!*block)
        *block = calloc(MARKS_WORDS, sizeof(**block));
    return *block;
}

/* Asks for the word again after each visit: the visitor may have set bits in it. */
static bool visit_word(const uint64_t *word, uint64_t address, marks_visit *visit, void *context)
{
    for (uint64_t left = UINT64_MAX; *word & left;) {
        unsigned bit = (unsigned)__builtin_ctzll(*word & left);
        if (!visit(context, address + bit * UINT64_C(8)))
            return false;
        left = bit == 63 ? 0 : UINT64_MAX << (bit + 1);
    }
    return true;
}

bool marks_each(const struct marks *marks, marks_visit *visit, void *context)
{
    for (size_t i = 0; i < marks->count; i++) {
        const struct marks_range *range = &marks->ranges[i];
        for (size_t block = 0; block < block_count(range); block++) {
            const uint64_t *words = range->blocks[block];
            uint64_t address = range->start + block * UINT64_C(1) * MARKS_BLOCK;
            for (size_t word = 0; words && word < MARKS_WORDS; word++) {
                if (!visit_word(&words[word], address + word * UINT64_C(512), visit, context))
                    return false;
            }
        }
    }
    return true;
}
