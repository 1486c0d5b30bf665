// SPDX-License-Identifier: MIT
#include "tests/support/truth.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HEADER_SIZE 32
#define ABSENT UINT32_MAX

struct cursor {
    const char *at;
    const char *end;
};

static const char *take(struct cursor *cursor, size_t size)
{
    const char *ret = cursor->at;
    cr_assert((size_t)(cursor->end - ret) >= size, "the truth is cut short");
    cursor->at += size;
    return ret;
}

static uint64_t take_u64(struct cursor *cursor)
{
    uint64_t ret;
    memcpy(&ret, take(cursor, sizeof(ret)), sizeof(ret));
    return ret;
}

static uint32_t take_u32(struct cursor *cursor)
{
    uint32_t ret;
    memcpy(&ret, take(cursor, sizeof(ret)), sizeof(ret));
    return ret;
}

static const char *take_name(struct cursor *cursor, uint32_t stored, size_t *ret_length)
{
    *ret_length = stored == ABSENT ? 0 : stored;
    const char *name = take(cursor, *ret_length + 1);
    return stored == ABSENT ? NULL : name;
}

static void *grow(void *items, size_t count, size_t item_size)
{
    void *ret = reallocarray(items, count ? count : 1, item_size);
    cr_assert(ret, "no memory for the truth");
    return ret;
}

static void add_objects(struct truth *truth, struct cursor *cursor, size_t count, size_t type_count)
{
    struct cursor addresses = {take(cursor, count * 8), cursor->at};
    struct cursor types = {take(cursor, count * 8), cursor->at};
    struct cursor sizes = {take(cursor, count * 8), cursor->at};

    truth->objects = grow(truth->objects, truth->object_count + count, sizeof(*truth->objects));
    for (size_t i = 0; i < count; i++) {
        struct truth_object *object = &truth->objects[truth->object_count++];
        size_t type = take_u64(&types);
        cr_assert(type < type_count, "the truth names a type that it has not");
        object->address = take_u64(&addresses);
        object->type = truth->type_count + type;
        object->size = take_u64(&sizes);
    }
}

static void add_types(struct truth *truth, struct cursor *cursor, size_t count)
{
    truth->types = grow(truth->types, truth->type_count + count, sizeof(*truth->types));
    for (size_t i = 0; i < count; i++) {
        struct truth_type *type = &truth->types[truth->type_count++];
        type->address = take_u64(cursor);
        uint32_t module_length = take_u32(cursor);
        uint32_t qualname_length = take_u32(cursor);
        type->module = take_name(cursor, module_length, &type->module_length);
        type->qualname = take_name(cursor, qualname_length, &type->qualname_length);
        type->part = truth->parts;
    }
}

static void add_part(struct truth *truth, char *bytes, size_t size)
{
    struct cursor cursor = {bytes, bytes + size};
    cr_assert(memcmp(take(&cursor, 8), "PYTRUTH1", 8) == 0, "this is no truth");
    size_t object_count = take_u64(&cursor);
    size_t type_count = take_u64(&cursor);
    truth->permanent_count += take_u64(&cursor);
    cr_assert(object_count <= size / 8 && type_count <= size / 8, "the truth is cut short");

    add_objects(truth, &cursor, object_count, type_count);
    add_types(truth, &cursor, type_count);
    cr_assert(cursor.at == cursor.end, "the truth has more than it should");
    truth->mappings[truth->parts].bytes = bytes;
    truth->mappings[truth->parts].size = size;
    truth->parts++;
}

static int compare_addresses(const void *left, const void *right)
{
    const struct truth_object *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

void truth_load(struct truth *ret, const int *fds, size_t count)
{
    *ret = (struct truth){0};
    for (size_t i = 0; i < count && i < TRUTH_PARTS; i++) {
        struct stat status;
        cr_assert(fstat(fds[i], &status) == 0, "cannot read the truth");
        if (status.st_size == 0)
            continue;
        size_t size = (size_t)status.st_size;
        void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fds[i], 0);
        cr_assert(bytes != MAP_FAILED, "cannot map the truth");
        add_part(ret, bytes, size);
    }
    cr_assert(ret->parts > 0, "the target told nothing");
    qsort(ret->objects, ret->object_count, sizeof(*ret->objects), compare_addresses);
}

void truth_free(struct truth *truth)
{
    for (unsigned i = 0; i < truth->parts; i++)
        munmap(truth->mappings[i].bytes, truth->mappings[i].size);
    free(truth->objects);
    free(truth->types);
    *truth = (struct truth){0};
}

const struct truth_object *truth_find(const struct truth *truth, uint64_t address)
{
    const struct truth_object key = {.address = address};
    return bsearch(&key, truth->objects, truth->object_count, sizeof(key), compare_addresses);
}
