// SPDX-License-Identifier: MIT
#include "inspector/store/census_name.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The path, and what follows the @ ("last" where nothing does). */
struct census_name {
    char path[PATH_MAX];
    const char *member;
};

static bool split(const char *name, struct census_name *ret, struct error *err)
{
    const char *at = access(name, F_OK) == 0 ? NULL : strrchr(name, '@');
    size_t length = at ? (size_t)(at - name) : strlen(name);

    /* An @ in a directory's name is none of ours. */
    if (at && strchr(at, '/')) {
        at = NULL;
        length = strlen(name);
    }
    if (length == 0)
        return error_set(err, ERROR_USAGE, "\"%s\" names no census file", name);
    if (length >= sizeof(ret->path)) {
        errno = ENAMETOOLONG;
        return error_errno(err, ERROR_INPUT, "%s", name);
    }
    memcpy(ret->path, name, length);
    ret->path[length] = '\0';
    ret->member = at ? at + 1 : "last";
    return true;
}

bool census_name_path(const char *name, char *path, size_t size, struct error *err)
{
    struct census_name parts;

    if (!split(name, &parts, err))
        return false;
    if (strlen(parts.path) >= size) {
        errno = ENAMETOOLONG;
        return error_errno(err, ERROR_INPUT, "%s", name);
    }
    memcpy(path, parts.path, strlen(parts.path) + 1);
    return true;
}

/* Times */

