// SPDX-License-Identifier: MIT
#include "inspector/target/maps.h"

#include "symbols/base/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char deleted_mark[] = " (deleted)";

/* The kernel writes a line feed inside a path as \012, and nothing else in that way. */
static size_t unescape(char *path, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++) {
        if (length - i >= 4 && memcmp(path + i, "\\012", 4) == 0) {
            path[kept++] = '\n';
            i += 3;
        } else {
            path[kept++] = path[i];
        }
    }
    path[kept] = '\0';
    return kept;
}

static bool parse_path(struct maps *maps, struct mapping *mapping, const char *text, size_t length)
{
    const size_t mark = sizeof(deleted_mark) - 1;

    while (length && *text == ' ') {
        text++;
        length--;
    }
    if (length > mark && memcmp(text + length - mark, deleted_mark, mark) == 0) {
        mapping->deleted = true;
        length -= mark;
    }
    char *path = arena_copy(&maps->paths, text, length);
    if (!path)
        return false;
    unescape(path, length);
    mapping->path = path;
    return true;
}

/* Returns how many bytes of the line the numbers took, or 0 where it is no mapping. */
static size_t parse_numbers(struct mapping *mapping, const char *line)
{
    char modes[5];
    unsigned long inode;
    int used = 0;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %lu%n", &mapping->start,
               &mapping->end, modes, &mapping->offset, &inode, &used) != 5 ||
        mapping->end <= mapping->start)
        return 0;
    mapping->inode = inode;
    mapping->readable = modes[0] == 'r';
    mapping->writable = modes[1] == 'w';
    mapping->executable = modes[2] == 'x';
    mapping->shared = modes[3] == 's';
    return (size_t)used;
}

bool maps_parse(struct maps *ret, const char *text, size_t length, struct error *err)
{
    struct maps maps = {0};
    const char *end = text + length;

    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            break; /* the kernel ends each line; one without an end was cut */

        struct mapping mapping = {0};
        size_t used = parse_numbers(&mapping, line);
        if (used && (!maps.count || mapping.start >= maps.items[maps.count - 1].end)) {
            struct mapping *grown =
                vector_grow(maps.items, &maps.capacity, maps.count + 1, sizeof(*maps.items));
            if (grown)
                maps.items = grown;
            if (!grown || !parse_path(&maps, &mapping, line + used, (size_t)(stop - line) - used)) {
                maps_free(&maps);
                return error_memory(err);
            }
            maps.items[maps.count++] = mapping;
        }
        line = stop + 1;
    }
    *ret = maps;
    return true;
}

void maps_free(struct maps *maps)
{
    free(maps->items);
    arena_free(&maps->paths);
    *maps = (struct maps){0};
}

const struct mapping *maps_find(const struct maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (address < maps->items[middle].start)
            high = middle;
        else if (address >= maps->items[middle].end)
            low = middle + 1;
        else
            return &maps->items[middle];
    }
    return NULL;
}

bool mapping_is_memory(const struct mapping *mapping)
{
    static const char *const others[] = {"[vvar", "[vsyscall]", "[uprobes]", "/dev/",
                                         "anon_inode:"};

    if (!mapping->readable || mapping->start >= UINT64_C(1) << 47)
        return false;
    if (strncmp(mapping->path, "/dev/shm/", 9) == 0 || strcmp(mapping->path, "/dev/zero") == 0)
        return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (strncmp(mapping->path, others[i], strlen(others[i])) == 0)
            return false;
    }
    return true;
}
