// SPDX-License-Identifier: MIT
/*
 * debug_file - finds the DWARF that belongs to an ELF file.
 *
 * Searched in this order, for each root that is given:
 *   1. the file itself, if it holds .debug_info;
 *   2. by build-id: D/.build-id/xx/yyyy.debug, where D is /usr/lib/debug and then lib/debug and
 *      usr/lib/debug below each directory above the file's own (so an unpacked package, a prefix
 *      install or a relocated tree brings its own);
 *   3. by .gnu_debuglink NAME: beside the file, in .debug/ beside it, and in
 *      D/<the file's directory>.
 * A file that is found must prove that it belongs: by the same build-id, or, where there is none,
 * by the CRC of .gnu_debuglink. A dwz supplementary file (.gnu_debugaltlink) is looked for at its
 * own path, relative to the debug file, at what follows ".dwz/" in that path below each D/.dwz, and
 * by its build-id; it must have the build-id that the link tells, and is attached. Without it the
 * types would be incomplete, so that it is missing is a failure, as is a link that cannot be read
 * or is one of several. Nothing is ever fetched from a network.
 *
 * A file may be sparse and claim any size: checksums are computed of 2 GiB in all, and of the debug
 * information 2 GiB are read (symbols/dwarf_open.h).
 */
#ifndef PYINSPECT_DEBUG_FILE_H
#define PYINSPECT_DEBUG_FILE_H

#include "symbols/base/text.h"
#include "symbols/elf_file.h"

#include <elfutils/libdw.h>

/*
 * A directory tree to look in. Paths are resolved below `fd` with openat2(RESOLVE_IN_ROOT |
 * RESOLVE_NO_MAGICLINKS), so a symbolic link planted in a container never leads out of it; only
 * regular files are opened, so a FIFO or device with a library's name neither hangs us nor notices.
 * Where the kernel has no openat2, our own root is read with plain open, and no other root at all.
 */
struct file_root {
    int fd;           /* an O_PATH or O_RDONLY descriptor of the root directory; not taken over */
    const char *name; /* for messages: "" for our own root */
};

struct debug_file;

/*
 * Finds the debug information of `file`. `file` must outlive the result. Fails with ERROR_PYTHON;
 * the message names the build-id, the places that were tried and what would help: the Debian
 * package (python3.X-dbg for an executable, libpython3.X-dbg for a library, as far as the name
 * tells) and the path that the file would have.
 */
MUST_CHECK bool debug_file_find(struct debug_file **ret, struct elf_file *file,
                                const struct file_root *roots, size_t root_count,
                                struct error *err);
void debug_file_close(struct debug_file *debug); /* NULL is fine */

/* Owned by `debug`. It describes types and variables only, as dwarf_open says. */
Dwarf *debug_file_dwarf(struct debug_file *debug);

/* The ELF file with the debug information: `file` itself, or a separate one, which then often has
 * the .symtab that the stripped one lost. Owned by `debug` (or by the caller, if it is `file`). */
struct elf_file *debug_file_elf(struct debug_file *debug);

/*
 * Opens a regular file below `root` for reading, as described for struct file_root.
 * Returns a descriptor, or -1 with errno set (ENOENT, EACCES, ELOOP; EINVAL: not a regular
 * file; ENOSYS: no openat2).
 */
int file_root_open(const struct file_root *root, const char *path);

/* The same for a file that was found with O_PATH; `place` stays the caller's. */
int file_reopen(int place);

#endif
