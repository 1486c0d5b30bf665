// SPDX-License-Identifier: MIT
#include "inspector/command/traces_output.h"

#include "inspector/store/traces_export.h"
#include "inspector/store/traces_pickle.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/replaced_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_STACK = 1 << 16 };

/* Does the first line end with a blank and a number? */
static bool looks_folded(const char *bytes, size_t length)
{
    const char *end = memchr(bytes, '\n', length);
    const char *at = end;

    while (at && at > bytes && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at && at < end && at > bytes && at[-1] == ' ';
}

/* Folded stacks have no beginning of their own. */
static bool check_folded(const char *path, struct error *err)
{
    AUTO_FREE char *bytes = malloc(LONGEST_STACK);
    char resolved[PATH_MAX];
    AUTO_CLOSE int fd = replaced_file_open_regular(path, resolved);
    ssize_t length = fd < 0 || !bytes ? 0 : read(fd, bytes, LONGEST_STACK);

    if (!bytes)
        return error_memory(err);
    if (fd < 0 || !length || (length > 0 && looks_folded(bytes, (size_t)length)))
        return fd >= 0 || replaced_file_is_ours(path, "", "file", err);
    return error_set(err, ERROR_USAGE,
                     "%s is there already, and has no folded stacks: it is not replaced; name "
                     "another file, or remove this one",
                     path);
}

bool traces_output_check(enum traces_export export, const char *path, struct error *err)
{
    if (!path)
        return export == EXPORT_FOLDED || !isatty(STDOUT_FILENO) ||
               error_set(err, ERROR_USAGE,
                         "--export: this format is no text for a terminal: add -o FILE");
    if (export == EXPORT_FOLDED)
        return check_folded(path, err);
    return export == EXPORT_PICKLE ? replaced_file_is_ours(path, "\x80", "pickle", err)
                                   : replaced_file_is_ours(path, "\x1f\x8b", "profile", err);
}

static bool write_to(FILE *out, enum traces_export export, const struct traces *traces,
                     struct error *err)
{
    switch (export) {
    case EXPORT_PICKLE:
        return traces_pickle_write(out, traces, err);
    case EXPORT_FOLDED:
        return traces_write_folded(out, traces, err);
    case EXPORT_PPROF:
        return traces_write_pprof(out, traces, err);
    case EXPORT_NOTHING:
        break;
    }
    return true;
}

static bool write_to_descriptor(int fd, const char *path, enum traces_export export,
                                const struct traces *traces, struct error *err)
{
    FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");

    if (!out) {
        if (fd >= 0)
            close(fd);
        return error_errno(err, ERROR_SYSTEM, "cannot write %s", path);
    }
    bool done = write_to(out, export, traces, err);
    if (fclose(out) != 0 && done)
        return error_errno(err, ERROR_OUTPUT, "cannot write %s", path);
    return done;
}

bool traces_output_write(enum traces_export export, const char *path, const struct traces *traces,
                         struct error *err)
{
    struct replaced_file file;

    if (!path)
        return write_to(stdout, export, traces, err);
    if (!replaced_file_begin(&file, path, 0600, err))
        return false;
    if (write_to_descriptor(dup(file.fd), path, export, traces, err))
        return replaced_file_commit(&file, err);
    replaced_file_abandon(&file);
    return false;
}
