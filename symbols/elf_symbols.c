// SPDX-License-Identifier: MIT
#include "symbols/elf_file.h"

#include <gelf.h>
#include <string.h>

struct symbol_table {
    Elf_Data *symbols;
    Elf_Data *strings;
};

enum match { MATCH_EXACT, MATCH_LTO, MATCH_PREFIX };

struct wanted {
    const char *name;
    size_t length;
    enum match match;
};

struct candidate {
    bool found;
    bool ambiguous;
    bool global;
    struct elf_place place;
};

static bool read_table(struct elf_file *file, uint32_t type, struct symbol_table *ret)
{
    Elf *elf = elf_file_elf(file);
    Elf_Scn *section = NULL;
    GElf_Shdr header = {0};

    while ((section = elf_nextscn(elf, section))) {
        if (gelf_getshdr(section, &header) && header.sh_type == type)
            break;
    }
    if (!section)
        return false;
    ret->strings = elf_file_content(file, elf_getscn(elf, header.sh_link), ELF_TABLE_MAX);
    ret->symbols = NULL;
    if (!ret->strings || !ret->strings->d_buf)
        return false;
    ret->symbols = elf_file_content(file, section, ELF_TABLE_MAX);
    return ret->symbols && ret->symbols->d_buf && ret->symbols->d_type == ELF_T_SYM;
}

static bool name_matches(const Elf_Data *strings, size_t at, const struct wanted *wanted)
{
    static const char lto[] = ".lto_priv.";
    const char *bytes = strings->d_buf;

    if (at >= strings->d_size || strings->d_size - at <= wanted->length ||
        memcmp(bytes + at, wanted->name, wanted->length) != 0)
        return false;
    const char *rest = bytes + at + wanted->length;
    size_t left = strings->d_size - at - wanted->length;
    switch (wanted->match) {
    case MATCH_EXACT:
        return *rest == '\0';
    case MATCH_LTO:
        return left >= sizeof(lto) && memcmp(rest, lto, sizeof(lto) - 1) == 0;
    case MATCH_PREFIX:
        return true;
    }
    return false;
}

static bool is_definition(const Elf64_Sym *symbol)
{
    unsigned char type = ELF64_ST_TYPE(symbol->st_info);

    return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
           symbol->st_shndx != SHN_COMMON &&
           (type == STT_OBJECT || type == STT_FUNC || type == STT_NOTYPE);
}

/* A global definition outranks local ones; two of the same rank must agree. */
static void consider(struct candidate *best, const Elf64_Sym *symbol)
{
    bool global = ELF64_ST_BIND(symbol->st_info) != STB_LOCAL;

    if (best->found && best->global && !global)
        return;
    if (best->found && best->global == global) {
        best->ambiguous |= best->place.address != symbol->st_value;
        return;
    }
    *best = (struct candidate){
        .found = true,
        .global = global,
        .place = {.address = symbol->st_value, .size = symbol->st_size},
    };
}

static bool search_table(struct elf_file *file, uint32_t type, const struct wanted *wanted,
                         struct elf_place *ret)
{
    struct symbol_table table;
    struct candidate best = {0};

    if (!read_table(file, type, &table))
        return false;
    /* Most files hold no such name at all, which is seen much sooner in their strings. */
    if (!memmem(table.strings->d_buf, table.strings->d_size, wanted->name, wanted->length))
        return false;
    for (size_t at = 0; table.symbols->d_size - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, (const char *)table.symbols->d_buf + at, sizeof(symbol));
        if (!is_definition(&symbol) || !name_matches(table.strings, symbol.st_name, wanted))
            continue;
        consider(&best, &symbol);
        if (wanted->match == MATCH_PREFIX)
            break;
    }
    if (!best.found || best.ambiguous)
        return false;
    *ret = best.place;
    return true;
}

static bool search(struct elf_file *file, const char *name, enum match match, struct elf_place *ret)
{
    const struct wanted wanted = {.name = name, .length = strlen(name), .match = match};

    return search_table(file, SHT_DYNSYM, &wanted, ret) ||
           search_table(file, SHT_SYMTAB, &wanted, ret);
}

bool elf_file_symbol(struct elf_file *file, const char *name, struct elf_place *ret)
{
    return search(file, name, MATCH_EXACT, ret) || search(file, name, MATCH_LTO, ret);
}

bool elf_file_has_symbol_prefix(struct elf_file *file, const char *prefix)
{
    struct elf_place ignored;

    return search(file, prefix, MATCH_PREFIX, &ignored);
}