/* Reads exactly `digits` digits between `least` and `most`. */
static bool read_digits(const char **at, int digits, int least, int most, int *ret)
{
    int number = 0;

    for (int i = 0; i < digits; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    *ret = number;
    return number >= least && number <= most;
}

static bool skip(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    ++*at;
    return true;
}

static bool read_date(const char **at, struct tm *time)
{
    int year, month;

    if (!read_digits(at, 4, 1970, 9999, &year) || !skip(at, '-') ||
        !read_digits(at, 2, 1, 12, &month) || !skip(at, '-') ||
        !read_digits(at, 2, 1, 31, &time->tm_mday))
        return false;
    time->tm_year = year - 1900;
    time->tm_mon = month - 1;
    struct tm same = {.tm_year = time->tm_year, .tm_mon = time->tm_mon, .tm_mday = time->tm_mday};
    timegm(&same);
    return same.tm_mday == time->tm_mday;
}

/* "10:00", "10:00:30", "10:00:30.25"; what is left out is as late as it can be. */
static bool read_clock(const char **at, struct tm *time, int *milliseconds)
{
    int digit;

    if (!read_digits(at, 2, 0, 23, &time->tm_hour) || !skip(at, ':') ||
        !read_digits(at, 2, 0, 59, &time->tm_min))
        return false;
    time->tm_sec = 59;
    *milliseconds = 999;
    if (!skip(at, ':'))
        return true;
    if (!read_digits(at, 2, 0, 60, &time->tm_sec))
        return false;
    if (!skip(at, '.'))
        return true;
    *milliseconds = 0;
    if (!read_digits(at, 1, 0, 9, &digit))
        return false;
    for (int worth = 100;; worth /= 10) {
        *milliseconds += digit * worth;
        if (!read_digits(at, 1, 0, 9, &digit))
            return true;
    }
}

/* "Z", "+01:00", "+0100", or nothing: *ret_local. */
static bool read_zone(const char **at, bool *ret_local, int *ret_seconds)
{
    int hours, minutes;
    char sign = **at;

    *ret_local = false;
    *ret_seconds = 0;
    if (skip(at, 'Z'))
        return true;
    if (!skip(at, '+') && !skip(at, '-')) {
        *ret_local = true;
        return true;
    }
    if (!read_digits(at, 2, 0, 23, &hours))
        return false;
    (void)skip(at, ':');
    if (!read_digits(at, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

static bool read_time(const char *text, int64_t *ret_ms)
{
    struct tm time = {.tm_hour = 23, .tm_min = 59, .tm_sec = 59, .tm_isdst = -1};
    int milliseconds = 999, zone;
    bool is_local;

    if (!read_date(&text, &time))
        return false;
    if ((skip(&text, 'T') || skip(&text, ' ')) && !read_clock(&text, &time, &milliseconds))
        return false;
    if (!read_zone(&text, &is_local, &zone) || *text)
        return false;
    time_t seconds = is_local ? mktime(&time) : timegm(&time) - zone;
    *ret_ms = (int64_t)seconds * 1000 + milliseconds;
    return true;
}

static void print_time(int64_t ms, char text[64])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm time;

    if (!localtime_r(&seconds, &time) || !strftime(text, 64, "%Y-%m-%dT%H:%M:%S%z", &time))
        snprintf(text, 64, "?");
}

/* Members */

static bool read_number(const char *text, size_t *ret)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || text[length])
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    *ret = errno || number > SIZE_MAX ? SIZE_MAX : (size_t)number;
    return true;
}

static bool lacks(struct census_file *file, const struct census_name *name, struct error *err)
{
    size_t count = census_file_count(file);
    struct census_entry first, last;
    char from[64], to[64];

    if (count == 0)
        return error_set(err, ERROR_USAGE, "%s has no census yet", name->path);
    if (!census_file_entry(file, 1, &first, err) || !census_file_entry(file, count, &last, err))
        return false;
    print_time(first.occasion.taken_ms, from);
    print_time(last.occasion.taken_ms, to);
    if (count == 1)
        return error_set(err, ERROR_USAGE, "%s has no census @%s: it has one, taken at %s",
                         name->path, name->member, from);
    return error_set(err, ERROR_USAGE, "%s has no census @%s: it has %zu, taken between %s and %s",
                     name->path, name->member, count, from, to);
}

static bool is_member(const char *member)
{
    size_t number;
    int64_t time;

    return strcmp(member, "first") == 0 || strcmp(member, "last") == 0 ||
           read_number(member, &number) || read_time(member, &time);
}

static bool find(struct census_file *file, const struct census_name *name, size_t *ret,
                 struct error *err)
{
    size_t count = census_file_count(file), number = 0;
    int64_t time;

    if (strcmp(name->member, "first") == 0)
        number = 1;
    else if (strcmp(name->member, "last") == 0)
        number = count;
    else if (!read_number(name->member, &number) && read_time(name->member, &time) &&
             !census_file_find(file, time, &number, err))
        return false;
    if (number < 1 || number > count)
        return lacks(file, name, err);
    *ret = number;
    return true;
}

static bool parse(const char *text, struct census_name *ret, struct error *err)
{
    if (!split(text, ret, err))
        return false;
    if (is_member(ret->member))
        return true;
    if (access(ret->path, F_OK) != 0)
        return error_errno(err, ERROR_INPUT, "cannot read the census file %s", text);
    return error_set(err, ERROR_USAGE,
                     "%s@%s: a census is named by a number, \"first\", \"last\" or a time like "
                     "2026-11-20T10:00",
                     ret->path, ret->member);
}

bool census_name_check_new(const char *path, struct error *err)
{
    const char *at = strrchr(path, '@');

    if (!*path || strcmp(path, "-") == 0)
        return error_set(err, ERROR_USAGE, "--save '%s': it takes the name of a file", path);
    return !at || strchr(at, '/') || !is_member(at + 1) ||
           error_set(err, ERROR_USAGE,
                     "--save %s: what ends in @%s names a census within a file: take another name",
                     path, at + 1);
}

bool census_name_load(const char *name, struct snapshot *ret, struct error *err)
{
    struct census_name parts;
    struct census_file *file;
    size_t number = 0;

    if (!parse(name, &parts, err) || !census_file_open(&file, parts.path, err))
        return false;
    bool done = find(file, &parts, &number, err) && census_file_load(file, number, ret, err);
    census_file_close(file);
    return done;
}
