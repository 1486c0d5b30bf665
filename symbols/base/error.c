// SPDX-License-Identifier: MIT
#include "symbols/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char no_memory[] = "out of memory";

/* Adds ": <reason>"; where not all fits, what stands before it is cut, to half of the text at most:
 * a long path must not hide why. */
static void add_reason(struct error *err, const char *reason)
{
    const size_t most = sizeof(err->text) - 1, added = strlen(reason) + 2;
    size_t kept = added < most / 2 ? most - added : most / 2;
    size_t length = strlen(err->text);

    if (length > kept) {
        length = kept;
        memcpy(err->text + length - 3, "...", 3);
    }
    snprintf(err->text + length, sizeof(err->text) - length, ": %s", reason);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list arguments;

    err->kind = kind;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return false;
}

bool error_errno(struct error *err, enum error_kind kind, const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list arguments;

    err->kind = kind;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    add_reason(err, reason);
    return false;
}

bool error_memory(struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "%s", no_memory);
}

bool error_is_memory(const struct error *err)
{
    size_t length = strlen(err->text), reason = strlen(no_memory);

    return length >= reason && strcmp(err->text + length - reason, no_memory) == 0;
}

bool error_context(struct error *err, const char *format, ...)
{
    char deeper[sizeof(err->text)];
    va_list arguments;

    memcpy(deeper, err->text, sizeof(deeper));
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    add_reason(err, deeper);
    return false;
}
