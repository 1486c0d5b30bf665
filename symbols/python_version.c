// SPDX-License-Identifier: MIT
#include "symbols/python_version.h"

#include "symbols/base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RODATA_MAX = 256 << 20 };

/* Reads at most three digits, so that nothing overflows. */
static bool read_number(const char **at, const char *end, int *ret)
{
    const char *start = *at;
    int number = 0;

    while (*at < end && *at - start < 3 && isdigit((unsigned char)**at))
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

static bool from_constant(struct elf_file *file, struct python_version *version)
{
    static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc", [0xf] = ""};
    struct elf_place place;
    uint64_t hex;

    if (!elf_file_symbol(file, "Py_Version", &place) ||
        !elf_file_read(file, place.address, &hex, sizeof(hex)) || hex >> 32 || hex >> 24 != 3)
        return false;
    const char *level = levels[hex >> 4 & 0xf];
    if (!level)
        return false;
    version->major = 3;
    version->minor = (int)(hex >> 16 & 0xff);
    int length = snprintf(version->text, sizeof(version->text), "3.%d.%d%s", version->minor,
                          (int)(hex >> 8 & 0xff), level);
    if (*level)
        snprintf(version->text + length, sizeof(version->text) - (size_t)length, "%d",
                 (int)(hex & 0xf));
    return true;
}

/* Is the string from `text` to `end` exactly 3.N.M, with a level (a1, b2, rc3) and "+" or without?
 */
static bool is_version(const char *text, const char *end, int *ret_minor)
{
    const char *at = text;
    int major, micro, serial;

    if (end - text >= (ptrdiff_t)sizeof(((struct python_version *)0)->text))
        return false;
    if (!read_number(&at, end, &major) || major != 3 || at == end || *at++ != '.' ||
        !read_number(&at, end, ret_minor) || at == end || *at++ != '.' ||
        !read_number(&at, end, &micro))
        return false;
    if (at < end && *at != '+') {
        if (*at == 'a' || *at == 'b')
            at++;
        else if (end - at >= 2 && at[0] == 'r' && at[1] == 'c')
            at += 2;
        else
            return false;
        if (!read_number(&at, end, &serial))
            return false;
    }
    if (at < end && *at == '+')
        at++;
    return at == end;
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
        int minor;
        if (tails ? isalnum((unsigned char)before) || before == '.' : before != '\0')
            continue;
        const char *stop = memchr(at, '\0', left < sizeof(found.text) ? left : sizeof(found.text));
        if (!stop || !is_version(at, stop, &minor) ||
            (wanted_minor >= 0 && minor != wanted_minor) || strcmp(found.text, at) == 0)
            continue;
        if (found.major)
            return false;
        found.major = 3;
        found.minor = minor;
        memcpy(found.text, at, (size_t)(stop - at) + 1);
    }
    if (!found.major)
        return false;
    *version = found;
    return true;
}

static bool from_rodata(struct elf_file *file, int wanted_minor, struct python_version *version)
{
    AUTO_FREE char *bytes = NULL;
    struct elf_place place;

    if (!elf_file_section(file, ".rodata", &place) || place.size > RODATA_MAX)
        return false;
    bytes = malloc(place.size + 1);
    if (!bytes || !elf_file_read(file, place.address, bytes, place.size))
        return false;
    return from_strings(bytes, bytes + place.size, wanted_minor, false, version) ||
           from_strings(bytes, bytes + place.size, wanted_minor, true, version);
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
