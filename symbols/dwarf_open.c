// SPDX-License-Identifier: MIT
#include "symbols/dwarf_open.h"

#include <endian.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>

static const uint64_t dwarf_max = UINT64_C(2) << 30;

/* Every name that libdw knows has this in it: .debug_info, .zdebug_info, .debug_info.dwo,
 * .gnu.debuglto_.debug_info, .gnu_debugaltlink. */
static bool is_known_to_libdw(const char *name)
{
    return strstr(name, "debug") != NULL;
}

static bool is_needed(const char *name)
{
    static const char *const needed[] = {"info",     "abbrev", "str", "str_offsets",
                                         "line_str", "types",  "addr"};

    if (strncmp(name, ".debug_", 7) == 0)
        name += 7;
    else if (strncmp(name, ".zdebug_", 8) == 0)
        name += 8;
    else
        return false;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (strcmp(name, needed[i]) == 0)
            return true;
    }
    return false;
}

/* The size that a section of .zdebug_ claims: "ZLIB", then eight bytes, the highest first. */
static uint64_t zdebug_size(Elf_Data *data)
{
    uint64_t size;

    if (data->d_size < 4 + sizeof(size) || memcmp(data->d_buf, "ZLIB", 4) != 0)
        return data->d_size;
    memcpy(&size, (const char *)data->d_buf + 4, sizeof(size));
    return be64toh(size);
}

/* What libdw would make of a section, in bytes; UINT64_MAX where the file does not hold it. */
static uint64_t size_in_memory(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header,
                               const char *name)
{
    GElf_Chdr compression;
    Elf_Data *data;

    if (header->sh_size == 0)
        return 0;
    if (!(data = elf_file_content(file, section, dwarf_max)) || !data->d_buf)
        return UINT64_MAX;
    if (header->sh_flags & SHF_COMPRESSED)
        return gelf_getchdr(section, &compression) ? compression.ch_size : UINT64_MAX;
    return name[1] == 'z' ? zdebug_size(data) : header->sh_size;
}

static bool show_section(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header,
                         const char *name, uint64_t *total, struct error *err)
{
    uint64_t size = size_in_memory(file, section, header, name);

    if (size == UINT64_MAX)
        return error_set(err, ERROR_PYTHON,
                         "%s: the debug information is damaged: the section %s (%" PRIu64
                         " bytes at %" PRIu64 ") cannot be read",
                         elf_file_path(file), name, header->sh_size, header->sh_offset);
    if (size > dwarf_max - *total)
        return error_set(err, ERROR_PYTHON,
                         "%s: the debug information is too large: the section %s has %" PRIu64
                         " bytes, and 2 GiB are read at most",
                         elf_file_path(file), name, size);
    *total += size;
    return true;
}

static bool choose_sections(struct elf_file *file, struct error *err)
{
    Elf *elf = elf_file_elf(file);
    Elf_Scn *section = NULL;
    uint64_t total = 0;
    size_t names;

    if (elf_getshdrstrndx(elf, &names) != 0)
        return true;
    while ((section = elf_nextscn(elf, section))) {
        GElf_Shdr header;
        const char *name;

        if (!gelf_getshdr(section, &header) || !(name = elf_strptr(elf, names, header.sh_name)) ||
            header.sh_type == SHT_NOBITS || !is_known_to_libdw(name))
            continue;
        if (is_needed(name)) {
            if (!show_section(file, section, &header, name, &total, err))
                return false;
            continue;
        }
        header.sh_type = SHT_NOBITS;
        /* Changes only the copy in memory: the file is not writable. */
        if (!gelf_update_shdr(section, &header))
            return error_set(err, ERROR_PYTHON, "%s: the section %s cannot be hidden: %s",
                             elf_file_path(file), name, elf_errmsg(-1));
    }
    return true;
}

bool dwarf_open(Dwarf **ret, struct elf_file *file, struct error *err)
{
    if (!choose_sections(file, err))
        return false;
    Dwarf *dwarf = dwarf_begin_elf(elf_file_elf(file), DWARF_C_READ, NULL);
    if (!dwarf)
        return error_set(err, ERROR_PYTHON, "%s: the debug information cannot be read: %s",
                         elf_file_path(file), dwarf_errmsg(-1));
    *ret = dwarf;
    return true;
}
