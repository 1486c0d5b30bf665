// SPDX-License-Identifier: MIT
#include "inspector/python/hashtable.h"

enum {
    GROUP = 64,           /* buckets that are followed at a time */
    MOST_CHAIN = 1 << 16, /* entries of one bucket that are looked at for a key */
    POINTER = 8,
    LONG_KEY = 12, /* a pointer and an unsigned int, packed (up to 3.8) */
};

static bool is_word(const struct layout *layout, enum layout_slot_id id)
{
    return layout_has(layout, id) && layout_size(layout, id) == sizeof(uint64_t);
}

bool hashtable_is_known(const struct layout *layout)
{
    return is_word(layout, hashtable_nentries) && is_word(layout, hashtable_nbuckets) &&
           is_word(layout, hashtable_buckets) && is_word(layout, hashtable_entry_next) &&
           is_word(layout, hashtable_entry_key_hash) &&
           (is_word(layout, hashtable_entry_value)
                ? is_word(layout, hashtable_entry_key)
                : is_word(layout, hashtable_key_size) && is_word(layout, hashtable_data_size));
}

/* Where things lie in an entry. */
static bool read_form(const struct reader *reader, uint64_t address, struct hashtable *table)
{
    const struct layout *layout = &reader->python->layout;
    uint32_t head = layout_size(layout, sizeof_hashtable_entry);
    uint64_t key_size, data_size;

    table->next = layout_offset(layout, hashtable_entry_next);
    table->hash = layout_offset(layout, hashtable_entry_key_hash);
    table->has_values = layout_has(layout, hashtable_entry_value);
    if (table->has_values) {
        table->key = layout_offset(layout, hashtable_entry_key);
        table->data = layout_offset(layout, hashtable_entry_value);
        table->key_size = POINTER;
        table->entry_size = head;
        return true;
    }
    if (!read_field(reader, address, hashtable_key_size, &key_size) ||
        !read_field(reader, address, hashtable_data_size, &data_size) ||
        (key_size != POINTER && key_size != LONG_KEY) || data_size > IMAGE_PAGE)
        return false;
    table->key_size = (uint32_t)key_size;
    table->data_size = (uint32_t)data_size;
    table->key = head;
    table->data = head + table->key_size;
    table->entry_size = table->data + table->data_size;
    return true;
}

/* It grows before it is half full (HASHTABLE_HIGH). */
bool hashtable_read(const struct reader *reader, uint64_t address, struct hashtable *ret)
{
    struct hashtable table = {0};

    if (!read_form(reader, address, &table) ||
        !read_field(reader, address, hashtable_nentries, &table.entries) ||
        !read_field(reader, address, hashtable_nbuckets, &table.bucket_count) ||
        !read_field(reader, address, hashtable_buckets, &table.buckets) || !table.buckets ||
        __builtin_popcountll(table.bucket_count) != 1 || table.entries > table.bucket_count ||
        !reader_has_room(reader, table.buckets, table.bucket_count, POINTER))
        return false;
    table.size = layout_size(&reader->python->layout, sizeof_hashtable) +
                 table.bucket_count * POINTER + table.entries * table.entry_size;
    *ret = table;
    return true;
}

static struct hashtable_entry load_entry(const struct hashtable *table, uint64_t address,
                                         const uint8_t *bytes)
{
    return (struct hashtable_entry){
        .next = load_u64(bytes + table->next),
        .hash = load_u64(bytes + table->hash),
        .key = load_u64(bytes + table->key),
        .key_rest = table->key_size == LONG_KEY
                        ? (uint32_t)load_word(bytes + table->key + POINTER, sizeof(uint32_t))
                        : 0,
        .data = table->has_values ? load_u64(bytes + table->data) : address + table->data,
    };
}

static uint64_t hash_of(enum hashtable_hash hash, uint64_t key, uint32_t key_rest)
{
    return hash == HASH_OF_NUMBER ? key : (key >> 4 | key << 60) ^ key_rest;
}

bool hashtable_find(const struct reader *reader, const struct hashtable *table,
                    enum hashtable_hash hash, uint64_t key, uint32_t key_rest,
                    struct hashtable_entry *ret)
{
    uint64_t wanted = hash_of(hash, key, key_rest);
    uint64_t at =
        read_word(reader, table->buckets + (wanted & (table->bucket_count - 1)) * POINTER);

