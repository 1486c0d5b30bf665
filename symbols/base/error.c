// SPDX-License-Identifier: MIT
#include "symbols/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

    size_t length = strlen(err->text);
    snprintf(err->text + length, sizeof(err->text) - length, ": %s", reason);
    return false;
}

bool error_memory(struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "out of memory");
}

bool error_context(struct error *err, const char *format, ...)
{
    char deeper[sizeof(err->text)];
    va_list arguments;

    memcpy(deeper, err->text, sizeof(deeper));
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);

    size_t length = strlen(err->text);
    snprintf(err->text + length, sizeof(err->text) - length, ": %s", deeper);
    return false;
}
