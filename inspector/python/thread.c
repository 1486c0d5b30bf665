// SPDX-License-Identifier: MIT
#include "inspector/python/thread.h"

#include "inspector/python/dict.h"
#include "inspector/python/interpreters.h"

enum { MOST_THREADS = 1 << 17, MOST_ENTRIES = 1 << 24 };

/* 3.13 and later have one such object a thread, others one for each threading.local in its dict. */
static bool has_local(const struct reader *reader, uint64_t thread, uint64_t dummy, unsigned *left)
{
    uint64_t dict = read_pointer(reader, thread, thread_dict);
    struct dict_walk walk;
    struct dict_entry entry;

    if (read_pointer(reader, thread, thread_threading_local_key) == dummy)
        return true;
    if (!dict || !dict_open(reader, dict, &walk))
        return false;
    while (*left && dict_next(&walk, &entry)) {
        --*left;
        if (entry.value == dummy)
            return true;
    }
    return false;
}

uint64_t thread_of_local(const struct reader *reader, uint64_t dummy)
{
    uint64_t interpreter = dummy ? interpreters_first(reader) : 0;
    unsigned threads = MOST_THREADS, entries = MOST_ENTRIES;

    for (unsigned i = 0; interpreter && i < INTERPRETERS_MOST; i++) {
        uint64_t thread = read_pointer(reader, interpreter, interp_threads);
        for (; thread && threads && entries; threads--) {
            if (has_local(reader, thread, dummy, &entries))
                return thread;
            thread = read_pointer(reader, thread, thread_next);
        }
        interpreter = interpreters_next(reader, interpreter);
    }
    return 0;
}
