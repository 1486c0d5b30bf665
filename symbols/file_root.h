// SPDX-License-Identifier: MIT
/*
 * file_root - a directory tree to look for files in.
 *
 * Paths are resolved below `fd` with openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), so a
 * symbolic link planted in a container never leads out of it; only regular files are opened, so a
 * FIFO or device with a library's name neither hangs us nor notices. Where the kernel has no
 * openat2, our own root is read with plain open, and no other root at all.
 */
#ifndef PYINSPECT_FILE_ROOT_H
#define PYINSPECT_FILE_ROOT_H

#include "symbols/base/sandbox.h"

struct file_root {
    int fd;           /* an O_PATH or O_RDONLY descriptor of the directory; not taken over */
    const char *name; /* for messages: "" for our own root */

    /* A directory of debug files that the user named: its links may lead anywhere. */
    bool is_store;

    /* In a sandbox, where nothing can be opened, the files are asked for; NULL: it is none. */
    struct sandbox *sandbox;
    unsigned place; /* what it is called there */
};

/*
 * Opens a regular file below `root` for reading. Returns a descriptor, or -1 with errno set
 * (ENOENT, EACCES, ELOOP; EINVAL: not a regular file; ENOSYS: no openat2).
 */
int file_root_open(const struct file_root *root, const char *path);

/* The same for a file that was found with O_PATH; `place` stays the caller's. */
int file_reopen(int place);

#endif