    for (unsigned passed = 0; at && passed < MOST_CHAIN; passed++) {
        const uint8_t *bytes = image_at(reader->image, at, table->entry_size);
        if (!bytes)
            return false;
        struct hashtable_entry entry = load_entry(table, at, bytes);
        if (entry.hash == wanted && entry.key == key && entry.key_rest == key_rest) {
            *ret = entry;
            return true;
        }
        at = entry.next;
    }
    return false;
}

/* Walking */

/* A bucket that is being followed. */
struct chain {
    uint64_t at;       /* the next entry to be told */
    uint64_t bucket;   /* its number */
    uint64_t mark;     /* an entry that was passed, to notice a circle by */
    uint64_t passed;   /* entries */
    const void *bytes; /* of the entry */
    const void *data;  /* of its data */
    struct hashtable_entry entry;
};

struct walk {
    const struct reader *reader;
    const struct hashtable *table;
    enum hashtable_hash hash;
    uint32_t data_size;
    uint64_t bucket; /* the next one to begin with */
    uint64_t left;   /* entries that there can still be */
    uint64_t broken;
    unsigned count; /* of the chains */
    struct chain chains[GROUP];
};

/* The last one takes its place. */
static void end_chain(struct walk *walk, unsigned number)
{
    walk->chains[number] = walk->chains[--walk->count];
}

static void break_chain(struct walk *walk, unsigned number)
{
    walk->broken++;
    end_chain(walk, number);
}

static void begin_chains(struct walk *walk)
{
    const struct hashtable *table = walk->table;

    while (walk->count < GROUP && walk->bucket < table->bucket_count &&
           walk->broken < HASHTABLE_MOST_BROKEN) {
        uint64_t at;
        if (!image_word(walk->reader->image, table->buckets + walk->bucket * POINTER, POINTER, &at))
            walk->broken++;
        else if (at)
            walk->chains[walk->count++] = (struct chain){.at = at, .bucket = walk->bucket};
        walk->bucket++;
    }
}

static void find_entries(struct walk *walk)
{
    for (unsigned i = walk->count; i-- > 0;) {
        struct chain *chain = &walk->chains[i];
        chain->bytes = image_at(walk->reader->image, chain->at, walk->table->entry_size);
        if (chain->bytes)
            __builtin_prefetch(chain->bytes);
        else
            break_chain(walk, i);
    }
}

static void load_entries(struct walk *walk)
{
    for (unsigned i = walk->count; i-- > 0;) {
        struct chain *chain = &walk->chains[i];
        struct hashtable_entry *entry = &chain->entry;
        *entry = load_entry(walk->table, chain->at, chain->bytes);
        if (entry->hash != hash_of(walk->hash, entry->key, entry->key_rest) ||
            (entry->hash & (walk->table->bucket_count - 1)) != chain->bucket) {
            break_chain(walk, i);
            continue;
        }
        chain->data =
            walk->data_size ? image_at(walk->reader->image, entry->data, walk->data_size) : NULL;
        if (chain->data)
            __builtin_prefetch(chain->data);
    }
}

/* Goes on to the chain's next entry, if there is one. */
static void step(struct walk *walk, unsigned number)
{
    struct chain *chain = &walk->chains[number];

    if (!chain->entry.next) {
        end_chain(walk, number);
        return;
    }
    if ((chain->passed & (chain->passed + 1)) == 0)
        chain->mark = chain->at;
    chain->passed++;
    chain->at = chain->entry.next;
    if (chain->at == chain->mark)
        break_chain(walk, number);
}

static bool tell_entries(struct walk *walk, hashtable_visit *visit, void *context)
{
    for (unsigned i = walk->count; i-- > 0;) {
        struct chain *chain = &walk->chains[i];
        if (!walk->left) {
            walk->broken++;
            return false;
        }
        walk->left--;
        if (walk->data_size && !chain->data)
            walk->broken++;
        else if (!visit(context, &chain->entry, chain->data))
            return false;
        step(walk, i);
    }
    return true;
}

uint64_t hashtable_walk(const struct reader *reader, const struct hashtable *table,
                        enum hashtable_hash hash, uint32_t data_size, hashtable_visit *visit,
                        void *context)
{
    struct walk walk = {.reader = reader,
                        .table = table,
                        .hash = hash,
                        .data_size = data_size,
                        .left = table->entries};

    do {
        image_rest(reader->image);
        begin_chains(&walk);
        find_entries(&walk);
        load_entries(&walk);
    } while (tell_entries(&walk, visit, context) && walk.broken < HASHTABLE_MOST_BROKEN &&
             (walk.count || walk.bucket < table->bucket_count));
    return walk.broken;
}
