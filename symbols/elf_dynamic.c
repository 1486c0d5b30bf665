// SPDX-License-Identifier: MIT
#include "symbols/elf_dynamic.h"

#include "symbols/base/cleanup.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES_MAX = 4096,   /* of the dynamic section; a large program has some forty */
    CHAIN_MAX = 64 << 10, /* symbols in one chain of DT_GNU_HASH */
};

/* What the dynamic section tells; addresses as linked, 0 for none. */
struct told {
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_size;
    uint64_t symbol_size;
    uint64_t hash;
    uint64_t gnu_hash;
};

/* How many bytes from an address on belong to one segment. */
static uint64_t covered(const struct elf_file *file, uint64_t address)
{
    struct elf_segment segment;

    for (size_t i = 0; elf_file_segment(file, i, &segment); i++) {
        if (address >= segment.address && address - segment.address < segment.memory_size)
            return segment.memory_size - (address - segment.address);
    }
    return 0;
}

/* Reads what the caller frees. */
static bool read_table(const struct elf_file *file, uint64_t address, uint64_t size, char **ret)
{
    char *bytes = size && size <= ELF_TABLE_MAX ? malloc(size) : NULL;

    if (!bytes || !elf_file_read(file, address, bytes, size)) {
        free(bytes);
        return false;
    }
    *ret = bytes;
    return true;
}

static uint64_t as_linked(const struct elf_file *file, uint64_t pointer)
{
    return covered(file, pointer) ? pointer : pointer - elf_file_moved(file);
}

static void read_entry(struct told *told, const struct elf_file *file, const Elf64_Dyn *entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        told->symbols = as_linked(file, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        told->strings = as_linked(file, entry->d_un.d_ptr);
        break;
    case DT_STRSZ:
        told->strings_size = entry->d_un.d_val;
        break;
    case DT_SYMENT:
        told->symbol_size = entry->d_un.d_val;
        break;
    case DT_HASH:
        told->hash = as_linked(file, entry->d_un.d_ptr);
        break;
    case DT_GNU_HASH:
        told->gnu_hash = as_linked(file, entry->d_un.d_ptr);
        break;
    default:
        break;
    }
}

static bool read_entries(struct told *ret, const struct elf_file *file)
{
    AUTO_FREE char *bytes = NULL;
    struct elf_place place;

    if (!elf_file_dynamic(file, &place))
        return false;
    uint64_t count = place.size / sizeof(Elf64_Dyn);
    if (count > ENTRIES_MAX)
        count = ENTRIES_MAX;
    if (!read_table(file, place.address, count * sizeof(Elf64_Dyn), &bytes))
        return false;
    *ret = (struct told){.symbol_size = sizeof(Elf64_Sym)};
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Dyn entry;
        memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
        if (entry.d_tag == DT_NULL)
            break;
        read_entry(ret, file, &entry);
    }
    return ret->symbols && ret->strings && ret->strings_size &&
           ret->symbol_size == sizeof(Elf64_Sym);
}

/* DT_HASH has a link for each symbol. */
static bool count_by_hash(const struct elf_file *file, uint64_t table, uint64_t *ret)
{
    struct {
        uint32_t buckets;
        uint32_t links;
    } header;

    if (!table || !elf_file_read(file, table, &header, sizeof(header)))
        return false;
    *ret = header.links;
    return true;
}

/* The largest number of a symbol with which a chain begins; 0: there is no chain. */
static bool find_last_chain(const struct elf_file *file, uint64_t buckets, uint32_t count,
                            uint32_t *ret)
{
    AUTO_FREE char *firsts = NULL;
    uint32_t last = 0;

    if (!read_table(file, buckets, (uint64_t)count * sizeof(uint32_t), &firsts))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first;
        memcpy(&first, firsts + i * sizeof(first), sizeof(first));
        if (first > last)
            last = first;
    }
    *ret = last;
    return true;
}

/* How many symbols the chain has that begins there: up to the first with an odd hash. */
static bool measure_chain(const struct elf_file *file, uint64_t address, uint32_t *ret)
{
    AUTO_FREE char *hashes = NULL;
    uint64_t most = covered(file, address) / sizeof(uint32_t);

    if (most > CHAIN_MAX)
        most = CHAIN_MAX;
    if (!read_table(file, address, most * sizeof(uint32_t), &hashes))
        return false;
    for (uint32_t i = 0; i < most; i++) {
        if (hashes[i * sizeof(uint32_t)] & 1) {
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* The chains of DT_GNU_HASH hold all symbols from `first_hashed` on, in the symbols' order. */
static bool count_by_gnu_hash(const struct elf_file *file, uint64_t table, uint64_t *ret)
{
    struct {
        uint32_t buckets;
        uint32_t first_hashed;
        uint32_t bloom_words;
        uint32_t bloom_shift;
    } header;
    uint32_t last, length;

    if (!table || !elf_file_read(file, table, &header, sizeof(header)))
        return false;
    uint64_t buckets = table + sizeof(header) + (uint64_t)header.bloom_words * sizeof(uint64_t);
    uint64_t chains = buckets + (uint64_t)header.buckets * sizeof(uint32_t);
    if (!find_last_chain(file, buckets, header.buckets, &last))
        return false;
    if (last == 0) {
        *ret = header.first_hashed;
        return true;
    }
    if (last < header.first_hashed ||
        !measure_chain(file, chains + (uint64_t)(last - header.first_hashed) * sizeof(uint32_t),
                       &length))
        return false;
    *ret = (uint64_t)last + length;
    return true;
}

static bool count_by_place(const struct told *told, uint64_t *ret)
{
    if (told->strings <= told->symbols)
        return false;
    *ret = (told->strings - told->symbols) / sizeof(Elf64_Sym);
    return true;
}

bool elf_dynamic_read(struct elf_dynamic *ret, const struct elf_file *file)
{
    struct elf_dynamic dynamic = {0};
    struct told told;
    uint64_t count;

    if (!read_entries(&told, file))
        return false;
    if (!count_by_hash(file, told.hash, &count) &&
        !count_by_gnu_hash(file, told.gnu_hash, &count) && !count_by_place(&told, &count))
        return false;
    dynamic.symbols_size = count * sizeof(Elf64_Sym);
    dynamic.strings_size = told.strings_size;
    if (!read_table(file, told.symbols, dynamic.symbols_size, &dynamic.symbols) ||
        !read_table(file, told.strings, dynamic.strings_size, &dynamic.strings)) {
        elf_dynamic_free(&dynamic);
        return false;
    }
    *ret = dynamic;
    return true;
}

void elf_dynamic_free(struct elf_dynamic *dynamic)
{
    free(dynamic->symbols);
    free(dynamic->strings);
}
