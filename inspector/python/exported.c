// SPDX-License-Identifier: MIT
#include "inspector/python/exported.h"

#include <elf.h>
#include <string.h>

enum {
    WORD = 8,
    MOST_MAPPINGS = 64, /* of one file, and what is between them */
    MOST_HEADERS = 64,
    MOST_DYNAMIC = 256,
    MOST_CHAIN = 4096,
    MOST_CODE = 64,
    MOST_INSTRUCTIONS = 12,
};

/* ---- Symbols. ---- */

struct module {
    uint64_t start, end; /* of what is mapped of it */
    uint64_t bias;
    uint64_t symbols, strings, hash;
};

static uint32_t read_half(const struct reader *reader, uint64_t address)
{
    uint64_t word;

    return image_word(reader->image, address, sizeof(uint32_t), &word) ? (uint32_t)word : 0;
}

/* ld.so may have moved the pointers of the dynamic section, or not. */
static uint64_t moved(const struct module *module, uint64_t pointer)
{
    return pointer - module->start < module->end - module->start ? pointer : pointer + module->bias;
}

static void read_dynamic(const struct reader *reader, struct module *module, uint64_t address)
{
    for (unsigned i = 0; i < MOST_DYNAMIC; i++) {
        uint64_t tag = read_word(reader, address + i * sizeof(Elf64_Dyn));
        uint64_t value = read_word(reader, address + i * sizeof(Elf64_Dyn) + WORD);
        if (tag == DT_NULL)
            return;
        if (tag == DT_SYMTAB)
            module->symbols = moved(module, value);
        else if (tag == DT_STRTAB)
            module->strings = moved(module, value);
        else if (tag == DT_GNU_HASH)
            module->hash = moved(module, value);
    }
}

/* The file whose first page is at `start`; false: none is, or it has nothing at `near`. */
static bool read_module(const struct reader *reader, uint64_t start, uint64_t near,
                        struct module *ret)
{
    const void *at = image_at(reader->image, start, sizeof(Elf64_Ehdr));
    struct module module = {.start = start};
    uint64_t dynamic = 0;
    bool is_first = true;
    Elf64_Ehdr header;

