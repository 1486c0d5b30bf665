// SPDX-License-Identifier: MIT
/* Exported functions, found and read in hand-made images. */
#include "inspector/python/exported.h"
#include "inspector/python/traverse_setting.h"
#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>

enum { CODE_AT = 0x8000, TABLES_AT = 0x4000, THREAD_AT = 0xa000, FUNCTION = 0x8800 };

static struct fake_heap heap;

static struct reader start(void)
{
    fake_heap_init(&heap, &fake_newest);
    return (struct reader){.python = &heap.python, .image = &heap.image};
}

static uint64_t put_code(const void *code, size_t size)
{
    memset(heap.bytes + CODE_AT, 0xcc, 256);
    memcpy(heap.bytes + CODE_AT, code, size);
    return FAKE_BASE + CODE_AT;
}

struct row {
    const char *name;
    uint8_t code[32];
    uint64_t word; /* where it is, from FAKE_BASE; 0: not told */
};

/* At CODE_AT + 0x1000 are the address FAKE_BASE + 0x2000 and the number 0x20. */
static const struct row rows[] = {
    {"a variable", {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0, 0xc3}, 0x9000},
    {"by the GOT", {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0, 0x48, 0x8b, 0x00, 0xc3}, 0x2000},
    {"a member", {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0, 0x48, 0x8b, 0x40, 0x28, 0xc3}, 0x2028},
    {"a far member",
     {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0, 0x48, 0x8b, 0x80, 0x40, 0x02, 0, 0, 0xc3},
     0x2240},
    {"thread-local",
     {0xf3, 0x0f, 0x1e, 0xfa, 0x64, 0x48, 0x8b, 0x04, 0x25, 0xe8, 0xff, 0xff, 0xff, 0xc3},
     THREAD_AT - 0x18},
    {"thread-local by the GOT",
     {0x48, 0x8b, 0x05, 0x01, 0x10, 0, 0, 0x64, 0x48, 0x8b, 0x00, 0xc3},
     THREAD_AT + 0x20},
    {"with a frame",
     {0x55, 0x48, 0x89, 0xe5, 0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x5d, 0xc3},
     THREAD_AT - 8},
    {"of another module",
     {0x48, 0x83, 0xec, 0x08, 0x66, 0x48, 0x8d, 0x3d, 0x04, 0x10, 0,    0,    0x66, 0x66,
      0x48, 0xe8, 0,    0,    0,    0,    0x48, 0x8b, 0x00, 0x48, 0x83, 0xc4, 0x08, 0xc3},
     0x3010},
    {"a call", {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0, 0xff, 0xd0, 0xc3}, 0},
    {"an address", {0x48, 0x8d, 0x05, 0xf9, 0x0f, 0, 0, 0xc3}, 0},
    {"nothing", {0xc3}, 0},
    {"no code", {0xcc}, 0},
};

Test(exported, knows_which_word_a_function_returns)
{
    struct reader reader = start();
    const uint64_t thread = FAKE_BASE + THREAD_AT;

    fake_put(&heap, FAKE_BASE + 0x9000, FAKE_BASE + 0x2000);
    fake_put(&heap, FAKE_BASE + 0x9008, 0x20);
    /* A module's number and an offset, and the thread's table of blocks. */
    fake_put(&heap, FAKE_BASE + 0x9010, 2);
    fake_put(&heap, FAKE_BASE + 0x9018, 0x10);
    fake_put(&heap, thread + 8, FAKE_BASE + 0xb000);
    fake_put(&heap, FAKE_BASE + 0xb020, FAKE_BASE + 0x3000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t function = put_code(rows[i].code, sizeof(rows[i].code));
        uint64_t word = returned_word(&reader, function, thread);
        cr_expect_eq(word, rows[i].word ? FAKE_BASE + rows[i].word : 0, "%s: %lx", rows[i].name,
                     (unsigned long)word);
        cr_expect_eq(heap.image.missed, 0);
    }
    uint64_t function = put_code(rows[4].code, sizeof(rows[4].code));
    cr_expect_eq(returned_word(&reader, function, 0), 0, "no thread is known");
    cr_expect_eq(returned_word(&reader, 0, thread), 0);
    cr_expect_eq(returned_word(&reader, 1, thread), 0);
    cr_expect_eq(heap.image.missed, 0, "nobody needs what is not there");
    fake_heap_free(&heap);
}

