// SPDX-License-Identifier: MIT
#include "inspector/target/maps.h"

#include "symbols/base/vector.h"

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

/* Steps over a number, which something that is no digit follows. False: there is none. */
static bool take_number(const char **at, unsigned base, uint64_t *ret)
{
    const char *digit = *at;

    for (*ret = 0;; digit++) {
        unsigned value = (unsigned char)*digit - '0';
        if (value > 9)
            value = *digit >= 'a' && *digit <= 'f' ? (unsigned)(*digit - 'a') + 10 : base;
        if (value >= base)
            break;
        *ret = *ret * base + value;
    }
    bool any = digit > *at;
    *at = digit;
    return any;
}

static bool take(const char **at, char expected)
{
    if (**at != expected)
        return false;
    ++*at;
    return true;
}

/*
 * "START-END MODE OFFSET DEV:DEV INODE", up to the line feed at `end`. Returns how many bytes of
 * the line that took, or 0 where it is no mapping. By hand, since a target stands still while its
 * mappings are read again, and sscanf takes longer for that than the kernel.
 */
static size_t parse_numbers(struct mapping *mapping, const char *line, const char *end)
{
    const char *at = line;
    uint64_t inode, device;

    if (!take_number(&at, 16, &mapping->start) || !take(&at, '-') ||
        !take_number(&at, 16, &mapping->end) || !take(&at, ' ') || mapping->end <= mapping->start ||
        end - at < 4)
        return 0;
    mapping->readable = at[0] == 'r';
    mapping->writable = at[1] == 'w';
    mapping->executable = at[2] == 'x';
    mapping->shared = at[3] == 's';
    at += 4;
    if (!take(&at, ' ') || !take_number(&at, 16, &mapping->offset) || !take(&at, ' ') ||
        !take_number(&at, 16, &device) || !take(&at, ':') || !take_number(&at, 16, &device) ||
        !take(&at, ' ') || !take_number(&at, 10, &inode))
        return 0;
    mapping->inode = inode;
    return (size_t)(at - line);
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
        size_t used = parse_numbers(&mapping, line, stop);
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