    if (!at)
        return false;
    memcpy(&header, at, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_machine != EM_X86_64 ||
        header.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    for (unsigned i = 0; i < header.e_phnum && i < MOST_HEADERS; i++) {
        Elf64_Phdr segment;
        at = image_at(reader->image, start + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (!at)
            return false;
        memcpy(&segment, at, sizeof(segment));
        if (segment.p_type == PT_LOAD && is_first) {
            module.bias = start - segment.p_vaddr / IMAGE_PAGE * IMAGE_PAGE;
            is_first = false;
        }
        if (segment.p_type == PT_LOAD)
            module.end = module.bias + segment.p_vaddr + segment.p_memsz;
        if (segment.p_type == PT_DYNAMIC)
            dynamic = segment.p_vaddr;
    }
    if (!dynamic || near - start >= module.end - start)
        return false;
    read_dynamic(reader, &module, dynamic + module.bias);
    *ret = module;
    return module.symbols && module.strings && module.hash;
}

static bool find_module(const struct reader *reader, uint64_t near, struct module *ret)
{
    const struct image *image = reader->image;
    const struct image_range *range = image_range_of(image, near);

    for (unsigned i = 0; range && i < MOST_MAPPINGS; i++) {
        if (read_module(reader, range->start, near, ret))
            return true;
        if (range == image->ranges)
            return false;
        range--;
    }
    return false;
}

static bool is_name(const struct reader *reader, uint64_t address, const char *name)
{
    const char *at = image_at(reader->image, address, strlen(name) + 1);

    return at && memcmp(at, name, strlen(name) + 1) == 0;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* By DT_GNU_HASH: its size, first symbol, bloom words and shift; the filter, buckets, chains. */
static uint64_t find_symbol(const struct reader *reader, const struct module *module,
                            const char *name)
{
    const uint64_t table = module->hash;
    uint32_t buckets = read_half(reader, table), first = read_half(reader, table + 4);
    uint64_t bloom = read_half(reader, table + 8), hash = hash_of(name);
    uint64_t bucket_at = table + 16 + bloom * WORD, chain_at = bucket_at + (uint64_t)buckets * 4;

    if (!buckets)
        return 0;
    uint64_t number = read_half(reader, bucket_at + hash % buckets * 4);
    for (unsigned i = 0; number >= first && i < MOST_CHAIN; i++, number++) {
        uint32_t link = read_half(reader, chain_at + (number - first) * 4);
        uint64_t symbol = module->symbols + number * sizeof(Elf64_Sym);
        if ((link | 1) == (hash | 1) &&
            is_name(reader, module->strings + read_half(reader, symbol), name)) {
            uint64_t value = read_word(reader, symbol + offsetof(Elf64_Sym, st_value));
            return value ? module->bias + value : 0;
        }
        if (link & 1)
            break;
    }
    return 0;
}

uint64_t exported_function(const struct reader *reader, uint64_t near, const char *name)
{
    const uint64_t missed = reader->image->missed;
    struct module module;
    uint64_t found = 0;

    if (find_module(reader, near, &module))
        found = find_symbol(reader, &module, name);
    reader->image->missed = missed;
    return found;
}

/* ---- Code. ---- */

/* What is known of rax. */
enum known { NOTHING, VALUE, LOADED };

struct walk {
    const struct reader *reader;
    uint64_t thread_pointer;
    enum known known;
    uint64_t value; /* of rax; or, LOADED, where it was read */
    uint64_t block; /* rdi: the operand of __tls_get_addr */
    bool done;
};

static uint64_t value_of(const struct walk *walk)
{
    return walk->known == LOADED ? read_word(walk->reader, walk->value) : walk->value;
}

static void set(struct walk *walk, enum known known, uint64_t value)
{
    walk->known = known;
    walk->value = value;
}

/* A GOT's module number and offset; glibc's table of the thread's blocks is at the word 1 of its
 * control block. */
static uint64_t thread_block(const struct walk *walk)
{
    uint64_t module = read_word(walk->reader, walk->block);
    uint64_t table = read_word(walk->reader, walk->thread_pointer + WORD);
    uint64_t block = module < 4096 ? read_word(walk->reader, table + module * 2 * WORD) : 0;

    return block && ~block ? block + read_word(walk->reader, walk->block + WORD) : 0;
}

struct form {
    uint8_t length, fixed; /* bytes; how many of them are the same always */
    uint8_t bytes[8];
    enum effect {
        IGNORED,
        LOAD,         /* rax = [rip + operand] */
        ADDRESS,      /* rax = rip + operand */
        NUMBER,       /* rax = operand */
        FOLLOW,       /* rax = [rax + operand] */
        THREAD,       /* rax = fs:[operand] */
        THREAD_AT,    /* rax = fs:[rax] */
        BLOCK,        /* rdi = rip + operand */
        BLOCK_CALLED, /* rax = __tls_get_addr(rdi) */
        DONE
    } effect;
};

/* The operand is what follows the fixed bytes: 4 or 1. */
static const struct form forms[] = {
    {4, 4, {0xf3, 0x0f, 0x1e, 0xfa}, IGNORED}, /* endbr64 */
    {1, 1, {0x55}, IGNORED},                   /* push rbp */
    {3, 3, {0x48, 0x89, 0xe5}, IGNORED},       /* mov rbp, rsp */
    {4, 3, {0x48, 0x83, 0xec}, IGNORED},       /* sub rsp */
    {4, 3, {0x48, 0x83, 0xc4}, IGNORED},       /* add rsp */
    {1, 1, {0x50}, IGNORED},                   /* push rax */
    {7, 3, {0x48, 0x8b, 0x05}, LOAD},
    {7, 3, {0x48, 0x8d, 0x05}, ADDRESS},
    {7, 3, {0x48, 0xc7, 0xc0}, NUMBER},
    {3, 3, {0x48, 0x8b, 0x00}, FOLLOW},
    {4, 3, {0x48, 0x8b, 0x40}, FOLLOW},
    {7, 3, {0x48, 0x8b, 0x80}, FOLLOW},
    {9, 5, {0x64, 0x48, 0x8b, 0x04, 0x25}, THREAD},
    {4, 4, {0x64, 0x48, 0x8b, 0x00}, THREAD_AT},
    {8, 4, {0x66, 0x48, 0x8d, 0x3d}, BLOCK},
    {7, 3, {0x48, 0x8d, 0x3d}, BLOCK},
    {8, 4, {0x66, 0x66, 0x48, 0xe8}, BLOCK_CALLED},
    {8, 4, {0x66, 0x48, 0xff, 0x15}, BLOCK_CALLED},
    {5, 1, {0xe8}, BLOCK_CALLED},
    {1, 1, {0xc3}, DONE},
    {1, 1, {0x5d}, DONE}, /* pop rbp, pop rcx, pop rdx, leave: what follows is the return */
    {1, 1, {0x59}, DONE},
    {1, 1, {0x5a}, DONE},
    {1, 1, {0xc9}, DONE},
    {3, 3, {0x48, 0x85, 0xc0}, DONE}, /* test rax, rax: it is looked whether there is any */
};

static const struct form *form_of(const uint8_t *code, size_t left)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].length <= left && memcmp(code, forms[i].bytes, forms[i].fixed) == 0)
            return &forms[i];
    }
    return NULL;
}