/* A file of one page and more, with one symbol. */
static void put_file(uint64_t bias, const char *name)
{
    Elf64_Ehdr header = {.e_machine = EM_X86_64,
                         .e_phoff = sizeof(header),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 2};
    const uint64_t at = TABLES_AT;
    Elf64_Phdr segments[2] = {{.p_type = PT_LOAD, .p_memsz = FAKE_PAGES * IMAGE_PAGE},
                              {.p_type = PT_DYNAMIC, .p_vaddr = at}};
    Elf64_Dyn dynamic[4] = {{.d_tag = DT_SYMTAB, .d_un.d_ptr = bias + at + 0x100},
                            {.d_tag = DT_STRTAB, .d_un.d_ptr = bias + at + 0x200},
                            {.d_tag = DT_GNU_HASH, .d_un.d_ptr = bias + at + 0x300}};
    Elf64_Sym symbols[2] = {{0}, {.st_name = 1, .st_value = FUNCTION}};
    uint32_t hash = 5381;

    memcpy(header.e_ident, ELFMAG, SELFMAG);
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    /* Buckets, first symbol, bloom words, shift; the filter; the bucket; the chain. */
    uint32_t table[8] = {1, 1, 1, 0, 0, 0, 1, hash | 1};
    memcpy(heap.bytes, &header, sizeof(header));
    memcpy(heap.bytes + sizeof(header), segments, sizeof(segments));
    memcpy(heap.bytes + at, dynamic, sizeof(dynamic));
    memcpy(heap.bytes + at + 0x100, symbols, sizeof(symbols));
    memcpy(heap.bytes + at + 0x201, name, strlen(name) + 1);
    memcpy(heap.bytes + at + 0x300, table, sizeof(table));
}

Test(exported, finds_a_function)
{
    struct reader reader = start();
    const uint64_t near = FAKE_BASE + 0x6000;

    put_file(FAKE_BASE, "PyThreadState_Get"); /* moved by ld.so, and as linked */
    cr_expect_eq(exported_function(&reader, near, "PyThreadState_Get"), FAKE_BASE + FUNCTION);
    put_file(0, "PyThreadState_Get");
    cr_expect_eq(exported_function(&reader, near, "PyThreadState_Get"), FAKE_BASE + FUNCTION);
    cr_expect_eq(exported_function(&reader, near, "PyThreadState_GetX"), 0);
    cr_expect_eq(exported_function(&reader, near, "PyThreadState_Ge"), 0);
    cr_expect_eq(exported_function(&reader, FAKE_BASE - 8, "PyThreadState_Get"), 0);
    cr_expect_eq(heap.image.missed, 0);
    fake_heap_free(&heap);
}

/* Whatever its tables say, nothing is read outside of the image and it comes to an end. */
Test(exported, survives_a_damaged_file, .timeout = 60)
{
    struct reader reader = start();
    uint32_t random = 1;

    for (unsigned i = 0; i < 20000; i++) {
        put_file(i % 2 ? FAKE_BASE : 0, "PyThreadState_Get");
        for (unsigned j = 0; j < 4; j++) {
            random = random * 1664525 + 1013904223;
            unsigned place = random >> 8;
            size_t at = place % 3 == 0 ? place / 3 % 176 : TABLES_AT + place / 3 % 0x330;
            heap.bytes[at] = (uint8_t)(random >> 24);
        }
        (void)exported_function(&reader, FAKE_BASE + 0x6000, "PyThreadState_Get");
    }
    fake_heap_free(&heap);
}

Test(traverse_setting, knows_whom_the_collector_asks)
{
    struct reader reader = start();
    struct type type = {.valid = true, .flags = TPFLAGS_HAVE_GC, .traverse = 0x1000};

    cr_expect(is_traversed(&reader, &type, heap.type_type));
    type.traverse = 0;
    cr_expect_not(is_traversed(&reader, &type, heap.type_type), "no tp_traverse");
    type = (struct type){.valid = true, .traverse = 0x1000};
    cr_expect_not(is_traversed(&reader, &type, heap.type_type), "no collector");
    cr_expect_not(is_traversed(&reader, NULL, heap.type_type));
    type.flags = TPFLAGS_HAVE_GC | TPFLAGS_TYPE_SUBCLASS;
    cr_expect_not(is_traversed(&reader, &type, heap.str_type), "a static type");
    cr_expect(is_traversed(&reader, &type, fake_class(&heap, "Ham")));
    fake_heap_free(&heap);
}
