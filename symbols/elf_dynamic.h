// SPDX-License-Identifier: MIT
/*
 * elf_dynamic - the symbols of an ELF file without section headers, found as ld.so finds them:
 * through PT_DYNAMIC.
 *
 * Such a file was stripped of its headers, or copied out of a process's memory. In the latter the
 * pointers of the dynamic section may have been moved by the load bias already (glibc does so, musl
 * does not); the caller tells the bias with elf_file_set_moved, and each pointer that does not lead
 * into a segment as it is counts as moved. Symbols' own addresses are never moved.
 *
 * Nothing tells how many symbols there are. It follows from DT_HASH, else from DT_GNU_HASH, else
 * from where DT_STRTAB begins, if it follows the symbols, which is how linkers place it.
 */
#ifndef PYINSPECT_ELF_DYNAMIC_H
#define PYINSPECT_ELF_DYNAMIC_H

#include "symbols/elf_file.h"

struct elf_dynamic {
    char *symbols; /* Elf64_Sym; undefined and local ones too */
    size_t symbols_size;
    char *strings;
    size_t strings_size;
};

/*
 * False where there is no dynamic section, it is damaged, a table is larger than ELF_TABLE_MAX or
 * not within one segment, or there is no memory for it.
 */
bool elf_dynamic_read(struct elf_dynamic *ret, const struct elf_file *file);
void elf_dynamic_free(struct elf_dynamic *dynamic);

#endif
