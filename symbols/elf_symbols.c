// SPDX-License-Identifier: MIT
#include "symbols/elf_dynamic.h"
#include "symbols/elf_file.h"

#include <gelf.h>
#include <string.h>

struct symbol_table {
    const char *symbols; /* Elf64_Sym, aligned or not */
    size_t symbols_size;
    const char *strings;
    size_t strings_size;
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

static Elf_Scn *section_of_type(Elf *elf, uint32_t type, GElf_Shdr *header)
{
    Elf_Scn *section = NULL;

    while ((section = elf_nextscn(elf, section))) {
        if (gelf_getshdr(section, header) && header->sh_type == type)
            break;
    }
    return section;
}

static bool read_table(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header,
                       struct symbol_table *ret)
{
    Elf_Scn *names = elf_getscn(elf_file_elf(file), header->sh_link);
    const Elf_Data *strings = elf_file_content(file, names, ELF_TABLE_MAX);

    if (!strings || !strings->d_buf)
        return false;
    const Elf_Data *symbols = elf_file_content(file, section, ELF_TABLE_MAX);
    if (!symbols || !symbols->d_buf || symbols->d_type != ELF_T_SYM)
        return false;
    *ret = (struct symbol_table){
        .symbols = symbols->d_buf,
        .symbols_size = symbols->d_size,
        .strings = strings->d_buf,
        .strings_size = strings->d_size,
    };
    return true;
}

static bool name_matches(const struct symbol_table *table, size_t at, const struct wanted *wanted)
{
    static const char lto[] = ".lto_priv.";

    if (at >= table->strings_size || table->strings_size - at <= wanted->length ||
        memcmp(table->strings + at, wanted->name, wanted->length) != 0)
        return false;
    const char *rest = table->strings + at + wanted->length;
    size_t left = table->strings_size - at - wanted->length;
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

static bool search_table(const struct symbol_table *table, const struct wanted *wanted,
                         struct elf_place *ret)
{
    struct candidate best = {0};

    /* Most files hold no such name at all, which is seen much sooner in their strings. */
    if (!memmem(table->strings, table->strings_size, wanted->name, wanted->length))
        return false;
    for (size_t at = 0; table->symbols_size - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, table->symbols + at, sizeof(symbol));
        if (!is_definition(&symbol) || !name_matches(table, symbol.st_name, wanted))
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

static bool search_dynamic(struct elf_file *file, const struct wanted *wanted,
                           struct elf_place *ret)
{
    struct elf_dynamic dynamic;

    if (wanted->match == MATCH_LTO || !elf_dynamic_read(&dynamic, file))
        return false; /* LTO renames local symbols, which are not for ld.so */
    const struct symbol_table table = {
        .symbols = dynamic.symbols,
        .symbols_size = dynamic.symbols_size,
        .strings = dynamic.strings,
        .strings_size = dynamic.strings_size,
    };
    bool found = search_table(&table, wanted, ret);
    elf_dynamic_free(&dynamic);
    return found;
}

static bool search_section(struct elf_file *file, uint32_t type, const struct wanted *wanted,
                           struct elf_place *ret)
{
    struct symbol_table table;
    GElf_Shdr header = {0};
    Elf_Scn *section = section_of_type(elf_file_elf(file), type, &header);

    if (!section)
        return type == SHT_DYNSYM && search_dynamic(file, wanted, ret);
    return read_table(file, section, &header, &table) && search_table(&table, wanted, ret);
}

static bool search(struct elf_file *file, const char *name, enum match match, struct elf_place *ret)
{
    const struct wanted wanted = {.name = name, .length = strlen(name), .match = match};

    return search_section(file, SHT_DYNSYM, &wanted, ret) ||
           search_section(file, SHT_SYMTAB, &wanted, ret);
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
