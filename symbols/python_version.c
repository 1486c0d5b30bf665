// SPDX-License-Identifier: MIT
#include "symbols/python_version.h"

#include "symbols/base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RODATA_MAX = 256 << 20,
    OLDEST_MINOR = 6, /* that we read */
    LAST_MINOR = 29,
};

/* Reads at most three digits, so that nothing overflows, and no zero before others. */
static bool read_number(const char **at, const char *end, int *ret)
{
    const char *start = *at;
    int number = 0;

    while (*at < end && *at - start < 3 && isdigit((unsigned char)**at) &&
           (*at == start || *start != '0'))
        number = number * 10 + (*(*at)++ - '0');
    *ret = number;
    return *at > start;
}

bool python_version_in_name(const char *path, int *ret_minor)
{
    const char *slash = strrchr(path, '/');
    const char *at = slash ? slash + 1 : path;
    int minor;

    if (strncmp(at, "lib", 3) == 0)
        at += 3;
    if (strncmp(at, "python3.", 8) != 0)
        return false;
    at += 8;
    if (!read_number(&at, at + strlen(at), &minor))
        return false;
    *ret_minor = minor;
    return true;
}

struct python_version python_version_of_hex(uint64_t hex)
{
    static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc", [0xf] = ""};
    struct python_version version = {0};
    const char *level = levels[hex >> 4 & 0xf];

    if (hex >> 32 || hex >> 24 != 3 || !level)
        return version;
    version.major = 3;
    version.minor = (int)(hex >> 16 & 0xff);
    int length = snprintf(version.text, sizeof(version.text), "3.%d.%d%s", version.minor,
                          (int)(hex >> 8 & 0xff), level);
    if (*level)
        snprintf(version.text + length, sizeof(version.text) - (size_t)length, "%d",
                 (int)(hex & 0xf));
    return version;
}

static bool from_constant(struct elf_file *file, struct python_version *version)
{
    struct elf_place place;
    uint64_t hex;

    if (!elf_file_symbol(file, "Py_Version", &place) ||
        !elf_file_read(file, place.address, &hex, sizeof(hex)))
        return false;
    struct python_version read = python_version_of_hex(hex);
    if (read.major)
        *version = read;
    return read.major;
}

/* Of a release: a1, b2, rc3, or nothing; then "+" or nothing. */
static bool skip_level(const char **at, const char *end)
{
    int serial;

    if (*at < end && **at != '+') {
        if (**at == 'a' || **at == 'b')
            *at += 1;
        else if (end - *at >= 2 && (*at)[0] == 'r' && (*at)[1] == 'c')
            *at += 2;
        else
            return false;
        if (!read_number(at, end, &serial))
            return false;
    }
    if (*at < end && **at == '+')
        *at += 1;
    return *at == end;
}

bool python_version_parse(struct python_version *ret, int *ret_micro, const char *text,
                          size_t length)
{
    const char *at = text, *end = text + length;
    struct python_version version = {0};
    int micro = -1;

    if (length >= sizeof(version.text))
        return false;
    if (!read_number(&at, end, &version.major) || version.major != 3 || at == end || *at++ != '.' ||
        !read_number(&at, end, &version.minor))
        return false;
    if (at < end && (*at++ != '.' || !read_number(&at, end, &micro) || !skip_level(&at, end)))
        return false;
    memcpy(version.text, text, length);
    *ret = version;
    *ret_micro = micro;
    return true;
}

/* "3.2.0" is the version of a database of Unicode's, "3.40.1" one of SQLite's. */
static bool is_plausible(int minor, int wanted)
{
    return wanted >= 0 ? minor == wanted : minor >= OLDEST_MINOR && minor <= LAST_MINOR;
}

/*
 * The one version among the strings; two answers are none, for other libraries number themselves so
 * too (SQLite is 3.40.1). `tails`: linkers store a string that another ends with only once, so that
 * "3.6.15" may be there as the tail of "/opt/python/3.6.15".
 */
static bool from_strings(const char *bytes, const char *end, int wanted_minor, bool tails,
                         struct python_version *version)
{
    struct python_version found = {0};

    for (const char *at = bytes; (at = memchr(at, '3', (size_t)(end - at))); at++) {
        char before = at == bytes ? '\0' : at[-1];
        size_t left = (size_t)(end - at);
        struct python_version here;
        int micro;
        if (tails ? isalnum((unsigned char)before) || before == '.' || before == '_'
                  : before != '\0')
            continue;
        const char *stop = memchr(at, '\0', left < sizeof(here.text) ? left : sizeof(here.text));
        if (!stop || !python_version_parse(&here, &micro, at, (size_t)(stop - at)) || micro < 0 ||
            !is_plausible(here.minor, wanted_minor) || strcmp(found.text, at) == 0)
            continue;
        if (found.major)
            return false;
        found = here;
    }
    if (!found.major)
        return false;
    *version = found;
    return true;
}

static bool from_bytes(const char *bytes, size_t size, int wanted_minor,
                       struct python_version *version)
{
    return from_strings(bytes, bytes + size, wanted_minor, false, version) ||
           from_strings(bytes, bytes + size, wanted_minor, true, version);
}

/* Looks at what the file holds of all segments that have none of the flags `avoided`. */
static bool from_segments(struct elf_file *file, uint32_t avoided, int wanted_minor,
                          struct python_version *version)
{
    AUTO_FREE char *bytes = NULL;
    struct elf_segment segment;
    size_t size = 0, at = 0;

    for (size_t i = 0; elf_file_segment(file, i, &segment); i++) {
        if (segment.flags & avoided)
            continue;
        if (segment.file_size >= RODATA_MAX - size)
            return false;
        size += segment.file_size + 1; /* and a NUL, so that no string goes on in the next */
    }
    bytes = calloc(1, size + 1);
    if (!bytes)
        return false;
    for (size_t i = 0; elf_file_segment(file, i, &segment); i++) {
        if (segment.flags & avoided)
            continue;
        if (!elf_file_read(file, segment.address, bytes + at, segment.file_size))
            return false;
        at += segment.file_size + 1;
    }
    return from_bytes(bytes, size, wanted_minor, version);
}

/* Without section headers constants are where nothing can be written; old linkers put the code
 * there too. */
static bool from_rodata(struct elf_file *file, int wanted_minor, struct python_version *version)
{
    AUTO_FREE char *bytes = NULL;
    struct elf_place place;

    if (!elf_file_section(file, ".rodata", &place))
        return from_segments(file, PF_W | PF_X, wanted_minor, version) ||
               from_segments(file, PF_W, wanted_minor, version);
    if (place.size > RODATA_MAX)
        return false;
    bytes = malloc(place.size + 1);
    return bytes && elf_file_read(file, place.address, bytes, place.size) &&
           from_bytes(bytes, place.size, wanted_minor, version);
}

/* "libpython2.7.so.1.0", "python2.7": enough to say what it is. */
static bool is_python2(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strncmp(name, "libpython2", 10) == 0 || strncmp(name, "python2", 7) == 0;
}

struct python_version python_version_of(struct elf_file *file)
{
    struct python_version version = {0};
    int minor = -1;
    bool named = python_version_in_name(elf_file_path(file), &minor);

    if (is_python2(elf_file_path(file)))
        return (struct python_version){.text = "2", .major = 2};
    if (from_constant(file, &version) || from_rodata(file, minor, &version) || !named)
        return version;
    version.major = 3;
    version.minor = minor;
    snprintf(version.text, sizeof(version.text), "3.%d", minor);
    return version;
}
