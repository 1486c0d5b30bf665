// SPDX-License-Identifier: MIT
#include "symbols/python_code.h"

#include <gelf.h>
#include <string.h>

enum { CODE_MAX = 4096 };

struct code {
    uint64_t address;
    size_t size;
    unsigned char bytes[CODE_MAX];
};

static bool is_x86_64(struct elf_file *file)
{
    GElf_Ehdr header;

    return gelf_getehdr(elf_file_elf(file), &header) && header.e_machine == EM_X86_64;
}

static bool read_function(struct elf_file *file, const char *name, struct code *ret)
{
    struct elf_place place;

    if (!elf_file_symbol(file, name, &place))
        return false;
    ret->address = place.address;
    ret->size = place.size < CODE_MAX ? (size_t)place.size : CODE_MAX;
    return elf_file_read(file, place.address, ret->bytes, ret->size);
}

struct store {
    uint64_t where;
    uint32_t value;
};

/* xorl %r, %r; movl %r, displacement(%rip), both with the same register. */
static bool is_clearing(const unsigned char *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0x31 && bytes[2] == 0x89 && bytes[1] >> 6 == 3 &&
           (bytes[1] & 7) == (bytes[1] >> 3 & 7) && bytes[3] == ((bytes[1] & 0x38) | 5);
}

/* Does an instruction that stores a constant begin so many bytes from the start? */
static bool read_store(const struct code *code, size_t at, struct store *ret)
{
    const unsigned char *bytes = code->bytes + at;
    size_t left = code->size - at, length, displaced_at = 2;
    uint32_t value = 0;
    int32_t displacement;

    if (left >= 10 && bytes[0] == 0xc7 && bytes[1] == 0x05) { /* movl $value, displacement(%rip) */
        length = 10;
        memcpy(&value, bytes + 6, sizeof(value));
    } else if (left >= 7 && bytes[0] == 0x83 && bytes[1] == 0x25 && bytes[6] == 0) {
        length = 7; /* andl $0, displacement(%rip): gcc and clang -Oz */
    } else if (left >= 8 && is_clearing(bytes, left)) {
        length = 8; /* gcc -Os */
        displaced_at = 4;
    } else {
        return false;
    }
    memcpy(&displacement, bytes + displaced_at, sizeof(displacement));
    ret->where = code->address + at + length + (uint64_t)(int64_t)displacement;
    ret->value = value;
    return true;
}

static bool clears(const struct code *code, uint64_t where)
{
    struct store store;

    for (size_t at = 0; at < code->size; at++) {
        if (read_store(code, at, &store) && store.value == 0 && store.where == where)
            return true;
    }
    return false;
}

static bool is_variable(const struct elf_file *file, uint64_t address)
{
    struct elf_segment segment;

    if (address % sizeof(int) != 0)
        return false;
    for (size_t i = 0; elf_file_segment(file, i, &segment); i++) {
        if (segment.flags & PF_W && address >= segment.address &&
            segment.memory_size >= sizeof(int) &&
            address - segment.address <= segment.memory_size - sizeof(int))
            return true;
    }
    return false;
}

bool python_code_collecting(struct elf_file *file, uint64_t *ret)
{
    struct code code;
    uint64_t found = 0;

    if (!is_x86_64(file) || !read_function(file, "PyGC_Collect", &code))
        return false;
    for (size_t at = 0; at < code.size; at++) {
        struct store store;
        if (!read_store(&code, at, &store) || store.value != 1 || store.where == found ||
            !is_variable(file, store.where) || !clears(&code, store.where))
            continue;
        if (found)
            return false;
        found = store.where;
    }
    if (!found)
        return false;
    *ret = found;
    return true;
}
