// SPDX-License-Identifier: MIT
/*
 * scratch - a temporary directory in which a test compiles small programs and lays out file trees.
 *
 * Whatever fails here fails the running test. Paths are relative to the directory.
 */
#ifndef PYINSPECT_TESTS_SCRATCH_H
#define PYINSPECT_TESTS_SCRATCH_H

#include "symbols/elf_file.h"

#include <elf.h>

struct scratch {
    char path[64];
    int fd; /* of the directory, O_PATH */
};

void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);

/* Runs a shell command there, for a minute at most; $CC is set. It has to succeed. */
void scratch_run(const struct scratch *scratch, const char *format, ...) PRINTF_LIKE(2, 3);

/* From now on pyinspect keeps its cache in the directory `name` there, which is made if need be. */
void scratch_set_cache(const struct scratch *scratch, const char *name);

/* Can the shell find this program? */
bool scratch_has_program(const char *name);

void scratch_write(const struct scratch *scratch, const char *name, const char *text);

/* Opens a file and lets it say that its path is `as`. */
struct elf_file *scratch_open_as(const struct scratch *scratch, const char *name, const char *as);
struct elf_file *scratch_open(const struct scratch *scratch, const char *name);

/* An ELF file that is nothing but these bytes. False where elf_file_open refuses them. */
bool scratch_open_bytes(const void *bytes, size_t size, struct elf_file **ret, struct error *err);

/* The whole content of a file; to be freed. */
unsigned char *scratch_read(const struct scratch *scratch, const char *name, size_t *size);

void scratch_write_at(const struct scratch *scratch, const char *name, uint64_t offset,
                      const void *bytes, size_t size);

/* What an ELF file says of its first section of that name; and makes it say something else. */
Elf64_Shdr scratch_get_section(const struct scratch *scratch, const char *name,
                               const char *section);
void scratch_put_section(const struct scratch *scratch, const char *name, const char *section,
                         const Elf64_Shdr *header);

/* Makes an ELF file's .comment, which comes before all debug information, an empty twin of another
 * section: of the same name, but SHT_NOBITS. */
void scratch_add_twin(const struct scratch *scratch, const char *name, const char *section);

#endif
