// SPDX-License-Identifier: MIT
/* set and frozenset. */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

#include <stdio.h>
#include <string.h>

/* The hash table of a set: entries of a key and its hash. */
struct set_table {
    const struct reader *reader;
    uint64_t address;
    uint64_t slots;
    uint32_t size;
    struct layout_slot key, hash; /* of an entry */
    bool is_small;                /* it is within the object */
};

static uint64_t load_slot(const uint8_t *entry, const struct layout_slot *slot)
{
    return load_word(entry + slot->offset, slot->size);
}

/* False where it cannot be read, or cannot be so. */
static bool set_table_of(const struct reader *reader, uint64_t address, struct set_table *ret)
{
    const struct layout *layout = &reader->python->layout;
    struct set_table table = {.reader = reader,
                              .size = layout_size(layout, sizeof_setentry),
                              .key = layout->slots[setentry_key],
                              .hash = layout->slots[setentry_hash]};
    uint64_t mask;

    if (!table.key.present || !table.hash.present ||
        !read_field(reader, address, PySetObject_table, &table.address) ||
        !read_field(reader, address, PySetObject_mask, &mask) || (mask & (mask + 1)) != 0 ||
        !reader_has_room(reader, table.address, mask + 1, table.size))
        return false;
    table.slots = mask + 1;
    table.is_small = table.address == field_address(reader, address, PySetObject_smalltable);
    *ret = table;
    return true;
}

/* The next key from slot *slot on, which is advanced past it; 0: there are no more. */
static uint64_t next_key(const struct set_table *table, uint64_t *slot)
{
    while (*slot < table->slots) {
        const uint8_t *entry =
            image_at(table->reader->image, table->address + *slot * table->size, table->size);
        if (!entry)
            return 0;
        ++*slot;
        /* No object has the hash -1: that is one that was discarded, and its key a dummy. */
        uint64_t key = load_slot(entry, &table->key);
        if (key && load_slot(entry, &table->hash) != UINT64_MAX)
            return key;
    }
    return 0;
}

static bool set_size(const struct reader *reader, const struct type *type, uint64_t address,
                     uint64_t *ret)
{
    struct set_table table;

    *ret = type->basicsize;
    if (!set_table_of(reader, address, &table))
        return false;
    if (!table.is_small)
        *ret += table.slots * table.size;
    return true;
}

static void set_references(const struct reader *reader, const struct type *type, uint64_t address,
                           struct references *references)
{
    struct reference reference = {.label = LABEL_KEY};
    struct set_table table;
    uint64_t slot = 0;

    (void)type;
    if (!set_table_of(reader, address, &table))
        return;
    while (!references->ended && (reference.to = next_key(&table, &slot)) != 0) {
        reference_tell(references, &reference);
        reference.number++;
    }
    reference_skip(references, slot - reference.number);
}

static void print_keys(struct printer *printer, uint64_t address)
{
    struct set_table table;
    uint64_t slot = 0, key;
    bool more = false;

    if (!set_table_of(printer->reader, address, &table))
        return;
    while (!printer->full && (key = next_key(&table, &slot)) != 0) {
        if (more)
            printer_add(printer, ", ");
        printer_object(printer, key);
        more = true;
    }
}

/* "{1, 2}"; "frozenset({1, 2})" and the like for all other types; "set()", and "set(...)" within
 * itself. */
static bool set_print(struct printer *printer, const struct type *type, uint64_t address)
{
    bool bare = strcmp(type->name, "set") == 0;
    char again[64];
    uint64_t used;

    if (!read_field(printer->reader, address, PySetObject_used, &used))
        return false;
    snprintf(again, sizeof(again), "%.50s(...)", type->short_name);
    if (used && !printer_enter(printer, address, again))
        return true;
    if (!used || !bare) {
        printer_add_utf8(printer, type->short_name, type->short_length);
        printer_add(printer, "(");
    }
    if (used) {
        printer_add(printer, "{");
        print_keys(printer, address);
        printer_add(printer, "}");
        printer_leave(printer);
    }
    if (!used || !bare)
        printer_add(printer, ")");
    return true;
}

static void set_describe(const struct reader *reader, const struct type *type, uint64_t address,
                         fact_tell *tell, void *context)
{
    struct set_table table;
    uint64_t used;

    (void)type;
    if (!read_field(reader, address, PySetObject_used, &used) ||
        !set_table_of(reader, address, &table))
        return;
    say_number("used", (int64_t)used, tell, context);
    say_number("allocated", (int64_t)table.slots, tell, context);
}

static void set_buffers(const struct reader *reader, const struct type *type, uint64_t address,
                        buffer_tell *tell, void *context)
{
    struct set_table table;

    (void)type;
    if (set_table_of(reader, address, &table) && !table.is_small)
        tell(context, "table", table.address, table.slots * table.size);
}

const struct kind set_kinds[] = {
    {.type = "set",
     .structure = sizeof_PySetObject,
     .size = set_size,
     .references = set_references,
     .print = set_print,
     .describe = set_describe,
     .buffers = set_buffers},
    {.type = "frozenset",
     .structure = sizeof_PySetObject,
     .size = set_size,
     .references = set_references,
     .print = set_print,
     .describe = set_describe,
     .buffers = set_buffers},
    {.type = NULL},
};
