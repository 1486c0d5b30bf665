// SPDX-License-Identifier: MIT
/*
 * elf_file - what one ELF file says of itself: segments, sections, symbols, build-id.
 *
 * Files are read with pread through libelf, never mapped: a file that is truncated while we read
 * gives a short read, not a SIGBUS. All addresses here are link-time addresses (`p_vaddr`); add the
 * load bias to get an address in a process. Only 64-bit little-endian files are accepted.
 *
 * A file may be sparse and claim any size. What is read whole has a bound: a table of symbols or
 * names ELF_TABLE_MAX, a note 1 MiB, a link 64 KiB; where it is larger, or reaches beyond the
 * file's end, it counts as not there. Where several sections have one name, the first with content
 * is meant.
 */
#ifndef PYINSPECT_ELF_FILE_H
#define PYINSPECT_ELF_FILE_H

#include "symbols/base/error.h"

#include <libelf.h>
#include <stdint.h>

struct elf_file;

enum { ELF_TABLE_MAX = 64 << 20 }; /* of symbols or names, in bytes */

enum { BUILD_ID_MAX = 64 };

/* NT_GNU_BUILD_ID */
struct build_id {
    uint32_t size; /* 0: the file has none */
    uint8_t bytes[BUILD_ID_MAX];
};

enum { BUILD_ID_TEXT = 2 * BUILD_ID_MAX + 1 };

bool build_id_equal(const struct build_id *a, const struct build_id *b); /* false if one has none */
const char *build_id_print(char text[BUILD_ID_TEXT], const struct build_id *id); /* "49daf8…" */

struct elf_place {
    uint64_t address;
    uint64_t size;
};

/* Where the debug information continues, as .gnu_debugaltlink says. Owned by the file. */
struct elf_altlink {
    const char *path; /* NULL: nowhere */
    struct build_id build_id;
};

/*
 * Opens the ELF file behind `fd`, which is taken over and closed by elf_file_close (on failure it
 * is closed at once). `path` is kept for messages and for finding debug files beside it. Fails with
 * ERROR_PYTHON where the content is no ELF file that we can read, has more than 65535 sections or
 * segments, or names its sections by a table that is damaged.
 */
MUST_CHECK bool elf_file_open(struct elf_file **ret, int fd, const char *path, struct error *err);
void elf_file_close(struct elf_file *file); /* NULL is fine */

const char *elf_file_path(const struct elf_file *file);
Elf *elf_file_elf(struct elf_file *file); /* stays owned by `file` */

const struct build_id *elf_file_build_id(const struct elf_file *file); /* owned by `file` */

/* The file named by .gnu_debuglink and its CRC; NULL where there is none. Owned by `file`. */
const char *elf_file_debuglink(struct elf_file *file, uint32_t *crc);

/* Fails with ERROR_PYTHON where there are several such sections, or one that is no link. */
MUST_CHECK bool elf_file_debugaltlink(struct elf_file *file, struct elf_altlink *ret,
                                      struct error *err);

/* Does the file hold a .debug_info section with content? */
bool elf_file_has_debug_info(struct elf_file *file);

/*
 * Finds a defined symbol by its exact name, in .dynsym first (without section headers: in the table
 * that PT_DYNAMIC tells, see symbols/elf_dynamic.h), then .symtab. False where there is none, or
 * where several local symbols of that name lie at different addresses: an ambiguous answer is none.
 */
bool elf_file_symbol(struct elf_file *file, const char *name, struct elf_place *ret);

/* Is there a defined symbol whose name begins with `prefix`? (PyPy has no fixed names.) */
bool elf_file_has_symbol_prefix(struct elf_file *file, const char *prefix);

/* Finds an allocated section by name. */
bool elf_file_section(struct elf_file *file, const char *name, struct elf_place *ret);

/*
 * The content of a section, if the file holds it and it has `most` bytes at most; else NULL. Owned
 * by `file`.
 */
Elf_Data *elf_file_content(struct elf_file *file, Elf_Scn *section, uint64_t most);

/*
 * What must be added to link-time addresses when the file's bytes at `offset` are mapped at
 * `mapped`. False where no PT_LOAD segment covers that offset.
 */
bool elf_file_bias(const struct elf_file *file, uint64_t offset, uint64_t mapped,
                   uint64_t *ret_bias);

/* A PT_LOAD segment. */
struct elf_segment {
    uint64_t address;
    uint64_t file_size; /* so many of its bytes are in the file; at most memory_size */
    uint64_t memory_size;
    uint32_t flags; /* PF_R, PF_W, PF_X */
};

/* The segment number `index`, in the file's order; false past the last. */
bool elf_file_segment(const struct elf_file *file, size_t index, struct elf_segment *ret);

/* What PT_DYNAMIC tells; false where there is none. */
bool elf_file_dynamic(const struct elf_file *file, struct elf_place *ret);

/*
 * By how much the pointers of the dynamic section were moved already: ld.so adds the load bias to
 * them in memory, and so in a file that was copied from there. 0, unless it is set, for a file as
 * the linker wrote it.
 */
void elf_file_set_moved(struct elf_file *file, uint64_t moved);
uint64_t elf_file_moved(const struct elf_file *file);

/*
 * Copies `size` bytes at a link-time address as the file holds them (bytes past p_filesz are zero).
 * False where no segment covers them or the file is short.
 */
bool elf_file_read(const struct elf_file *file, uint64_t address, void *bytes, size_t size);

#endif
