// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_pattern.h"

#include "symbols/base/text.h"

#include <string.h>

static inline int32_t take_char(const char **at, const char *end)
{
    int32_t code = (unsigned char)**at;

    if (code < 0x80) {
        ++*at;
        return code;
    }
    int32_t byte = code;
    *at += text_decode(*at, (size_t)(end - *at), &code);
    return code >= 0 ? code : 0x110000 + byte;
}

/* The `]` that belongs to the `[` in front of `at`; NULL: none. */
static const char *find_bracket(const char *at, const char *end)
{
    if (at < end && *at == '!')
        at++;
    if (at < end && *at == ']')
        at++;
    return at < end ? memchr(at, ']', (size_t)(end - at)) : NULL;
}

/* Is `code` what the text between brackets stands for? */
static bool set_fits(const char *at, const char *end, int32_t code)
{
    bool is_negated = *at == '!', is_empty = true, found = false;

    at += is_negated;
    while (at < end) {
        int32_t low = take_char(&at, end), high = low;
        bool is_range = end - at > 1 && *at == '-';
        if (is_range) {
            at++;
            high = take_char(&at, end);
        }
        if (low > high)
            continue;
        /* Only empty ranges were in front of it: then it is what Python sees first. It does so
         * after it has made the ranges, so that this hyphen is a hyphen. */
        if (is_empty && !is_negated && low == '!') {
            is_negated = true;
            found = is_range && (code == '-' || code == high);
        } else {
            found = found || (code >= low && code <= high);
        }
        is_empty = false;
    }
    return found != is_negated;
}

/* Does the character fit what `*pattern` begins with, which is no `*`? Goes past it. */
static bool takes(const char **pattern, const char *end, int32_t code)
{
    int32_t wanted = take_char(pattern, end);

    if (wanted == '?')
        return true;
    const char *close = wanted == '[' ? find_bracket(*pattern, end) : NULL;
    if (!close)
        return wanted == code;
    const char *set = *pattern;
    *pattern = close + 1;
    return set_fits(set, close, code);
}

bool trace_pattern_matches(const char *pattern, size_t pattern_length, const char *name,
                           size_t length)
{
    const char *end = pattern + pattern_length, *name_end = name + length;
    const char *behind_star = NULL, *retry = NULL; /* the last `*`, and what it has not eaten */

    for (;;) {
        if (pattern < end && *pattern == '*') {
            behind_star = ++pattern;
            retry = name;
            if (pattern == end)
                return true;
            continue;
        }
        if (name == name_end)
            return pattern == end;
        if (pattern < end && takes(&pattern, end, take_char(&name, name_end)))
            continue;
        if (!behind_star)
            return false;
        take_char(&retry, name_end);
        name = retry;
        pattern = behind_star;
    }
}
