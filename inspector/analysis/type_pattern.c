// SPDX-License-Identifier: MIT
#include "inspector/analysis/type_pattern.h"

#include <fnmatch.h>
#include <string.h>

bool pattern_fits(const char *pattern, const char *text)
{
    return strcmp(pattern, text) == 0 || fnmatch(pattern, text, 0) == 0;
}

bool type_pattern_fits(const char *patterns, const char *name)
{
    char pattern[PATTERN_MOST];

    for (const char *at = patterns;; at++) {
        size_t length = strcspn(at, ",");
        if (length < sizeof(pattern)) {
            memcpy(pattern, at, length);
            pattern[length] = '\0';
            if (pattern_fits(pattern, name))
                return true;
        }
        at += length;
        if (!*at)
            return false;
    }
}
