// SPDX-License-Identifier: MIT
#include "inspector/python/pymalloc.h"

enum { SMALLEST_POOL = 4096, LARGEST_POOL = 16384, MOST_BLOCK = 512, MOST_LOG2_ARENAS = 24 };

struct pool {
    uint64_t start, size;
    uint64_t header, block_size; /* in bytes */
    uint64_t used;               /* blocks that were ever given out begin below start + used */
    uint64_t used_blocks, free_list;
};

static bool read_pool(const struct reader *reader, uint64_t address, uint64_t size,
                      struct pool *ret)
{
    struct pool pool = {.start = address & ~(size - 1), .size = size};
    uint64_t index, last, arena;

    if (!reader_has(reader, sizeof_pool_header) || !image_range_of(reader->image, pool.start))
        return false;
    pool.header = (layout_size(&reader->python->layout, sizeof_pool_header) + 15) & ~UINT64_C(15);
    if (!read_field(reader, pool.start, pool_header_count, &pool.used_blocks) ||
        !read_field(reader, pool.start, pool_header_freeblock, &pool.free_list) ||
        !read_field(reader, pool.start, pool_header_arenaindex, &arena) ||
        !read_field(reader, pool.start, pool_header_szidx, &index) ||
        !read_field(reader, pool.start, pool_header_nextoffset, &pool.used) ||
        !read_field(reader, pool.start, pool_header_maxnextoffset, &last) || last >= size ||
        arena >> MOST_LOG2_ARENAS)
        return false;
    pool.block_size = size - last;
    /* Steps of 8 bytes, since 3.8 of 16. */
    if (pool.block_size > MOST_BLOCK ||
        (pool.block_size != (index + 1) * 8 && pool.block_size != (index + 1) * 16))
        return false;
    uint64_t blocks = (size - pool.header) / pool.block_size;
    uint64_t end = pool.header + blocks * pool.block_size;
    if (pool.used < pool.header || pool.used > end ||
        (pool.used - pool.header) % pool.block_size != 0 || pool.used_blocks > blocks ||
        pool.used_blocks > (pool.used - pool.header) / pool.block_size ||
        (pool.free_list && pool.free_list - pool.start >= size))
        return false;
    *ret = pool;
    return true;
}

static bool is_in_free_list(const struct reader *reader, const struct pool *pool, uint64_t block)
{
    uint64_t at = pool->free_list;

    for (uint64_t left = pool->size / pool->block_size; at && left; left--) {
        if (at == block)
            return true;
        if (at - pool->start >= pool->size || !image_word(reader->image, at, sizeof(at), &at))
            return false;
    }
    return false;
}

static struct block find_block(const struct reader *reader, uint64_t address)
{
    struct pool pool;

    if (!read_pool(reader, address, LARGEST_POOL, &pool) &&
        !read_pool(reader, address, SMALLEST_POOL, &pool))
        return (struct block){.state = BLOCK_NONE};
    uint64_t offset = address - pool.start;
    uint64_t number = (offset - pool.header) / pool.block_size;
    if (offset < pool.header || pool.header + (number + 1) * pool.block_size > pool.size)
        return (struct block){.state = BLOCK_HEADER, .start = pool.start, .size = pool.size};
    struct block block = {.state = BLOCK_ALLOCATED,
                          .start = pool.start + pool.header + number * pool.block_size,
                          .size = pool.block_size};
    if (!pool.used_blocks || block.start - pool.start >= pool.used ||
        is_in_free_list(reader, &pool, block.start))
        block.state = BLOCK_FREE;
    return block;
}

/* What is no pool is not missed. */
struct block pymalloc_block_at(const struct reader *reader, uint64_t address)
{
    uint64_t missed = reader->image->missed;
    struct block block = find_block(reader, address);

    reader->image->missed = missed;
    return block;
}
