// SPDX-License-Identifier: MIT
/*
 * tracing - a hand-made image in which tracemalloc traces, as of before 3.9 or since 3.12.
 *
 *     struct tracing tracing;
 *     tracing_init(&tracing, 0);
 *     tracing_block(&tracing, tracing.traces, 0, address, size, traceback);
 *     tracing_free(&tracing);
 */
#ifndef PYINSPECT_TESTS_TRACING_H
#define PYINSPECT_TESTS_TRACING_H

#include "inspector/python/reader.h"
#include "tests/support/fake_heap.h"

enum { TRACING_BUCKETS = 16 }; /* of each table; so many entries are good, too */

/* Where the state's variables lie from `runtime` on. */
enum {
    AT_INITIALIZED = 512,
    AT_TRACING = 516,
    AT_MAX_NFRAME = 520,
    AT_LOCK = 528,
    AT_TRACED = 536,
    AT_PEAK = 544,
    AT_FILENAMES = 552,
    AT_TRACEBACKS = 560,
    AT_TRACES = 568,
    AT_DOMAINS = 576,
};

struct tracing {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    bool is_old;                       /* as up to 3.8 */
    unsigned key_size;                 /* then, of `traces`, in bytes */
    uint64_t runtime, traces, domains; /* addresses: of the state, of tables */
};

/* It traces, and has traced nothing. `key_size`: 0, as since 3.12; 8 or 12, as up to 3.8. */
void tracing_init(struct tracing *ret, unsigned key_size);
void tracing_free(struct tracing *tracing);

/* Puts an int at `offset` from the state. */
void tracing_put_int(struct tracing *tracing, uint64_t offset, uint32_t value);

/* An empty table. Sizes matter up to 3.8. */
uint64_t tracing_table(struct tracing *tracing, unsigned key_size, unsigned data_size);
/* Where a table keeps how many entries it has. */
uint64_t tracing_entries(const struct tracing *tracing, uint64_t table);
/* One more table of traces, for a domain; not up to 3.8. */
uint64_t tracing_domain(struct tracing *tracing, uint32_t domain);
/* Adds to a table, at the head of its bucket, as CPython does. Returns the entry's address. */
uint64_t tracing_entry(struct tracing *tracing, uint64_t table, uint64_t hash, uint64_t key,
                       uint64_t value);
uint64_t tracing_block(struct tracing *tracing, uint64_t table, uint32_t domain, uint64_t address,
                       uint64_t size, uint64_t traceback);
/* Of `count` frames in these files, at lines 1, 2, ..., of `total` that there were. */
uint64_t tracing_traceback(struct tracing *tracing, const uint64_t *files, uint32_t count,
                           uint32_t total);

#endif