static uint64_t operand_of(const struct form *form, const uint8_t *code)
{
    int32_t word;

    if (form->length - form->fixed == 1)
        return (uint64_t)(int64_t)(int8_t)code[form->fixed];
    if (form->length - form->fixed != sizeof(word))
        return 0;
    memcpy(&word, code + form->fixed, sizeof(word));
    return (uint64_t)(int64_t)word;
}

/* `next` is the address of the instruction that follows. */
static void step(struct walk *walk, const struct form *form, uint64_t operand, uint64_t next)
{
    switch (form->effect) {
    case IGNORED:
        break;
    case LOAD:
        set(walk, LOADED, next + operand);
        break;
    case ADDRESS:
        set(walk, VALUE, next + operand);
        break;
    case NUMBER:
        set(walk, VALUE, operand);
        break;
    case FOLLOW:
        set(walk, walk->known ? LOADED : NOTHING, value_of(walk) + operand);
        break;
    case THREAD:
        set(walk, walk->thread_pointer ? LOADED : NOTHING, walk->thread_pointer + operand);
        break;
    case THREAD_AT:
        set(walk, walk->thread_pointer && walk->known ? LOADED : NOTHING,
            walk->thread_pointer + value_of(walk));
        break;
    case BLOCK:
        walk->block = next + operand;
        break;
    case BLOCK_CALLED: {
        uint64_t block = walk->thread_pointer && walk->block ? thread_block(walk) : 0;
        set(walk, block ? VALUE : NOTHING, block);
        break;
    }
    case DONE:
        walk->done = true;
        break;
    }
}

uint64_t returned_word(const struct reader *reader, uint64_t address, uint64_t thread_pointer)
{
    const uint64_t missed = reader->image->missed;
    struct walk walk = {.reader = reader, .thread_pointer = thread_pointer};
    const void *at = address ? image_at(reader->image, address, MOST_CODE) : NULL;
    uint8_t code[MOST_CODE];
    size_t offset = 0;

    if (at)
        memcpy(code, at, sizeof(code));
    for (unsigned i = 0; at && !walk.done && i < MOST_INSTRUCTIONS; i++) {
        const struct form *form = form_of(code + offset, sizeof(code) - offset);
        if (!form)
            break;
        uint64_t operand = operand_of(form, code + offset);
        offset += form->length;
        step(&walk, form, operand, address + offset);
    }
    reader->image->missed = missed;
    return walk.done && walk.known == LOADED ? walk.value : 0;
}
