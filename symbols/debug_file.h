// SPDX-License-Identifier: MIT
/*
 * debug_file - finds the DWARF that belongs to an ELF file.
 *
 * Searched in this order, for each root that is given (symbols/file_root.h):
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
 * or is one of several. Nothing is ever fetched from a network (symbols/debuginfod.h does that).
 *
 * In a directory that the user named (is_store) D is that directory itself, and usr/lib/debug and
 * lib/debug below it.
 *
 * A file may be sparse and claim any size: checksums are computed of 2 GiB in all, and of the debug
 * information 2 GiB are read (symbols/dwarf_open.h).
 */
#ifndef PYINSPECT_DEBUG_FILE_H
#define PYINSPECT_DEBUG_FILE_H

#include "symbols/base/text.h"
#include "symbols/elf_file.h"
#include "symbols/file_root.h"

#include <elfutils/libdw.h>

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
/*
 * The same with a separate file that the user named: `given`, a descriptor that is taken over, is
 * it or nothing is. The roots are for its dwz file. Fails with ERROR_PYTHON.
 */
MUST_CHECK bool debug_file_open(struct debug_file **ret, struct elf_file *file, int given,
                                const char *given_path, const struct file_root *roots,
                                size_t root_count, struct error *err);
void debug_file_close(struct debug_file *debug); /* NULL is fine */

/* Owned by `debug`. It describes types and variables only, as dwarf_open says. */
Dwarf *debug_file_dwarf(struct debug_file *debug);

/* The ELF file with the debug information: `file` itself, or a separate one, which then often has
 * the .symtab that the stripped one lost. Owned by `debug` (or by the caller, if it is `file`). */
struct elf_file *debug_file_elf(struct debug_file *debug);

/* Prints what to install for the file of that path, as far as its name tells: "the package with it
 * (Debian: sudo apt install python3.11-dbg)". */
void debug_file_name_package(char *ret, size_t size, const char *path);

/* The name of the root below which it was found. */
const char *debug_file_root(const struct debug_file *debug);

#endif
