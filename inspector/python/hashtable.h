// SPDX-License-Identifier: MIT
/*
 * hashtable - CPython's own hash tables (_Py_hashtable_t, Python/hashtable.c), in an image.
 *
 * Buckets are linked lists. Up to 3.8 an entry is followed by its key and its data, of a size that
 * the table tells; since 3.9 (bpo-40602) both are words in it.
 */
#ifndef PYINSPECT_HASHTABLE_H
#define PYINSPECT_HASHTABLE_H

#include "inspector/python/reader.h"

enum { HASHTABLE_MOST_BROKEN = 1 << 20 }; /* then nothing good is to be expected any more */

struct hashtable {
    uint64_t buckets;      /* the address of the first */
    uint64_t bucket_count; /* a power of two */
    uint64_t entries;      /* as it says; at most as many as there are buckets */
    uint64_t size;         /* bytes, as _Py_hashtable_size() counts them */
    uint32_t key_size;     /* bytes: 8, or 12 up to 3.8 */
    uint32_t data_size;    /* up to 3.8, bytes of data in an entry; else 0 */
    uint32_t entry_size;   /* bytes, with the key and the data */
    uint32_t next, hash;   /* where in an entry */
    uint32_t key, data;    /* the same */
    bool has_values;       /* 3.9 and later: what lies at `data` is a word */
};

struct hashtable_entry {
    uint64_t next;     /* the address of the next one in the bucket; 0: none */
    uint64_t hash;     /* of the key, as stored */
    uint64_t key;      /* its first eight bytes */
    uint32_t key_rest; /* the last four, of a key of twelve */
    uint64_t data;     /* the value; up to 3.8 the address of the data, within the entry */
};

/* How keys are hashed. */
enum hashtable_hash {
    HASH_OF_POINTER, /* _Py_HashPointer(), and the rest of the key */
    HASH_OF_NUMBER,  /* the key itself */
};

/* Does the layout tell all that is needed? */
bool hashtable_is_known(const struct layout *layout);

/* Reads the head of a table. False where it is not in the image, or cannot be one: its buckets lie
 * in memory that the target has. The layout is known. */
MUST_CHECK bool hashtable_read(const struct reader *reader, uint64_t address,
                               struct hashtable *ret);

/* Finds a key as CPython does. False: it is not there. */
bool hashtable_find(const struct reader *reader, const struct hashtable *table,
                    enum hashtable_hash hash, uint64_t key, uint32_t key_rest,
                    struct hashtable_entry *ret);

/* Called with each entry and the bytes at its data that were asked for; false ends it. It must not
 * let the image rest. */
typedef bool hashtable_visit(void *context, const struct hashtable_entry *entry, const void *data);

/*
 * Tells all entries whose hash is that of their key, with `data_size` bytes at their data (0: none,
 * NULL is told), in no order; no more than the table says it has, and none of a bucket that leads
 * in a circle for long. Returns how often that was not so, or memory was not there; it gives up
 * at HASHTABLE_MOST_BROKEN. Many buckets are followed at a time, since each step of one waits for
 * memory.
 */
uint64_t hashtable_walk(const struct reader *reader, const struct hashtable *table,
                        enum hashtable_hash hash, uint32_t data_size, hashtable_visit *visit,
                        void *context);

#endif
