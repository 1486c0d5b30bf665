// SPDX-License-Identifier: MIT
#include "inspector/analysis/type_pattern.h"

#include <fnmatch.h>
#include <string.h>

bool type_pattern_fits(const char *patterns, const char *name)
{
    char pattern[512];

    for (const char *at = patterns;; at++) {
        size_t length = strcspn(at, ",");
        if (length < sizeof(pattern)) {
            memcpy(pattern, at, length);
            pattern[length] = '\0';
            if (strcmp(pattern, name) == 0 || fnmatch(pattern, name, 0) == 0)
                return true;
        }
        at += length;
        if (!*at)
            return false;
    }
}
