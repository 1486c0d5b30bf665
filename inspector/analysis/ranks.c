// SPDX-License-Identifier: MIT
#include "inspector/analysis/ranks.h"

#include <stdlib.h>

enum { LINE_WORDS = 8, LINES = MARKS_WORDS / LINE_WORDS };

static size_t blocks_of(const struct marks_range *range)
{
    return (size_t)((range->size + MARKS_BLOCK - 1) / MARKS_BLOCK);
}

/* Returns how many members the line has. */
static uint32_t count_line(const uint64_t *words, uint64_t *within)
{
    uint32_t count = (uint32_t)__builtin_popcountll(words[0]);

    *within = 0;
    for (unsigned i = 1; i < LINE_WORDS; i++) {
        *within |= (uint64_t)count << (9 * (i - 1));
        count += (uint32_t)__builtin_popcountll(words[i]);
    }
    return count;
}

static bool count_block(struct ranks *ranks, const uint64_t *words, struct ranks_block **ret,
                        uint32_t most, struct error *err)
{
    struct ranks_block *block = malloc(sizeof(*block));

    *ret = block;
    if (!block)
        return error_memory(err);
    for (unsigned line = 0; line < LINES; line++) {
        block->before[line] = ranks->count;
        ranks->count += count_line(words + line * LINE_WORDS, &block->within[line]);
    }
    return ranks->count <= most ||
           error_set(err, ERROR_LIMIT, "there are more than %u objects", (unsigned)most);
}

static bool make_room(struct ranks *ranks, struct error *err)
{
    const struct marks *marks = ranks->marks;

    ranks->first = calloc(marks->count + 1, sizeof(*ranks->first));
    if (!ranks->first)
        return error_memory(err);
    for (size_t i = 0; i < marks->count; i++) {
        ranks->first[i] = ranks->block_count;
        ranks->block_count += blocks_of(&marks->ranges[i]);
    }
    ranks->blocks = calloc(ranks->block_count + 1, sizeof(*ranks->blocks));
    return ranks->blocks || error_memory(err);
}

bool ranks_make(struct ranks *ret, struct marks *marks, uint32_t most, struct error *err)
{
    *ret = (struct ranks){.marks = marks};
    if (!make_room(ret, err))
        return false;
    for (size_t i = 0; i < marks->count; i++) {
        const struct marks_range *range = &marks->ranges[i];
        for (size_t j = 0; j < blocks_of(range); j++) {
            if (range->blocks[j] &&
                !count_block(ret, range->blocks[j], &ret->blocks[ret->first[i] + j], most, err))
                return false;
        }
    }
    return true;
}

void ranks_free(struct ranks *ranks)
{
    for (size_t i = 0; ranks->blocks && i < ranks->block_count; i++)
        free(ranks->blocks[i]);
    free(ranks->blocks);
    free(ranks->first);
    *ranks = (struct ranks){0};
}

uint32_t ranks_find(const struct ranks *ranks, uint64_t address)
{
    const struct marks_range *range = marks_range_of(ranks->marks, address);

    if (!range)
        return RANKS_NONE;
    uint64_t offset = address - range->start;
    const uint64_t *words = range->blocks[offset / MARKS_BLOCK];
    if (!words)
        return RANKS_NONE;
    size_t place = offset % MARKS_BLOCK / 512;
    uint64_t bit = UINT64_C(1) << (offset / 8 % 64);
    if (!(words[place] & bit))
        return RANKS_NONE;
    const struct ranks_block *block =
        ranks->blocks[ranks->first[range - ranks->marks->ranges] + offset / MARKS_BLOCK];
    size_t line = place / LINE_WORDS, word = place % LINE_WORDS;
    uint32_t below = word ? block->within[line] >> (9 * (word - 1)) & 511 : 0;
    return block->before[line] + below + (uint32_t)__builtin_popcountll(words[place] & (bit - 1));
}
