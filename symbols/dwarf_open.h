// SPDX-License-Identifier: MIT
/*
 * dwarf_open - lets libdw read the DWARF of an ELF file, and only what describes types.
 *
 * libdw reads and decompresses every section that it knows as soon as a file is opened, of whatever
 * size they claim to be, and opens by itself the file that .gnu_debugaltlink names, be it a FIFO.
 * So all sections of debug information but those that types need are hidden from it, that link
 * among them, and the others may have 2 GiB together, decompressed, and no more.
 */
#ifndef PYINSPECT_DWARF_OPEN_H
#define PYINSPECT_DWARF_OPEN_H

#include "symbols/elf_file.h"

#include <elfutils/libdw.h>

/*
 * The result is for dwarf_end, before `file` is closed. Fails with ERROR_PYTHON. What is hidden
 * stays hidden: elf_file_debuglink and elf_file_debugaltlink have to be asked before.
 */
MUST_CHECK bool dwarf_open(Dwarf **ret, struct elf_file *file, struct error *err);

#endif
