// SPDX-License-Identifier: MIT
/*
 * mapped_file - the file behind a mapping of a process: the very inode that is mapped, wherever it
 * is, or if nobody can open that any more, what the process has of it in memory.
 */
#ifndef PYINSPECT_MAPPED_FILE_H
#define PYINSPECT_MAPPED_FILE_H

#include "inspector/target/process.h"

/* By what it was opened. */
enum mapped_file_way {
    MAPPED_FILE_LINK,  /* /proc/PID/map_files or /proc/PID/exe, which lead to the inode itself */
    MAPPED_FILE_PATH,  /* its path inside the process's root, where that inode still is */
    MAPPED_FILE_IMAGE, /* a file of ours with what is mapped: no sections, no debug information */
};

/*
 * Opens the file behind maps->items[index] for reading. A path is only followed inside the
 * process's own root, only a regular file is opened, and it is taken only if it has the inode and
 * the first page that are mapped. Else what is mapped of the file is copied out of memory, each
 * part to its offset; of code only the pages that the process has touched, so that it grows no
 * more than needed. Returns a descriptor, or -1 with ERROR_TARGET in `err`.
 */
int mapped_file_open(const struct process *process, const struct maps *maps, size_t index,
                     enum mapped_file_way *ret_way, struct error *err);

/* The first two ways alone, and of a path only the inode is compared. -1 if nothing is there. */
int mapped_file_open_inode(const struct process *process, const struct mapping *mapping);

/* Is it the same file that is mapped there? */
bool mapping_has_same_file(const struct mapping *a, const struct mapping *b);

#endif
