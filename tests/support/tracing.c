// SPDX-License-Identifier: MIT
#include "tests/support/tracing.h"

#include <string.h>

static void describe(struct tracing *tracing)
{
    struct fake_heap *heap = &tracing->heap;
    bool is_old = tracing->is_old;

    fake_slot(heap, sizeof_hashtable, 0, is_old ? 72 : 80);
    fake_slot(heap, hashtable_nentries, is_old ? 8 : 0, 8);
    fake_slot(heap, hashtable_nbuckets, is_old ? 0 : 8, 8);
    fake_slot(heap, hashtable_buckets, 16, 8);
    fake_slot(heap, sizeof_hashtable_entry, 0, is_old ? 16 : 32);
    fake_slot(heap, hashtable_entry_next, 0, 8);
    fake_slot(heap, hashtable_entry_key_hash, 8, 8);
    if (is_old) {
        fake_slot(heap, hashtable_key_size, 24, 8);
        fake_slot(heap, hashtable_data_size, 32, 8);
    } else {
        fake_slot(heap, hashtable_entry_key, 16, 8);
        fake_slot(heap, hashtable_entry_value, 24, 8);
        fake_slot(heap, traceback_t_total_nframe, 10, 2);
    }
    fake_slot(heap, sizeof_trace_t, 0, 16);
    fake_slot(heap, trace_t_size, 0, 8);
    fake_slot(heap, trace_t_traceback, 8, 8);
    fake_slot(heap, sizeof_traceback_t, 0, 24);
    fake_slot(heap, traceback_t_nframe, 8, is_old ? 4 : 2);
    fake_slot(heap, traceback_t_frames, 12, 12);
    fake_slot(heap, sizeof_frame_t, 0, 12);
    fake_slot(heap, frame_t_filename, 0, 8);
    fake_slot(heap, frame_t_lineno, 8, 4);
}

static void describe_runtime(struct fake_heap *heap)
{
    fake_slot(heap, traced_runtime_initialized, AT_INITIALIZED, 4);
    fake_slot(heap, traced_runtime_tracing, AT_TRACING, 4);
    fake_slot(heap, traced_runtime_max_nframe, AT_MAX_NFRAME, 4);
    fake_slot(heap, traced_runtime_tables_lock, AT_LOCK, 1);
    fake_slot(heap, traced_runtime_traced_memory, AT_TRACED, 8);
    fake_slot(heap, traced_runtime_peak_traced_memory, AT_PEAK, 8);
    fake_slot(heap, traced_runtime_filenames, AT_FILENAMES, 8);
    fake_slot(heap, traced_runtime_tracebacks, AT_TRACEBACKS, 8);
    fake_slot(heap, traced_runtime_traces, AT_TRACES, 8);
    fake_slot(heap, traced_runtime_domains, AT_DOMAINS, 8);
}

uint64_t tracing_table(struct tracing *tracing, unsigned key_size, unsigned data_size)
{
    struct fake_heap *heap = &tracing->heap;
    uint64_t table = fake_alloc(heap, 80);

    fake_put(heap, table + (tracing->is_old ? 0 : 8), TRACING_BUCKETS);
    fake_put(heap, table + 16, fake_alloc(heap, TRACING_BUCKETS * 8));
    if (tracing->is_old) {
        fake_put(heap, table + 24, key_size);
        fake_put(heap, table + 32, data_size);
    }
    return table;
}

uint64_t tracing_entries(const struct tracing *tracing, uint64_t table)
{
    return table + (tracing->is_old ? 8 : 0);
}

uint64_t tracing_entry(struct tracing *tracing, uint64_t table, uint64_t hash, uint64_t key,
                       uint64_t value)
{
    struct fake_heap *heap = &tracing->heap;
    uint64_t entry = fake_alloc(heap, 48);
    uint64_t bucket = fake_get(heap, table + 16) + hash % TRACING_BUCKETS * 8;
    uint64_t entries = tracing_entries(tracing, table);

    fake_put(heap, entry, fake_get(heap, bucket));
    fake_put(heap, entry + 8, hash);
    fake_put(heap, entry + 16, key);
    fake_put(heap, entry + 24, value);
    fake_put(heap, bucket, entry);
    fake_put(heap, entries, fake_get(heap, entries) + 1);
    return entry;
}

