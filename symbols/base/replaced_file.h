// SPDX-License-Identifier: MIT
/*
 * replaced_file - a file that is there as a whole or not at all: written under a temporary name in
 * the same directory, synced, and renamed over its own.
 *
 * Whoever reads it sees the old content or the new one, whenever we are killed. A symbolic link is
 * followed first, so that the link stays and its target is replaced. Only a regular file is ever
 * replaced. What killed runs left under temporary names is taken away by the next one; a lock
 * (flock) tells what is still being written.
 */
#ifndef PYINSPECT_REPLACED_FILE_H
#define PYINSPECT_REPLACED_FILE_H

#include "symbols/base/error.h"

#include <limits.h>
#include <sys/types.h>

struct replaced_file {
    char path[PATH_MAX];      /* what it will be called; links are followed */
    char temporary[PATH_MAX]; /* what it is called until then: "<path>.pyinspect-XXXXXXXX" */
    int fd;                   /* open for reading and writing */
};

/* Makes the temporary file with that mode (the umask takes its part off). ERROR_OUTPUT. */
MUST_CHECK bool replaced_file_begin(struct replaced_file *file, const char *path, mode_t mode,
                                    struct error *err);

/* Syncs and renames. On failure the temporary file is gone and the old one stays. */
MUST_CHECK bool replaced_file_commit(struct replaced_file *file, struct error *err);

/* The same, but fails with errno EEXIST where there is a file of that name. */
MUST_CHECK bool replaced_file_commit_new(struct replaced_file *file, struct error *err);

/* Takes the temporary file away. */
void replaced_file_abandon(struct replaced_file *file);

/* All at once: begin, write, commit. */
MUST_CHECK bool replaced_file_write(const char *path, mode_t mode, const char *bytes, size_t length,
                                    struct error *err);

/*
 * Opens an existing regular file for reading; what is none (a directory, a device, a FIFO) is
 * never opened, which could wait for ever. `resolved`, of PATH_MAX bytes, gets its path without
 * symbolic links. -1 with errno; EINVAL: it is no regular file.
 */
int replaced_file_open_regular(const char *path, char *resolved);

/*
 * Is there nothing at `path` that is not ours to replace: no file, an empty one, or one that begins
 * with `beginning`, as all do that we write there? `kind` is what we write ("page"). ERROR_USAGE
 * where there is something else, ERROR_OUTPUT where that cannot be told. Links are followed.
 */
MUST_CHECK bool replaced_file_is_ours(const char *path, const char *beginning, const char *kind,
                                      struct error *err);

/* Do both name one file? By their names where there is none. */
bool replaced_file_is_same(const char *path, const char *other);

#endif