uint64_t tracing_block(struct tracing *tracing, uint64_t table, uint32_t domain, uint64_t address,
                       uint64_t size, uint64_t traceback)
{
    struct fake_heap *heap = &tracing->heap;
    uint64_t hash = address >> 4 | address << 60;
    uint64_t trace = fake_alloc(heap, 16);

    fake_put(heap, trace, size);
    fake_put(heap, trace + 8, traceback);
    fake_put(heap, tracing->runtime + AT_TRACED,
             fake_get(heap, tracing->runtime + AT_TRACED) + size);
    if (!tracing->is_old)
        return tracing_entry(tracing, table, hash, address, trace);
    uint64_t entry =
        tracing_entry(tracing, table, hash ^ (tracing->key_size == 12 ? domain : 0), address, 0);
    uint64_t words[] = {size, traceback};
    uint8_t *at = heap->bytes + (entry - FAKE_BASE) + 24;
    if (tracing->key_size == 12) {
        memcpy(at, &domain, sizeof(domain));
        at += sizeof(domain);
    }
    memcpy(at, words, sizeof(words));
    return entry;
}

uint64_t tracing_traceback(struct tracing *tracing, const uint64_t *files, uint32_t count,
                           uint32_t total)
{
    struct fake_heap *heap = &tracing->heap;
    uint64_t traceback = fake_alloc(heap, 12 + count * UINT64_C(12));
    uint8_t *at = heap->bytes + (traceback - FAKE_BASE);

    fake_put(heap, traceback + 8, tracing->is_old ? count : count | total << 16);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t line = i + 1;
        memcpy(at + 12 + i * 12, &files[i], 8);
        memcpy(at + 20 + i * 12, &line, 4);
    }
    return traceback;
}

void tracing_put_int(struct tracing *tracing, uint64_t offset, uint32_t value)
{
    memcpy(tracing->heap.bytes + (tracing->runtime + offset - FAKE_BASE), &value, sizeof(value));
}

static void place_statics(struct tracing *tracing)
{
    uint64_t *traced = tracing->heap.python.traced;

    traced[TRACED_CONFIG] = tracing->runtime + AT_INITIALIZED;
    traced[TRACED_TRACES] = tracing->runtime + AT_TRACES;
    traced[TRACED_DOMAINS] = tracing->is_old ? 0 : tracing->runtime + AT_DOMAINS;
    traced[TRACED_TRACEBACKS] = tracing->runtime + AT_TRACEBACKS;
    traced[TRACED_FILENAMES] = tracing->runtime + AT_FILENAMES;
    traced[TRACED_MEMORY] = tracing->runtime + AT_TRACED;
    traced[TRACED_PEAK] = tracing->runtime + AT_PEAK;
}

void tracing_init(struct tracing *tracing, unsigned key_size)
{
    *tracing = (struct tracing){.is_old = key_size != 0, .key_size = key_size};
    struct fake_heap *heap = &tracing->heap;
    fake_heap_init(heap, &fake_newest);
    describe(tracing);
    tracing->runtime = fake_alloc(heap, AT_DOMAINS + 64);
    heap->python.runtime = tracing->runtime;
    if (tracing->is_old)
        place_statics(tracing);
    else
        describe_runtime(heap);
    tracing_put_int(tracing, AT_INITIALIZED, 1);
    tracing_put_int(tracing, AT_TRACING, 1);
    tracing_put_int(tracing, AT_MAX_NFRAME, 5);
    tracing->traces = tracing_table(tracing, key_size, 16);
    fake_put(heap, tracing->runtime + AT_TRACES, tracing->traces);
    fake_put(heap, tracing->runtime + AT_FILENAMES, tracing_table(tracing, 8, 0));
    fake_put(heap, tracing->runtime + AT_TRACEBACKS, tracing_table(tracing, 8, 0));
    if (!tracing->is_old) {
        tracing->domains = tracing_table(tracing, 8, 8);
        fake_put(heap, tracing->runtime + AT_DOMAINS, tracing->domains);
    }
    types_init(&tracing->types, &heap->python);
    tracing->reader = (struct reader){&heap->python, &heap->image, &tracing->types};
}

void tracing_free(struct tracing *tracing)
{
    types_free(&tracing->types);
    fake_heap_free(&tracing->heap);
}

uint64_t tracing_domain(struct tracing *tracing, uint32_t domain)
{
    uint64_t table = tracing_table(tracing, 8, 16);

    tracing_entry(tracing, tracing->domains, domain, domain, table);
    return table;
}
